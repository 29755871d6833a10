"""What a complaint's life means: who has it, what is public, and what its clocks do."""

from datetime import timedelta

import pytest

from tanggap.contracts import lifecycle
from tanggap.contracts.events import (
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
    SlaBreached,
    SlaWarned,
)
from tanggap.contracts.lifecycle import CLOSED, Stage, Status
from tanggap.contracts.sla_clocks import Budget
from tests.support.lives import (
    BINA_MARGA,
    CIDENG,
    COMPLAINT,
    DESK,
    GAMBIR,
    KASUDIN,
    KECAMATAN,
    LURAH,
    LURAH_CIDENG,
    OTHER,
    PETUGAS,
    RECEIVED,
    SEKRETARIS,
    Life,
    folded,
    follow,
    jakarta,
    terms,
    then,
    wall,
)

HOUR = 60
DAY = 24 * HOUR


def refused(complaint, event):
    outcome = lifecycle.apply(complaint, event, jakarta().calendar)
    assert outcome.why == "illegal", outcome
    assert outcome.complaint == complaint
    return outcome


def after(minutes):
    return RECEIVED + timedelta(minutes=minutes)


@pytest.fixture
def life():
    return Life()


@pytest.fixture
def assigned(life):
    return follow(life.event(ComplaintSubmitted, 0), life.event(ComplaintAssigned, 1))


# --- who has it -----------------------------------------------------------------------------------------------------------------


def test_an_assignment_names_who_must_act_and_since_when(assigned):
    assert (assigned.unit, assigned.ward, assigned.agency) == (GAMBIR, GAMBIR, "bina-marga")
    assert (assigned.category, assigned.urgency) == ("jalan_rusak", "high")
    assert assigned.assigned_at == assigned.unit_since == after(1)
    assert (assigned.status, assigned.stage, assigned.closed) == (Status.assigned, Stage.menunggu, False)


def test_of_two_officials_who_acknowledge_at_once_the_log_lets_the_first_do_it(life, assigned):
    first = life.event(ComplaintAcknowledged, 10)
    second = life.event(ComplaintAcknowledged, 10, actor=SEKRETARIS)
    taken = then(assigned, first)
    outcome = refused(taken, second)
    assert outcome.detail == "complaint.acknowledged: not legal while acknowledged"
    assert (taken.last_actor, taken.last_act) == (LURAH, "complaint.acknowledged")


def test_of_two_who_end_it_at_once_the_first_stands(life, assigned):
    ended = then(assigned, life.event(ComplaintRejected, 10, note="Sudah dilaporkan."))
    refused(ended, life.event(ComplaintResolved, 10, actor=SEKRETARIS))
    assert (ended.stage, ended.note, ended.resolved_at, ended.closed_at) == (Stage.ditolak, "Sudah dilaporkan.", None, after(10))


def test_a_transfer_gives_the_complaint_to_another_and_the_former_unit_can_no_longer_act(life, assigned):
    asked = then(assigned, life.event(ComplaintTransferRequested, 10))
    assert (asked.status, asked.stage, asked.unit) == (Status.transfer_requested, Stage.menunggu, GAMBIR)
    given = then(asked, life.event(ComplaintAssigned, 20, unit=CIDENG))
    assert (given.unit, given.assigned_at, given.unit_since) == (CIDENG, after(1), after(20))
    late = refused(given, life.event(ComplaintAcknowledged, 30, actor=LURAH))
    assert late.detail == "complaint.acknowledged: 31.71.01.1001 no longer has it"
    assert then(given, life.event(ComplaintAcknowledged, 30, actor=LURAH_CIDENG)).first_response_at == after(30)


def test_a_unit_that_gets_it_back_may_act_again(life, assigned):
    back = then(
        assigned,
        life.event(ComplaintAssigned, 10, unit=CIDENG),
        life.event(ComplaintAssigned, 20, unit=GAMBIR),
    )
    assert back.unit_since == after(20)
    refused(back, life.event(ComplaintAcknowledged, 30, actor=LURAH_CIDENG))
    assert then(back, life.event(ComplaintAcknowledged, 30)).last_actor == LURAH


