"""Publishing with proof: `publish` returns when every record is acknowledged by all replicas, or raises.

An idempotent producer whose record was lost on the way may answer every later one with OutOfOrderSequence until the process
ends. So a producer that failed once is thrown away, and the next call makes a new one. Where even new ones fail again and
again although Kafka answers, `Fatal` is raised: the process must be started again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordTooLargeError

from tanggap.platform.connections import answer_metadata, cut, settle
from tanggap.platform.errors import Fatal
from tanggap.platform.logs import kafka_outage
from tanggap.platform.settings import PRODUCER_TIMEOUT_SECONDS, ServiceSettings

STUCK_AFTER = 5
"""So many new producers in a row that could connect and yet failed to publish make the process end."""

_CLOSE_SECONDS = 2.0
_LOOK_SECONDS = 0.05
"""How often a producer that ends is asked whether it has."""

REFUSED = (MessageSizeTooLargeError, RecordTooLargeError)
"""Kafka will never take this record, however often it is sent."""


class Record(NamedTuple):
    """One record to be published."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Publisher:
    """An idempotent producer that mends itself. One caller at a time."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._params = settings.producer_params()
        self._producer: AIOKafkaProducer | None = None
        self._failures = 0

    async def publish(self, topic: str, records: Sequence[Record]) -> None:
        """Publish in order; return when all are acknowledged.

        Raises what went wrong (`aiokafka.errors.KafkaError`, `OSError`, `TimeoutError` after 15 s): then any part of the
        records may have been published. Raises `Fatal` when new producers go on failing though Kafka answers.
        """
        producer = await self._connected()
        futures: list[asyncio.Future[object]] = []
        try:
            async with asyncio.timeout(PRODUCER_TIMEOUT_SECONDS):
                for key, value, headers in records:
                    futures.append(await producer.send(topic, value, key, headers=headers))
                for future in futures:
                    await future
        except BaseException as trouble:
            for future in futures:
                # Each carries the exception; none may be reported as never looked at.
                future.add_done_callback(_look_at)
            self._producer = None
            await _abort(producer)
            if isinstance(trouble, REFUSED):
                raise
            if isinstance(trouble, KafkaError | TimeoutError):
                self._failures += 1
                if self._failures >= STUCK_AFTER:
                    raise Fatal(
                        f"{self._failures} producers in a row could not publish to {topic}: {_words(trouble)}"
                    ) from trouble
            raise
        self._failures = 0
        kafka_outage.over()

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(**self._params)
            starting = asyncio.create_task(producer.start())
            try:
                async with asyncio.timeout(PRODUCER_TIMEOUT_SECONDS):
                    await asyncio.shield(starting)
            except BaseException:
                await settle(starting, _CLOSE_SECONDS)
                await _close(producer)
                raise
            self._producer = producer
        return self._producer

    async def close(self) -> None:
        """Close the connection; the next `publish` opens a new one."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await _close(producer)


async def _close(producer: AIOKafkaProducer) -> None:
    """End a producer that owes nothing."""
    try:
        with suppress(Exception):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await producer.stop()
    finally:
        cut(producer.client)


async def _abort(producer: AIOKafkaProducer) -> None:
    """End a producer without waiting for what it could not send: its own `stop` waits for that without end."""
    producer._closed = True  # noqa: SLF001 - aiokafka has no way to give up, so its parts are ended one by one
    client, sender = producer.client, producer._sender.sender_task  # noqa: SLF001 - as above
    if sender is not None:
        # Told first, or it would open connections anew while they are closed; it ends when the requests under way do.
        sender.cancel()
    try:
        with suppress(Exception):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await client.close()
                while sender is not None and not sender.done():
                    answer_metadata(client)
                    await asyncio.wait({sender}, timeout=_LOOK_SECONDS)
    finally:
        if sender is not None:
            sender.cancel()  # with the request that it waits for, where that is in no hurry
        cut(client)


def _look_at(future: asyncio.Future[object]) -> None:
    if not future.cancelled():
        future.exception()


def _words(trouble: BaseException) -> str:
    return f"{type(trouble).__name__}: {trouble}".rstrip(": ")
