"""A complaint's life as a pure function of the log: `apply` folds one event into the state, and every service uses it.

`RULES` is the whole of what may happen, as data: an event that has no rule for the present status is illegal and changes nothing.
The log's order is the judge, so two officials at once, a late click on an old mail or a record read twice end the same way for
every reader. `tanggap contracts table` prints the rules as a grid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple

from tanggap.contracts import sla_clocks as clocks
from tanggap.contracts.complaint import CLOSED, INTERRUPTIONS, STAGES, Complaint, Stage, Status
from tanggap.contracts.events import ALL, ClockName, ClockTerm, ComplaintSubmitted, Event, SlaBreached, Unit
from tanggap.contracts.sla_clocks import Calendar, ClockState
from tanggap.contracts.state import decode, encode

__all__ = [
    "CLOSED",
    "INTERRUPTIONS",
    "READABLE_ACTS",
    "RULES",
    "STAGES",
    "STOPS",
    "TABLE",
    "Complaint",
    "Effect",
    "Outcome",
    "Rule",
    "Stage",
    "Status",
    "Why",
    "accepts",
    "apply",
    "decode",
    "encode",
    "fold",
]


class Effect(StrEnum):
    """What an event does to the status, where it names none itself."""

    stay = "stay"  # noted, status unchanged
    back = "back"  # the interruption ends: the status before it
    handed = "handed"  # `disposed` or `coordinated`, as the event says


@dataclass(frozen=True, slots=True)
class Rule:
    """`event` is legal in each status of `when`, and leads to `to`."""

    event: str
    to: Status | Effect
    when: tuple[Status, ...]
    why: str


_ANY: Final = tuple(Status)
_IN_HAND: Final = (Status.acknowledged, Status.coordinated, Status.disposed, Status.in_progress)
_WITH_UNIT: Final = (Status.assigned, *_IN_HAND, Status.reopened)
_DESK: Final = (Status.triage, *_WITH_UNIT, Status.waiting_reporter)
_OPEN: Final = (Status.submitted, *_DESK, Status.transfer_requested)
_ENDED: Final = (Status.resolved, Status.verified, Status.rejected)

RULES: Final[tuple[Rule, ...]] = (
    Rule("complaint.submitted", Effect.stay, (), "only the first event of a life; a second one is never legal"),
    Rule("complaint.supported", Effect.stay, _ANY, "a me-too counts whenever it comes"),
    Rule("complaint.assigned", Status.assigned, _OPEN, "routing names the unit, or another one; clocks are never restarted"),
    Rule(
        "complaint.triage_requested",
        Status.triage,
        (Status.submitted, Status.transfer_requested),
        "routing names nobody; once a unit has it, only its transfer request brings it back here",
    ),
    Rule("complaint.merged", Status.merged, _OPEN, "an open complaint can follow another; clocks stand still"),
    Rule("complaint.unmerged", Effect.back, (Status.merged,), "and be parted from the one that it followed"),
    Rule(
        "complaint.transfer_requested",
        Status.transfer_requested,
        (*_WITH_UNIT, Status.waiting_reporter),
        "a unit that holds it may say that it is another's; the triage desk may not, it decides",
    ),
    Rule("official.notified", Effect.stay, _ANY, "an alert's fate is a fact in any status"),
    Rule("official.seen", Effect.stay, _ANY, "as above"),
    Rule("official.unreachable", Effect.stay, _ANY, "as above"),
    Rule(
        "complaint.acknowledged",
        Status.acknowledged,
        (Status.triage, Status.assigned, Status.reopened),
        "taken to hand once; the second official who does so is told of the first",
    ),
    Rule(
        "complaint.coordinated",
        Effect.handed,
        (*_DESK, Status.transfer_requested),
        "arranged with another, also instead of a transfer or while waiting; again with a third",
    ),
    Rule("complaint.progressed", Status.in_progress, (*_WITH_UNIT, Status.waiting_reporter), "work goes on, and ends a wait"),
    Rule(
        "complaint.answered",
        Effect.stay,
        (*_DESK, Status.transfer_requested, *_ENDED),
        "a public answer changes no stage, and may follow the end",
    ),
    Rule("complaint.waiting_reporter", Status.waiting_reporter, _DESK, "a question to the reporter, or a second one"),
    Rule("complaint.resumed", Effect.back, (Status.waiting_reporter,), "the wait is over"),
    Rule(
        "complaint.resolved",
        Status.resolved,
        (*_DESK, Status.transfer_requested),
        "mended, by whoever had it; not before anybody was asked",
    ),
    Rule("complaint.rejected", Status.rejected, _DESK, "refused by whoever has it; not by a unit that says it is another's"),
    Rule("complaint.verified", Status.verified, (Status.resolved,), "only a resolution can be confirmed"),
    Rule("complaint.reopened", Status.reopened, _ENDED, "any end can be contested; clocks run on from where they stood"),
    Rule("complaint.rated", Effect.stay, _ENDED, "stars are for an end"),
    Rule("complaint.escalated", Effect.stay, _ANY, "a fact in any status"),
    Rule("sla.warned", Effect.stay, _ANY, "a fact in any status, once for each clock"),
    Rule("sla.breached", Effect.stay, _ANY, "a fact in any status, once for each clock"),
)
"""The transition table: one row for each event, in the order of `events.ALL`."""

TABLE: Final[Mapping[tuple[str, Status], Status | Effect]] = {
    (rule.event, status): rule.to for rule in RULES for status in rule.when
}

READABLE_ACTS: Final = frozenset(
    {
        "complaint.acknowledged",
        "complaint.coordinated",
        "complaint.progressed",
        "complaint.answered",
        "complaint.waiting_reporter",
        "complaint.resolved",
        "complaint.rejected",
    }
)
"""Official acts that a reporter can read: the first of them is the first response."""

_ACTS: Final = frozenset(model.model_fields["type"].default for model in ALL if "actor" in model.model_fields)
"""Acts of an official."""

STOPS: Final[Mapping[str, tuple[ClockName, ...]]] = {
    "complaint.acknowledged": ("first_response",),
    "complaint.coordinated": ("first_response", "coordinate"),
    "complaint.progressed": ("first_response", "coordinate"),
    "complaint.answered": ("first_response", "coordinate"),
    "complaint.waiting_reporter": ("first_response", "coordinate"),
    "complaint.resolved": ("first_response", "coordinate", "resolution"),
    "complaint.rejected": ("first_response", "coordinate", "resolution"),
    "complaint.verified": ("verification",),
    "complaint.reopened": ("verification",),
}
"""Which clocks an event stops. `coordinate` and `first_response` stop for good; `resolution` and `verification` can run on."""


Why = Literal["applied", "duplicate", "illegal", "unknown_complaint"]


class Outcome(NamedTuple):
    """What became of an event. `complaint` is the state to keep.

    An illegal event changes nothing but the list of refused ids, so that the same record read again after, say, a reopening is
    not taken for a new act: keep `complaint` whenever it is not the object that was given. `detail` is a sentence for a log line.
    """

    complaint: Complaint | None
    applied: bool
    why: Why
    detail: str = ""


def apply(complaint: Complaint | None, event: Event, calendar: Calendar) -> Outcome:
    """Fold one event into the state. Total and pure: every event in every status has an outcome; none raises."""
    if complaint is None:
        if isinstance(event, ComplaintSubmitted):
            return Outcome(_begun(event), applied=True, why="applied")
        return Outcome(None, applied=False, why="unknown_complaint", detail=f"{event.type} came before complaint.submitted")
    event_id = event.event_id.hex
    if event_id in complaint.applied_ids or event_id in complaint.refused_ids:
        return Outcome(complaint, applied=False, why="duplicate", detail=f"{event.type} {event.event_id} was seen before")
    changes = _changes(complaint, event, calendar.provisional)
    if isinstance(changes, str):
        refused = _with(complaint, {"refused_ids": (*complaint.refused_ids, event_id)})
        return Outcome(refused, applied=False, why="illegal", detail=f"{event.type}: {changes}")
    changes["applied_ids"] = (*complaint.applied_ids, event_id)
    return Outcome(_with(complaint, changes), applied=True, why="applied")


def fold(events: Iterable[Event], calendar: Calendar) -> Complaint | None:
    """The state that a complaint's events lead to, in the order given."""
    complaint: Complaint | None = None
    for event in events:
        complaint = apply(complaint, event, calendar).complaint
    return complaint


