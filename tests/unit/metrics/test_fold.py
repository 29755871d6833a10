"""What a batch changes, without a database."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.metrics.fold import Known, deadlines, facts, fold
from tanggap.contracts import lifecycle
from tanggap.contracts.events import Unit
from tests.support.metrics import GAMBIR, GAMBIR_DISTRICT, PINANGSIA, Life, Log

AGENCY = Unit(code="sudin-bina-marga.31.71", name="Suku Dinas Bina Marga Jakarta Pusat")


@pytest.fixture
def whole(city):
    """The state that a life's events lead to."""
    return lambda life: lifecycle.fold(life.events, city.calendar)


@pytest.fixture
def row(whole, kota_of):
    return lambda life: facts(whole(life), 0, kota_of)


def test_a_complaints_row_follows_its_state(life, row):
    answered = row(life().submitted().assigned(PINANGSIA).acknowledged(2))
    assert (answered.unit_code, answered.unit_name, answered.kota) == (PINANGSIA.code, "Pinangsia", "31.73")
    assert (answered.status, answered.stage, answered.outcome, answered.category) == ("acknowledged", "menunggu", "open", "pju")
    assert answered.first_response_at == answered.received_at + timedelta(hours=2)
    assert answered.closed_at is None


@pytest.mark.parametrize(
    ("end", "outcome"),
    [("resolved", "resolved"), ("rejected", "rejected"), ("acknowledged", "open")],
)
def test_how_it_ended_is_its_outcome_and_an_ended_one_is_never_overdue(life, row, end, outcome):
    ended = getattr(life().submitted().assigned(), end)(3)
    found = row(ended)
    assert found.outcome == outcome
    assert (found.overdue_from is None) == (outcome != "open")
    assert (found.closed_at is not None) == (outcome != "open")


def test_a_reopened_complaint_is_open_again_and_its_resolution_clock_runs_on(life, row):
    reopened = life().submitted().assigned(resolve=168).resolved(8).reopened(32)
    found = row(reopened)
    assert (found.outcome, found.closed_at, found.overdue_clock) == ("open", None, "resolution")
    assert found.overdue_from == reopened.at(168 + 24)


def test_it_becomes_overdue_when_the_first_of_its_running_clocks_runs_out(life, row):
    waiting = life().submitted().assigned(coordinate=6, respond=24, resolve=168)
    assert (row(waiting).overdue_clock, row(waiting).overdue_from) == ("coordinate", waiting.at(6))
    coordinated = waiting.coordinated(1, AGENCY)
    assert (row(coordinated).overdue_clock, row(coordinated).overdue_from) == ("resolution", waiting.at(168))


def test_waiting_for_the_reporter_can_not_make_it_overdue_but_what_was_late_before_stays_late(life, row):
    in_time = life().submitted().assigned(resolve=168).waiting(2)
    assert row(in_time).overdue_from is None
    late = life().submitted().assigned(resolve=1).waiting(2)
    assert (row(late).overdue_clock, row(late).overdue_from) == ("resolution", late.at(1))


def test_a_ward_is_not_blamed_for_the_agency_that_has_the_work_in_hand(life, row):
    found = row(life().submitted().assigned(GAMBIR).coordinated(1, AGENCY))
    assert (found.unit_code, found.kota) == (AGENCY.code, "31.71")


def test_the_city_of_a_complaint_is_that_of_its_place_else_of_its_unit_else_none(life, row):
    branch = Unit(code="sudin-bina-marga.31.73", name="Suku Dinas Bina Marga Jakarta Barat")
    assert row(life().submitted().assigned(branch, ward=GAMBIR)).kota == "31.71"
    assert row(life().submitted().triaged()).kota is None
    assert row(life().submitted().triaged(ward=PINANGSIA)).kota == "31.73"


def test_a_camat_who_must_name_the_unit_holds_the_complaint_and_is_late_with_it(row, life, whole):
    complaint = life().submitted().triaged(unit=GAMBIR_DISTRICT, budget=2)
    waiting = row(complaint)
    assert (waiting.unit_code, waiting.unit_name, waiting.kota, waiting.status) == ("31.71.01", "Gambir", "31.71", "triage")
    assert (waiting.overdue_from, waiting.overdue_clock) == (complaint.at(2), "coordinate")
    assert deadlines(whole(complaint))["coordinate", "breach"] == complaint.at(2)
    named = row(complaint.assigned(GAMBIR, 3))
    assert (named.unit_code, named.status) == (GAMBIR.code, "assigned")


def test_each_running_clock_has_a_warning_and_a_breach_until_it_stops(life, whole):
    complaint = life().submitted().assigned(coordinate=10, respond=20, resolve=100)
    expected = {
        ("coordinate", "warn"): 8,
        ("coordinate", "breach"): 10,
        ("first_response", "warn"): 16,
        ("first_response", "breach"): 20,
        ("resolution", "warn"): 80,
        ("resolution", "breach"): 100,
    }
    assert deadlines(whole(complaint)) == {key: complaint.at(hours) for key, hours in expected.items()}
    assert {clock for clock, _ in deadlines(whole(complaint.acknowledged(1)))} == {"coordinate", "resolution"}
    assert deadlines(whole(complaint.resolved(2))) == {}


def test_a_pause_takes_the_deadlines_away_and_the_end_of_it_brings_them_back_later(life, whole):
    complaint = life().submitted().assigned(resolve=100).waiting(2)
    assert deadlines(whole(complaint)) == {}
    live = deadlines(whole(complaint.resumed(12)))
    assert live["resolution", "breach"] == complaint.at(110)


