"""Servers that these tests may kill, and a service's database with an outbox."""

import pytest

from stack.kafka import Kafka
from stack.postgres import Postgres, provision
from tanggap.platform.database import Database
from tests.support.plumbing import make_outbox
from tests.support.servers import open_folder


@pytest.fixture
async def database(databases):
    dsn = await databases.blank("plumbing")
    await make_outbox(dsn, "plumbing")
    database = Database(dsn, "plumbing")
    await database.start()
    yield database
    await database.stop()


@pytest.fixture(scope="module")
async def own_kafka():
    """A broker that a test may kill and start again."""
    async with open_folder("kafka-killed") as folder:
        kafka = Kafka(folder, port=0)
        await kafka.start()
        yield kafka
        await kafka.stop()


@pytest.fixture(scope="module")
async def own_postgres():
    """A PostgreSQL that a test may kill and start again."""
    async with open_folder("postgres-killed") as folder:
        server = Postgres(folder, port=0, durable=False)
        await server.start()
        yield server
        await server.stop()


@pytest.fixture(scope="module")
async def own_dsn(own_postgres):
    dsn = (await provision(own_postgres.dsn, {"plumbing": "secret"}))["plumbing"]
    await make_outbox(dsn, "plumbing")
    return dsn
