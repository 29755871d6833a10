"""aiokafka's consumer, with what readiness, watermarks and a clean end must know of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaError
from typing_extensions import override

from tanggap.platform.logs import get_logger

log = get_logger(__name__)


class Raw(Protocol):
    """A record as it was read: aiokafka's `ConsumerRecord`. `timestamp`: milliseconds since the epoch."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class Reader(AIOKafkaConsumer):  # type: ignore[misc] # aiokafka has no types
    """Tells of each batch in the same step in which positions move past it, and remembers why reading fails."""

    def __init__(self, *topics: str, on_batch: Callable[[], None], **options: Any) -> None:
        super().__init__(*topics, **options)
        self._on_batch = on_batch
        self.failing: str | None = None
        """Why the last attempt to read failed."""
        self.failing_since = 0.0
        self.failing_for_good = False
        """Is the failure one that the client does not expect to pass?"""
        self.polled_at = time.monotonic()
        self.in_hand: frozenset[TopicPartition] = frozenset()
        """Partitions of the batch that was handed out; whoever handles it empties this when it is done with."""

    @override
    async def getmany(self, *partitions: Any, timeout_ms: int = 0, max_records: int | None = None) -> dict[Any, list[Raw]]:
        self.polled_at = time.monotonic()
        try:
            found: dict[Any, list[Raw]] = await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
        except ConsumerStoppedError:
            raise
        except KafkaError as trouble:
            if self.failing is None:
                self.failing_since = time.monotonic()
                log.warning("reading from Kafka fails", why=f"{type(trouble).__name__}: {trouble}")
            self.failing = f"{type(trouble).__name__}: {trouble}".rstrip(": ")
            self.failing_for_good = not trouble.retriable
            raise
        self.failing = None
        if found:
            # No step of the loop lies between this and the moment at which the positions moved past these records.
            self.in_hand = frozenset(found)
            self._on_batch()
        return found

    def partitions(self) -> set[TopicPartition]:
        """What is assigned to this consumer now."""
        found: set[TopicPartition] = self.assignment()
        return found

    def next_offset(self, partition: TopicPartition) -> int | None:
        """The offset after the last record that was handed out; `None` where not known yet."""
        state = self._state(partition)
        return state.position if state is not None and state.has_valid_position else None

    def lag(self) -> int:
        """Records on the assigned partitions that were not handed out yet, as of the last answers from Kafka."""
        behind = 0
        for partition in self.partitions():
            state = self._state(partition)
            if state is not None and state.has_valid_position and state.highwater is not None:
                behind += max(0, state.highwater - state.position)
        return behind

    def answered_at(self) -> float | None:
        """When Kafka last answered a fetch, seconds since the epoch; `None` where it never did since the assignment."""
        stamps = [state.timestamp for state in map(self._state, self.partitions()) if state is not None and state.timestamp]
        return max(stamps) / 1000 if stamps else None

    def give_back(self, records: tuple[Raw, ...]) -> None:
        """Have these records handed out again: their partitions, as far as they are still ours, go back to the first of them."""
        first: dict[TopicPartition, int] = {}
        for record in records:
            first.setdefault(TopicPartition(record.topic, record.partition), record.offset)
        for partition, offset in first.items():
            with suppress(IllegalStateError):
                self.seek(partition, offset)

    def _state(self, partition: TopicPartition) -> Any:
        subscription = self._subscription.subscription
        if subscription is None or subscription.assignment is None or partition not in subscription.assignment.tps:
            return None
        return subscription.assignment.state_value(partition)