def test_a_transfer_moves_no_deadline(life, whole):
    complaint = life().submitted().assigned(GAMBIR)
    before = deadlines(whole(complaint))
    complaint.assigned(PINANGSIA, hours=5, coordinate=60, respond=60, resolve=600)
    assert deadlines(whole(complaint)) == before


def test_what_has_fired_is_no_longer_a_deadline_and_counts_as_a_breach(life, whole, row):
    complaint = life().submitted().assigned(coordinate=6).breached("coordinate", 6, 6.01)
    assert ("coordinate", "breach") not in deadlines(whole(complaint))
    assert ("coordinate", "warn") not in deadlines(whole(complaint)), "a warning after the breach would be idle talk"
    assert row(complaint).breaches == 1


def test_an_answer_that_came_late_is_a_breach_even_where_nobody_was_there_to_fire_it(life, row):
    assert row(life().submitted().assigned(coordinate=2, respond=24).coordinated(3, AGENCY)).breaches == 1
    assert row(life().submitted().assigned(coordinate=2, respond=24).coordinated(2, AGENCY)).breaches == 0
    assert row(life().submitted().assigned(coordinate=2, respond=1).resolved(3).breached("coordinate", 2, 3.1)).breaches == 2


def test_a_batch_holds_one_row_for_each_complaint_however_many_events_it_has(city, kota_of, life):
    first, second = life(number="JK1").submitted().assigned().acknowledged(1), life(number="JK2").submitted()
    folded = fold(Log().batch([*first.events, *second.events]), {}, city.calendar, kota_of)
    assert {row.number for row in folded.facts} == {"JK1", "JK2"}
    assert len(folded.facts) == len(folded.states) == 2
    assert folded.outcomes == {"applied": 4}


def known(folded):
    return {complaint_id: Known(version, state) for complaint_id, version, state in folded.states}


def test_a_batch_read_again_changes_nothing(city, kota_of, life):
    batch = Log().batch(life().submitted().assigned().acknowledged(1).events)
    once = fold(batch, {}, city.calendar, kota_of)
    again = fold(batch, known(once), city.calendar, kota_of)
    assert (again.states, again.facts, again.started, again.stopped) == ([], [], [], [])
    assert again.outcomes == {"duplicate": 3}


def test_an_alert_that_was_delivered_changes_no_figure_and_no_deadline(city, kota_of, life):
    complaint = life().submitted().assigned()
    before = fold(Log().batch(complaint.events), {}, city.calendar, kota_of)
    after = fold(Log().batch(complaint.notified(0.1).events[-1:]), known(before), city.calendar, kota_of)
    assert [version for _, version, _ in after.states] == [2]
    assert (after.facts, after.started, after.stopped) == ([], [], [])


def test_an_illegal_event_changes_no_figure_and_stays_illegal_when_it_is_read_again(city, kota_of, life):
    complaint = life().submitted().assigned().resolved(1)
    before = fold(Log().batch(complaint.events), {}, city.calendar, kota_of)
    late = Log().batch(complaint.acknowledged(2).events[-1:])
    after = fold(late, known(before), city.calendar, kota_of)
    assert (after.facts, after.outcomes) == ([], {"illegal": 1})
    reopened = fold(Log().batch(complaint.reopened(3).events[-1:]), known(after), city.calendar, kota_of)
    assert fold(late, known(reopened), city.calendar, kota_of).outcomes == {"duplicate": 1}


def test_an_event_of_a_complaint_that_was_never_submitted_is_counted_and_passed_over(city, kota_of, life):
    stray = life().acknowledged(1)
    folded = fold(Log().batch(stray.events), {}, city.calendar, kota_of)
    assert (folded.states, folded.outcomes) == ([], {"unknown_complaint": 1})


ACTS = st.sampled_from(
    ["assigned", "triaged", "notified", "acknowledged", "waiting", "resumed", "resolved", "rejected", "reopened"]
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, max_size=12), data=st.data())
def test_however_the_log_is_cut_into_batches_rows_and_deadlines_are_those_of_the_whole(city, kota_of, acts, data):
    complaint = Life(city.calendar, datetime(2026, 11, 24, 5, tzinfo=UTC)).submitted()
    for hour, act in enumerate(acts, 1):
        if act in ("assigned", "triaged"):
            getattr(complaint, act)(hours=hour)
        else:
            getattr(complaint, act)(hour)
    log, held, live, fact = Log(), {}, {}, None
    events = list(complaint.events)
    while events:
        size = data.draw(st.integers(1, len(events)))
        # Every batch begins with what the one before it held: a redelivery.
        folded = fold(
            log.batch(complaint.events[: len(complaint.events) - len(events)][-2:] + events[:size]), held, city.calendar, kota_of
        )
        events = events[size:]
        held |= known(folded)
        for complaint_id, clock, kind in folded.stopped:
            del live[complaint_id, clock, kind]
        live |= {(complaint_id, clock, kind): at for complaint_id, clock, kind, _, at in folded.started}
        fact = folded.facts[-1] if folded.facts else fact
    end = lifecycle.fold(complaint.events, city.calendar)
    assert live == {(complaint.id, *key): at for key, at in deadlines(end).items()}
    assert fact == facts(end, 0, kota_of)
    assert lifecycle.decode(held[complaint.id].state) == end
