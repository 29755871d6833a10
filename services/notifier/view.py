"""What the page says of a complaint to one official, as values for its template. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from services.notifier import acts
from services.notifier.acts import Act, FaultKind, Form, Verdict
from services.notifier.wording import Deadline, Namer, deadlines, map_url
from tanggap.contracts.city import City
from tanggap.contracts.events import (
    Actor,
    ComplaintAssigned,
    ComplaintCoordinated,
    ComplaintEscalated,
    ComplaintRated,
    ComplaintReopened,
    ComplaintSubmitted,
    ComplaintTriageRequested,
    Event,
    SlaBreached,
    Unit,
    whole_percent,
)
from tanggap.contracts.lifecycle import Complaint, Stage, Status
from tanggap.platform.pages import Language

# A longer text pushes the acts off a phone's first screens: then a link leads down to them.
LONG_TEXT_CHARS = 400


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known here of one complaint: the state that counts, the report, why this unit, and its past in order.

    `decided`: the decision that stands. `past`: events with whether they count (an act that the log's order overruled does not).
    """

    complaint: Complaint
    report: ComplaintSubmitted
    decided: ComplaintAssigned | ComplaintTriageRequested | None
    past: Sequence[tuple[Event, bool]]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who has the page open, by their link. `called_for`: the unit that must act. `informed`: told for their information alone."""

    notification_id: UUID
    complaint_id: UUID
    actor: Actor
    called_for: Unit
    informed: bool

    @property
    def above(self) -> bool:
        """Was the reader told only because the unit below can't be reached?"""
        return not self.informed and self.called_for.code != self.actor.unit.code


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history."""

    type: str
    at: datetime
    office: str | None
    unit: str | None
    note: str | None
    stars: int | None
    overruled: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """One act that the page offers. `stage`: what the reporter will see; `note`, `fault`: what was typed and what is wrong."""

    act: str
    nonce: str
    stage: str
    open: bool
    note: str
    fault: FaultKind | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """What the first did, for the one who came second. `overtaken`: the second's act is still possible."""

    act: str | None
    office: str | None
    at: datetime | None
    note: str | None
    overtaken: bool


@dataclass(frozen=True, slots=True)
class Done:
    """What the reader did just now, and what the reporter sees of it."""

    act: str
    stage: str
    note: bool


@dataclass(frozen=True, slots=True)
class Why:
    """How a decision came about, as its page says it. Confidences are 0 to 1, in whole percent.

    `place`: what named the place; `category`: what named the category (both as in `Decision`). `other_categories`, `other_units`:
    what else was possible; `conflicts`: what in the report speaks against it, a sentence each; `also`: who was told beside.
    """

    reason: str
    place: str
    place_confidence: float
    category: str | None
    category_confidence: float | None
    words: Sequence[str]
    other_categories: Sequence[str]
    other_units: Sequence[str]
    conflicts: Sequence[str]
    also: Sequence[str]


