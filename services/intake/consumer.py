"""The read model: each complaint folded from the log, so that its app can be told where it stands.

A batch is one reading, a fold without I/O, and one writing. Delivered again, it changes nothing: the fold knows the events that
it has taken in, history rows are keyed by event, and a state gives way only to a later one.

What intake itself told the log it does not read back (`READ`): a complaint's first event is made anew from its row when the
second one comes. That spares a fifth of what accepting one costs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.intake.figures import FOLDED
from services.intake.queries import QUERIES
from tanggap.contracts import lifecycle
from tanggap.contracts.events import (
    ALL,
    ComplaintAssigned,
    ComplaintEscalated,
    ComplaintReopened,
    ComplaintSubmitted,
    ComplaintTriageRequested,
    Event,
    Unit,
)
from tanggap.contracts.sla_clocks import Calendar
from tanggap.platform.consumer import Received
from tanggap.platform.database import Database

READ: Final = tuple(model for model in ALL if model is not ComplaintSubmitted)
"""Events that change what intake knows of a complaint."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a complaint's history, as the public may read it. `revision`: its place in the order of the log."""

    complaint_id: UUID
    event_id: UUID
    revision: int
    at: datetime
    type: str
    stage: str
    unit: Unit | None
    role: str | None
    note: str | None


def entry(event: Event, complaint: lifecycle.Complaint) -> Entry:
    """The line that `event` adds; `complaint` is as the event left it."""
    actor = getattr(event, "actor", None)
    unit: Unit | None = getattr(event, "unit", None) if actor is None else actor.unit
    role: str | None = getattr(event, "role", None) if actor is None else actor.role
    note: str | None = getattr(event, "note", None)
    match event:
        case ComplaintAssigned() | ComplaintTriageRequested():
            note = event.decision.reason.id
        case ComplaintReopened():
            note = event.reason
        case ComplaintEscalated():
            unit = event.to_unit
        case _:
            pass
    return Entry(
        event.complaint_id,
        event.event_id,
        revision(complaint),
        event.occurred_at,
        event.type,
        complaint.stage.value,
        unit,
        role,
        note,
    )


def first_event(row: Mapping[str, Any]) -> ComplaintSubmitted:
    """The event that told of a complaint, as far as the fold asks: its id is the log's, the text is left out."""
    return ComplaintSubmitted.create(
        complaint_id=row["complaint_id"],
        cause=row["client_request_id"],
        occurred_at=row["received_at"],
        number=row["number"],
        app=row["app"],
        client_request_id=row["client_request_id"],
        category=row["category"],
        description="",
        received_at=row["received_at"],
    )


def revision(complaint: lifecycle.Complaint) -> int:
    """How many events the state has seen: of two states of one complaint the larger is the later."""
    return len(complaint.applied_ids) + len(complaint.refused_ids)


class ReadModel:
    """Folds the log into `states` and `history`."""

    def __init__(self, database: Database, calendar: Calendar) -> None:
        self._database = database
        self._calendar = calendar

    async def handle(self, batch: Sequence[Received[Event]]) -> None:
        """Take in `batch`, all or nothing."""
        ids = list({received.event.complaint_id for received in batch})
        async with self._database.transaction() as connection:
            known: dict[UUID, lifecycle.Complaint] = {}
            begun: list[Event] = []
            async for row in QUERIES.known_of(connection, complaint_ids=ids):
                if row["state"] is None:
                    begun.append(first_event(row))
                else:
                    known[row["complaint_id"]] = lifecycle.decode(row["state"])
            changed, entries, outcomes = fold(known, [*begun, *(received.event for received in batch)], self._calendar)
            latest: dict[UUID, datetime] = {}
            for line in entries:
                latest[line.complaint_id] = max(line.at, latest.get(line.complaint_id, line.at))
            if changed:
                await QUERIES.store_fold(
                    connection,
                    complaint_ids=list(changed),
                    revisions=[revision(complaint) for complaint in changed.values()],
                    stages=[complaint.stage.value for complaint in changed.values()],
                    updated_ats=[latest.get(found.id, found.received_at) for found in changed.values()],
                    states=[lifecycle.encode(complaint) for complaint in changed.values()],
                    h_complaint_ids=[line.complaint_id for line in entries],
                    h_event_ids=[line.event_id for line in entries],
                    h_revisions=[line.revision for line in entries],
                    h_ats=[line.at for line in entries],
                    h_types=[line.type for line in entries],
                    h_stages=[line.stage for line in entries],
                    h_unit_codes=[line.unit.code if line.unit else None for line in entries],
                    h_unit_names=[line.unit.name if line.unit else None for line in entries],
                    h_roles=[line.role for line in entries],
                    h_notes=[line.note for line in entries],
                )
        for outcome, count in outcomes.items():
            FOLDED.labels(outcome).inc(count)


def fold(
    known: dict[UUID, lifecycle.Complaint], events: Sequence[Event], calendar: Calendar
) -> tuple[dict[UUID, lifecycle.Complaint], list[Entry], Counter[str]]:
    """What `events` make of `known`: the complaints that changed, new lines of history, and how many events had which outcome."""
    changed: dict[UUID, lifecycle.Complaint] = {}
    entries: list[Entry] = []
    outcomes: Counter[str] = Counter()
    for event in events:
        before = changed.get(event.complaint_id) or known.get(event.complaint_id)
        outcome = lifecycle.apply(before, event, calendar)
        outcomes[outcome.why] += 1
        if outcome.complaint is None or outcome.complaint is before:
            continue
        # An illegal event changes the state too: that it was refused is remembered.
        changed[event.complaint_id] = outcome.complaint
        if outcome.applied:
            entries.append(entry(event, outcome.complaint))
    return changed, entries, outcomes
