"""Figures and moments as people say them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from tanggap.platform.pages import wording

ID, EN = Locale("id"), Locale("en")
JAKARTA = ZoneInfo("Asia/Jakarta")
AT = datetime(2026, 11, 24, 2, 5, tzinfo=UTC)


def same(text: str) -> str:
    return text


def test_a_moment_is_said_in_the_citys_time_with_its_zone():
    assert wording.when(AT, ID, JAKARTA) == "Sel, 24 Nov 2026 09.05 WIB"
    assert wording.when(AT, EN, JAKARTA) == "Tue, 24 Nov 2026, 09:05 WIB"


def test_late_in_the_evening_of_utc_it_is_the_next_day_in_jakarta():
    assert wording.when(datetime(2026, 11, 24, 20, 0, tzinfo=UTC), ID, JAKARTA) == "Rab, 25 Nov 2026 03.00 WIB"
    assert wording.day(datetime(2026, 11, 24, 20, 0, tzinfo=UTC), ID, JAKARTA) == "Rabu, 25 November 2026"
    assert wording.clock_time(datetime(2026, 11, 24, 20, 0, tzinfo=UTC), ID, JAKARTA) == "03.00"
    assert wording.clock_time(datetime(2026, 11, 24, 20, 0, tzinfo=UTC), EN, JAKARTA) == "03:00"


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(0), "0 menit"),
        (timedelta(seconds=59), "0 menit"),
        (timedelta(minutes=1), "1 menit"),
        (timedelta(minutes=59, seconds=59), "59 menit"),
        (timedelta(hours=1), "1 jam"),
        (timedelta(hours=2, minutes=40), "2 jam 40 menit"),
        (timedelta(hours=3, minutes=59), "3 jam"),
        (timedelta(hours=23, minutes=59), "23 jam"),
        (timedelta(days=1), "1 hari"),
        (timedelta(days=1, hours=4, minutes=59), "1 hari 4 jam"),
        (timedelta(days=3, hours=23), "3 hari"),
        (timedelta(days=45), "45 hari"),
        (-timedelta(hours=5), "5 jam"),
        (7200.9, "2 jam"),
    ],
)
def test_a_span_is_rounded_down_and_needs_at_most_two_units(span, said):
    assert wording.duration(span, ID) == said


def test_a_span_is_said_in_english_with_its_plural():
    assert wording.duration(timedelta(hours=1, minutes=1), EN) == "1 hour 1 minute"
    assert wording.duration(timedelta(days=2, hours=2), EN) == "2 days 2 hours"


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(hours=2), "2 jam lagi"),
        (timedelta(minutes=1), "1 menit lagi"),
        (timedelta(seconds=59), "kurang dari semenit lagi"),
        (timedelta(0), "baru saja lewat"),
        (timedelta(seconds=-59), "baru saja lewat"),
        (timedelta(seconds=-60), "terlambat 1 menit"),
        (timedelta(days=-1), "terlambat 1 hari"),
    ],
)
def test_a_deadline_is_said_as_a_person_says_it(left, said):
    assert wording.until(AT + left, AT, ID, same) == said


def test_the_past_is_said_as_a_person_says_it():
    assert wording.ago(AT - timedelta(minutes=7), AT, ID, same) == "7 menit yang lalu"
    assert wording.ago(AT, AT, ID, same) == "baru saja"
    assert wording.ago(AT + timedelta(hours=1), AT, ID, same) == "baru saja"


def test_figures_have_the_languages_separators():
    assert wording.number(1234.56, ID) == "1.234,6"
    assert wording.number(1234.5, EN) == "1,234.5"
    assert wording.number(12, ID) == "12"
    assert wording.number(0.126, ID, 2) == "0,13"
    assert wording.percent(0.1234, ID, 1) == "12,3%"
    assert wording.percent(1, EN) == "100%"
