"""A trace goes on from one `traceparent` to the next; spans only where they are wanted."""

import os
import subprocess
import sys
import timeit

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tanggap.platform import telemetry

PARENT = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.fixture
def spans():
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry.use(provider.get_tracer("tests"))
    yield exporter.get_finished_spans
    telemetry.use(None)


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "junk",
        f"01-{'a' * 32}-{'b' * 16}-01",
        f"00-{'0' * 32}-{'b' * 16}-01",
        f"00-{'a' * 32}-{'0' * 16}-01",
        f"00-{'A' * 32}-{'b' * 16}-01",
        f"{PARENT}-more",
        f"{PARENT}\n",
        f"00-{'a' * 31}\0-{'b' * 16}-01",
    ],
)
def test_what_is_no_traceparent_is_none(given):
    assert telemetry.valid(given) is None


def test_a_good_one_is_taken_as_it_is():
    assert telemetry.valid(PARENT) == PARENT
    assert telemetry.valid(telemetry.begin()) is not None


def test_without_spans_the_trace_is_carried_on_and_stands_on_every_line():
    assert not telemetry.enabled()
    with telemetry.continued(PARENT, "x", telemetry.SpanKind.SERVER) as span:
        assert span is None
        assert telemetry.current() == PARENT
        assert structlog.contextvars.get_contextvars()["trace_id"] == "a" * 32
    assert telemetry.current() is None
    assert "trace_id" not in structlog.contextvars.get_contextvars()


def test_without_a_parent_a_trace_begins():
    with telemetry.continued("junk", "x", telemetry.SpanKind.SERVER):
        first = telemetry.current()
    with telemetry.continued(None, "x", telemetry.SpanKind.SERVER):
        second = telemetry.current()
    assert telemetry.valid(first)
    assert telemetry.trace_id(first) != telemetry.trace_id(second)


def test_with_spans_each_is_below_the_one_before(spans):
    with telemetry.continued(PARENT, "request", telemetry.SpanKind.SERVER):
        outer = telemetry.current()
        with telemetry.continued(outer, "handler", telemetry.SpanKind.CONSUMER):
            inner = telemetry.current()

    handler, request = spans()
    assert f"{request.parent.span_id:016x}" == "b" * 16
    assert handler.parent.span_id == request.context.span_id
    assert {f"{span.context.trace_id:032x}" for span in spans()} == {"a" * 32}
    assert outer[36:52] == f"{request.context.span_id:016x}"
    assert inner[36:52] == f"{handler.context.span_id:016x}"


def test_an_exception_is_on_its_span(spans):
    with pytest.raises(KeyError), telemetry.continued(None, "x", telemetry.SpanKind.SERVER):
        raise KeyError("x")
    (span,) = spans()
    assert span.status.status_code is telemetry.StatusCode.ERROR


def test_being_within_a_trace_names_it_and_its_complaint_and_ends_nothing(spans):
    span = telemetry.start(PARENT, "process", telemetry.SpanKind.CONSUMER)
    with telemetry.within(telemetry.of_span(span), span, complaint_id="c-1", other=None):
        bound = structlog.contextvars.get_contextvars()
        assert bound["complaint_id"] == "c-1"
        assert bound["trace_id"] == "a" * 32
        assert "other" not in bound
    assert spans() == ()
    span.end()
    assert len(spans()) == 1


def test_without_an_endpoint_nothing_is_made():
    telemetry.configure("intake", None)
    assert not telemetry.enabled()
    with pytest.raises(RuntimeError):
        telemetry.start(None, "x", telemetry.SpanKind.CONSUMER)


START = """
import sys, threading
from pathlib import Path
from tanggap.platform.process import serve
from tanggap.platform.settings import ServiceSettings

def build(settings):
    print([one.name for one in threading.enumerate()][1:], "opentelemetry.sdk.trace" in sys.modules)
    sys.exit(0)

serve(ServiceSettings.load(), build, Path())
"""


@pytest.mark.parametrize(
    ("endpoint", "started"),
    [(None, "[] False"), ("", "[] False"), ("http://127.0.0.1:9", "['OtelBatchSpanRecordProcessor'] True")],
)
def test_a_process_without_an_endpoint_starts_nothing_that_sends(endpoint, started):
    known = {"DATABASE_URL": "postgresql://a:b@c/d", "KAFKA_BOOTSTRAP_SERVERS": "a:1", "PATH": os.environ["PATH"]}
    environment = known if endpoint is None else {**known, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    done = subprocess.run([sys.executable, "-c", START], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == started


def test_off_costs_next_to_nothing():
    def request():
        with telemetry.continued(PARENT, "x", telemetry.SpanKind.SERVER):
            pass

    assert min(timeit.repeat(request, number=1000, repeat=5)) / 1000 < 50e-6
