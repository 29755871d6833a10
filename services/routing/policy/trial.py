"""Tries a policy against the stored complaints: the log from a moment on, each complaint decided by the policy in use and by the new.

Only what a policy can change is compared: place and category are found once. Nothing is written but the list of changes, and in it
stands nothing that a citizen or an app wrote.
"""

from __future__ import annotations

import asyncio
import csv
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.routing.decide import Judged, Known
from services.routing.policy.policy import Policy
from services.routing.router import Router
from tanggap.contracts.events import ComplaintSubmitted, Unit, decoders
from tanggap.platform.cloudevents import header
from tanggap.platform.connections import cut, settle

PATIENCE_MS: Final = 10_000
"""How long the log may be silent before it counts as out of reach."""
START_SECONDS: Final = 7.0
"""How long Kafka may take to answer at all, and to say where the log begins and ends. The client itself would wait 40 s."""
_END_SECONDS: Final = 1.0
"""How long the client may take to end; only one that waits for an answer takes any time."""

COLUMNS: Final = (
    "complaint_id",
    "number",
    "received_at",
    "category",
    "place",
    "unit_before",
    "unit_before_name",
    "unit_after",
    "unit_after_name",
    "rule_before",
    "rule_after",
    "triage_before",
    "triage_after",
    "counted_before",
    "counted_after",
    "also_before",
    "also_after",
)

(_TYPE, _DECODE), *_ = decoders(ComplaintSubmitted).items()


class LogTroubleError(Exception):
    """Why the log can't be read, in one line."""


@dataclass(slots=True)
class Counts:
    """What was read. `records`: of every type; `unreadable`: submissions whose body is none."""

    records: int = 0
    complaints: int = 0
    unreadable: int = 0
    repeated: int = 0


Progress = Callable[[int, int], None]
"""Told how many records are read, of how many."""


@dataclass(frozen=True, slots=True)
class Read:
    """What is read: a topic of Kafka at these addresses, complaints that were received at `since` or later."""

    bootstrap: Sequence[str]
    topic: str
    since: datetime


async def read(what: Read, counts: Counts, progress: Progress) -> AsyncGenerator[ComplaintSubmitted, None]:
    """Every such complaint that stands on the log now, each once.

    Raises `LogTroubleError`, and `aiokafka.errors.KafkaError` or `OSError` where Kafka is out of reach.
    """
    async with _reading(what) as (reader, starts, ends):
        total = sum(ends[one] - starts[one] for one in ends)
        progress(0, total)
        seen: set[UUID] = set()
        reader.assign(list(ends))
        for partition, start in starts.items():
            reader.seek(partition, start)
        left = {one for one in ends if starts[one] < ends[one]}
        reader.pause(*(one for one in ends if one not in left))
        while left:
            batches = await reader.getmany(timeout_ms=PATIENCE_MS, max_records=2_000)
            if not batches:
                servers = ", ".join(what.bootstrap)
                raise LogTroubleError(
                    f"Kafka at {servers}: topic {what.topic} stays silent for {PATIENCE_MS // 1000} s before its end"
                )
            for partition, records in batches.items():
                for record in records:
                    if record.offset >= ends[partition]:
                        break
                    counts.records += 1
                    complaint = _complaint(record, counts)
                    if complaint is None or complaint.received_at < what.since:
                        continue
                    if complaint.complaint_id in seen:
                        counts.repeated += 1
                        continue
                    seen.add(complaint.complaint_id)
                    counts.complaints += 1
                    yield complaint
                if await reader.position(partition) >= ends[partition]:
                    left.discard(partition)
                    reader.pause(partition)
            progress(counts.records, total)


_Offsets = dict[TopicPartition, int]


