"""What events make of a complaint's history, and what its clocks promise."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.intake.consumer import entry, fold, revision
from services.intake.reading import due
from tanggap.contracts.events import (
    ComplaintAcknowledged,
    ComplaintAssigned,
    ComplaintCoordinated,
    ComplaintEscalated,
    ComplaintProgressed,
    ComplaintRated,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintResumed,
    ComplaintSubmitted,
    ComplaintTriageRequested,
    ComplaintWaitingReporter,
    Event,
    OfficialNotified,
    OfficialUnreachable,
)
from tests.support.lives import BINA_MARGA, DESK, GAMBIR, KECAMATAN, RECEIVED, Life, follow, jakarta


def made(*events: Event) -> tuple[Any, ...]:
    return fold({}, events, jakarta().calendar)


def test_each_event_that_changes_a_complaint_is_a_line_of_its_history():
    life = Life()
    changed, lines, outcomes = made(
        life.event(ComplaintSubmitted),
        life.event(ComplaintAssigned),
        life.event(ComplaintProgressed),
        life.event(ComplaintResolved),
    )

    assert [(line.revision, line.type, line.stage) for line in lines] == [
        (1, "complaint.submitted", "menunggu"),
        (2, "complaint.assigned", "menunggu"),
        (3, "complaint.progressed", "proses"),
        (4, "complaint.resolved", "selesai"),
    ]
    assert outcomes == {"applied": 4}
    [complaint] = changed.values()
    assert revision(complaint) == 4


def test_an_event_read_twice_changes_nothing():
    life = Life()
    events = [life.event(ComplaintSubmitted), life.event(ComplaintAssigned)]
    known, _, _ = made(*events)

    changed, lines, outcomes = fold(known, events, jakarta().calendar)

    assert (changed, lines, outcomes) == ({}, [], {"duplicate": 2})


def test_an_illegal_event_is_no_line_but_is_remembered():
    life = Life()
    early = life.event(ComplaintResolved)
    changed, lines, outcomes = made(life.event(ComplaintSubmitted), early)

    assert [line.type for line in lines] == ["complaint.submitted"]
    assert outcomes == {"applied": 1, "illegal": 1}
    [complaint] = changed.values()
    assert revision(complaint) == 2
    assert fold(changed, [early], jakarta().calendar) == ({}, [], {"duplicate": 1})


def test_an_event_of_a_complaint_that_nobody_submitted_is_counted_only():
    assert made(Life().event(ComplaintAssigned)) == ({}, [], {"unknown_complaint": 1})


@pytest.mark.parametrize(
    ("model", "unit", "role", "note"),
    [
        (ComplaintAssigned, GAMBIR, None, "Titik berada di Kelurahan Gambir."),
        (ComplaintTriageRequested, DESK, None, "Titik berada di Kelurahan Gambir."),
        (ComplaintAcknowledged, GAMBIR, "lurah", None),
        (ComplaintProgressed, GAMBIR, "lurah", "Tim sudah di lapangan."),
        (OfficialNotified, GAMBIR, "lurah", None),
        (OfficialUnreachable, GAMBIR, "lurah", None),
        (ComplaintEscalated, KECAMATAN, None, None),
        (ComplaintReopened, None, None, "Lubangnya masih ada."),
        (ComplaintRated, None, None, None),
    ],
)
def test_a_line_names_the_office_and_what_it_said(model: type[Event], unit: Any, role: str | None, note: str | None):
    life = Life()
    line = entry(life.event(model), follow(life.event(ComplaintSubmitted)))
    assert (line.unit, line.role, line.note) == (unit, role, note)


def test_the_first_of_the_running_clocks_is_due_next():
    life = Life()
    complaint = follow(life.event(ComplaintSubmitted), life.event(ComplaintAssigned))

    promised = due(complaint.clocks, RECEIVED)

    assert promised.next is not None
    assert (promised.next.clock, promised.next.due_at) == ("coordinate", RECEIVED + timedelta(hours=6))
    assert {clock.clock: clock.standing for clock in promised.clocks} == dict.fromkeys(
        ("coordinate", "first_response", "resolution"), "running"
    )


def test_a_clock_that_was_met_is_met_and_one_that_ran_out_is_late():
    life = Life()
    complaint = follow(
        life.event(ComplaintSubmitted),
        life.event(ComplaintAssigned),
        life.event(ComplaintCoordinated, 60 * 7, with_unit=BINA_MARGA),
    )

    promised = due(complaint.clocks, RECEIVED + timedelta(days=8))

    assert {clock.clock: clock.standing for clock in promised.clocks} == {
        "coordinate": "late",
        "first_response": "met",
        "resolution": "late",
    }
    assert promised.next is not None
    assert promised.next.clock == "resolution"


def test_while_the_reporter_is_asked_nothing_is_due():
    life = Life()
    events = [life.event(ComplaintSubmitted), life.event(ComplaintAssigned), life.event(ComplaintWaitingReporter)]

    waiting = due(follow(*events).clocks, RECEIVED)
    resumed = due(follow(*events, life.event(ComplaintResumed, 60)).clocks, RECEIVED)

    assert waiting.next is None
    assert {clock.clock: (clock.standing, clock.due_at) for clock in waiting.clocks}["resolution"] == ("paused", None)
    assert resumed.next is not None
    assert resumed.next.due_at > RECEIVED + timedelta(days=7)


def test_what_is_resolved_has_nothing_due():
    life = Life()
    complaint = follow(life.event(ComplaintSubmitted), life.event(ComplaintAssigned), life.event(ComplaintResolved))
    assert due(complaint.clocks, datetime(2027, 1, 1, tzinfo=UTC)).next is None
