"""Reads the log: folds every complaint, and writes down whom to alert in the transaction that folds the cause."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.notifier import alerts, figures
from services.notifier.queries import QUERIES
from tanggap.contracts import lifecycle
from tanggap.contracts.city import City
from tanggap.contracts.events import (
    ComplaintAssigned,
    ComplaintSubmitted,
    ComplaintTriageRequested,
    Event,
    OfficialUnreachable,
)
from tanggap.contracts.lifecycle import Complaint, Outcome
from tanggap.platform import outbox
from tanggap.platform.consumer import Received
from tanggap.platform.database import Connection, Database
from tanggap.platform.logs import get_logger

log = get_logger(__name__)

TOLD = frozenset(
    {
        "complaint.submitted",
        "complaint.assigned",
        "complaint.triage_requested",
        "complaint.merged",
        "complaint.unmerged",
        "complaint.transfer_requested",
        "complaint.acknowledged",
        "complaint.coordinated",
        "complaint.progressed",
        "complaint.answered",
        "complaint.waiting_reporter",
        "complaint.resumed",
        "complaint.resolved",
        "complaint.rejected",
        "complaint.verified",
        "complaint.reopened",
        "complaint.rated",
        "complaint.escalated",
        "sla.breached",
    }
)
"""Events that a page tells of. What became of alerts, me-toos and warnings it does not."""


@dataclass(slots=True)
class _Batch:
    """What a batch of records comes to."""

    states: dict[UUID, Complaint] = field(default_factory=dict)
    submitted: dict[UUID, str] = field(default_factory=dict)
    decided: dict[UUID, str] = field(default_factory=dict)
    history: list[tuple[Event, bool]] = field(default_factory=list)
    acts: list[UUID] = field(default_factory=list)
    alerts: list[tuple[alerts.Alert, str | None]] = field(default_factory=list)
    unreachable: list[tuple[OfficialUnreachable, str | None]] = field(default_factory=list)
    untold: list[Event] = field(default_factory=list)
    outcomes: list[tuple[Event, Outcome]] = field(default_factory=list)


class Desk:
    """Folds the log into the notifier's tables. `wake` is set when there is something to send."""

    def __init__(self, database: Database, city: City, wake: asyncio.Event) -> None:
        self._database = database
        self._city = city
        self._wake = wake

    async def handle(self, batch: Sequence[Received[Event]]) -> None:
        """Fold a batch, once: states, history, alerts and the outbox change in one transaction."""
        ids = sorted({received.event.complaint_id for received in batch})
        new = sorted({received.event.complaint_id for received in batch if isinstance(received.event, ComplaintSubmitted)})
        async with self._database.transaction() as connection:
            if new:
                await QUERIES.admit_complaints(connection, new)
            rows = await connection.fetch(QUERIES.lock_complaints.sql, ids)
            before = {row["id"]: lifecycle.decode(row["state"]) for row in rows if row["state"] is not None}
            folded = self._fold(batch, before)
            await _save(connection, folded, before)
        if folded.alerts:
            self._wake.set()
        _tell(folded)

    def _fold(self, batch: Sequence[Received[Event]], before: dict[UUID, Complaint]) -> _Batch:
        folded = _Batch(states=dict(before))
        for received in batch:
            event = received.event
            outcome = lifecycle.apply(folded.states.get(event.complaint_id), event, self._city.calendar)
            folded.outcomes.append((event, outcome))
            if outcome.complaint is None:
                continue
            folded.states[event.complaint_id] = outcome.complaint
            official = getattr(event, "actor", None) is not None
            if official:
                folded.acts.append(event.event_id)
            if outcome.why == "illegal" and official:
                folded.history.append((event, False))
            if outcome.applied:
                self._note(folded, received)
        return folded

    def _note(self, folded: _Batch, received: Received[Event]) -> None:
        """Keep what an event that counts brings with it."""
        event = received.event
        if event.type in TOLD:
            folded.history.append((event, True))
        match event:
            case ComplaintSubmitted():
                folded.submitted[event.complaint_id] = event.model_dump_json()
            case ComplaintAssigned() | ComplaintTriageRequested():
                folded.decided[event.complaint_id] = event.model_dump_json()
                plan = alerts.first(event, self._city)
                if plan.alert is None:
                    folded.untold.append(event)
                else:
                    folded.alerts.append((plan.alert, received.traceparent))
                copies = alerts.copies(event, self._city)
                folded.alerts.extend((alert, received.traceparent) for alert in copies.alerts)
                gone = (*plan.unreachable, *copies.unreachable)
                folded.unreachable.extend((each, received.traceparent) for each in gone)
            case _:
                pass


async def _save(connection: Connection, folded: _Batch, before: dict[UUID, Complaint]) -> None:
    changed = [(key, state) for key, state in folded.states.items() if state is not before.get(key)]
    if changed:
        await QUERIES.save_states(
            connection,
            [key for key, _ in changed],
            [lifecycle.encode(state) for _, state in changed],
            [folded.submitted.get(key) for key, _ in changed],
            [folded.decided.get(key) for key, _ in changed],
        )
    if folded.history:
        await QUERIES.add_history(
            connection,
            [event.event_id for event, _ in folded.history],
            [event.complaint_id for event, _ in folded.history],
            [event.type for event, _ in folded.history],
            [event.model_dump_json() for event, _ in folded.history],
            [applied for _, applied in folded.history],
        )
    if folded.acts:
        await QUERIES.forget_acts(connection, folded.acts)
    if folded.alerts:
        await add_alerts(connection, [alert for alert, _ in folded.alerts], [trace for _, trace in folded.alerts])
    await outbox.add(connection, [event for event, _ in folded.unreachable], [trace for _, trace in folded.unreachable])


def _tell(folded: _Batch) -> None:
    """Figures and log lines of a batch, once it is committed: a batch that is tried again is not counted twice."""
    for event, outcome in folded.outcomes:
        figures.EVENTS.labels(event.type, outcome.why).inc()
        about = {"complaint_id": str(event.complaint_id), "event_type": event.type, "detail": outcome.detail}
        if outcome.why == "unknown_complaint":
            # Nothing to hold it against. By the log's own order that can't come, so somebody should look.
            log.error("an event came before its complaint", **about)
        elif outcome.why == "illegal":
            log.info("an event was overruled", **about)
    for gone, _ in folded.unreachable:
        figures.UNREACHABLE.inc()
        log.warning("nobody to alert in this unit", complaint_id=str(gone.complaint_id), unit=gone.unit.code, why=gone.reason)
    for event in folded.untold:
        figures.UNTOLD.inc()
        log.critical("nobody is left to alert, a person must act", complaint_id=str(event.complaint_id))


async def add_alerts(connection: Connection, new: Sequence[alerts.Alert], traces: Sequence[str | None]) -> None:
    """Write alerts down within the caller's transaction; those that are there already stay as they are."""
    await QUERIES.add_alerts(
        connection,
        [alert.id for alert in new],
        [alert.complaint_id for alert in new],
        [alert.cause for alert in new],
        [alert.kind.value for alert in new],
        [alert.rank for alert in new],
        [alert.holder.code for alert in new],
        [alert.holder.name for alert in new],
        [alert.unit.code for alert in new],
        [alert.unit.name for alert in new],
        [alert.role for alert in new],
        [alert.name for alert in new],
        [alert.address for alert in new],
        [alert.language for alert in new],
        list(traces),
    )
