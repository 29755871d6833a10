"""Events of one complaint's life, and the city they happen in, for tests of the contracts."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tanggap.contracts import city, lifecycle
from tanggap.contracts import sla_clocks as clocks
from tanggap.contracts.events import (
    Actor,
    ClockTerm,
    ComplaintAcknowledged,
    ComplaintAnswered,
    ComplaintAssigned,
    ComplaintCoordinated,
    ComplaintEscalated,
    ComplaintMerged,
    ComplaintProgressed,
    ComplaintRated,
    ComplaintRejected,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintResumed,
    ComplaintSubmitted,
    ComplaintSupported,
    ComplaintTransferRequested,
    ComplaintTriageRequested,
    ComplaintUnmerged,
    ComplaintVerified,
    ComplaintWaitingReporter,
    Decision,
    Event,
    OfficialNotified,
    OfficialSeen,
    OfficialUnreachable,
    Point,
    SlaBreached,
    SlaWarned,
    Unit,
    Words,
)
from tanggap.contracts.lifecycle import Complaint

JAKARTA = ZoneInfo("Asia/Jakarta")
FOLDER = Path(__file__).parents[2] / "cities" / "jakarta"

COMPLAINT = UUID("6ba7b810-9dad-41d1-80b4-00c04fd430c8")
OTHER = UUID("6ba7b811-9dad-41d1-80b4-00c04fd430c8")

GAMBIR = Unit(code="31.71.01.1001", name="Gambir")
CIDENG = Unit(code="31.71.01.1002", name="Cideng")
BINA_MARGA = Unit(code="sudin-bina-marga.31.71", name="Suku Dinas Bina Marga Jakarta Pusat")
KECAMATAN = Unit(code="31.71.01", name="Gambir")
DESK = Unit(code="triase", name="Meja Triase CRM Jakarta")

LURAH = Actor(role="lurah", unit=GAMBIR)
SEKRETARIS = Actor(role="sekretaris_kelurahan", unit=GAMBIR)
LURAH_CIDENG = Actor(role="lurah", unit=CIDENG)
KASUDIN = Actor(role="kepala_suku_dinas", unit=BINA_MARGA)
PETUGAS = Actor(role="petugas_triase", unit=DESK)

RECEIVED = datetime(2026, 11, 24, 9, 0, tzinfo=JAKARTA)
"""A Tuesday morning, in office hours."""


@cache
def jakarta() -> city.City:
    """The shipped city."""
    return city.load(FOLDER)


def wall(text: str) -> datetime:
    """A moment by the clock on Jakarta's wall, as `2026-11-24 09:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=JAKARTA)


def terms(started_at: datetime = RECEIVED, **budgets: clocks.Budget) -> tuple[ClockTerm, ...]:
    """Clocks: 6 h to coordinate, 24 h to respond, 7 days to resolve, all calendar time, unless said otherwise."""
    wanted = budgets or {
        "coordinate": clocks.Budget.hours(6),
        "first_response": clocks.Budget.hours(24),
        "resolution": clocks.Budget.hours(168),
    }
    return tuple(
        clocks.term(name, budget, None if name == "verification" else started_at, jakarta().calendar)  # type: ignore[arg-type]
        for name, budget in wanted.items()
    )


def decision(method: str = "point") -> Decision:
    """How the unit was found."""
    return Decision(
        method=method,  # type: ignore[arg-type]
        confidence=1.0,
        rule="wards",
        reason=Words(id="Titik berada di Kelurahan Gambir.", en="The point lies in ward Gambir."),
        policy_version="p1",
        wards_version="w1",
    )


_ACT: dict[str, Any] = {"actor": LURAH}
_ALERT: dict[str, Any] = {"notification_id": OTHER, "unit": GAMBIR, "role": "lurah", "channel": "email"}

