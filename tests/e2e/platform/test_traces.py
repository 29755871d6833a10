"""One trace from the HTTP request through the outbox and the log to the last handler."""

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tanggap.platform import http, outbox, telemetry
from tanggap.platform.consumer import Consumer
from tanggap.platform.outbox import Relay
from tests.support.plumbing import DECODERS, eventually, happened, headers_of, plumbing_settings, read_all, running, thing

CALLER = f"00-{'c' * 32}-{'d' * 16}-01"


@pytest.fixture
def spans():
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry.use(provider.get_tracer("tests"))
    yield exporter.get_finished_spans
    telemetry.use(None)


async def journey(database, topics):
    """POST -> outbox -> log -> a handler that writes a second event -> outbox -> log -> a second handler."""
    app = FastAPI()
    http.install(app)
    settings = plumbing_settings(database.dsn, topics.bootstrap)
    arrived = []

    @app.post("/things")
    async def post():
        async with database.transaction() as connection:
            await outbox.add(connection, [happened(1, thing(1))], telemetry.current())

    async def first(records):
        async with database.transaction() as connection:
            await outbox.add(
                connection, [happened(2, thing(1), type="thing.followed") for _ in records], [one.traceparent for one in records]
            )

    async def second(records):
        arrived.extend(records)

    followed = {"thing.followed": DECODERS["thing.happened"]}
    workers = (
        Relay(database, settings, topics.complaints),
        Consumer(settings, topic=topics.complaints, decoders=DECODERS, handle=first, group=f"{topics.group}-1"),
        Consumer(settings, topic=topics.complaints, decoders=followed, handle=second, group=f"{topics.group}-2"),
    )
    async with running(*workers):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            assert (await client.post("/things", headers={"traceparent": CALLER})).status_code == 200
        await eventually(lambda: arrived)
    return arrived


async def test_with_spans_every_step_is_below_the_one_before_and_all_are_one_trace(database, topics, spans):
    await journey(database, topics)

    named = {span.name: span for span in spans()}
    request, first, second = named["POST /things"], named["process thing.happened"], named["process thing.followed"]
    assert {f"{span.context.trace_id:032x}" for span in spans()} == {"c" * 32}
    assert f"{request.parent.span_id:016x}" == "d" * 16
    assert first.parent.span_id == request.context.span_id
    assert second.parent.span_id == first.context.span_id
    assert first.attributes["messaging.destination.name"] == topics.complaints
    assert request.attributes["http.response.status_code"] == 200


async def test_without_spans_the_callers_trace_still_reaches_the_last_handler(database, topics):
    assert not telemetry.enabled()

    (last,) = await journey(database, topics)

    assert telemetry.trace_id(last.traceparent) == "c" * 32
    records = await read_all(topics.bootstrap, topics.complaints)
    assert {telemetry.trace_id(headers_of(record)["traceparent"]) for record in records} == {"c" * 32}
