"""A batch: reading records into events, and finding the ones that fail among those that don't."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from tanggap.platform import telemetry
from tanggap.platform.dead_letter_limit import Halted
from tanggap.platform.dead_letters import Bad, reason
from tanggap.platform.errors import Fatal, Poison
from tanggap.platform.hold import Abandoned, Hold
from tanggap.platform.logs import get_logger
from tanggap.platform.reader import Raw, Unreadable

log = get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Received(Generic[T]):
    """One record, decoded.

    `timestamp`: the record's stamp (the broker's clock, as `ensure_topics` makes topics), UTC. `traceparent`: the trace it
    belongs to; put it beside the events that the record brings about.
    """

    event: T
    partition: int
    offset: int
    timestamp: datetime
    traceparent: str | None


class Batch(Generic[T]):
    """What was read at once. `good` and `raw` go side by side; `bad` could not be decoded, or (later) not be handled."""

    def __init__(self, records: tuple[Raw, ...]) -> None:
        self.records = records
        self.good: list[Received[T]] = []
        self.raw: list[Raw] = []
        self.bad: list[Bad] = []
        self.skipped = 0
        self.spans: list[telemetry.Span] = []
        self.arrived = time.monotonic()


class Decoder(Generic[T]):
    """Picks records by their `ce_type` header, parses their bodies, and sets apart what can't be parsed. Never raises."""

    def __init__(self, decoders: Mapping[str, Callable[[bytes], T]], group: str) -> None:
        self._decoders: dict[bytes | None, Callable[[bytes], T]] = {name.encode(): read for name, read in decoders.items()}
        self._group = group

    @property
    def types(self) -> frozenset[str]:
        """The `ce_type`s that are read; all others are skipped."""
        return frozenset(name.decode() for name in self._decoders if name is not None)

    def read(self, records: tuple[Raw, ...]) -> Batch[T]:
        """Read records. Each has a span where traces are on; whoever handles the batch ends it."""
        batch: Batch[T] = Batch(records)
        tracing = telemetry.enabled()
        for record in records:
            event_type = traceparent = None
            for name, value in record.headers:
                # Of two headers with one name the first counts.
                if name == "ce_type" and event_type is None:
                    event_type = value
                elif name == "traceparent" and traceparent is None:
                    traceparent = value
                if event_type is not None and traceparent is not None:
                    break
            if event_type is None:
                batch.bad.append(Bad(record, record.why if isinstance(record, Unreadable) else "has no ce_type header"))
                continue
            decoder = self._decoders.get(event_type)
            if decoder is None:
                batch.skipped += 1
                continue
            try:
                event = decoder(record.value or b"")
            except Exception as fault:  # noqa: BLE001 - whatever a decoder raises, this record can't be read
                batch.bad.append(Bad(record, f"can't be decoded: {reason(fault)}"))
                continue
            trace = telemetry.valid(traceparent.decode("latin-1")) if traceparent is not None else None
            if tracing:
                span = telemetry.start(trace, f"process {event_type.decode()}", telemetry.SpanKind.CONSUMER, self._of(record))
                batch.spans.append(span)
                trace = telemetry.of_span(span)
            stamp = datetime.fromtimestamp(record.timestamp / 1000, UTC)
            batch.good.append(Received(event, record.partition, record.offset, stamp, trace))
            batch.raw.append(record)
        return batch

    def _of(self, record: Raw) -> dict[str, str]:
        return {
            "messaging.system": "kafka",
            "messaging.destination.name": record.topic,
            "messaging.destination.partition.id": str(record.partition),
            "messaging.kafka.offset": str(record.offset),
            "messaging.consumer.group.name": self._group,
        }


class Isolation(Generic[T]):
    """Hands a batch to the handler, and finds the records that fail alone by halving what fails together. Keeps their order."""

    def __init__(
        self, batch: Batch[T], handle: Callable[[Sequence[Received[T]]], Awaitable[None]], hold: Hold, limit: int
    ) -> None:
        self.batch = batch
        self._handle = handle
        self._hold = hold
        self._limit = limit
        self._failed_in_a_row = 0

    async def run(self) -> None:
        """Handle the batch; records that fail are added to its `bad`.

        Raises `Abandoned` if a hold ends early, `Halted` as soon as so many records in a row fail, `Fatal` as the handler does.
        """
        if self.batch.good:
            await self._run(0, len(self.batch.good))

    async def _run(self, begin: int, end: int) -> None:
        part = self.batch.good[begin:end]
        try:
            with self._about(begin, end):
                await self._hold.until_done(lambda: self._handle(part), began=self.batch.arrived)
        except (Abandoned, Fatal):
            raise
        except Exception as fault:  # noqa: BLE001 - whatever a handler raises, it is a record's fault or this program's
            if len(part) == 1:
                self._failed(begin, fault)
                return
            log.info("a batch failed and is halved", records=len(part), why=reason(fault))
            middle = (begin + end) // 2
            await self._run(begin, middle)
            await self._run(middle, end)
        else:
            self._failed_in_a_row = 0

    def _failed(self, index: int, fault: Exception) -> None:
        if isinstance(fault, Poison):
            bad = Bad(self.batch.raw[index], fault.reason)
        else:
            bad = Bad(self.batch.raw[index], f"the handler failed: {reason(fault)}")
            log.warning("a handler failed for one record", origin=bad.origin, exc_info=fault)
        self.batch.bad.append(bad)
        if self.batch.spans:
            self.batch.spans[index].set_status(telemetry.Status(telemetry.StatusCode.ERROR, bad.reason))
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= self._limit:
            raise Halted(self._failed_in_a_row, bad, self._limit)

    def _about(self, begin: int, end: int) -> AbstractContextManager[None]:
        """A single record's complaint and trace are on every line that its handler logs; a batch has none of its own."""
        if end - begin != 1:
            return nullcontext()
        key = self.batch.raw[begin].key
        return telemetry.within(
            self.batch.good[begin].traceparent,
            self.batch.spans[begin] if self.batch.spans else None,
            complaint_id=key.decode("utf-8", "replace") if key is not None else None,
        )
