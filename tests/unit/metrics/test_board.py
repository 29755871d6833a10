"""The board's choices and its ranking."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from services.metrics import board
from services.metrics.board import FEW, Rank, View, ranking, sorted_ranks
from services.metrics.figures import NOTHING, Figures, Group


def figures(received, answered, median=None):
    return Figures(received, answered, median, median, received, 0, 0, 0, 0, 0, 0)


def rank(name, received=10, answered=5, median=None, overdue=0):
    return Rank(name, name, "kelurahan", figures(received, answered, median), overdue)


def test_what_an_address_can_not_mean_is_the_default():
    assert View.of({"period": "century", "sort": "'; --", "all": "yes", "lang": "fr"}) == View()


def test_a_link_keeps_every_choice_but_the_one_it_changes():
    view = View.of({"period": "30d", "sort": "rate", "find": " tebet ", "all": "1", "lang": "en"})
    assert view.address(sort="name") == "/?period=30d&sort=name&find=tebet&lang=en&all=1"
    assert view.address(period="7d", sort="overdue", find="", lang=None, all=None) == "/"


@pytest.mark.parametrize(
    ("period", "begins"),
    [
        ("today", "2026-11-24T00:00:00+07:00"),
        ("7d", "2026-11-18T00:00:00+07:00"),
        ("30d", "2026-10-26T00:00:00+07:00"),
        ("all", "2000-01-01T00:00:00+00:00"),
    ],
)
def test_a_period_begins_at_a_midnight_of_the_city_not_of_the_world(city, period, begins):
    # 05:30 in Jakarta, while the world's clock still says the day before.
    early = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
    assert View(period=period).begins(early, city.tz) == datetime.fromisoformat(begins)


def test_a_unit_that_received_nothing_lately_is_ranked_if_it_is_late(city):
    ranks = ranking([Group("31.71.01.1001", "Gambir", figures(3, 3))], {"31.73.03.1008": 2}, city.units)
    assert {one.name: (one.figures.received, one.overdue) for one in ranks} == {"Gambir": (3, 0), "Pinangsia": (0, 2)}
    assert next(one for one in ranks if one.name == "Pinangsia").figures == NOTHING


def test_a_unit_that_the_city_no_longer_has_keeps_the_name_it_had(city):
    [one] = ranking([Group("31.99", "Pulau Lama", figures(1, 1))], {}, city.units)
    assert (one.name, one.level) == ("Pulau Lama", None)


def test_who_needs_help_comes_first():
    most_late, late, none_late = rank("a", overdue=9), rank("b", overdue=2), rank("c", received=900)
    assert sorted_ranks([none_late, late, most_late], "overdue") == [most_late, late, none_late]
    silent, talks = rank("a", answered=0), rank("b", answered=10)
    assert sorted_ranks([talks, silent], "rate") == [silent, talks]
    slow, quick, never = rank("z", median=9e4), rank("b", median=60.0), rank("a")
    assert sorted_ranks([never, quick, slow], "median") == [slow, quick, never]
    assert sorted_ranks([slow, quick], "name") == [quick, slow]


@pytest.mark.parametrize("sort", ["rate", "median"])
def test_a_unit_with_few_complaints_is_not_ranked_by_a_rate_or_a_median(sort):
    few, many = rank("a", received=FEW - 1, answered=0, median=9e6), rank("b", received=FEW, answered=FEW, median=1.0)
    assert sorted_ranks([few, many], sort) == [many, few]
    assert sorted_ranks([many, few], "received") == [many, few]


def test_every_word_of_the_board_is_said_in_english_and_none_is_left_over():
    template = (board.HERE / "templates" / "board.html").open("rb")
    with template:
        used = {
            message if isinstance(message, str) else message[0]
            for _, _, message, _ in babel_extract(template, ["_", "gettext", "ngettext"], [], {"newstyle_gettext": "true"})
        }
    with (board.HERE / "texts" / "en.po").open("rb") as source:
        catalogue = read_po(source, locale="en")
    said = {entry.id if isinstance(entry.id, str) else entry.id[0]: entry.string for entry in catalogue if entry.id}
    assert used == set(said)
    for words, english in said.items():
        each = [english] if isinstance(english, str) else list(english)
        assert all(each), words
        assert all(set(re.findall(r"%\(\w+\)s", words)) == set(re.findall(r"%\(\w+\)s", one)) for one in each), words


def test_the_boards_own_files_ask_no_other_host():
    for path in [*(board.HERE / "static").iterdir(), *(board.HERE / "templates").iterdir()]:
        assert not re.search(r"https?://|\bstyle=|\son\w+=", Path(path).read_text(encoding="utf-8")), path