def accepts(complaint: Complaint, event_type: str) -> bool:
    """Whether an event of that type has a rule for the present status: what a page may offer. `apply` has the last word."""
    return (event_type, complaint.status) in TABLE


_Changes = dict[str, Any]
_Illegal = str


def _with(complaint: Complaint, changes: _Changes) -> Complaint:
    """`dataclasses.replace` without running `__init__` over thirty fields: it would be half of the fold's time."""
    new = object.__new__(Complaint)
    values = new.__dict__
    values.update(complaint.__dict__)
    values.update(changes)
    return new


def _begun(event: ComplaintSubmitted) -> Complaint:
    return Complaint(
        id=event.complaint_id,
        number=event.number,
        status=Status.submitted,
        received_at=event.received_at,
        category=event.category,
        applied_ids=(event.event_id.hex,),
    )


def _changes(complaint: Complaint, event: Event, calendar: Calendar) -> _Changes | _Illegal:
    """What `event` changes, or why it is illegal."""
    if event.complaint_id != complaint.id:
        return f"it belongs to complaint {event.complaint_id}"
    to = TABLE.get((event.type, complaint.status))
    if to is None:
        return f"not legal while {complaint.status}"
    at = clocks.clipped(event.occurred_at)
    changes: _Changes = {}
    special = _SPECIAL.get(event.type)
    if special is not None:
        found = special(complaint, event, at)
        if isinstance(found, str):
            return found
        changes = found
    if event.type in _ACTS:
        act: Any = event
        if act.actor.unit.code in complaint.former_units:
            return f"{act.actor.unit.code} no longer has it"
        _note_act(changes, complaint, act, at)
    old, new = complaint.status, _move(changes, complaint, event, to, at)
    stops = STOPS.get(event.type, ())
    if new is not old or stops:
        before = changes.get("clocks", complaint.clocks)
        changes["clocks"] = tuple(
            [
                clocks.stopped(clock, at, calendar) if clock.name in stops else _followed(clock, old, new, at, calendar)
                for clock in before
            ]
        )
    return changes


