"""The log as a stranger reads it: bare aiokafka, no group, from the beginning."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from aiokafka import AIOKafkaConsumer

from tanggap.contracts.events import Event, decoders

DECODERS = decoders()


@dataclass
class Log:
    """All records of a topic read so far.

    `events` holds each event once, in the order in which its complaint's partition has it; `deliveries` counts records by event id
    (a relay that is killed between Kafka's acknowledgment and its own commit publishes a row twice, under the same id). Such a repeat
    is the same to the letter, and `read` holds it to that: a second decision, or a deadline that fired twice, would bear the same id,
    made from its cause, but another moment.
    """

    bootstrap: str
    topic: str = "complaints"
    events: dict[UUID, Event] = field(default_factory=dict)
    deliveries: Counter[UUID] = field(default_factory=Counter)
    by_type: Counter[str] = field(default_factory=Counter)

    async def __aenter__(self) -> Self:
        # Without a group the consumer takes all partitions of its topic.
        self._consumer = AIOKafkaConsumer(
            self.topic, bootstrap_servers=self.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        await self._consumer.start()
        self._partitions = sorted(self._consumer.assignment())
        assert self._partitions, f"no partitions of {self.topic}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def read(self, wait_ms: int = 200) -> int:
        """Read what there is; returns how many records were new."""
        batches = await self._consumer.getmany(timeout_ms=wait_ms)
        count = 0
        for records in batches.values():
            for record in records:
                kind = dict(record.headers)["ce_type"].decode()
                event = DECODERS[kind](record.value)
                assert record.key.decode() == str(event.complaint_id)
                if event.event_id not in self.events:
                    self.events[event.event_id] = event
                    self.by_type[kind] += 1
                assert event == self.events[event.event_id], f"{kind} happened twice under one id: {event}"
                self.deliveries[event.event_id] += 1
                count += 1
        return count

    async def until(self, holds: Callable[["Log"], bool], within_seconds: float, what: str) -> None:
        """Read until `holds`; fails with `what` and what was read after `within_seconds`."""
        deadline = time.monotonic() + within_seconds
        while not holds(self):
            assert time.monotonic() < deadline, f"{what}: not within {within_seconds:.0f} s; the log has {dict(self.by_type)}"
            await self.read()

    async def to_end(self) -> None:
        """Read all that the topic has at this moment."""
        ends = await self._consumer.end_offsets(self._partitions)
        while any([await self._consumer.position(partition) < end for partition, end in ends.items()]):
            await self.read()

    def of(self, kind: str) -> list[Event]:
        """Every distinct event of a type."""
        return [event for event in self.events.values() if event.type == kind]

    def lives(self) -> dict[UUID, list[Event]]:
        """Each complaint's distinct events, in order."""
        found: dict[UUID, list[Event]] = {}
        for event in self.events.values():
            found.setdefault(event.complaint_id, []).append(event)
        return found

    @property
    def repeated(self) -> int:
        """Records beyond the first of each event."""
        return sum(self.deliveries.values()) - len(self.events)


async def until(holds: Callable[[], object], within_seconds: float, what: str) -> None:
    """Wait until a cheap condition holds."""
    deadline = time.monotonic() + within_seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {within_seconds:.0f} s"
        await asyncio.sleep(0.02)
