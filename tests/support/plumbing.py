"""What tests of the plumbing share: an event that no service knows, settings for a test's own topics, and patience."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, ClassVar
from uuid import UUID, uuid4, uuid5

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from pydantic import BaseModel, ConfigDict

from tanggap.platform import cloudevents
from tanggap.platform.settings import ServiceSettings

NOON = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
PATIENCE_SECONDS = 30.0


class Happened(BaseModel):
    """An event of nobody's."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_id: UUID
    thing_id: UUID
    number: int
    text: str = ""
    type: str = "thing.happened"
    occurred_at: datetime = NOON

    @property
    def subject(self) -> UUID:
        return self.thing_id

    @property
    def dataschema(self) -> str:
        return f"{self.type}.v1.json"


DECODERS: dict[str, Callable[[bytes], Happened]] = {"thing.happened": Happened.model_validate_json}


def thing(number: int = 0) -> UUID:
    """A subject; the same number makes the same."""
    return uuid5(UUID(int=0), str(number))


def happened(number: int, subject: UUID | None = None, **fields: Any) -> Happened:
    return Happened(event_id=uuid4(), thing_id=subject or thing(), number=number, **fields)


class PlumbingSettings(ServiceSettings):
    service: ClassVar[str] = "plumbing"


def plumbing_settings(
    dsn: str = "postgresql://nobody@127.0.0.1:1/nothing", kafka: str = "127.0.0.1:1", **more: Any
) -> PlumbingSettings:
    return PlumbingSettings(database_url=dsn, kafka_bootstrap_servers=kafka, kafka_session_timeout_seconds=6, **more)


async def eventually(holds: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait until `holds()` is true (it may be a coroutine function), return what it gave; fail after `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        found = holds()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert asyncio.get_running_loop().time() < deadline, f"it did not come true in {seconds} s: {holds}"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def running(*workers: Any) -> AsyncIterator[asyncio.Event]:
    """Run workers for the block; yields the event that stops them. Whatever one raises, the block raises at its end."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(worker.run(stop)) for worker in workers]
    try:
        yield stop
    finally:
        stop.set()
        done, late = await asyncio.wait(tasks, timeout=PATIENCE_SECONDS)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
        assert not late, "a worker did not stop"
    for task in done:
        task.result()


def record_headers(event: Happened, traceparent: str | None = None) -> list[tuple[str, bytes]]:
    return cloudevents.of(event, "tests", traceparent)


@asynccontextmanager
async def producing(kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def publish(
    kafka: str, topic: str, *events: Happened, partition: int | None = None, traceparent: str | None = None
) -> None:
    """Write events as the relay would."""
    async with producing(kafka) as producer:
        for event in events:
            await producer.send(
                topic,
                event.model_dump_json().encode(),
                str(event.subject).encode(),
                partition,
                headers=record_headers(event, traceparent),
            )


async def read_all(kafka: str, topic: str) -> list[Any]:
    """Every record of a topic, by partition and offset."""
    reader = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest", enable_auto_commit=False)
    await reader.start()
    try:
        await reader._client._wait_on_metadata(topic)
        partitions = [TopicPartition(topic, number) for number in sorted(reader.partitions_for_topic(topic))]
        reader.assign(partitions)
        ends = await reader.end_offsets(partitions)
        found: list[Any] = []
        while any([await reader.position(one) < ends[one] for one in partitions]):
            for records in (await reader.getmany(timeout_ms=200)).values():
                found += records
        return sorted(found, key=lambda record: (record.partition, record.offset))
    finally:
        await reader.stop()


async def committed(kafka: str, group: str, topic: str, partition: int = 0) -> int | None:
    """The offset that a group has committed."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    offsets: dict[TopicPartition, Any] = {}

    async def asked() -> bool:
        # A fresh broker makes its topic of offsets when the first group comes.
        with suppress(GroupCoordinatorNotAvailableError):
            offsets.update(await admin.list_consumer_group_offsets(group))
            return True
        return False

    try:
        await eventually(asked)
        found = offsets.get(TopicPartition(topic, partition))
        return found.offset if found is not None else None
    finally:
        await admin.close()


def headers_of(record: Any) -> dict[str, str]:
    return {name: value.decode("utf-8", "replace") for name, value in record.headers}


async def make_outbox(dsn: str, schema: str) -> None:
    """The outbox, from the text that services copy into their first migration."""
    text = files("tanggap.platform").joinpath("outbox.sql").read_text(encoding="utf-8").replace("SCHEMA", schema)
    connection = await asyncpg.connect(dsn, server_settings={"search_path": schema})
    try:
        await connection.execute(text)
    finally:
        with suppress(Exception):
            await connection.close()