def _note_act(changes: _Changes, complaint: Complaint, event: Any, at: datetime) -> None:
    changes["last_actor"] = event.actor
    changes["last_act"] = event.type
    changes["last_act_at"] = at
    if complaint.first_response_at is None and event.type in READABLE_ACTS:
        changes["first_response_at"] = at
    if event.note and event.type != "complaint.transfer_requested":
        changes["note"] = event.note


def _move(changes: _Changes, complaint: Complaint, event: Any, to: Status | Effect, at: datetime) -> Status:
    """Set the status, what it interrupts, and since when the reporter is waited for. Returns the status."""
    stack = complaint.interrupted
    if to is Effect.stay or to is complaint.status:
        return complaint.status
    if not isinstance(to, Effect):
        new, stack = to, _interrupted(complaint, to)
    elif to is Effect.back:
        new, stack = stack[-1], stack[:-1]
    else:
        new, stack = (Status.disposed if event.disposed else Status.coordinated), ()
    changes["status"] = new
    if stack != complaint.interrupted:
        changes["interrupted"] = stack
    if new is Status.waiting_reporter or Status.waiting_reporter in stack:
        changes["waiting_since"] = complaint.waiting_since or at
    elif complaint.waiting_since is not None:
        changes["waiting_since"] = None
    return new


def _interrupted(complaint: Complaint, new: Status) -> tuple[Status, ...]:
    """What is interrupted after a move to `new`: a wait resumes into a taken-up complaint, a merge into exactly what it was."""
    if new is Status.merged:
        return (*complaint.interrupted, complaint.status)
    if new is Status.waiting_reporter:
        return (Status.acknowledged if complaint.status is Status.assigned else complaint.status,)
    return ()


def _followed(clock: ClockState, old: Status, new: Status, at: datetime, calendar: Calendar) -> ClockState:
    """The clock after a move from `old` to `new`."""
    if new is old:
        return clock
    if clock.name == "verification":
        # It runs while a resolution waits to be confirmed, and only then.
        return clocks.continued(clocks.started(clock, at, calendar), at, calendar) if new is Status.resolved else clock
    if new in INTERRUPTIONS:
        return clocks.paused(clock, at)
    if old in INTERRUPTIONS:
        return clocks.resumed(clock, at, calendar)
    if new is Status.reopened and clock.name == "resolution":
        return clocks.continued(clock, at, calendar)
    return clock


def _on_assigned(complaint: Complaint, event: Any, at: datetime) -> _Changes | _Illegal:
    changes = _held_by(complaint, event.unit, at)
    changes |= {
        "ward": event.ward,
        "agency": event.agency,
        "category": event.category,
        "urgency": event.urgency,
        "triage_problem": None,
        "clocks": _stamped(complaint, event.clocks),
    }
    if complaint.assigned_at is None:
        changes["assigned_at"] = at
    return changes


def _on_triage_requested(complaint: Complaint, event: Any, at: datetime) -> _Changes | _Illegal:
    changes = _held_by(complaint, event.unit, at)
    changes |= {"triage_problem": event.problem, "urgency": event.urgency, "clocks": _stamped(complaint, event.clocks)}
    if event.category is not None:
        changes["category"] = event.category
    if event.ward is not None:
        changes["ward"] = event.ward
    return changes


