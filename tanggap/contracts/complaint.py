"""The state of one complaint: where it stands, in the house's words and in the public's, and what is known of its way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from tanggap.contracts.events import Actor, ClockName, TriageProblem, Unit, Urgency
from tanggap.contracts.sla_clocks import ClockState


class Status(StrEnum):
    """Where a complaint stands, exactly."""

    submitted = "submitted"  # accepted; routing has not spoken yet
    triage = "triage"  # no unit could be named: the triage desk decides
    assigned = "assigned"  # on a unit's desk, untouched
    acknowledged = "acknowledged"  # the unit has taken it to hand
    coordinated = "coordinated"  # arranged with another unit
    disposed = "disposed"  # handed by an agency to its branch
    in_progress = "in_progress"  # work has begun
    waiting_reporter = "waiting_reporter"  # the reporter was asked something; clocks stand still
    transfer_requested = "transfer_requested"  # "bukan wewenang": routing must name another unit
    reopened = "reopened"  # the resolution did not hold
    resolved = "resolved"
    verified = "verified"
    rejected = "rejected"
    merged = "merged"  # follows the complaint that it duplicates


class Stage(StrEnum):
    """Where a complaint stands in the public's words (Jakarta's CRM)."""

    menunggu = "menunggu"
    koordinasi = "koordinasi"
    disposisi = "disposisi"
    proses = "proses"
    selesai = "selesai"
    ditolak = "ditolak"


STAGES: Final[Mapping[Status, Stage | None]] = {
    Status.submitted: Stage.menunggu,
    Status.triage: Stage.menunggu,
    Status.assigned: Stage.menunggu,
    Status.acknowledged: Stage.menunggu,
    Status.transfer_requested: Stage.menunggu,
    Status.coordinated: Stage.koordinasi,
    Status.disposed: Stage.disposisi,
    Status.in_progress: Stage.proses,
    Status.reopened: Stage.proses,
    Status.resolved: Stage.selesai,
    Status.verified: Stage.selesai,
    Status.rejected: Stage.ditolak,
    Status.waiting_reporter: None,
    Status.merged: None,
}
"""Public stage of each status. None: an interruption, which shows the stage that it interrupts."""

CLOSED: Final = frozenset({Status.resolved, Status.verified, Status.rejected, Status.merged})
"""Nobody need act, unless it is reopened or unmerged."""

INTERRUPTIONS: Final = frozenset({Status.waiting_reporter, Status.merged})
"""Statuses that end by going back to the one before them; clocks stand still in both."""


@dataclass(frozen=True)
class Complaint:
    """The state of one complaint, as the log tells it. Moments are UTC, by the clock of the event's producer.

    No reporter's identity is here, nor the complaint's text.
    """

    id: UUID
    number: str
    status: Status
    received_at: datetime
    category: str | None = None
    urgency: Urgency | None = None
    agency: str | None = None
    unit: Unit | None = None
    """The unit that must act (the triage desk while nobody could be named)."""
    with_unit: Unit | None = None
    """Whom the unit coordinated with or handed it to."""
    ward: Unit | None = None
    triage_problem: TriageProblem | None = None
    assigned_at: datetime | None = None
    """First assignment to a unit; a transfer does not change it."""
    unit_since: datetime | None = None
    """When the present `unit` got it."""
    first_response_at: datetime | None = None
    coordinated_at: datetime | None = None
    """First coordination or disposition."""
    resolved_at: datetime | None = None
    """The resolution that stands; None again when reopened."""
    closed_at: datetime | None = None
    """The resolution or rejection that stands; None again when reopened."""
    waiting_since: datetime | None = None
    note: str | None = None
    """The last note for the public."""
    last_actor: Actor | None = None
    last_act: str | None = None
    """Type of the last official act."""
    last_act_at: datetime | None = None
    reopened: int = 0
    supported: int = 0
    stars: int | None = None
    escalated: int = 0
    """Highest level it was escalated to; 0 for none."""
    merged_into: UUID | None = None
    clocks: tuple[ClockState, ...] = ()
    interrupted: tuple[Status, ...] = ()
    """Statuses that a wait and a merge interrupted, innermost last."""
    former_units: tuple[str, ...] = ()
    """Codes of units that it was taken from: their late acts do not count."""
    applied_ids: tuple[str, ...] = ()
    """Ids (hex) of the events that made this state, in their order."""
    refused_ids: tuple[str, ...] = field(default=(), compare=False)
    """Ids (hex) of events that were illegal when they came: read again, they stay so."""

    @property
    def stage(self) -> Stage:
        """The public stage."""
        stage = STAGES[self.status]
        if stage is None:
            stage = next((found for status in reversed(self.interrupted) if (found := STAGES[status])), None)
        return stage or Stage.menunggu

    @property
    def closed(self) -> bool:
        """Nobody need act."""
        return self.status in CLOSED

    @property
    def holder(self) -> Unit | None:
        """Who has the work in hand now: the unit it was coordinated with or handed to, else the unit that must act."""
        return self.with_unit or self.unit

    @property
    def applied(self) -> frozenset[UUID]:
        """Ids of the events that made this state."""
        return frozenset(UUID(hex=event_id) for event_id in self.applied_ids)

    def clock(self, name: ClockName) -> ClockState | None:
        """The clock of that name, if it was stamped."""
        return next((clock for clock in self.clocks if clock.name == name), None)
