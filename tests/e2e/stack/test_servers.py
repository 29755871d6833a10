"""Kafka and PostgreSQL as the local stack runs them: started, killed, half made, in each other's way."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from stack.kafka import Kafka
from stack.ports import LOCALHOST, free_port
from stack.postgres import Postgres
from stack.trouble import StackTrouble
from tanggap.platform.topics import TopicSpec, ensure_topics
from tests.support.servers import open_folder


@pytest.fixture
async def folder() -> AsyncIterator[Path]:
    async with open_folder("servers") as opened:
        yield opened


@pytest.fixture
async def kafka(folder: Path) -> AsyncIterator[Kafka]:
    server = Kafka(folder / "kafka", port=0)
    yield server
    await server.stop()


@pytest.fixture
async def postgres(folder: Path) -> AsyncIterator[Postgres]:
    server = Postgres(folder / "postgres", port=0)
    yield server
    await server.stop()


async def test_kafka_keeps_what_it_acknowledged_through_a_kill_and_comes_back_at_the_same_address(kafka: Kafka) -> None:
    await kafka.start()
    address = kafka.bootstrap
    await ensure_topics(address, [TopicSpec("kept", 1)])
    async with AIOKafkaProducer(bootstrap_servers=address, acks="all") as producer:
        for number in range(20):
            await producer.send_and_wait("kept", str(number).encode())
    kafka.kill()
    await kafka.launch()
    assert kafka.bootstrap == address
    assert await read(address, "kept") == [str(number) for number in range(20)]
    assert await kafka.stop()
    await kafka.start()
    assert await read(address, "kept") == [str(number) for number in range(20)]


async def test_kafka_starts_on_a_half_formatted_folder_and_on_the_next_port_when_its_own_is_taken(folder: Path) -> None:
    with socket.socket() as other:
        other.bind((LOCALHOST, free_port()))
        other.listen()
        taken = other.getsockname()[1]
        kafka = Kafka(folder / "kafka", port=taken)
        half = kafka.folder / "data.new"
        half.mkdir(parents=True)
        (half / "bootstrap.checkpoint").write_bytes(b"half")
        await kafka.start()
        try:
            assert kafka.port > taken
            await ensure_topics(kafka.bootstrap, [TopicSpec("works", 1)])
            assert not half.exists()
        finally:
            await kafka.stop()


def test_kafka_formats_its_folder_whatever_port_it_is_to_have(folder: Path) -> None:
    # 9093 is what Kafka's own examples give the controller, and what a second stack beside one on 9092 gives the broker.
    kafka = Kafka(folder / "kafka", port=9093)
    kafka.prepare()
    assert (kafka.folder / "data" / "meta.properties").exists()


async def test_a_kafka_that_can_not_start_says_where_its_log_is(kafka: Kafka) -> None:
    await asyncio.to_thread(kafka.prepare)
    (kafka.folder / "data" / "meta.properties").write_text("version=1\ncluster.id=another\nnode.id=7\n")
    with pytest.raises(StackTrouble, match=r"Kafka did not start; its log is .*kafka\.log\. Last lines"):
        await kafka.launch()


async def test_postgres_keeps_what_it_committed_through_a_kill_and_comes_back_at_the_same_address(postgres: Postgres) -> None:
    await postgres.start()
    dsn = postgres.dsn
    await execute(dsn, "CREATE TABLE kept AS SELECT 7 AS n")
    postgres.kill()
    assert (postgres.folder / "data" / "postmaster.pid").exists()
    await postgres.launch()
    assert postgres.dsn == dsn
    assert await value(dsn, "SELECT n FROM kept") == 7
    assert await postgres.stop()


async def test_postgres_starts_though_the_pid_it_left_belongs_to_another_process_now(postgres: Postgres) -> None:
    await postgres.start()
    postgres.kill()
    user = postgres.program.user[0] if postgres.program.user else None
    with subprocess.Popen(["/bin/sleep", "60"], user=user) as stranger:  # noqa: ASYNC220 - it only has to be there
        pid_file = postgres.folder / "data" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        await postgres.launch()
        assert await value(postgres.dsn, "SELECT 1") == 1
        assert stranger.poll() is None
        stranger.kill()


async def test_postgres_takes_its_data_back_from_a_server_that_lost_its_supervisor(postgres: Postgres, folder: Path) -> None:
    await postgres.start()
    again = Postgres(folder / "postgres", port=0)
    await again.start()
    assert await value(again.dsn, "SELECT 1") == 1
    assert postgres.program.pid is None
    await again.stop()


async def test_half_an_initdb_mends_itself(postgres: Postgres) -> None:
    for name in ("data.new", "data"):
        (postgres.folder / name / "base").mkdir(parents=True)
    await postgres.start()
    assert await value(postgres.dsn, "SELECT 1") == 1
    assert not (postgres.folder / "data.new").exists()


async def test_postgres_asks_for_a_password_and_never_runs_as_root(postgres: Postgres) -> None:
    await postgres.start()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(host=LOCALHOST, port=postgres.port, user="postgres", password="wrong")
    assert (postgres.folder / "password").stat().st_mode & 0o077 == 0
    assert psutil.Process(postgres.program.pid).uids().effective != 0


async def test_a_folder_that_may_not_be_written_is_one_clear_line(folder: Path) -> None:
    blocked = folder / "file"
    blocked.write_text("not a folder")
    for server in (Kafka(blocked / "kafka", port=0), Postgres(blocked / "postgres", port=0)):
        with pytest.raises(StackTrouble) as trouble:
            await server.start()
        assert "\n" not in str(trouble.value)
    assert shutil.disk_usage(folder).free > 0


async def read(bootstrap: str, topic: str) -> list[str]:
    partition = TopicPartition(topic, 0)
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        found: list[str] = []
        while len(found) < end:
            found += [record.value.decode() for record in (await consumer.getmany(timeout_ms=500)).get(partition, [])]
    return found


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement)
    await connection.close()


async def value(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    found = await connection.fetchval(query)
    await connection.close()
    return found