def test_a_former_unit_that_is_coordinated_with_may_act_again(life, assigned):
    given = then(assigned, life.event(ComplaintAssigned, 10, unit=BINA_MARGA))
    shared = then(given, life.event(ComplaintCoordinated, 20, actor=KASUDIN, with_unit=GAMBIR))
    assert then(shared, life.event(ComplaintProgressed, 30)).last_actor == LURAH


def test_a_former_unit_that_it_is_escalated_to_may_act_again(life, assigned):
    given = then(assigned, life.event(ComplaintAssigned, 10, unit=CIDENG))
    raised = then(given, life.event(ComplaintEscalated, 20, from_unit=CIDENG, to_unit=GAMBIR, level=2))
    assert raised.escalated == 2
    assert then(raised, life.event(ComplaintResolved, 30)).closed


def test_triage_knows_the_ward_where_routing_did_and_forgets_none_that_was_known(life):
    submitted = life.event(ComplaintSubmitted)
    asked = life.event(ComplaintTriageRequested, unit=KECAMATAN, problem="unsure_category", ward=GAMBIR)
    waiting = follow(submitted, asked)
    assert (waiting.unit, waiting.ward, waiting.triage_problem) == (KECAMATAN, GAMBIR, "unsure_category")
    given_back = then(
        follow(submitted, life.event(ComplaintAssigned, ward=CIDENG)),
        life.event(ComplaintTransferRequested),
        life.event(ComplaintTriageRequested),
    )
    assert (given_back.status, given_back.ward) == (Status.triage, CIDENG)


def test_the_triage_desk_can_not_act_on_what_it_has_given_away(life):
    complaint = follow(
        life.event(ComplaintSubmitted, 0), life.event(ComplaintTriageRequested, 1), life.event(ComplaintAssigned, 60)
    )
    refused(complaint, life.event(ComplaintRejected, 61, actor=PETUGAS))


def test_work_that_was_arranged_with_another_is_in_their_hands(life, assigned):
    shared = then(assigned, life.event(ComplaintCoordinated, 10))
    assert (shared.unit, shared.with_unit, shared.holder) == (GAMBIR, BINA_MARGA, BINA_MARGA)
    assert (shared.stage, shared.coordinated_at) == (Stage.koordinasi, after(10))
    assert then(shared, life.event(ComplaintProgressed, 20, actor=KASUDIN)).stage is Stage.proses
    # A new unit starts with the work in its own hands.
    assert then(shared, life.event(ComplaintAssigned, 20, unit=CIDENG)).holder == CIDENG


def test_an_agency_that_hands_it_to_its_branch_shows_as_disposisi(life, assigned):
    assert then(assigned, life.event(ComplaintCoordinated, 10, disposed=True)).stage is Stage.disposisi


def test_triage_says_why_nobody_could_be_named_until_somebody_is(life):
    waiting = follow(life.event(ComplaintSubmitted, 0, category=None), life.event(ComplaintTriageRequested, 1, category=None))
    assert (waiting.unit, waiting.triage_problem, waiting.category, waiting.assigned_at) == (DESK, "no_point", None, None)
    named = then(waiting, life.event(ComplaintAssigned, 60))
    assert (named.unit, named.triage_problem, named.category, named.assigned_at) == (GAMBIR, None, "jalan_rusak", after(60))


# --- what is public ---------------------------------------------------------------------------------------------------------------


def test_a_note_is_public_but_the_reason_of_a_transfer_is_not(life, assigned):
    noted = then(assigned, life.event(ComplaintAnswered, 10, note="Dijadwalkan besok."))
    asked = then(noted, life.event(ComplaintTransferRequested, 20, note="Bukan wilayah kami."))
    assert asked.note == "Dijadwalkan besok."
    assert asked.last_act == "complaint.transfer_requested"


