"""What a deadline that fires says."""

from datetime import timedelta
from uuid import UUID

from services.metrics.ticker import fired_event
from tests.support.metrics import GAMBIR


def row(life, kind, clock="coordinate"):
    return {
        "complaint_id": UUID(int=7),
        "clock": clock,
        "kind": kind,
        "due_at": life().at(6),
        "unit_code": GAMBIR.code,
        "unit_name": GAMBIR.name,
    }


def test_a_breach_says_which_clock_whose_it_was_and_how_late_it_is(life):
    event = fired_event(row(life, "breach"), life().at(6) + timedelta(minutes=90, seconds=59))
    assert event.type == "sla.breached"
    assert (event.clock, event.unit, event.due_at, event.minutes_late) == ("coordinate", GAMBIR, life().at(6), 90)


def test_the_same_deadline_makes_the_same_event_whoever_fires_it_and_when(life):
    first, later = (fired_event(row(life, "warn"), life().at(hours)) for hours in (6, 9))
    assert first.event_id == later.event_id
    assert first.type == "sla.warned"


def test_each_clock_and_kind_of_a_complaint_is_an_event_of_its_own(life):
    fired = [
        fired_event(row(life, kind, clock), life().at(6)) for kind in ("warn", "breach") for clock in ("coordinate", "resolution")
    ]
    assert len({event.event_id for event in fired}) == 4