@asynccontextmanager
async def _reading(what: Read) -> AsyncIterator[tuple[AIOKafkaConsumer, _Offsets, _Offsets]]:
    """A reader of the log, and the offsets of each partition at which it begins and ends."""
    reader = AIOKafkaConsumer(
        bootstrap_servers=list(what.bootstrap), client_id="tanggap-policy-try", enable_auto_commit=False, auto_offset_reset="none"
    )
    starting = asyncio.create_task(_begin(reader, what))
    try:
        await asyncio.wait({starting}, timeout=START_SECONDS)
        if not starting.done():
            servers = ", ".join(what.bootstrap)
            raise LogTroubleError(f"Kafka at {servers} takes connections and does not answer within {START_SECONDS:.0f} s")
        yield (reader, *starting.result())
    finally:
        # A client that waits for a server which does not answer is waited for no longer than a moment.
        await settle(starting, 0)
        await settle(asyncio.create_task(reader.stop()), _END_SECONDS)
        cut(reader._client)  # noqa: SLF001 - as the platform's own reader does


async def _begin(reader: AIOKafkaConsumer, what: Read) -> tuple[_Offsets, _Offsets]:
    await reader.start()
    return await _span(reader, what.topic, what.since)


async def _span(reader: AIOKafkaConsumer, topic: str, since: datetime) -> tuple[_Offsets, _Offsets]:
    """Offsets of each partition: of the first record stamped at `since` or later, and of the end as it is now."""
    # Asked first, since the client waits 40 s for a topic that is not there.
    if topic not in await reader.topics():
        raise LogTroubleError(f"Kafka has no topic {topic}")
    await reader._client._wait_on_metadata(topic)  # noqa: SLF001 - without it a consumer that reads no topic yet knows none
    numbers = reader.partitions_for_topic(topic)
    partitions = [TopicPartition(topic, number) for number in sorted(numbers)]
    ends: dict[TopicPartition, int] = await reader.end_offsets(partitions)
    # A record is stamped when the broker takes it, which is after its complaint was received.
    stamp = int(since.timestamp() * 1000)
    found = await reader.offsets_for_times(dict.fromkeys(partitions, stamp))
    starts = {one: found[one].offset if found[one] is not None else ends[one] for one in partitions}
    return starts, ends


def _complaint(record: object, counts: Counts) -> ComplaintSubmitted | None:
    # By the header before anything is parsed: most records are of other types.
    if header(getattr(record, "headers", ()), "ce_type") != _TYPE:
        return None
    try:
        event = _DECODE(getattr(record, "value", None) or b"")
    except ValueError:
        counts.unreadable += 1
        return None
    assert isinstance(event, ComplaintSubmitted)  # noqa: S101 - the only type whose reader this is
    return event


@dataclass(frozen=True, slots=True)
class Change:
    """A complaint of which the two policies say different things."""

    submitted: ComplaintSubmitted
    known: Known
    before: Judged
    after: Judged

    @property
    def moves(self) -> bool:
        """Whether another unit gets it."""
        return self.before.unit != self.after.unit

    def row(self) -> tuple[str, ...]:
        """Its line in the list of changes, by `COLUMNS`."""
        before, after = self.before, self.after
        return (
            str(self.submitted.complaint_id),
            self.submitted.number,
            self.submitted.received_at.astimezone(UTC).isoformat(),
            self.known.facts.category,
            self.known.facts.ward or self.known.facts.kecamatan or self.known.facts.place,
            before.unit.code,
            before.unit.name,
            after.unit.code,
            after.unit.name,
            before.rule.name,
            after.rule.name,
            "yes" if before.triage else "no",
            "yes" if after.triage else "no",
            before.counted.category,
            after.counted.category,
            ";".join(unit.code for unit in before.also),
            ";".join(unit.code for unit in after.also),
        )


def compare(router: Router, policy: Policy, submitted: ComplaintSubmitted) -> tuple[Known, Judged, Judged]:
    """What the router's policy and the other say of a complaint."""
    known = router.know(submitted)
    return known, router.judge(known), router.judge(known, policy)


def differ(before: Judged, after: Judged) -> bool:
    """Whether anybody would see a difference: another unit, triage or not, or a more urgent one, another category, others told.

    A rule's name is none.
    """
    return (
        before.unit != after.unit
        or before.triage != after.triage
        or (before.triage and before.urgency != after.urgency)
        or before.counted.category != after.counted.category
        or set(before.also) != set(after.also)
    )