def test_an_act_without_a_note_leaves_the_last_one(life, assigned):
    noted = then(assigned, life.event(ComplaintAnswered, 10, note="Dijadwalkan besok."))
    assert then(noted, life.event(ComplaintProgressed, 20, note=None)).note == "Dijadwalkan besok."


def test_a_transfer_request_is_no_answer_to_the_reporter(life, assigned):
    assert then(assigned, life.event(ComplaintTransferRequested, 10)).first_response_at is None


@pytest.mark.parametrize(
    "model",
    [
        ComplaintAcknowledged,
        ComplaintCoordinated,
        ComplaintProgressed,
        ComplaintAnswered,
        ComplaintWaitingReporter,
        ComplaintResolved,
        ComplaintRejected,
    ],
)
def test_the_first_act_that_a_reporter_can_read_is_the_first_response(life, assigned, model):
    responded = then(assigned, life.event(model, 10))
    assert responded.first_response_at == after(10)
    assert responded.clock("first_response").stopped_at == after(10)
    assert then(responded, life.event(ComplaintSupported, 20)).first_response_at == after(10)


def test_an_interruption_shows_the_stage_that_it_interrupts(life, assigned):
    shared = then(assigned, life.event(ComplaintCoordinated, 10))
    asked = then(shared, life.event(ComplaintWaitingReporter, 20))
    assert (asked.status, asked.stage, asked.waiting_since) == (Status.waiting_reporter, Stage.koordinasi, after(20))
    merged = then(asked, life.event(ComplaintMerged, 30))
    assert (merged.status, merged.stage, merged.waiting_since) == (Status.merged, Stage.koordinasi, after(20))
    parted = then(merged, life.event(ComplaintUnmerged, 40))
    assert (parted.status, parted.waiting_since, parted.merged_into) == (Status.waiting_reporter, after(20), None)
    resumed = then(parted, life.event(ComplaintResumed, 50))
    assert (resumed.status, resumed.waiting_since, resumed.interrupted) == (Status.coordinated, None, ())


def test_a_second_question_keeps_the_wait_as_it_is(life, assigned):
    asked = then(assigned, life.event(ComplaintWaitingReporter, 10), life.event(ComplaintWaitingReporter, 20, note="Foto?"))
    assert (asked.waiting_since, asked.note) == (after(10), "Foto?")
    assert then(asked, life.event(ComplaintResumed, 30)).status is Status.acknowledged


def test_work_ends_a_wait(life, assigned):
    working = then(assigned, life.event(ComplaintWaitingReporter, 10), life.event(ComplaintProgressed, 20))
    assert (working.status, working.waiting_since, working.interrupted) == (Status.in_progress, None, ())
    refused(working, life.event(ComplaintResumed, 30))


def test_a_complaint_can_not_follow_itself_nor_part_from_one_that_it_does_not_follow(life, assigned):
    refused(assigned, life.event(ComplaintMerged, 10, into=COMPLAINT))
    merged = then(assigned, life.event(ComplaintMerged, 10))
    assert (merged.merged_into, merged.closed) == (OTHER, True)
    refused(merged, life.event(ComplaintUnmerged, 20, was_into=COMPLAINT))


def test_supporters_ratings_and_escalations_are_counted_in_their_way(life, assigned):
    complaint = then(
        assigned,
        life.event(ComplaintSupported),
        life.event(ComplaintSupported),
        life.event(ComplaintEscalated, level=2),
        life.event(ComplaintEscalated, level=1),
        life.event(ComplaintResolved),
        life.event(ComplaintRated, stars=5),
        life.event(ComplaintRated, stars=2),
    )
    assert (complaint.supported, complaint.escalated, complaint.stars) == (2, 2, 2)


