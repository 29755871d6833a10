"""Events in the outbox: in the transaction that made them, or not at all."""

import asyncio

import asyncpg
import pytest

from tanggap.platform import outbox
from tanggap.platform.database import Database
from tests.support.plumbing import happened, make_outbox, thing


@pytest.fixture
async def database(databases):
    dsn = await databases.blank("plumbing")
    await make_outbox(dsn, "plumbing")
    database = Database(dsn, "plumbing")
    await database.start()
    yield database
    await database.stop()


async def waiting(database):
    async with database.connection() as connection:
        return await connection.fetch(f"SELECT {outbox.COLUMNS} FROM outbox ORDER BY id")


async def test_events_stand_there_in_order_as_they_are(database):
    events = [happened(n, thing(n)) for n in range(3)]
    async with database.transaction() as connection:
        await outbox.add(connection, events, "00-trace")

    rows = await waiting(database)

    assert [row["event_id"] for row in rows] == [event.event_id for event in events]
    assert [row["subject"] for row in rows] == [thing(n) for n in range(3)]
    assert rows[0]["payload"] == events[0].model_dump_json()
    assert (rows[0]["type"], rows[0]["dataschema"]) == ("thing.happened", "thing.happened.v1.json")
    assert rows[0]["occurred_at"] == events[0].occurred_at
    assert rows[0]["traceparent"] == "00-trace"


async def test_each_event_may_have_its_own_trace(database):
    async with database.transaction() as connection:
        await outbox.add(connection, [happened(1), happened(2)], ["a", None])
    assert [row["traceparent"] for row in await waiting(database)] == ["a", None]


def test_as_many_traces_as_events_are_wanted():
    with pytest.raises(ValueError, match="1 traces for 2 events"):
        outbox.rows([happened(1), happened(2)], ["a"])


async def test_what_is_rolled_back_was_never_there(database):
    async def failing():
        async with database.transaction() as connection:
            await outbox.add(connection, [happened(1)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await failing()
    assert await waiting(database) == []


async def test_the_same_event_does_not_wait_twice(database):
    event = happened(1)
    async with database.connection() as connection:
        await outbox.add(connection, [event])
        with pytest.raises(asyncpg.UniqueViolationError):
            await outbox.add(connection, [event])


async def test_no_events_are_no_statement():
    await outbox.add(None, [])


async def test_who_listens_hears_one_word_for_each_statement_when_it_is_committed(database):
    heard = asyncio.Queue()
    link = await database.connect()
    try:
        await link.add_listener("plumbing_outbox", lambda *_: heard.put_nowait(True))
        async with database.transaction() as connection:
            await outbox.add(connection, [happened(n) for n in range(100)])
            assert heard.empty()
        assert await asyncio.wait_for(heard.get(), 5)
        assert heard.empty()
    finally:
        await link.close()
