"""The whole routing service on a real log: from a new complaint's record to the record of its assignment."""

import asyncio
import os
import shutil
import signal
import sys
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from httpx import ASGITransport, AsyncClient

from services.routing.app import build
from services.routing.settings import Settings
from tanggap.contracts.events import ComplaintRated, decoders
from tanggap.platform import cloudevents
from tests.support.boundaries import give_away
from tests.support.plumbing import eventually, headers_of, read_all
from tests.support.routing import BEKASI, JAKARTA, MONAS, submitted

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


@pytest.fixture
async def settings(databases, kafka_bootstrap):
    return Settings(
        database_url=await databases.dsn("routing"),
        kafka_bootstrap_servers=kafka_bootstrap,
        tanggap_city=JAKARTA,
        kafka_session_timeout_seconds=6,
    )


@asynccontextmanager
async def running(settings, topic):
    """The service in this loop, as its process runs it, with a client of its HTTP side."""
    process = build(settings, topic=topic)
    async with (
        process.app.router.lifespan_context(process.app),
        AsyncClient(transport=ASGITransport(process.app), base_url="http://routing.example") as client,
    ):
        yield client


@asynccontextmanager
async def writing(topics):
    """Writes records to the log, as a relay would."""
    async with AIOKafkaProducer(bootstrap_servers=topics.bootstrap, acks="all", enable_idempotence=True) as producer:

        async def write(event, body=None):
            await producer.send_and_wait(
                topics.complaints,
                event.model_dump_json().encode() if body is None else body,
                str(event.complaint_id).encode(),
                headers=cloudevents.of(event, "tests", TRACE),
            )

        yield write


async def told(topics):
    """What routing told the log: event and headers, in order."""
    readers = decoders()
    found = [(headers_of(record), record.value) for record in await read_all(topics.bootstrap, topics.complaints)]
    return [
        (readers[headers["ce_type"]](value), headers) for headers, value in found if headers["ce_source"] == "/tanggap/routing"
    ]


async def test_new_complaints_are_assigned_or_sent_to_triage_and_the_reason_can_be_read(settings, topics):
    at_monas, in_bekasi = submitted("sampah", MONAS), submitted("sampah", BEKASI)
    async with running(settings, topics.complaints) as client, writing(topics) as write:
        await write(at_monas)
        await write(in_bekasi)
        await write(
            ComplaintRated.create(complaint_id=at_monas.complaint_id, cause="x", occurred_at=at_monas.received_at, stars=5)
        )

        async def both():
            found = await told(topics)
            return found if len(found) == 2 else None

        found = {event.complaint_id: (event, headers) for event, headers in await eventually(both)}
        assigned, headers = found[at_monas.complaint_id]
        assert (assigned.type, assigned.unit.name) == ("complaint.assigned", "Gambir")
        assert headers["ce_subject"] == str(at_monas.complaint_id)
        assert headers["ce_dataschema"] == "complaint.assigned.v1.json"
        assert headers["traceparent"].split("-")[1] == TRACE.split("-")[1]
        triage, _ = found[in_bekasi.complaint_id]
        assert (triage.type, triage.problem) == ("complaint.triage_requested", "outside_city")
        why = (await client.get(f"/v1/decisions/{in_bekasi.complaint_id}", headers={"Accept-Language": "en"})).json()
        assert "Kota Bekasi" in why["reason_text"]
        ready = await eventually(lambda: _ready(client))
        assert ready.status_code == 200


async def test_a_new_ward_index_is_decided_by_without_a_restart(settings, topics, tmp_path):
    folder = tmp_path / "city"
    shutil.copytree(JAKARTA, folder)
    first, second, cideng = submitted("sampah", MONAS), submitted("sampah", MONAS), "31.71.01.1002"
    own = settings.model_copy(update={"tanggap_city": folder})
    async with running(own, topics.complaints) as client, writing(topics) as write:

        async def decided(complaint):
            answer = await client.get(f"/v1/decisions/{complaint.complaint_id}")
            return answer.json() if answer.status_code == 200 else None

        await write(first)
        before = await eventually(lambda: decided(first))
        changed = give_away(folder, at=MONAS, to=cideng)

        async def taken():
            wards = (await client.get("/readyz")).json()["checks"]["wards"]
            return wards if wards["detail"] == f"version {changed.version}" else None

        await eventually(taken)
        await write(second)
        after = await eventually(lambda: decided(second))
        assert (before["ward"]["name"], after["ward"]["code"]) == ("Gambir", cideng)
        assert before["wards_version"] != after["wards_version"] == changed.version
        assert await decided(first) == before


async def _ready(client):
    answer = await client.get("/readyz")
    return answer if answer.status_code == 200 else None


async def test_a_record_that_is_no_complaint_goes_to_the_dead_letters_and_those_around_it_are_decided(
    settings, topics, logged_faults
):
    logged_faults.expect("a record was dead-lettered")
    good = [submitted("sampah") for _ in range(4)]
    bad = submitted("sampah")
    async with writing(topics) as write:
        for one in good[:2]:
            await write(one)
        await write(bad, b'{"type": "complaint.submitted", "description": "no id"}')
        for one in good[2:]:
            await write(one)
    async with running(settings, topics.complaints):

        async def done():
            letters = await read_all(topics.bootstrap, topics.dead_letters)
            events = await told(topics)
            return (letters, events) if letters and len(events) == len(good) else None

        letters, events = await eventually(done)
    assert {event.complaint_id for event, _ in events} == {one.complaint_id for one in good}
    (letter,) = letters
    headers = headers_of(letter)
    assert headers["dlq_service"] == "routing"
    assert headers["dlq_origin"].startswith(topics.complaints)
    assert letter.key.decode() == str(bad.complaint_id)


async def test_killed_at_any_moment_each_complaint_is_decided_once_and_told(settings, topics):
    complaints = [submitted("sampah", complaint_id=uuid4()) for _ in range(400)]
    environment = {
        **os.environ,
        "DATABASE_URL": settings.dsn,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "TANGGAP_CITY": str(JAKARTA),
        "CONSUMER_MAX_RECORDS": "20",
        "KAFKA_SESSION_TIMEOUT_SECONDS": "6",
        "KAFKA_GROUP_INSTANCE_ID": "routing-0",
    }
    program = (
        "import sys, uvicorn\n"
        "from services.routing.app import build\n"
        "from services.routing.settings import Settings\n"
        "uvicorn.run(build(Settings(), topic=sys.argv[1]).app, port=0, log_level='warning')\n"
    )
    decided = set()
    async with writing(topics) as write:
        for life, wave in enumerate((complaints[:150], complaints[150:300], complaints[300:])):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", program, topics.complaints, env=environment, stderr=asyncio.subprocess.DEVNULL
            )
            try:
                # Killed while it works: as soon as it is seen to have told anything new, the last time when all is told.
                want = len(complaints) if life == 2 else len(decided) + 1
                writes = asyncio.gather(*(write(one) for one in wave))

                async def enough(want=want):
                    events = {event.event_id: event for event, _ in await told(topics)}
                    return events if len(events) >= want else None

                events = await eventually(enough, 60)
                decided = {event.complaint_id for event in events.values()}
            finally:
                process.send_signal(signal.SIGKILL)
                await process.wait()
            await writes
    assert decided == {one.complaint_id for one in complaints}
    assert len(events) == len(complaints)
