"""Whatever comes, in whatever order, however often: the fold agrees with the clean log, and nothing raises."""

import time
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tanggap.contracts import lifecycle
from tanggap.contracts import sla_clocks as clocks
from tanggap.contracts.events import (
    ALL,
    ClockTerm,
    ComplaintAssigned,
    ComplaintCoordinated,
    ComplaintEscalated,
    ComplaintMerged,
    ComplaintRated,
    ComplaintSubmitted,
    ComplaintTriageRequested,
    ComplaintUnmerged,
    SlaBreached,
    SlaWarned,
)
from tanggap.contracts.lifecycle import Status
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
    PETUGAS,
    RECEIVED,
    Life,
    folded,
    jakarta,
    terms,
)

unhurried = settings(deadline=None)  # a busy machine is no fault

UNITS = (GAMBIR, CIDENG, BINA_MARGA, KECAMATAN)
ACTORS = (LURAH, LURAH_CIDENG, KASUDIN, PETUGAS)
NAMES = ("coordinate", "first_response", "resolution", "verification")
BUDGETS = {
    "coordinate": clocks.Budget.working_hours(6),
    "first_response": clocks.Budget.hours(24),
    "resolution": clocks.Budget.days(5),
    "verification": clocks.Budget.hours(48),
}

MOVES = {
    "complaint.assigned",
    "complaint.triage_requested",
    "complaint.merged",
    "complaint.unmerged",
    "complaint.transfer_requested",
    "complaint.acknowledged",
    "complaint.coordinated",
    "complaint.progressed",
    "complaint.waiting_reporter",
    "complaint.resumed",
    "complaint.resolved",
    "complaint.rejected",
    "complaint.verified",
    "complaint.reopened",
}

# An event: a number that picks its model, minutes since the one before (back in time too: clocks of machines differ), and a number
# that picks details.
draft = st.tuples(st.integers(0, 10**4), st.integers(-60, 5 * 24 * 60), st.integers(0, 11))


def made(life, model, at, pick):
    fields = {}
    if "actor" in model.model_fields:
        fields["actor"] = ACTORS[pick % 4]
    if "clock" in model.model_fields:
        fields["clock"] = NAMES[pick % 4]
    if model is ComplaintAssigned:
        fields |= {"unit": UNITS[pick % 4], "clocks": terms(at, **BUDGETS)}
    if model is ComplaintTriageRequested:
        fields |= {"unit": DESK, "clocks": terms(at, resolution=BUDGETS["resolution"])}
    if model is ComplaintCoordinated:
        fields |= {"with_unit": UNITS[pick % 4], "disposed": pick % 3 == 0}
    if model is ComplaintEscalated:
        fields |= {"to_unit": UNITS[pick % 4], "level": 1 + pick % 3}
    if model is ComplaintRated:
        fields["stars"] = 1 + pick % 5
    if model is ComplaintUnmerged and pick == 0:
        fields["was_into"] = COMPLAINT
    return life.event(model, at, **fields)


def lived(drafts):
    """A clean log of legal events, and the life that can make more. Most drafts are turned into an event that may be legal now."""
    life = Life()
    log = [life.event(ComplaintSubmitted, 0)]
    complaint = folded(log)
    at = RECEIVED
    for model, minutes, pick in drafts:
        at += timedelta(minutes=minutes)
        event = made(life, likely(complaint, model) if pick else ALL[model % len(ALL)], at, pick)
        outcome = lifecycle.apply(complaint, event, jakarta().calendar)
        if outcome.applied:
            log.append(event)
            complaint = outcome.complaint
    return log, life


def likely(complaint, number):
    """A model that may be legal now; what moves a complaint comes four times as often as what is only noted."""
    able = [each for each in ALL if lifecycle.accepts(complaint, each.model_fields["type"].default)]
    moves = [each for each in able if each.model_fields["type"].default in MOVES and each is not ComplaintMerged]
    return (able + 3 * moves)[number % (len(able) + 3 * len(moves))]


drafts = st.lists(draft, max_size=60)


@unhurried
@given(drafts, st.lists(st.tuples(st.integers(0, 10**6), st.one_of(st.none(), draft)), max_size=25))
def test_duplicates_and_illegal_events_in_any_place_leave_what_the_clean_log_says(drafts, noise):
    log, life = lived(drafts)
    noisy = list(log)
    stray = []
    for number, junk in noise:
        place = 1 + number % len(noisy)
        if junk is None:
            # Any record that came before may come again; so may one that was refused.
            noisy.insert(place, noisy[number % place])
            continue
        model, minutes, pick = junk
        event = made(life, ALL[model % len(ALL)], noisy[place - 1].occurred_at + timedelta(minutes=minutes), pick)
        if lifecycle.apply(folded(noisy[:place]), event, jakarta().calendar).why == "illegal":
            noisy.insert(place, event)
            stray.append(event)
    clean, dirty = folded(log), folded(noisy)
    assert dirty == clean
    assert set(dirty.refused_ids) == {event.event_id.hex for event in stray}
    assert lifecycle.encode(lifecycle.decode(lifecycle.encode(dirty))) == lifecycle.encode(dirty)