# What each event says unless a test says otherwise.
_USUAL: dict[type[Event], Callable[[], dict[str, Any]]] = {
    ComplaintSubmitted: lambda: {
        "number": "JK2611240001",
        "app": "jaki",
        "client_request_id": "a-1",
        "source": "android",
        "category": "jalan_rusak",
        "description": "Jalan berlubang di depan stasiun",
        "location": Point(lat=-6.1767, lon=106.8306),
        "address": "Jl. Medan Merdeka Timur",
        "media": ("https://media.example/1.jpg",),
        "reported_at": RECEIVED - timedelta(minutes=2),
        "received_at": RECEIVED,
    },
    ComplaintSupported: lambda: {"app": "jaki", "client_request_id": "a-2"},
    ComplaintAssigned: lambda: {
        "unit": GAMBIR,
        "ward": GAMBIR,
        "agency": "bina-marga",
        "category": "jalan_rusak",
        "urgency": "high",
        "clocks": terms(),
        "decision": decision(),
    },
    ComplaintTriageRequested: lambda: {
        "unit": DESK,
        "problem": "no_point",
        "category": "jalan_rusak",
        "urgency": "normal",
        "clocks": terms(),
        "decision": decision("none"),
    },
    ComplaintMerged: lambda: {"into": OTHER},
    ComplaintUnmerged: lambda: {"was_into": OTHER},
    ComplaintTransferRequested: lambda: {"actor": LURAH, "note": "Jalan ini milik provinsi.", "suggested_unit": BINA_MARGA},
    OfficialNotified: lambda: {**_ALERT, "state": "sent"},
    OfficialSeen: lambda: _ALERT,
    OfficialUnreachable: lambda: {**_ALERT, "reason": "no channel took the alert"},
    ComplaintAcknowledged: lambda: _ACT,
    ComplaintCoordinated: lambda: {**_ACT, "with_unit": BINA_MARGA, "note": "Sudah dikoordinasikan."},
    ComplaintProgressed: lambda: {**_ACT, "note": "Tim sudah di lapangan."},
    ComplaintAnswered: lambda: {**_ACT, "note": "Dijadwalkan besok."},
    ComplaintWaitingReporter: lambda: {**_ACT, "note": "Di depan rumah nomor berapa?"},
    ComplaintResumed: lambda: _ACT,
    ComplaintResolved: lambda: {**_ACT, "note": "Sudah ditambal.", "evidence": ("https://media.example/after.jpg",)},
    ComplaintRejected: lambda: {**_ACT, "note": "Bukan laporan."},
    ComplaintVerified: lambda: {"by": "reporter"},
    ComplaintReopened: lambda: {"by": "reporter", "reason": "Lubangnya masih ada."},
    ComplaintRated: lambda: {"stars": 4},
    ComplaintEscalated: lambda: {"level": 1, "from_unit": GAMBIR, "to_unit": KECAMATAN, "clock": "coordinate"},
    SlaWarned: lambda: {"clock": "resolution", "due_at": RECEIVED + timedelta(days=7), "unit": GAMBIR},
    SlaBreached: lambda: {"clock": "resolution", "due_at": RECEIVED + timedelta(days=7), "unit": GAMBIR, "minutes_late": 3},
}


class Life:
    """Makes one complaint's events, each with an id of its own; time is given in minutes after receipt, or as a moment."""

    def __init__(self) -> None:
        self._made = 0

    def event(self, model: type[Event], at: float | datetime | None = None, **fields: Any) -> Event:
        """An event of that model, a minute after the one before unless `at` says otherwise."""
        self._made += 1
        moment = at if isinstance(at, datetime) else RECEIVED + timedelta(minutes=self._made if at is None else at)
        said = {**_USUAL[model](), **fields}
        return model.create(complaint_id=COMPLAINT, cause=self._made, occurred_at=moment.astimezone(UTC), **said)


def follow(*events: Event) -> Complaint:
    """The state that legal events lead to; an illegal one fails the test."""
    complaint: Complaint | None = None
    for event in events:
        outcome = lifecycle.apply(complaint, event, jakarta().calendar)
        assert outcome.applied, outcome.detail
        complaint = outcome.complaint
    assert complaint is not None
    return complaint


def then(complaint: Complaint, *events: Event) -> Complaint:
    """The state after more legal events."""
    for event in events:
        outcome = lifecycle.apply(complaint, event, jakarta().calendar)
        assert outcome.applied, outcome.detail
        assert outcome.complaint is not None
        complaint = outcome.complaint
    return complaint


def folded(events: Iterable[Event]) -> Complaint:
    """The state that events lead to, legal or not."""
    complaint = lifecycle.fold(events, jakarta().calendar)
    assert complaint is not None
    return complaint