@dataclass(slots=True)
class UnitChange:
    """What a unit would see. `has`: complaints that it gets by the policy in use; `told_more`, `told_less`: as one that is told."""

    unit: Unit
    has: int = 0
    loses: int = 0
    gains: int = 0
    told_more: int = 0
    told_less: int = 0

    @property
    def would_have(self) -> int:
        """Complaints that it would get."""
        return self.has - self.loses + self.gains

    @property
    def changes(self) -> int:
        """How much it would notice."""
        return self.loses + self.gains + self.told_more + self.told_less


@dataclass(slots=True)
class Tally:
    """What would change, counted by unit and by the way that complaints would go."""

    complaints: int = 0
    changed: int = 0
    moved: int = 0
    recounted: int = 0
    told: int = 0
    triage_before: int = 0
    triage_after: int = 0
    units: dict[str, UnitChange] = field(default_factory=dict)
    ways: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Rules by which changed complaints are decided and would be."""

    def add(self, before: Judged, after: Judged) -> None:
        """Count one complaint."""
        self.complaints += 1
        self.triage_before += before.triage
        self.triage_after += after.triage
        self._unit(before.unit).has += 1
        if not differ(before, after):
            return
        self.changed += 1
        self.ways[before.rule.name, after.rule.name] += 1
        self.recounted += before.counted.category != after.counted.category
        if before.unit != after.unit:
            self.moved += 1
            self._unit(before.unit).loses += 1
            self._unit(after.unit).gains += 1
        told_before, told_after = set(before.also), set(after.also)
        self.told += told_before != told_after
        for unit in told_after - told_before:
            self._unit(unit).told_more += 1
        for unit in told_before - told_after:
            self._unit(unit).told_less += 1

    def _unit(self, unit: Unit) -> UnitChange:
        return self.units.setdefault(unit.code, UnitChange(unit))

    def by_change(self) -> list[UnitChange]:
        """The units that would notice anything, those that would the most first."""
        return sorted((one for one in self.units.values() if one.changes), key=lambda one: (-one.changes, one.unit.code))


class ChangesFault(Exception):  # noqa: N818 - a fault of a file, as the house calls it
    """The list of changes can't be written; the text says which file and why."""


class Changes:
    """The list of changes as a CSV file, written while they are found. `path`: as whoever asked for it named it."""

    def __init__(self, file: TextIO, path: Path) -> None:
        self._writer = csv.writer(file)
        self._path = path
        self._write(COLUMNS)

    def add(self, change: Change) -> None:
        """Write one. Raises `ChangesFault`."""
        self._write(change.row())

    def _write(self, row: Sequence[str]) -> None:
        try:
            self._writer.writerow(row)
        except OSError as trouble:
            raise _fault(self._path, trouble) from trouble


def _fault(path: Path, trouble: OSError) -> ChangesFault:
    return ChangesFault(f"{path} can't be written: {trouble.strerror or trouble}")


@contextmanager
def changes_in(path: Path) -> Iterator[Changes]:
    """The list of changes in a file, which is there when all of it is: a trial that is broken off leaves the file as it was.

    Raises `ChangesFault` where it can't be written.
    """
    try:
        # What is no plain file (a pipe, /dev/stdout) can't be put in place of another.
        beside = path.with_name(f"{path.name}.part") if path.is_file() or not path.exists() else path
        # The mark at its start tells Excel that it is UTF-8.
        file = beside.open("w", encoding="utf-8-sig", newline="")
    except OSError as trouble:
        raise _fault(path, trouble) from trouble
    try:
        yield Changes(file, path)
        try:
            file.close()
            beside.replace(path)
        except OSError as trouble:
            raise _fault(path, trouble) from trouble
    finally:
        with suppress(OSError):  # what is left of it can't be written either, or need not
            file.close()
        if beside != path:
            beside.unlink(missing_ok=True)


async def run(
    complaints: AsyncGenerator[ComplaintSubmitted, None], router: Router, policy: Policy, changes: Changes | None
) -> Tally:
    """Decide every complaint twice."""
    tally = Tally()
    async with aclosing(complaints):  # where it is broken off, the log is let go at once
        async for submitted in complaints:
            known, before, after = compare(router, policy, submitted)
            tally.add(before, after)
            if changes is not None and differ(before, after):
                changes.add(Change(submitted, known, before, after))
    return tally
