"""The relay: what waits in the outbox reaches the log, in order, once acknowledged, from one process at a time."""

import asyncio
import statistics
import time
from itertools import pairwise

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import OutOfOrderSequenceNumber

from tanggap.platform import outbox, relay
from tanggap.platform.database import Database
from tanggap.platform.errors import Fatal
from tanggap.platform.outbox import Relay
from tests.support.plumbing import eventually, happened, headers_of, plumbing_settings, read_all, running, thing

CUT_LOCK_HOLDERS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND datname = $1
"""


def make(database, topics, **settings):
    return Relay(database, plumbing_settings(database.dsn, topics.bootstrap, **settings), topics.complaints)


async def put(database, *events, traceparent=None):
    async with database.transaction() as connection:
        await outbox.add(connection, events, traceparent)


async def waiting(database):
    async with database.connection() as connection:
        return await connection.fetchval("SELECT count(*) FROM outbox")


async def emptied(database):
    async def empty():
        return await waiting(database) == 0

    await eventually(empty)


async def numbers(topics):
    return [
        int(record.value.split(b'"number":')[1].split(b",")[0]) for record in await read_all(topics.bootstrap, topics.complaints)
    ]


async def test_events_are_published_as_they_are_and_leave_the_outbox(database, topics):
    event = happened(1, thing(3), text="Jalan rusak")
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    await put(database, event, traceparent=trace)

    async with running(make(database, topics)):
        await emptied(database)

    (record,) = await read_all(topics.bootstrap, topics.complaints)
    assert record.value == event.model_dump_json().encode()
    assert record.key == str(thing(3)).encode()
    told = headers_of(record)
    assert told["ce_id"] == str(event.event_id)
    assert told["ce_type"] == "thing.happened"
    assert told["ce_source"] == "/tanggap/plumbing"
    assert told["traceparent"] == trace
    assert record.timestamp_type == 1, "stamped by the broker's clock"


async def test_one_keys_events_are_on_one_partition_in_the_order_of_their_ids(database, topics):
    count = 3 * relay.BATCH_ROWS + 7
    await put(database, *(happened(n, thing(n % 5)) for n in range(count)))

    async with running(make(database, topics)):
        await emptied(database)

    records = await read_all(topics.bootstrap, topics.complaints)
    assert len(records) == count
    for key in range(5):
        mine = [record for record in records if record.key == str(thing(key)).encode()]
        assert len({record.partition for record in mine}) == 1
        order = [int(record.value.split(b'"number":')[1].split(b",")[0]) for record in mine]
        assert order == sorted(order)


async def test_a_word_from_the_database_wakes_it_within_milliseconds(database, topics, monkeypatch):
    monkeypatch.setattr(relay, "POLL_SECONDS", 60)
    one = make(database, topics)
    took = []
    async with running(one):
        await eventually(lambda: one.active)
        await put(database, happened(0))
        await emptied(database)
        for number in range(1, 41):
            began = time.perf_counter()
            await put(database, happened(number))
            while await waiting(database):
                await asyncio.sleep(0)
            took.append(time.perf_counter() - began)
    assert statistics.median(took) < 0.1


async def test_without_the_word_it_looks_by_itself(database, topics, monkeypatch):
    monkeypatch.setattr(relay, "POLL_SECONDS", 0.1)
    async with database.connection() as connection:
        await connection.execute("ALTER TABLE outbox DISABLE TRIGGER ALL")
    one = make(database, topics)
    async with running(one):
        await eventually(lambda: one.active)
        await put(database, happened(1))
        await emptied(database)


async def test_of_two_only_one_publishes_and_the_other_takes_over(database, topics, monkeypatch):
    monkeypatch.setattr(relay, "POLL_SECONDS", 0.1)
    first, second = make(database, topics), make(database, topics)
    async with running(second) as stop_second:
        await eventually(lambda: second.active)
        async with running(first):
            await put(database, *(happened(n) for n in range(20)))
            await emptied(database)
            assert (second.active, first.active) == (True, False)
            assert first.check() == (True, "standing by: another process of this service publishes", False)

            stop_second.set()
            await eventually(lambda: first.active)
            await put(database, *(happened(n) for n in range(20, 40)))
            await emptied(database)
    assert await numbers(topics) == list(range(40))


async def test_another_schemas_relay_does_not_stand_in_its_way(database, databases, topics):
    other = Database(await databases.blank("other"), "other")
    link = await other.connect()
    try:
        assert await link.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", relay._LOCK_KEY + "other")
        one = make(database, topics)
        async with running(one):
            await eventually(lambda: one.active)
    finally:
        await link.close()


async def test_who_loses_the_connection_loses_the_lock_and_takes_it_again(database, databases, topics):
    one = make(database, topics)
    async with running(one):
        await eventually(lambda: one.active)
        admin = await asyncpg.connect(databases.admin_dsn(database.dsn))
        try:
            assert await admin.fetchval(CUT_LOCK_HOLDERS, database.dsn.rsplit("/", 1)[1]) == 1
        finally:
            await admin.close()
        await eventually(lambda: not one.active)
        await put(database, happened(1))
        await emptied(database)
        await eventually(lambda: one.active)
    assert await numbers(topics) == [1]


async def test_what_was_published_but_not_deleted_comes_again_with_the_same_id(database, topics, monkeypatch):
    """As if it was killed between the acknowledgment and the commit."""
    one = make(database, topics)
    publish = one._publisher.publish
    calls = []

    async def killed_once(topic, records):
        await publish(topic, records)
        calls.append(len(records))
        if len(calls) == 1:
            raise ConnectionResetError(104, "killed")

    monkeypatch.setattr(one._publisher, "publish", killed_once)
    await put(database, *(happened(n) for n in range(3)))
    async with running(one):
        await emptied(database)

    ids = [headers_of(record)["ce_id"] for record in await read_all(topics.bootstrap, topics.complaints)]
    assert ids == ids[:3] * 2


async def test_readiness_tells_the_backlog_and_why_nothing_is_published(database, topics, monkeypatch):
    one = Relay(database, plumbing_settings(database.dsn, "127.0.0.1:1"), topics.complaints)
    await put(database, *(happened(n) for n in range(7)))
    async with running(one):
        await eventually(lambda: one.last_error and one.backlog == 7)
        well, why, outage = one.check()
    assert (well, outage) == (False, True)
    assert "7 events wait, safe in the outbox" in why
    assert "KafkaConnectionError" in why


async def test_a_producer_that_stays_stuck_ends_the_process(database, topics, monkeypatch):
    async def stuck(*_args, **_kwargs):
        raise OutOfOrderSequenceNumber

    monkeypatch.setattr(AIOKafkaProducer, "send", stuck)
    monkeypatch.setattr(relay, "_MAX_PAUSE_SECONDS", 0.01)
    await put(database, happened(1))

    with pytest.raises(Fatal, match="5 producers in a row could not publish"):
        await asyncio.wait_for(make(database, topics).run(asyncio.Event()), 30)

    assert await waiting(database) == 1


async def test_a_producer_that_is_stuck_once_is_made_anew(database, topics, monkeypatch):
    send = AIOKafkaProducer.send
    producers = []

    async def stuck_at_first(self, *args, **kwargs):
        if self not in producers:
            producers.append(self)
        if len(producers) == 1:
            raise OutOfOrderSequenceNumber
        return await send(self, *args, **kwargs)

    monkeypatch.setattr(AIOKafkaProducer, "send", stuck_at_first)
    await put(database, happened(1))
    async with running(make(database, topics)):
        await emptied(database)
    assert len(producers) == 2


async def test_an_event_that_kafka_refuses_for_good_holds_nobody_up_and_is_told(database, topics, logged_faults):
    logged_faults.expect("Kafka refuses an event for good")
    large = happened(1, text="x" * 5 * 1024 * 1024)
    await put(database, happened(0), large, happened(2))
    one = make(database, topics)
    async with running(one):
        await eventually(lambda: one._refused)

        async def only_it_is_left():
            return await waiting(database) == 1

        await eventually(only_it_is_left)
        well, why, outage = one.check()
        assert (well, outage) == (False, False)
        assert "1 events that Kafka refuses" in why
        await put(database, happened(3))
        await eventually(only_it_is_left)
    assert sorted(set(await numbers(topics))) == [0, 2, 3]


async def test_on_stop_what_is_being_published_is_finished(database, topics):
    await put(database, *(happened(n) for n in range(2000)))
    one = make(database, topics)
    async with running(one) as stop:
        await eventually(lambda: one.active)
        stop.set()
    left = await waiting(database)
    assert left + len(await read_all(topics.bootstrap, topics.complaints)) == 2000


async def test_events_that_flow_are_gathered_and_the_first_after_a_silence_is_not(database, topics, monkeypatch):
    made = make(database, topics)
    passes = []
    take = made._pass

    async def noted(link):
        began = time.monotonic()
        if taken := await take(link):
            passes.append((began, taken))
        return taken

    monkeypatch.setattr(made, "_pass", noted)
    async with running(made):
        await put(database, happened(0, thing(0)))
        await eventually(lambda: passes)
        passes.clear()
        for number in range(1, 101):
            await put(database, happened(number, thing(number)))
        await eventually(lambda: sum(count for _, count in passes) == 100)

    gaps = [later - sooner for (sooner, _), (later, _) in pairwise(passes)]
    assert min(gaps) >= relay.GATHER_SECONDS * 0.9