def test_a_reopened_complaint_is_open_and_no_longer_resolved(life, assigned):
    ended = then(assigned, life.event(ComplaintResolved, 10))
    assert (ended.stage, ended.resolved_at, ended.closed_at) == (Stage.selesai, after(10), after(10))
    again = then(ended, life.event(ComplaintReopened, 20))
    assert (again.status, again.stage, again.closed, again.reopened) == (Status.reopened, Stage.proses, False, 1)
    assert (again.resolved_at, again.closed_at) == (None, None)
    assert then(again, life.event(ComplaintResolved, 30)).resolved_at == after(30)


@pytest.mark.parametrize("status", Status)
def test_every_status_has_a_stage_or_shows_the_one_it_interrupts(status):
    assert (lifecycle.STAGES[status] is None) == (status in lifecycle.INTERRUPTIONS)
    assert {Status.resolved, Status.verified, Status.rejected, Status.merged} == CLOSED


# --- clocks -----------------------------------------------------------------------------------------------------------------------


def due(complaint):
    return {clock.name: clock.due_at for clock in complaint.clocks}


def running(complaint):
    return {clock.name for clock in complaint.clocks if clock.running}


def test_an_assignment_starts_the_clocks_as_stamped(assigned):
    assert due(assigned) == {
        "coordinate": wall("2026-11-24 15:00"),
        "first_response": wall("2026-11-25 09:00"),
        "resolution": wall("2026-12-01 09:00"),
    }
    assert running(assigned) == {"coordinate", "first_response", "resolution"}


def test_taking_it_to_hand_answers_the_reporter_but_coordinates_nothing(life, assigned):
    assert running(then(assigned, life.event(ComplaintAcknowledged, 10))) == {"coordinate", "resolution"}


@pytest.mark.parametrize("model", [ComplaintCoordinated, ComplaintProgressed, ComplaintAnswered])
def test_coordination_or_any_word_of_substance_stops_the_coordination_clock(life, assigned, model):
    assert running(then(assigned, life.event(model, 10))) == {"resolution"}


@pytest.mark.parametrize("model", [ComplaintResolved, ComplaintRejected])
def test_an_end_stops_every_clock(life, assigned, model):
    ended = then(assigned, life.event(model, 10))
    assert running(ended) == set()
    assert {clock.stopped_at for clock in ended.clocks} == {after(10)}


def test_waiting_for_the_reporter_stands_still_and_takes_its_time_off_the_clock(life, assigned):
    asked = then(assigned, life.event(ComplaintWaitingReporter, 2 * HOUR))
    assert running(asked) == set()
    assert asked.clock("resolution").due_at is None
    resumed = then(asked, life.event(ComplaintResumed, 26 * HOUR))
    # 24 hours later than 1 December 09:00.
    assert resumed.clock("resolution").due_at == wall("2026-12-02 09:00")
    assert running(resumed) == {"resolution"}


def test_what_is_resolved_while_waiting_was_in_time_if_it_was_without_the_wait(life, assigned):
    asked = then(assigned, life.event(ComplaintWaitingReporter, 6 * DAY))
    ended = then(asked, life.event(ComplaintResolved, 9 * DAY))
    assert ended.clock("resolution").due == after(10 * DAY)
    assert not ended.clock("resolution").late(after(30 * DAY))


def test_a_reopening_runs_the_resolution_clock_on_from_where_it_stood_and_no_other(life, assigned):
    again = then(assigned, life.event(ComplaintResolved, 1 * DAY), life.event(ComplaintReopened, 11 * DAY))
    assert running(again) == {"resolution"}
    # Six days were left.
    assert again.clock("resolution").due_at == after(17 * DAY)
    assert again.clock("coordinate").stopped_at == after(1 * DAY)


def test_a_rejection_that_is_contested_runs_the_clock_on_too(life, assigned):
    again = then(assigned, life.event(ComplaintRejected, 1 * DAY), life.event(ComplaintReopened, 2 * DAY))
    assert again.clock("resolution").due_at == after(8 * DAY)