def _held_by(complaint: Complaint, unit: Unit, at: datetime) -> _Changes:
    """`unit` gets the complaint: those who had it and do not now are former."""
    had = [held.code for held in (complaint.unit, complaint.with_unit) if held is not None]
    former = tuple(code for code in dict.fromkeys((*complaint.former_units, *had)) if code != unit.code)
    changes: _Changes = {"unit": unit, "with_unit": None, "former_units": former}
    if complaint.unit is None or complaint.unit.code != unit.code:
        changes["unit_since"] = at
    return changes


def _stamped(complaint: Complaint, terms: tuple[ClockTerm, ...]) -> tuple[ClockState, ...]:
    """Clocks after a stamp. The first assignment's terms are the promise: they replace triage's, but what has happened stays.

    Any later stamp changes no clock that there is; one that there was not is added.
    """
    by_name = {clock.name: clock for clock in complaint.clocks}
    promised = complaint.assigned_at is not None
    for stamped in terms:
        there = by_name.get(stamped.clock)
        if there is None:
            by_name[stamped.clock] = clocks.opened(stamped)
        elif not promised:
            by_name[stamped.clock] = clocks.restamped(there, stamped)
    return tuple(by_name.values())


def _on_merged(complaint: Complaint, event: Any, _at: datetime) -> _Changes | _Illegal:
    return "a complaint can't follow itself" if event.into == complaint.id else {"merged_into": event.into}


def _on_unmerged(complaint: Complaint, event: Any, _at: datetime) -> _Changes | _Illegal:
    if event.was_into != complaint.merged_into:
        return f"it follows {complaint.merged_into}, not {event.was_into}"
    return {"merged_into": None}


def _on_coordinated(complaint: Complaint, event: Any, at: datetime) -> _Changes | _Illegal:
    changes: _Changes = {"with_unit": event.with_unit, "former_units": _brought_in(complaint, event.with_unit)}
    if complaint.coordinated_at is None:
        changes["coordinated_at"] = at
    return changes


def _on_escalated(complaint: Complaint, event: Any, _at: datetime) -> _Changes | _Illegal:
    return {"escalated": max(complaint.escalated, event.level), "former_units": _brought_in(complaint, event.to_unit)}


def _brought_in(complaint: Complaint, unit: Unit) -> tuple[str, ...]:
    return tuple(code for code in complaint.former_units if code != unit.code)


def _on_supported(complaint: Complaint, _event: Any, _at: datetime) -> _Changes | _Illegal:
    return {"supported": complaint.supported + 1}


def _on_resolved(_complaint: Complaint, _event: Any, at: datetime) -> _Changes | _Illegal:
    return {"resolved_at": at, "closed_at": at}


def _on_rejected(_complaint: Complaint, _event: Any, at: datetime) -> _Changes | _Illegal:
    return {"closed_at": at}


def _on_reopened(complaint: Complaint, _event: Any, _at: datetime) -> _Changes | _Illegal:
    return {"reopened": complaint.reopened + 1, "resolved_at": None, "closed_at": None}


def _on_rated(_complaint: Complaint, event: Any, _at: datetime) -> _Changes | _Illegal:
    return {"stars": event.stars}


def _on_deadline(complaint: Complaint, event: Any, at: datetime) -> _Changes | _Illegal:
    """A warning or breach is recorded once, on a clock that did not stop in time."""
    clock = complaint.clock(event.clock)
    if clock is None:
        return f"there is no {event.clock} clock"
    breach = isinstance(event, SlaBreached)
    if (clock.breached_at if breach else clock.warned_at) is not None:
        return f"the {event.clock} clock did so before"
    mark = clock.due if breach else clock.warn
    end = clock.stopped_at or clock.paused_at
    if mark is None or (end is not None and end <= mark):
        return f"the {event.clock} clock stood still in time"
    marked = clocks.breached(clock, at) if breach else clocks.warned(clock, at)
    return {"clocks": tuple(marked if each is clock else each for each in complaint.clocks)}


_SPECIAL: Final[Mapping[str, Callable[[Complaint, Any, datetime], _Changes | _Illegal]]] = {
    "complaint.assigned": _on_assigned,
    "complaint.triage_requested": _on_triage_requested,
    "complaint.supported": _on_supported,
    "complaint.merged": _on_merged,
    "complaint.unmerged": _on_unmerged,
    "complaint.coordinated": _on_coordinated,
    "complaint.escalated": _on_escalated,
    "complaint.resolved": _on_resolved,
    "complaint.rejected": _on_rejected,
    "complaint.reopened": _on_reopened,
    "complaint.rated": _on_rated,
    "sla.warned": _on_deadline,
    "sla.breached": _on_deadline,
}
"""What an event changes besides status, act and clocks."""
