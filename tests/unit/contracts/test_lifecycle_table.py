"""Every event in every status, against a grid written by hand."""

import pytest

from tanggap.contracts import lifecycle
from tanggap.contracts.events import (
    ALL,
    BY_TYPE,
    ComplaintAcknowledged,
    ComplaintAssigned,
    ComplaintCoordinated,
    ComplaintMerged,
    ComplaintProgressed,
    ComplaintRejected,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintSubmitted,
    ComplaintTransferRequested,
    ComplaintTriageRequested,
    ComplaintVerified,
    ComplaintWaitingReporter,
)
from tanggap.contracts.lifecycle import Status
from tests.support.lives import COMPLAINT, OTHER, PETUGAS, Life, follow, jakarta

MONTH = 30 * 24 * 60
"""Minutes: by then every clock of the sample has run out, so a warning or a breach of it is a fact in any status."""

# How a complaint comes to stand in each status.
WAYS = {
    Status.submitted: (),
    Status.triage: (ComplaintTriageRequested,),
    Status.assigned: (ComplaintAssigned,),
    Status.acknowledged: (ComplaintAssigned, ComplaintAcknowledged),
    Status.coordinated: (ComplaintAssigned, ComplaintCoordinated),
    Status.disposed: (ComplaintAssigned, ComplaintCoordinated),
    Status.in_progress: (ComplaintAssigned, ComplaintProgressed),
    Status.waiting_reporter: (ComplaintAssigned, ComplaintWaitingReporter),
    Status.transfer_requested: (ComplaintAssigned, ComplaintTransferRequested),
    Status.reopened: (ComplaintAssigned, ComplaintResolved, ComplaintReopened),
    Status.resolved: (ComplaintAssigned, ComplaintResolved),
    Status.verified: (ComplaintAssigned, ComplaintResolved, ComplaintVerified),
    Status.rejected: (ComplaintAssigned, ComplaintRejected),
    Status.merged: (ComplaintAssigned, ComplaintMerged),
}

COLUMNS = {
    "sub": Status.submitted,
    "tri": Status.triage,
    "ass": Status.assigned,
    "ack": Status.acknowledged,
    "coo": Status.coordinated,
    "dis": Status.disposed,
    "pro": Status.in_progress,
    "wai": Status.waiting_reporter,
    "tra": Status.transfer_requested,
    "reo": Status.reopened,
    "res": Status.resolved,
    "ver": Status.verified,
    "rej": Status.rejected,
    "mer": Status.merged,
}

# What the event leads to: a status, `=` for the same one, `<` for the one that was interrupted, `.` for an illegal event.
# The breach and the warning are of a clock that ran out; a complaint that has no clock yet can't have one.
GRID = """
                                sub tri ass ack coo dis pro wai tra reo res ver rej mer
complaint.submitted              .   .   .   .   .   .   .   .   .   .   .   .   .   .
complaint.supported              =   =   =   =   =   =   =   =   =   =   =   =   =   =
complaint.assigned              ass ass  =  ass ass ass ass ass ass ass  .   .   .   .
complaint.triage_requested      tri  .   .   .   .   .   .   .  tri  .   .   .   .   .
complaint.merged                mer mer mer mer mer mer mer mer mer mer  .   .   .   .
complaint.unmerged               .   .   .   .   .   .   .   .   .   .   .   .   .   <
complaint.transfer_requested     .   .  tra tra tra tra tra tra  .  tra  .   .   .   .
official.notified                =   =   =   =   =   =   =   =   =   =   =   =   =   =
official.seen                    =   =   =   =   =   =   =   =   =   =   =   =   =   =
official.unreachable             =   =   =   =   =   =   =   =   =   =   =   =   =   =
complaint.acknowledged           .  ack ack  .   .   .   .   .   .  ack  .   .   .   .
complaint.coordinated            .  coo coo coo  =  coo coo coo coo coo  .   .   .   .
complaint.progressed             .   .  pro pro pro pro  =  pro  .  pro  .   .   .   .
complaint.answered               .   =   =   =   =   =   =   =   =   =   =   =   =   .
complaint.waiting_reporter       .  wai wai wai wai wai wai  =   .  wai  .   .   .   .
complaint.resumed                .   .   .   .   .   .   .   <   .   .   .   .   .   .
complaint.resolved               .  res res res res res res res res res  .   .   .   .
complaint.rejected               .  rej rej rej rej rej rej rej  .  rej  .   .   .   .
complaint.verified               .   .   .   .   .   .   .   .   .   .  ver  .   .   .
complaint.reopened               .   .   .   .   .   .   .   .   .   .  reo reo reo  .
complaint.rated                  .   .   .   .   .   .   .   .   .   .   =   =   =   .
complaint.escalated              =   =   =   =   =   =   =   =   =   =   =   =   =   =
sla.warned                       .   =   =   =   =   =   =   =   =   =   =   =   =   =
sla.breached                     .   =   =   =   =   =   =   =   =   =   =   =   =   =
"""

