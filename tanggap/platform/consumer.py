"""The consumer: reads the log in batches, keeps each partition's order, and never loses or stops at a record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from tanggap.platform.clock import Now, utc_now
from tanggap.platform.settings import ServiceSettings
from tanggap.platform.topics import COMPLAINTS

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Received(Generic[T]):
    """One record, decoded. `timestamp`: when the broker stamped it; `traceparent`: the trace it belongs to."""

    event: T
    partition: int
    offset: int
    timestamp: datetime
    traceparent: str | None


class Consumer(Generic[T]):
    """Reads a topic in a group named after the service."""

    name = "consumer"

    def __init__(
        self,
        settings: ServiceSettings,
        *,
        topic: str = COMPLAINTS,
        decoders: Mapping[str, Callable[[bytes], T]],
        handle: Callable[[Sequence[Received[T]]], Awaitable[None]],
        now: Now = utc_now,
    ) -> None:
        self.settings = settings
        self.topic = topic
        self.decoders = decoders
        self.handle = handle
        self.now = now

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set."""
        await stop.wait()

    def assigned(self) -> frozenset[int]:
        """The partitions that this process reads."""
        return frozenset()

    def watermark(self, partition: int) -> datetime | None:
        """Moment up to which all records of that partition are known to be handled."""
        return None if partition not in self.assigned() else self.now()
