"""What an official may do, and what becomes of it."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.notifier import acts
from services.notifier.acts import Act, Form
from tanggap.contracts import lifecycle
from tanggap.contracts.events import Actor, ComplaintAcknowledged
from tests.support.officials import GAMBIR, GAMBIR_DISTRICT, NOW, Life, jakarta

LURAH = Actor(role="lurah", unit=GAMBIR)
CAMAT = Actor(role="camat", unit=GAMBIR_DISTRICT)
CALENDAR = jakarta().calendar


def folded(life: Life) -> lifecycle.Complaint:
    return lifecycle.fold(life.events, CALENDAR)


def form(act: Act, complaint: lifecycle.Complaint, nonce: UUID | None = None, note: str = "Sudah ditambal pagi ini.") -> Form:
    return Form(act, note, nonce or uuid4(), acts.as_of(complaint))


def judge(complaint, sent, actor=LURAH, at=NOW):
    return acts.judge(complaint, sent, actor, CALENDAR, at)


def test_a_legal_act_is_done_and_names_the_office():
    complaint = folded(Life().submitted().assigned())
    verdict = judge(complaint, form(Act.RESOLVE, complaint))
    assert verdict.outcome == "done"
    assert verdict.complaint.closed
    assert verdict.event.actor == LURAH
    assert verdict.event.note == "Sudah ditambal pagi ini."


def test_taking_to_hand_carries_no_note():
    complaint = folded(Life().submitted().assigned())
    assert judge(complaint, form(Act.ACKNOWLEDGE, complaint)).event.note is None


def test_the_same_form_again_makes_the_same_event_and_nothing_is_to_be_done():
    complaint = folded(Life().submitted().assigned())
    sent = form(Act.ACKNOWLEDGE, complaint)
    first = judge(complaint, sent)
    again = judge(first.complaint, sent, at=NOW + timedelta(hours=1))
    assert again.outcome == "again"
    assert again.event.event_id == first.event.event_id


def test_an_act_that_is_no_longer_possible_is_late():
    complaint = folded(Life().submitted().assigned())
    stale = form(Act.REJECT, complaint)
    resolved = judge(complaint, form(Act.RESOLVE, complaint)).complaint
    assert judge(resolved, stale, CAMAT).outcome == "late"


def test_an_act_decided_without_anothers_is_overtaken_until_it_is_read():
    complaint = folded(Life().submitted().assigned())
    stale = form(Act.REJECT, complaint)
    taken = judge(complaint, form(Act.ACKNOWLEDGE, complaint), CAMAT).complaint
    assert judge(taken, stale).outcome == "overtaken"
    assert judge(taken, form(Act.REJECT, taken)).outcome == "done"


def test_ones_own_earlier_act_overtakes_nobody():
    complaint = folded(Life().submitted().assigned())
    stale = form(Act.RESOLVE, complaint)
    taken = judge(complaint, form(Act.ACKNOWLEDGE, complaint)).complaint
    assert judge(taken, stale).outcome == "done"


def test_nothing_is_offered_to_a_unit_that_no_longer_has_it():
    moved = folded(Life().submitted().assigned().assigned(GAMBIR_DISTRICT, cause="moved"))
    assert acts.offered(moved, LURAH) == ()
    assert acts.offered(moved, CAMAT) == (Act.ACKNOWLEDGE, Act.RESOLVE, Act.REJECT)


@pytest.mark.parametrize(
    ("life", "offers"),
    [
        (Life().submitted().assigned(), list(Act)),
        (Life().submitted().assigned().acknowledged(LURAH), [Act.RESOLVE, Act.REJECT]),
        (Life().submitted().assigned().resolved(LURAH), []),
        (Life().submitted().assigned().merged(), []),
        (Life().submitted().assigned().resolved(LURAH).reopened(), list(Act)),
        (Life().submitted().triaged(), list(Act)),
    ],
)
def test_only_what_is_possible_is_offered(life, offers):
    complaint = folded(life)
    assert list(acts.offered(complaint, LURAH)) == offers
    for act in offers:
        assert judge(complaint, form(act, complaint)).outcome == "done"


def test_the_stage_that_is_foretold_is_the_one_that_comes():
    complaint = folded(Life().submitted().assigned())
    for act in Act:
        foretold = acts.stage_after(complaint, act, LURAH, CALENDAR, NOW)
        assert foretold is judge(complaint, form(act, complaint)).complaint.stage


def test_acts_that_the_log_has_not_shown_count_on_top_of_it_and_illegal_ones_do_not():
    complaint = folded(Life().submitted().assigned())
    events = [
        ComplaintAcknowledged.create(complaint_id=complaint.id, cause=cause, occurred_at=NOW, actor=LURAH) for cause in ("a", "b")
    ]
    effective = acts.effective(complaint, events, CALENDAR)
    assert effective.status is lifecycle.Status.acknowledged
    assert events[0].event_id.hex in effective.applied_ids
    assert events[1].event_id.hex not in effective.applied_ids


@pytest.mark.parametrize(
    ("act", "note", "fault"),
    [
        (Act.ACKNOWLEDGE, "", None),
        (Act.RESOLVE, "", "missing"),
        (Act.RESOLVE, "sudah pak", "short"),
        (Act.RESOLVE, "sudah pak!", None),
        (Act.REJECT, "", "missing"),
        (Act.REJECT, "x" * 2000, None),
        (Act.REJECT, "x" * 2001, "long"),
    ],
)
def test_a_note_must_say_something(act, note, fault):
    assert acts.faults(act, note) == fault