# Waiting was reached from `assigned`, and goes back to the taken-up complaint; the merge goes back to what it was.
BACK = {Status.waiting_reporter: Status.acknowledged, Status.merged: Status.assigned}


def cells():
    head, *rows = GRID.strip("\n").splitlines()
    names = head.split()
    for row in rows:
        event_type, *outcomes = row.split()
        assert len(outcomes) == len(names)
        for name, outcome in zip(names, outcomes, strict=True):
            status = COLUMNS[name]
            to = {"=": status, "<": BACK.get(status), ".": None}.get(outcome, COLUMNS.get(outcome))
            yield pytest.param(event_type, status, to, id=f"{event_type}-{status}")


def standing(status, life):
    """A complaint in `status`, brought there a month after it was received."""
    events = [life.event(ComplaintSubmitted, 0)]
    for model in WAYS[status]:
        fields = {"disposed": True} if model is ComplaintCoordinated and status is Status.disposed else {}
        at = 1 if model in (ComplaintAssigned, ComplaintTriageRequested) else MONTH + len(events)
        events.append(life.event(model, at, **fields))
    complaint = follow(*events)
    assert complaint.status is status
    return complaint


def test_the_grid_has_every_event_and_every_status():
    seen = {(each.values[0], each.values[1]) for each in cells()}
    assert seen == {(event_type, status) for event_type in BY_TYPE for status in Status}
    assert len(seen) == 24 * 14


@pytest.mark.parametrize(("event_type", "status", "to"), list(cells()))
def test_an_event_in_a_status_does_what_the_grid_says(event_type, status, to):
    life = Life()
    complaint = standing(status, life)
    fields = {"actor": PETUGAS} if status is Status.triage and "actor" in BY_TYPE[event_type].model_fields else {}
    event = life.event(BY_TYPE[event_type], MONTH + 100, **fields)
    outcome = lifecycle.apply(complaint, event, jakarta().calendar)
    if to is None:
        assert (outcome.applied, outcome.why) == (False, "illegal")
        assert outcome.detail.startswith(event_type)
        assert outcome.complaint == complaint
    else:
        assert (outcome.applied, outcome.why) == (True, "applied"), outcome.detail
        assert outcome.complaint.status is to
        assert outcome.complaint != complaint
        assert event.event_id in outcome.complaint.applied
    again = lifecycle.apply(outcome.complaint, event, jakarta().calendar)
    assert (again.complaint, again.applied, again.why) == (outcome.complaint, False, "duplicate")
    assert again.complaint is outcome.complaint


@pytest.mark.parametrize("event_type", BY_TYPE)
def test_before_its_submission_a_complaint_is_unknown_to_every_event_but_that(event_type):
    event = Life().event(BY_TYPE[event_type])
    outcome = lifecycle.apply(None, event, jakarta().calendar)
    if event_type == "complaint.submitted":
        assert outcome.applied
        assert outcome.complaint.status is Status.submitted
    else:
        assert outcome == (None, False, "unknown_complaint", f"{event_type} came before complaint.submitted")


@pytest.mark.parametrize("event_type", BY_TYPE)
@pytest.mark.parametrize("status", Status)
def test_an_event_of_another_complaint_is_illegal_in_any_status(event_type, status):
    life = Life()
    complaint = standing(status, life)
    stray = life.event(BY_TYPE[event_type]).model_copy(update={"complaint_id": OTHER})
    outcome = lifecycle.apply(complaint, stray, jakarta().calendar)
    assert (outcome.why, outcome.complaint) == ("illegal", complaint)
    assert complaint.id == COMPLAINT


def test_the_table_has_one_row_for_each_event_in_their_order():
    assert [rule.event for rule in lifecycle.RULES] == [model.model_fields["type"].default for model in ALL]


def test_what_a_page_may_offer_is_what_the_table_allows():
    complaint = standing(Status.resolved, Life())
    assert [name for name in BY_TYPE if lifecycle.accepts(complaint, name) and name.startswith("complaint.")] == [
        "complaint.supported",
        "complaint.answered",
        "complaint.verified",
        "complaint.reopened",
        "complaint.rated",
        "complaint.escalated",
    ]
