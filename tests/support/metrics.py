"""Lives of complaints as they come from the log, for the tests of the figures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from tanggap.contracts.events import (
    Actor,
    ComplaintAcknowledged,
    ComplaintAssigned,
    ComplaintCoordinated,
    ComplaintRejected,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintResumed,
    ComplaintSubmitted,
    ComplaintTriageRequested,
    ComplaintWaitingReporter,
    Decision,
    Event,
    OfficialNotified,
    SlaBreached,
    Unit,
    Words,
)
from tanggap.contracts.sla_clocks import Budget, Calendar, term
from tanggap.platform.consumer import Received

GAMBIR = Unit(code="31.71.01.1001", name="Gambir")
PINANGSIA = Unit(code="31.73.03.1008", name="Pinangsia")
GAMBIR_DISTRICT = Unit(code="31.71.01", name="Gambir")
TRIAGE = Unit(code="triase", name="Meja Triase CRM Jakarta")
DECISION = Decision(
    method="point", confidence=1, rule="test", reason=Words(id="alasan", en="reason"), policy_version="1", wards_version="1"
)


@dataclass
class Life:
    """One complaint's events in their order. Hours are counted from the moment it was received."""

    calendar: Calendar
    received_at: datetime
    number: str = "JK2611240001"
    id: UUID = field(default_factory=uuid4)
    unit: Unit = GAMBIR
    events: list[Event] = field(default_factory=list)

    def at(self, hours: float) -> datetime:
        return self.received_at + timedelta(hours=hours)

    def submitted(self, **more: Any) -> "Life":
        fields = {
            "number": self.number,
            "app": "jaki",
            "client_request_id": str(self.id),
            "description": "Lampu jalan mati",
            "received_at": self.received_at,
        }
        return self._add(ComplaintSubmitted, 0, **(fields | more))

    def assigned(
        self,
        unit: Unit = GAMBIR,
        hours: float = 0.001,
        *,
        category: str = "pju",
        ward: Unit | None = None,
        coordinate: float = 6,
        respond: float = 24,
        resolve: float = 168,
    ) -> "Life":
        self.unit = unit
        budgets = {"coordinate": coordinate, "first_response": respond, "resolution": resolve}
        return self._add(
            ComplaintAssigned,
            hours,
            unit=unit,
            ward=ward or unit,
            agency=None,
            category=category,
            urgency="normal",
            clocks=tuple(term(name, Budget.hours(budget), self.received_at, self.calendar) for name, budget in budgets.items()),
            decision=DECISION,
        )

    def triaged(self, hours: float = 0.001, *, budget: float = 2, unit: Unit = TRIAGE, ward: Unit | None = None) -> "Life":
        self.unit = unit
        return self._add(
            ComplaintTriageRequested,
            hours,
            unit=unit,
            ward=ward,
            problem="no_point",
            category=None,
            urgency="normal",
            clocks=(term("coordinate", Budget.hours(budget), self.received_at, self.calendar),),
            decision=DECISION,
        )

    def notified(self, hours: float) -> "Life":
        return self._add(
            OfficialNotified, hours, notification_id=uuid4(), unit=self.unit, role="lurah", channel="email", state="sent"
        )

    def acknowledged(self, hours: float) -> "Life":
        return self._act(ComplaintAcknowledged, hours)

    def coordinated(self, hours: float, with_unit: Unit) -> "Life":
        return self._act(ComplaintCoordinated, hours, with_unit=with_unit)

    def waiting(self, hours: float) -> "Life":
        return self._act(ComplaintWaitingReporter, hours, note="Di mana tepatnya?")

    def resumed(self, hours: float) -> "Life":
        return self._act(ComplaintResumed, hours)

    def resolved(self, hours: float) -> "Life":
        return self._act(ComplaintResolved, hours, note="Lampu sudah diganti")

    def rejected(self, hours: float) -> "Life":
        return self._act(ComplaintRejected, hours, note="Bukan wilayah kami")

    def reopened(self, hours: float) -> "Life":
        return self._add(ComplaintReopened, hours, by="reporter", reason="Masih mati")

    def breached(self, clock: str, due_hours: float, hours: float) -> "Life":
        late = int((hours - due_hours) * 60)
        return self._add(
            SlaBreached, hours, f"{clock}/breach", clock=clock, due_at=self.at(due_hours), unit=self.unit, minutes_late=late
        )

    def _act(self, kind: type[Event], hours: float, **more: Any) -> "Life":
        return self._add(kind, hours, actor=Actor(role="lurah", unit=self.unit), **more)

    def _add(self, kind: type[Event], hours: float, cause: object | None = None, **fields: Any) -> "Life":
        cause = f"{len(self.events)}" if cause is None else cause
        self.events.append(kind.create(complaint_id=self.id, cause=cause, occurred_at=self.at(hours), **fields))
        return self


@dataclass
class Log:
    """One partition's end: gives events the offsets of a log."""

    partition: int = 0
    offset: int = 0

    def batch(self, events: Iterable[Event]) -> list[Received[Event]]:
        made = []
        for event in events:
            made.append(Received(event, self.partition, self.offset, event.occurred_at, None))
            self.offset += 1
        return made


def interleaved(lives: Sequence[Life]) -> list[Event]:
    """All events in the order of their moments: a log's order over many complaints."""
    events = [(event.occurred_at, place, event) for life in lives for place, event in enumerate(life.events)]
    return [event for _, _, event in sorted(events, key=lambda each: each[:2])]