class View:
    """Makes the values of `complaint.html`."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._namer = Namer(city)

    def values(
        self,
        case: Case,
        reader: Reader,
        lang: Language,
        now: datetime,
        *,
        form: Form | None = None,
        fault: FaultKind | None = None,
        verdict: Verdict | None = None,
        done: str | None = None,
    ) -> dict[str, object]:
        """Say all that the template asks for. `form`: what was sent and did not count, with its `fault` or `verdict`."""
        complaint, report = case.complaint, case.report
        offers = self._offers(case, reader, now, form, fault)
        clocks = deadlines(complaint, now)
        holder = complaint.holder
        return {
            "city": self._city.name,
            "number": complaint.number,
            "category": self._namer.category(complaint.category, lang),
            "urgency": complaint.urgency,
            "stage": complaint.stage.value,
            "standing": complaint.status.value,
            "closed": complaint.closed,
            "merged": complaint.status is Status.merged,
            "ward": self._unit(complaint.ward),
            "holder": self._unit(complaint.unit),
            "holder_now": self._unit(holder),
            "mine": holder is not None and holder.code == reader.actor.unit.code,
            "above": reader.above,
            "informed": reader.informed,
            "called_for": self._namer.unit(reader.called_for),
            "office": self._namer.office(reader.actor),
            "text": report.description,
            "long": len(report.description) > LONG_TEXT_CHARS,
            "address": report.address,
            "map": None if report.location is None else map_url(report.location),
            "photos": [url for url in report.media if urlsplit(url).scheme in {"http", "https"}],
            "supported": complaint.supported,
            "deadlines": clocks,
            "nearest": _nearest(clocks) if offers else None,
            "why": None if case.decided is None else self._why(case.decided, lang),
            "history": [self._entry(event, counts=counts) for event, counts in reversed(case.past)],
            "as_of": acts.as_of(complaint),
            "offers": offers,
            "errors": [] if form is None or fault is None else [(f"note-{form.act}", fault)],
            "fault_act": None if form is None else form.act.value,
            "conflict": None if verdict is None else self._conflict(case, reader, verdict),
            "typed": None if form is None else form.note,
            "done": None if done is None else self._done(case, reader, done),
        }

    def _why(self, decided: ComplaintAssigned | ComplaintTriageRequested, lang: Language) -> Why:
        decision = decided.decision
        return Why(
            reason=getattr(decision.reason, lang),
            place=decision.method,
            place_confidence=whole_percent(decision.confidence) / 100,
            category=decision.category_method,
            category_confidence=None
            if decision.category_confidence is None
            else whole_percent(decision.category_confidence) / 100,
            words=decision.category_words,
            other_categories=[
                self._namer.category(slug, lang) or slug for slug in decision.other_categories if slug != decided.category
            ],
            other_units=[self._namer.unit(unit) for unit in decision.alternatives],
            conflicts=[getattr(conflict, lang) for conflict in decision.conflicts],
            also=[self._namer.unit(unit) for unit in decided.also],
        )

    def _unit(self, unit: Unit | None) -> str | None:
        return None if unit is None else self._namer.unit(unit)

    def _offers(self, case: Case, reader: Reader, now: datetime, form: Form | None, fault: FaultKind | None) -> list[Offer]:
        offers: list[Offer] = []
        if reader.informed:
            return offers
        possible = acts.offered(case.complaint, reader.actor)
        for act in possible:
            typed = form is not None and form.act is act
            # What comes next stands open: once it was taken to hand, that is its resolution.
            open_ = typed or (act is Act.RESOLVE and Act.ACKNOWLEDGE not in possible and form is None)
            stage: Stage = acts.stage_after(case.complaint, act, reader.actor, self._city.calendar, now)
            offers.append(
                Offer(act.value, str(uuid4()), stage.value, open_, form.note if typed and form else "", fault if typed else None)
            )
        return offers

    def _entry(self, event: Event, *, counts: bool) -> Entry:
        actor: Actor | None = getattr(event, "actor", None)
        return Entry(
            type=event.type,
            at=event.received_at if isinstance(event, ComplaintSubmitted) else event.occurred_at,
            office=None if actor is None else self._namer.office(actor),
            unit=self._unit(_named_unit(event)),
            note=event.reason if isinstance(event, ComplaintReopened) else getattr(event, "note", None),
            stars=event.stars if isinstance(event, ComplaintRated) else None,
            overruled=not counts,
        )

    def _conflict(self, case: Case, reader: Reader, verdict: Verdict) -> Conflict:
        complaint = case.complaint
        overtaken = verdict.outcome == "overtaken"
        if complaint.status is Status.merged:
            merged = _last(case.past, "complaint.merged")
            return Conflict("complaint.merged", None, None if merged is None else merged.occurred_at, None, overtaken)
        if reader.actor.unit.code in complaint.former_units:
            return Conflict("complaint.assigned", self._unit(complaint.unit), complaint.unit_since, None, overtaken)
        first = next((event for event, counts in reversed(case.past) if counts and hasattr(event, "actor")), None)
        if first is None:
            return Conflict(None, None, None, None, overtaken)
        actor: Actor = getattr(first, "actor")  # noqa: B009 - the line above has seen it; the base class does not say so
        return Conflict(first.type, self._namer.office(actor), first.occurred_at, getattr(first, "note", None), overtaken)

    def _done(self, case: Case, reader: Reader, event_id: str) -> Done | None:
        """Read the act that the address claims was done: only one of the reader's own office is told as theirs."""
        for event, counts in reversed(case.past):
            actor: Actor | None = getattr(event, "actor", None)
            if counts and event.event_id.hex == event_id and actor is not None and acts.same_office(actor, reader.actor):
                act = next((act for act, kind in acts.EVENTS.items() if isinstance(event, kind)), None)
                if act is not None:
                    return Done(act.value, case.complaint.stage.value, note=bool(getattr(event, "note", None)))
        return None


def _nearest(clocks: Iterable[Deadline]) -> Deadline | None:
    return next((clock for clock in clocks if clock.stopped_at is None and clock.due_at is not None), None)


def _named_unit(event: Event) -> Unit | None:
    match event:
        case ComplaintAssigned() | ComplaintTriageRequested() | SlaBreached():
            return event.unit
        case ComplaintCoordinated():
            return event.with_unit
        case ComplaintEscalated():
            return event.to_unit
        case _:
            return None


def _last(past: Sequence[tuple[Event, bool]], kind: str) -> Event | None:
    return next((event for event, counts in reversed(past) if counts and event.type == kind), None)
