"""From the log to rows: folds a batch onto the states it touches and says which rows differ from before. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Final, Literal, NamedTuple
from uuid import UUID

from tanggap.contracts import lifecycle
from tanggap.contracts.city import City
from tanggap.contracts.events import ClockName, Event
from tanggap.contracts.lifecycle import Complaint, Status
from tanggap.contracts.sla_clocks import Calendar
from tanggap.platform.consumer import Received

Kind = Literal["warn", "breach"]
FinalOutcome = Literal["open", "resolved", "rejected", "merged"]

OUTCOMES: Final[Mapping[Status, FinalOutcome]] = {
    Status.resolved: "resolved",
    Status.verified: "resolved",
    Status.rejected: "rejected",
    Status.merged: "merged",
}
"""How a complaint ended, by its status; all others are open."""

Deadlines = dict[tuple[ClockName, Kind], datetime]
KotaOf = Callable[[Complaint], str | None]


class Facts(NamedTuple):
    """What the figures need of one complaint: a row of the table `complaints`, columns in its order."""

    complaint_id: UUID
    partition: int
    number: str
    status: str
    stage: str
    unit_code: str | None
    unit_name: str | None
    kota: str | None
    category: str | None
    received_at: datetime
    assigned_at: datetime | None
    first_response_at: datetime | None
    closed_at: datetime | None
    outcome: FinalOutcome
    overdue_from: datetime | None
    overdue_clock: ClockName | None
    breaches: int


@dataclass(slots=True)
class Known:
    """A complaint as the database holds it. `version` counts the writes of its state."""

    version: int
    state: str


@dataclass(slots=True)
class Folded:
    """What a batch changes. Lists of rows, each in the order of its table's columns."""

    states: list[tuple[UUID, int, str]] = field(default_factory=list)
    facts: list[Facts] = field(default_factory=list)
    stopped: list[tuple[UUID, ClockName, Kind]] = field(default_factory=list)
    started: list[tuple[UUID, ClockName, Kind, int, datetime]] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    """How many events were applied, duplicate, illegal, or of an unknown complaint."""


def kota_finder(city: City) -> KotaOf:
    """Say in which city (kota or kabupaten) a complaint lies: that of its ward, else of its unit; null where neither has one."""
    kotas = {code: kota.code for code in city.units if (kota := city.kota(code)) is not None}

    def kota_of(complaint: Complaint) -> str | None:
        found = kotas.get(complaint.ward.code) if complaint.ward is not None else None
        if found is None and complaint.holder is not None:
            found = kotas.get(complaint.holder.code)
        return found

    return kota_of


def facts(complaint: Complaint, partition: int, kota_of: KotaOf) -> Facts:
    """Give the figures' row of `complaint`."""
    outcome = OUTCOMES.get(complaint.status, "open")
    overdue_from: datetime | None = None
    overdue_clock: ClockName | None = None
    breaches = 0
    for clock in complaint.clocks:
        due, end = clock.due, clock.stopped_at or clock.paused_at
        # An answer that came late is a breach too where nobody was there to fire it in time.
        if clock.breached_at is not None or (due is not None and end is not None and end > due):
            breaches += 1
        if (
            outcome == "open"
            and due is not None
            and clock.stopped_at is None
            # A clock that waits for the reporter can't run out; one that had run out before stays late.
            and (clock.paused_at is None or due <= clock.paused_at)
            and (overdue_from is None or due < overdue_from)
        ):
            overdue_from, overdue_clock = due, clock.name
    # Whoever has the work in hand: a ward that arranged it with an agency is not blamed for the agency's delay.
    unit = complaint.holder
    return Facts(
        complaint.id,
        partition,
        complaint.number,
        complaint.status.value,
        complaint.stage.value,
        unit.code if unit is not None else None,
        unit.name if unit is not None else None,
        kota_of(complaint),
        complaint.category,
        complaint.received_at,
        complaint.assigned_at,
        complaint.first_response_at,
        complaint.closed_at,
        outcome,
        overdue_from,
        overdue_clock,
        breaches,
    )


def deadlines(complaint: Complaint | None) -> Deadlines:
    """Give the moments at which a running clock of `complaint` must warn or has run out, those that have fired left out."""
    live: Deadlines = {}
    if complaint is None:
        return live
    for clock in complaint.clocks:
        if not clock.running or clock.breached_at is not None:
            continue
        if clock.due is not None:
            live[clock.name, "breach"] = clock.due
        if clock.warn is not None and clock.warned_at is None:
            live[clock.name, "warn"] = clock.warn
    return live


def fold(batch: Sequence[Received[Event]], known: Mapping[UUID, Known], calendar: Calendar, kota_of: KotaOf) -> Folded:
    """Fold `batch`, in its order, onto the `known` states of its complaints."""
    before: dict[UUID, Complaint | None] = {}
    after: dict[UUID, Complaint] = {}
    partitions: dict[UUID, int] = {}
    folded = Folded()
    for received in batch:
        event = received.event
        complaint_id = event.complaint_id
        complaint = after.get(complaint_id)
        if complaint is None and complaint_id not in before:
            row = known.get(complaint_id)
            complaint = lifecycle.decode(row.state) if row is not None else None
            before[complaint_id] = complaint
        elif complaint is None:
            complaint = before[complaint_id]
        outcome = lifecycle.apply(complaint, event, calendar)
        folded.outcomes[outcome.why] += 1
        # An illegal event is kept too, among those refused: read again, it must stay so.
        if outcome.complaint is not None and outcome.complaint is not complaint:
            after[complaint_id] = outcome.complaint
            partitions[complaint_id] = received.partition
    # In one order, or two readers of one partition could lock each other out.
    for complaint_id in sorted(after, key=attrgetter("int")):
        _compare(
            folded,
            before[complaint_id],
            after[complaint_id],
            row=known.get(complaint_id),
            partition=partitions[complaint_id],
            kota_of=kota_of,
        )
    return folded


def _compare(
    folded: Folded, old: Complaint | None, new: Complaint, *, row: Known | None, partition: int, kota_of: KotaOf
) -> None:
    folded.states.append((new.id, row.version + 1 if row is not None else 1, lifecycle.encode(new)))
    now = facts(new, partition, kota_of)
    if old is None or facts(old, partition, kota_of) != now:
        folded.facts.append(now)
    was, live = deadlines(old), deadlines(new)
    if was == live:
        return
    folded.stopped += [(new.id, *key) for key in was if key not in live]
    folded.started += [(new.id, *key, partition, at) for key, at in live.items() if was.get(key) != at]