@pytest.mark.parametrize("through", [(), (ComplaintTransferRequested,), (ComplaintAcknowledged,), (ComplaintProgressed,)])
def test_another_assignment_never_restarts_a_clock(life, assigned, through):
    before = then(assigned, *(life.event(model, 10) for model in through))
    again = then(before, life.event(ComplaintAssigned, 3 * DAY, unit=CIDENG, clocks=terms(after(3 * DAY))))
    assert again.clocks == before.clocks


def test_another_assignment_may_add_a_clock_that_there_was_not(life):
    first = life.event(ComplaintAssigned, 1, clocks=terms(resolution=Budget.hours(168)))
    complaint = then(follow(life.event(ComplaintSubmitted, 0), first), life.event(ComplaintAssigned, 2, unit=CIDENG))
    assert {clock.name for clock in complaint.clocks} == {"coordinate", "first_response", "resolution"}


def test_triage_has_clocks_that_the_first_assignment_replaces_while_what_happened_stays(life):
    desk = follow(life.event(ComplaintSubmitted, 0), life.event(ComplaintTriageRequested, 1))
    told = then(desk, life.event(ComplaintAnswered, 10, actor=PETUGAS), life.event(SlaWarned, 20))
    flood = terms(coordinate=Budget.hours(1), first_response=Budget.hours(1), resolution=Budget.hours(24))
    named = then(told, life.event(ComplaintAssigned, 30, clocks=flood))
    assert named.clock("resolution").due_at == wall("2026-11-25 09:00")
    assert named.clock("resolution").warned_at == after(20)
    assert named.clock("first_response").stopped_at == after(10)


def test_after_a_transfer_even_triage_restarts_nothing(life, assigned):
    asked = then(assigned, life.event(ComplaintTransferRequested, 10))
    desk = then(asked, life.event(ComplaintTriageRequested, 20, clocks=terms(after(20))))
    assert desk.clocks == assigned.clocks
    assert then(desk, life.event(ComplaintAssigned, 30, clocks=terms(after(30)))).clocks == assigned.clocks


def test_a_merge_stands_still_and_its_undoing_runs_on(life, assigned):
    merged = then(assigned, life.event(ComplaintMerged, 1 * DAY))
    assert running(merged) == set()
    parted = then(merged, life.event(ComplaintUnmerged, 3 * DAY))
    assert parted.clock("resolution").due_at == after(9 * DAY)
    assert parted.status is Status.assigned


def test_a_wait_that_a_merge_interrupted_goes_on_standing_still(life, assigned):
    asked = then(assigned, life.event(ComplaintWaitingReporter, 1 * DAY), life.event(ComplaintMerged, 2 * DAY))
    parted = then(asked, life.event(ComplaintUnmerged, 3 * DAY))
    assert running(parted) == set()
    resumed = then(parted, life.event(ComplaintResumed, 4 * DAY))
    assert resumed.clock("resolution").due_at == after(10 * DAY)


def test_the_verification_clock_runs_while_a_resolution_waits_to_be_confirmed(life):
    stamped = terms(resolution=Budget.hours(168), verification=Budget.hours(48))
    complaint = follow(life.event(ComplaintSubmitted, 0), life.event(ComplaintAssigned, 1, clocks=stamped))
    assert complaint.clock("verification").due_at is None
    ended = then(complaint, life.event(ComplaintResolved, 1 * DAY))
    assert ended.clock("verification").due_at == after(3 * DAY)
    confirmed = then(ended, life.event(ComplaintVerified, 2 * DAY))
    assert confirmed.clock("verification").stopped_at == after(2 * DAY)
    again = then(ended, life.event(ComplaintReopened, 2 * DAY), life.event(ComplaintResolved, 5 * DAY))
    # One day of two was used before the reopening.
    assert again.clock("verification").due_at == after(6 * DAY)


