"""What an official may do with a complaint, what becomes of it, and what is told to the one who came second. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from tanggap.contracts import lifecycle
from tanggap.contracts.events import (
    Actor,
    ComplaintAcknowledged,
    ComplaintRejected,
    ComplaintResolved,
    Event,
)
from tanggap.contracts.lifecycle import Complaint, Stage
from tanggap.contracts.sla_clocks import Calendar

SHORTEST_NOTE_CHARS = 10
"""A shorter note tells a citizen nothing ("ok", "sudah")."""
LONGEST_NOTE_CHARS = 2000


class Act(StrEnum):
    """What the page offers; the values are the form's."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    REJECT = "reject"


EVENTS: dict[Act, type[ComplaintAcknowledged | ComplaintResolved | ComplaintRejected]] = {
    Act.ACKNOWLEDGE: ComplaintAcknowledged,
    Act.RESOLVE: ComplaintResolved,
    Act.REJECT: ComplaintRejected,
}
NOTED = frozenset({Act.RESOLVE, Act.REJECT})
"""Acts that must say something to the public."""


@dataclass(frozen=True, slots=True)
class Form:
    """What the page sent. `nonce` is the form's own: sent twice it makes one event. `as_of`: the last act that the reader saw."""

    act: Act
    note: str
    nonce: UUID
    as_of: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of an act.

    `done`: it counts, and `event` goes to the log. `again`: the same form came before, nothing is to be done. `overtaken`:
    another office acted after the page was read; the reader is told what, and may still decide. `late`: the act is no longer
    possible.
    """

    outcome: Literal["done", "again", "overtaken", "late"]
    event: Event
    complaint: Complaint


def effective(complaint: Complaint, unseen: Sequence[Event], calendar: Calendar) -> Complaint:
    """The state that counts here: the log's, and on top of it the acts done on this page that the log has not shown yet."""
    for event in unseen:
        outcome = lifecycle.apply(complaint, event, calendar)
        if outcome.applied and outcome.complaint is not None:
            complaint = outcome.complaint
    return complaint


def as_of(complaint: Complaint) -> str:
    """A mark of the last official act, for the form to bring back."""
    return "" if complaint.last_act_at is None else f"{complaint.last_act}@{complaint.last_act_at.isoformat()}"


def judge(complaint: Complaint, form: Form, actor: Actor, calendar: Calendar, at: datetime) -> Verdict:
    """Decide what becomes of `form`, sent in the name of `actor`, against the state that counts."""
    event = create(complaint.id, form, actor, at)
    if event.event_id.hex in complaint.applied_ids:
        return Verdict("again", event, complaint)
    outcome = lifecycle.apply(complaint, event, calendar)
    if not outcome.applied or outcome.complaint is None:
        return Verdict("late", event, complaint)
    if form.as_of != as_of(complaint) and complaint.last_actor is not None and not same_office(complaint.last_actor, actor):
        return Verdict("overtaken", event, complaint)
    return Verdict("done", event, outcome.complaint)


def create(complaint_id: UUID, form: Form, actor: Actor, at: datetime) -> Event:
    """Make the event of a form; the same form always makes the same one."""
    note = {"note": form.note} if form.act in NOTED else {}
    return EVENTS[form.act].create(complaint_id=complaint_id, cause=form.nonce, occurred_at=at, actor=actor, **note)


def offered(complaint: Complaint, actor: Actor) -> tuple[Act, ...]:
    """List the acts that are possible now, in the order of the page."""
    if actor.unit.code in complaint.former_units:
        return ()
    return tuple(act for act in Act if lifecycle.accepts(complaint, EVENTS[act].model_fields["type"].default))


def stage_after(complaint: Complaint, act: Act, actor: Actor, calendar: Calendar, at: datetime) -> Stage:
    """Foretell the public stage that the reporter will see after `act`: by doing it on a copy."""
    form = Form(act, "-", UUID(int=0), "")
    outcome = lifecycle.apply(complaint, create(complaint.id, form, actor, at), calendar)
    return (outcome.complaint or complaint).stage


def same_office(one: Actor, other: Actor) -> bool:
    """Do both act for the same office? Names of units may be spelled anew, codes are not."""
    return (one.role, one.unit.code) == (other.role, other.unit.code)


Field = Literal["note", "act"]
FaultKind = Literal["missing", "short", "long"]


def faults(act: Act, note: str) -> FaultKind | None:
    """Say what is wrong with the note of `act`, if anything is; `note` is stripped."""
    if act not in NOTED:
        return None
    if not note:
        return "missing"
    if len(note) < SHORTEST_NOTE_CHARS:
        return "short"
    return "long" if len(note) > LONGEST_NOTE_CHARS else None