@unhurried
@given(drafts)
def test_a_log_read_again_from_any_point_changes_nothing(drafts):
    log, _ = lived(drafts)
    whole = folded(log)
    for start in range(len(log)):
        assert folded([*log, *log[start:]]) == whole


CAUSES = {
    Status.resolved: "complaint.resolved",
    Status.verified: "complaint.verified",
    Status.rejected: "complaint.rejected",
    Status.merged: "complaint.merged",
}


@unhurried
@given(drafts)
def test_an_end_has_its_cause(drafts):
    log, _ = lived(drafts)
    complaint = None
    moved = None
    for event in log:
        before = complaint
        complaint = lifecycle.apply(before, event, jakarta().calendar).complaint
        if event.type in MOVES:
            moved = event
        elif before is not None:
            assert complaint.status is before.status
        if complaint.closed:
            assert moved is not None
            assert moved.type == CAUSES[complaint.status]
        assert (complaint.closed_at is not None) == (complaint.status in (Status.resolved, Status.verified, Status.rejected))


@unhurried
@given(drafts)
def test_what_is_promised_or_done_once_stays(drafts):
    log, _ = lived(drafts)
    before = None
    for event in log:
        now = lifecycle.apply(before, event, jakarta().calendar).complaint
        if before is not None:
            for name in ("number", "received_at", "assigned_at", "first_response_at", "coordinated_at"):
                assert getattr(before, name) in (None, getattr(now, name)), name
            assert now.applied_ids[:-1] == before.applied_ids
            for clock in before.clocks:
                after = now.clock(clock.name)
                assert clock.warned_at in (None, after.warned_at)
                assert clock.breached_at in (None, after.breached_at)
                if before.assigned_at is not None and clock.due is not None:
                    assert after.due >= clock.due, event.type
        assert (now.waiting_since is not None) == (Status.waiting_reporter in (now.status, *now.interrupted))
        assert (now.merged_into is not None) == (now.status is Status.merged)
        assert len(now.interrupted) == (now.status in lifecycle.INTERRUPTIONS) + (
            now.status is Status.merged and Status.waiting_reporter in now.interrupted
        )
        before = now


@unhurried
@given(drafts)
def test_clocks_run_exactly_while_somebody_must_act(drafts):
    log, _ = lived(drafts)
    complaint = folded(log)
    resolution = complaint.clock("resolution")
    if resolution is not None:
        still = complaint.status in (*CAUSES, Status.waiting_reporter)
        assert resolution.running == (not still)
    verification = complaint.clock("verification")
    if verification is not None:
        assert verification.running == (complaint.status is Status.resolved)


@unhurried
@given(drafts)
def test_the_state_survives_being_written_down(drafts):
    complaint = folded(lived(drafts)[0])
    assert lifecycle.decode(lifecycle.encode(complaint)) == complaint


extremes = st.one_of(
    st.sampled_from([datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]),
    st.datetimes(timezones=st.just(UTC)),
)
wild_terms = st.builds(
    ClockTerm,
    clock=st.sampled_from(NAMES),
    basis=st.sampled_from(["calendar", "working"]),
    budget_seconds=st.integers(1, 10**18),
    started_at=st.none() | extremes,
    warn_at=st.none() | extremes,
    due_at=st.none() | extremes,
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(ALL), extremes, st.integers(0, 11), st.lists(wild_terms, max_size=4)), max_size=25))
def test_no_event_of_a_broken_clock_or_a_wild_policy_makes_the_fold_raise(wild):
    life = Life()
    complaint = folded([life.event(ComplaintSubmitted, 0)])
    for model, at, pick, stamped in wild:
        event = made(life, model, RECEIVED, pick).model_copy(update={"occurred_at": at})
        if "clocks" in model.model_fields:
            event = event.model_copy(update={"clocks": tuple(stamped)})
        outcome = lifecycle.apply(complaint, event, jakarta().calendar)
        assert outcome.why in ("applied", "illegal", "duplicate")
        complaint = lifecycle.decode(lifecycle.encode(outcome.complaint))
        assert complaint == outcome.complaint


def test_a_fold_step_with_its_reading_and_writing_takes_microseconds():
    life = Life()
    log = [life.event(ComplaintSubmitted, 0), life.event(ComplaintAssigned, 1)]
    log += [life.event(model) for model in (SlaWarned, ComplaintCoordinated, SlaBreached)]

    def fold():
        state = None
        for event in log:
            complaint = lifecycle.decode(state) if state else None
            state = lifecycle.encode(lifecycle.apply(complaint, event, jakarta().calendar).complaint)

    best = min(timed(fold) for _ in range(200)) / len(log)
    # 20 us where it was written; the limit catches a fold that grew an order of magnitude, on any machine.
    assert best < 200e-6


def timed(function):
    began = time.process_time()
    function()
    return time.process_time() - began
