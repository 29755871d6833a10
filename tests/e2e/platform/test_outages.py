"""Kafka and PostgreSQL are killed while events flow from the outbox to a handler: all arrive, and nobody must help."""

import asyncio
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tanggap.platform import outbox
from tanggap.platform.consumer import Consumer
from tanggap.platform.database import Database
from tanggap.platform.outbox import Relay
from tanggap.platform.topics import TopicSpec, ensure_topics
from tests.support.plumbing import DECODERS, eventually, happened, plumbing_settings, running, thing

pytestmark = pytest.mark.timeout(180)


class Table:
    """A handler with a natural key, as all are: what it has seen stands in a table once."""

    def __init__(self, database):
        self.database = database

    async def make(self):
        async with self.database.connection() as connection:
            await connection.execute(
                "DROP TABLE IF EXISTS seen; CREATE TABLE seen (id uuid PRIMARY KEY, nth bigint GENERATED ALWAYS AS IDENTITY)"
            )

    async def handle(self, records):
        async with self.database.connection() as connection:
            await connection.execute(
                "INSERT INTO seen (id) SELECT * FROM unnest($1::uuid[]) ON CONFLICT DO NOTHING",
                [one.event.event_id for one in records],
            )

    async def count(self):
        async with self.database.connection() as connection:
            return await connection.fetchval("SELECT count(*) FROM seen")

    async def order(self):
        async with self.database.connection() as connection:
            return [row["id"] for row in await connection.fetch("SELECT id FROM seen ORDER BY nth")]


@pytest.fixture
async def topic(own_kafka, request):
    """This test's own topic on the broker that it kills."""
    name = request.function.__name__.replace("_", "-")
    await ensure_topics(own_kafka.bootstrap, [TopicSpec(name, 1), TopicSpec(f"{name}.dlq", 1)])
    return name


@asynccontextmanager
async def line(kafka, dsn, topic):
    """Outbox, relay, log, consumer, table."""
    database = Database(dsn, "plumbing")
    await database.start()
    table = Table(database)
    await table.make()
    settings = plumbing_settings(dsn, kafka.bootstrap)
    consumer = Consumer(settings, decoders=DECODERS, handle=table.handle, topic=topic, group=topic)
    relay = Relay(database, settings, topic)
    try:
        async with running(consumer, relay):
            yield database, table, consumer, relay
    finally:
        await database.stop()


async def put(database, events):
    for event in events:
        while True:
            try:
                async with database.transaction() as connection:
                    await outbox.add(connection, [event])
                break
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.05)


async def test_kafka_is_killed_and_started_again(own_kafka, own_dsn, topic):
    async with line(own_kafka, own_dsn, topic) as (database, table, consumer, relay):
        before = [happened(n, thing(0)) for n in range(200)]
        after = [happened(n, thing(0)) for n in range(200, 400)]
        await put(database, before)
        await eventually(table.count)
        own_kafka.kill()
        await put(database, after)
        await eventually(lambda: not consumer.check()[0] or not relay.check()[0], seconds=60)
        await own_kafka.launch()

        async def all_there():
            return await table.count() == 400

        await eventually(all_there, seconds=60)
        assert await table.order() == [event.event_id for event in before + after]
        await eventually(lambda: consumer.check()[0] and relay.check()[0], seconds=60)


async def test_kafka_is_away_for_longer_than_a_producer_waits(own_kafka, own_dsn, topic, monkeypatch):
    monkeypatch.setattr("tanggap.platform.publisher.PRODUCER_TIMEOUT_SECONDS", 1.0)
    async with line(own_kafka, own_dsn, topic) as (database, table, _, relay):
        first = [happened(n, thing(0)) for n in range(50)]
        await put(database, first)

        async def some():
            return await table.count() == 50

        await eventually(some)
        await own_kafka.stop()
        await put(database, second := [happened(n, thing(0)) for n in range(50)])
        await eventually(lambda: relay.last_error is not None, seconds=60)
        assert relay.check()[2] is True
        await eventually(lambda: relay.backlog == 50)
        await own_kafka.launch()

        async def all_there():
            return await table.count() == 100

        await eventually(all_there, seconds=60)
        assert await table.order() == [event.event_id for event in first + second]


async def test_kafka_comes_after_the_service(own_kafka, own_dsn, topic):
    await own_kafka.stop()
    async with line(own_kafka, own_dsn, topic) as (database, table, consumer, _):
        await put(database, [happened(n) for n in range(10)])
        await eventually(lambda: "not connected: KafkaConnectionError" in consumer.state)
        await own_kafka.launch()

        async def all_there():
            return await table.count() == 10

        await eventually(all_there, seconds=60)
        await eventually(lambda: consumer.check()[0], seconds=60)


async def test_postgresql_is_killed_and_started_again(own_kafka, own_postgres, own_dsn, topic):
    async with line(own_kafka, own_dsn, topic) as (database, table, consumer, relay):
        await put(database, before := [happened(n, thing(0)) for n in range(100)])
        await eventually(table.count)
        own_postgres.kill()
        writing = asyncio.create_task(put(database, after := [happened(n, thing(0)) for n in range(100, 200)]))
        await eventually(lambda: not relay.active)
        await own_postgres.launch()
        await writing

        async def all_there():
            return await table.count() == 200

        await eventually(all_there, seconds=60)
        assert await table.order() == [event.event_id for event in before + after]
        await eventually(lambda: consumer.check()[0] and relay.check()[0], seconds=60)
