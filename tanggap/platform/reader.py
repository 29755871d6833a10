"""aiokafka's consumer, with what readiness, watermarks and a clean end must know of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaError
from typing_extensions import override

from tanggap.platform.connections import cut
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


UNREADABLE = "can't be read by the Kafka client"

CAREFUL_WAIT_MS = 1000
"""How long one partition's fetch is waited for while a bad record is looked for: another fetch of the same broker may have to end
first, which takes half a second where there is nothing to read."""


@dataclass(slots=True)
class Unreadable:
    """Stands for a record that the client can't parse: its place is known, nothing else. A `Raw` without a body."""

    topic: str
    partition: int
    offset: int
    why: str
    timestamp: int = field(default_factory=lambda: int(time.time() * 1000))
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()


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
        # While a record is looked for that can't be parsed: partitions that may hold it, and the one that does.
        self._suspects: deque[TopicPartition] = deque()
        self._culprit: TopicPartition | None = None
        self._buried = False
        self._unplaced: set[TopicPartition] = set()

    @override
    async def getmany(self, *partitions: Any, timeout_ms: int = 0, max_records: int | None = None) -> dict[Any, list[Raw]]:
        self.polled_at = time.monotonic()
        if self._unplaced:
            await self._place()
        if self._suspects and not partitions:
            found = await self._carefully(timeout_ms, max_records)
        else:
            found = await self._read(partitions, timeout_ms, max_records)
        self.failing = None
        if found:
            # No step of the loop lies between this and the moment at which the positions moved past these records.
            self.in_hand = frozenset(found)
            self._on_batch()
        return found

    async def _read(self, partitions: Sequence[TopicPartition], timeout_ms: int, max_records: int | None) -> dict[Any, list[Raw]]:
        """Read; whatever goes wrong, no position moves past a record that was not handed out.

        The client moves a partition's position as it takes its records, so when it fails at one partition those of the others that
        it had taken by then would be lost.
        """
        before = {tp: self.next_offset(tp) for tp in self.partitions()}
        try:
            found: dict[Any, list[Raw]] = await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
        except ConsumerStoppedError:
            raise
        except KafkaError as trouble:
            self._rewind(before)
            if self.failing is None:
                self.failing_since = time.monotonic()
                log.warning("reading from Kafka fails", why=f"{type(trouble).__name__}: {trouble}")
            self.failing = f"{type(trouble).__name__}: {trouble}".rstrip(": ")
            self.failing_for_good = not trouble.retriable
            raise
        except Exception as fault:  # noqa: BLE001 - the client can't parse what the broker sent, for whatever reason
            self._rewind(before)
            self._suspects = deque(sorted(before))
            await self._place()
            self._culprit, self._buried = None, False
            log.warning("a record can't be read by the client; looking for it", why=f"{type(fault).__name__}: {fault}")
            return {}
        return found

    async def _carefully(self, timeout_ms: int, max_records: int | None) -> dict[Any, list[Raw]]:
        """Read partition by partition, and the one that fails record by record, until the record is found that can't be parsed.

        The client parses a producer's batch from its start, wherever in it reading begins. So what its writer sent after such a
        record in the same batch can't be read either, and goes the same way, one by one; no other batch is touched.
        """
        tp = self._suspects[0]
        offset = self.next_offset(tp)
        if offset is None:
            self._suspects.popleft()
            return {}
        one_by_one = self._culprit == tp
        try:
            found: dict[Any, list[Raw]] = await super().getmany(
                tp, timeout_ms=max(timeout_ms, CAREFUL_WAIT_MS), max_records=1 if one_by_one else max_records
            )
        except (ConsumerStoppedError, KafkaError):
            self._suspects.clear()
            self._rewind({tp: offset})
            raise
        except Exception as fault:  # noqa: BLE001 - as above
            if not one_by_one:
                self._rewind({tp: offset})
                self._culprit = tp
                return {}
            self._suspects, self._buried = deque([tp]), True
            self._rewind({tp: offset + 1})
            return {tp: [Unreadable(tp.topic, tp.partition, offset, f"{UNREADABLE}: {type(fault).__name__}: {fault}")]}
        if one_by_one and found and self._buried:
            self._suspects.clear()  # past it
        elif not found and self._is_behind(tp):
            self._suspects.rotate(-1)  # its records are on their way
        elif not one_by_one or not found:
            self._suspects.popleft()
        return found

    def _is_behind(self, tp: TopicPartition) -> bool:
        state = self._state(tp)
        return state is not None and (state.highwater is None or (state.has_valid_position and state.position < state.highwater))

    def _rewind(self, positions: Mapping[TopicPartition, int | None]) -> None:
        for tp, offset in positions.items():
            if offset is None:
                self._unplaced.add(tp)
                continue
            with suppress(IllegalStateError):
                self.seek(tp, offset)

    async def _place(self) -> None:
        """Put partitions whose place was not known yet when reading failed where a reader begins: at what is committed, else first."""
        for tp in sorted(self._unplaced):
            if tp in self.partitions():
                offset = await self.committed(tp)
                with suppress(IllegalStateError):
                    if offset is None:
                        await self.seek_to_beginning(tp)
                    else:
                        self.seek(tp, offset)
            self._unplaced.discard(tp)

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

    def cut(self) -> None:
        """Close what `stop` has left open, where it was cut short or a connection was made meanwhile."""
        cut(self._client)

    def _state(self, partition: TopicPartition) -> Any:
        subscription = self._subscription.subscription
        if subscription is None or subscription.assignment is None or partition not in subscription.assignment.tps:
            return None
        return subscription.assignment.state_value(partition)
