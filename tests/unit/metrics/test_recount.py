"""The recount's own arithmetic, and what it calls a difference."""

import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.figures import Figures
from services.metrics.fold import facts
from services.metrics.recount import Recount, compare_figures, compare_lives, count, quantile
from tanggap.contracts import lifecycle
from tests.support.metrics import GAMBIR, PINANGSIA


@pytest.mark.parametrize(
    ("ordered", "share", "expected"),
    [([], 0.5, None), ([7.0], 0.9, 7.0), ([1.0, 3.0], 0.5, 2.0), ([0.0, 10.0, 20.0, 30.0], 0.9, 27.0)],
)
def test_a_quantile_lies_between_its_neighbours_as_percentile_cont_has_it(ordered, share, expected):
    assert quantile(ordered, share) == expected


@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=50).map(sorted))
def test_quantiles_never_leave_the_values_nor_cross(ordered):
    median, ninth = quantile(ordered, 0.5), quantile(ordered, 0.9)
    assert ordered[0] <= median <= ordered[-1] * (1 + 1e-12)
    assert median <= ninth * (1 + 1e-12)


@pytest.fixture
def lives(city, life):
    made = [
        life(number="JK1").submitted().assigned(GAMBIR).acknowledged(2).resolved(10),
        life(number="JK2").submitted().assigned(GAMBIR).acknowledged(4),
        life(number="JK3").submitted().assigned(PINANGSIA, category="jalan_rusak"),
        life(number="JK4").submitted().triaged(),
    ]
    return {one.id: lifecycle.fold(one.events, city.calendar) for one in made}


@pytest.fixture
def rows(lives, kota_of):
    """The database's rows, as they should be."""
    return {
        key: facts(complaint, 0, kota_of)._asdict() | {"state": lifecycle.encode(complaint)} for key, complaint in lives.items()
    }


def test_the_figures_of_a_group_are_those_of_its_complaints(lives, kota_of, life):
    as_of = life().at(7)
    counted = count([facts(each, 0, kota_of) for each in lives.values()], "unit", as_of)
    assert counted[GAMBIR.code] == Figures(
        received=2, answered=2, first_response_p50=3 * 3600, first_response_p90=3.8 * 3600, open=1, overdue=1, triage=0,
        resolved=1, rejected=0, merged=0, breaches=1,
    )  # fmt: skip
    assert (counted[PINANGSIA.code].received, counted[PINANGSIA.code].overdue) == (1, 1)
    assert counted["triase"].triage == 1


def test_before_the_log_is_known_to_be_folded_nothing_counts_as_overdue(lives, kota_of):
    assert count([facts(each, 0, kota_of) for each in lives.values()], "all", None)[None].overdue == 0


def test_equal_rows_and_equal_figures_make_no_difference(lives, rows, kota_of):
    found = Recount()
    compare_lives(found, lives, rows, 0, kota_of)
    assert found.differences == []


def test_a_row_that_is_missing_left_over_or_other_is_a_difference(lives, rows, kota_of):
    first, second, third, _ = lives
    stranger = UUID(int=9)
    del rows[first]
    rows[second]["first_response_at"] = None
    rows[third]["state"] = lifecycle.encode(lives[second])
    rows[stranger] = rows[second]
    found = Recount()
    compare_lives(found, lives, rows, 0, kota_of)
    assert {one["what"] for one in found.differences} == {
        f"complaint {stranger}",
        f"complaint {first}",
        f"complaint {second} first_response_at",
        f"complaint {third} state",
    }
    assert json.loads(found.report())["equal"] is False


def test_another_figure_is_a_difference_but_a_percentiles_last_digit_is_none():
    log = Figures(2, 1, 10.0, 10.0, 1, 0, 0, 1, 0, 0, 0)
    found = Recount()
    compare_figures(found, "unit", {"31": log}, {"31": Figures(2, 1, 10.0000001, 10.0, 1, 0, 0, 1, 0, 0, 0)})
    assert found.differences == []
    compare_figures(found, "unit", {"31": log}, {"31": Figures(3, 1, 11.0, None, 1, 0, 0, 1, 0, 0, 0)})
    assert [one["what"] for one in found.differences] == [
        "unit 31: received",
        "unit 31: first_response_p50",
        "unit 31: first_response_p90",
    ]
