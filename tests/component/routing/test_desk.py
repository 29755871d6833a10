"""Batches of new complaints, decided on a real database."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.routing.consumer import Desk
from services.routing.figures import DECISIONS, REPEATED
from tanggap.contracts.events import ComplaintAssigned, ComplaintTriageRequested, decoders
from tanggap.platform.consumer import Received
from tests.support.routing import DECIDED, JATINEGARA_STATION, MONAS, SECRET, SECRETS, submitted

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def read(events, traceparent=None):
    """Records as the consumer hands them over."""
    return [Received(event, 0, offset, datetime.now(UTC), traceparent) for offset, event in enumerate(events)]


@pytest.fixture
def rows(database):
    async def fetch(statement, *values):
        async with database.connection() as connection:
            return await connection.fetch(statement, *values)

    return fetch


async def test_each_complaint_gets_one_decision_and_the_log_hears_of_it(desk, rows):
    complaints = [submitted("sampah"), submitted("pju", None), submitted("jalan_rusak", JATINEGARA_STATION)]
    await desk.handle(read(complaints, TRACE))
    kept = await rows("SELECT complaint_id, cause, type, event_id, decided_at, body FROM decisions")
    assert {(row["complaint_id"], row["cause"]) for row in kept} == {(one.complaint_id, one.event_id) for one in complaints}
    assert {row["decided_at"] for row in kept} == {DECIDED}
    told = await rows("SELECT * FROM outbox ORDER BY id")
    assert [row["subject"] for row in told] == [one.complaint_id for one in complaints]
    assert [row["type"] for row in told] == ["complaint.assigned", "complaint.triage_requested", "complaint.assigned"]
    assert {row["traceparent"] for row in told} == {TRACE}
    read_by = decoders(ComplaintAssigned, ComplaintTriageRequested)
    for row in told:
        event = read_by[row["type"]](row["payload"].encode())
        assert (event.event_id, event.subject, event.occurred_at, event.dataschema) == (
            row["event_id"],
            row["subject"],
            row["occurred_at"],
            row["dataschema"],
        )
    assert {row["body"] for row in kept} == {row["payload"] for row in told}


async def test_records_read_again_make_no_second_decision_and_no_second_event(desk, rows):
    complaints = [submitted("sampah") for _ in range(5)]
    await desk.handle(read(complaints[:3]))
    before = await rows("SELECT * FROM decisions ORDER BY event_id")
    # The relay has published and deleted what was there: what was told must not be told again.
    await rows("DELETE FROM outbox")
    await desk.handle(read([*complaints, *complaints]))
    after = await rows("SELECT * FROM decisions ORDER BY event_id")
    assert len(after) == 5
    assert {tuple(row) for row in before} < {tuple(row) for row in after}
    assert {row["subject"] for row in await rows("SELECT subject FROM outbox")} == {one.complaint_id for one in complaints[3:]}


async def test_a_record_read_again_after_the_clock_went_on_keeps_its_first_decision(database, router, rows):
    complaint = submitted("sampah")
    await Desk(database, router).handle(read([complaint]))
    later = type(router)(router.city, router.wards, router.policy, lambda: DECIDED.replace(hour=23))
    await Desk(database, later).handle(read([complaint]))
    assert [row["decided_at"] for row in await rows("SELECT decided_at FROM decisions")] == [DECIDED]


async def test_two_readers_of_the_same_records_at_once_make_one_decision_each(database, router, rows):
    complaints = [submitted("sampah") for _ in range(200)]
    await asyncio.gather(*(Desk(database, router).handle(read(order)) for order in (complaints, complaints, complaints)))
    assert (await rows("SELECT count(*) FROM decisions"))[0][0] == 200
    assert (await rows("SELECT count(*), count(DISTINCT subject) FROM outbox"))[0][:] == (200, 200)


async def test_a_batch_is_one_statement_in_one_transaction(database, router, rows):
    asked = []

    class Watched:
        """A connection whose calls are noted."""

        def __init__(self, connection):
            self.connection = connection

        def __getattr__(self, name):
            asked.append(name)
            return getattr(self.connection, name)

    class WatchedDatabase:
        @asynccontextmanager
        async def connection(self):
            async with database.connection() as connection:
                yield Watched(connection)

    await Desk(WatchedDatabase(), router).handle(read([submitted("sampah") for _ in range(50)]))
    assert asked == ["fetch"]
    stamps = await rows("SELECT xmin::text FROM decisions UNION SELECT xmin::text FROM outbox")
    assert len(stamps) == 1


async def test_where_the_event_can_not_be_kept_the_decision_is_not_kept_either(desk, rows):
    await rows("ALTER TABLE outbox ADD CONSTRAINT full_up CHECK (false)")
    with pytest.raises(asyncpg.CheckViolationError):
        await desk.handle(read([submitted("sampah")]))
    assert await rows("SELECT * FROM decisions") == []
    await rows("ALTER TABLE outbox DROP CONSTRAINT full_up")


async def test_a_complaint_asked_about_for_a_second_cause_gets_a_second_decision(desk, rows):
    complaint = submitted("sampah")
    await desk.handle(read([complaint, complaint.model_copy(update={"event_id": uuid4()})]))
    assert (await rows("SELECT count(*) FROM decisions"))[0][0] == 2
    assert (await rows("SELECT count(*) FROM outbox"))[0][0] == 2


async def test_neither_decisions_nor_events_repeat_the_complaints_words(desk, rows):
    await desk.handle(read([submitted("sampah"), submitted(SECRET), submitted("pju", None)]))
    for table in ("decisions", "outbox"):
        for row in await rows(f"SELECT row_to_json(t)::text AS text FROM {table} AS t"):
            assert not [secret for secret in SECRETS if secret in row["text"]]


async def test_decisions_are_counted_once_by_outcome_and_repeats_apart(desk):
    def figure(counter, **labels):
        return counter.labels(**labels)._value.get() if labels else counter._value.get()

    before = {name: figure(DECISIONS, outcome=name) for name in ("assigned", "no_point")}
    repeated = figure(REPEATED)
    batch = read([submitted("sampah"), submitted("sampah", None), submitted(None, MONAS, words="🙏")])
    await desk.handle(batch)
    await desk.handle(batch)
    assert figure(DECISIONS, outcome="assigned") - before["assigned"] == 2
    assert figure(DECISIONS, outcome="no_point") - before["no_point"] == 1
    assert figure(REPEATED) - repeated == 3


async def test_a_batch_of_five_hundred_is_kept_whole_and_in_order(desk, rows):
    complaints = [submitted("sampah", MONAS, complaint_id=UUID(int=number)) for number in range(500)]
    await desk.handle(read(complaints))
    told = [row["subject"] for row in await rows("SELECT subject FROM outbox ORDER BY id")]
    assert told == [one.complaint_id for one in complaints]