def test_a_warning_and_a_breach_are_recorded_once(life, assigned):
    warned = then(assigned, life.event(SlaWarned, 6 * DAY))
    refused(warned, life.event(SlaWarned, 6 * DAY + 1))
    broken = then(warned, life.event(SlaBreached, 7 * DAY))
    refused(broken, life.event(SlaBreached, 8 * DAY))
    clock = broken.clock("resolution")
    assert (clock.warned_at, clock.breached_at) == (after(6 * DAY), after(7 * DAY))
    assert broken.status is Status.assigned


def test_a_clock_that_stopped_in_time_can_not_be_breached_by_a_late_word(life, assigned):
    ended = then(assigned, life.event(ComplaintResolved, 6 * DAY))
    late = refused(ended, life.event(SlaBreached, 8 * DAY))
    assert late.detail == "sla.breached: the resolution clock stood still in time"
    asked = then(assigned, life.event(ComplaintWaitingReporter, 1 * DAY))
    refused(asked, life.event(SlaBreached, 8 * DAY))


def test_a_breach_of_a_clock_that_stopped_too_late_is_a_fact_whenever_it_is_told(life, assigned):
    ended = then(assigned, life.event(ComplaintResolved, 8 * DAY))
    assert then(ended, life.event(SlaBreached, 8 * DAY + 1)).clock("resolution").breached_at == after(8 * DAY + 1)


def test_a_breach_of_a_clock_that_is_not_there_is_illegal(life, assigned):
    assert (
        refused(assigned, life.event(SlaBreached, clock="verification")).detail == "sla.breached: there is no verification clock"
    )


def test_working_time_stands_still_over_a_weekend_for_nothing(life):
    stamped = terms(wall("2026-11-20 09:00"), resolution=Budget.working_hours(20))
    # Friday 7.5 h, Monday 8.5 h, four hours of Tuesday.
    complaint = follow(life.event(ComplaintSubmitted, 0), life.event(ComplaintAssigned, 1, clocks=stamped))
    assert complaint.clock("resolution").due_at == wall("2026-11-24 11:30")
    asked = then(complaint, life.event(ComplaintWaitingReporter, wall("2026-11-20 17:00")))
    assert then(asked, life.event(ComplaintResumed, wall("2026-11-22 20:00"))).clock("resolution").due_at == wall(
        "2026-11-24 11:30"
    )


def test_working_time_in_a_year_without_known_holidays_still_folds(life):
    stamped = terms(wall("2027-12-30 09:00"), resolution=Budget.working_hours(8))
    complaint = follow(life.event(ComplaintSubmitted, 0), life.event(ComplaintAssigned, 1, clocks=stamped))
    asked = then(complaint, life.event(ComplaintWaitingReporter, wall("2027-12-30 10:00")))
    # Thursday 30: six hours to 16:00; Friday 31: nine; Monday 3 January 2028: taken as a working day, half an hour of it.
    resumed = then(asked, life.event(ComplaintResumed, wall("2028-01-03 08:00")))
    # 15.5 h later than Friday 31, 08:30: eight of Friday, 7.5 of Monday.
    assert resumed.clock("resolution").due_at == wall("2028-01-03 15:00")


# --- what comes late, twice, or never should ---------------------------------------------------------------------------------------


def test_an_act_that_was_illegal_stays_so_when_it_is_read_again_after_a_reopening(life, assigned):
    late = life.event(ComplaintAcknowledged, 11, actor=SEKRETARIS)
    log = [
        *(life.event(ComplaintSubmitted, 0), life.event(ComplaintAssigned, 1), life.event(ComplaintResolved, 10)),
        late,
        life.event(ComplaintReopened, 20),
    ]
    assert folded([*log, late]) == folded(log)
    assert folded(log).status is Status.reopened
    # A new acknowledgement is another thing.
    assert folded([*log, late, life.event(ComplaintAcknowledged, 30)]).status is Status.acknowledged


def test_an_assignment_that_comes_after_the_end_gives_the_complaint_to_nobody(life, assigned):
    ended = then(assigned, life.event(ComplaintResolved, 10))
    refused(ended, life.event(ComplaintAssigned, 11, unit=CIDENG))
    assert ended.unit == GAMBIR
