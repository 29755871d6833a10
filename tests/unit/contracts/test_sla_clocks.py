"""Working time and clocks, against values worked out by hand.

The offices of the table: Monday to Thursday 07:30-16:00 (8.5 h), Friday 07:30-16:30 (9 h); in Ramadan (19 February to 20 March 2026)
Monday to Thursday 08:00-15:00 (7 h), Friday 08:00-15:30 (7.5 h). Days off in 2026 that the table meets:
16 and 17 February (cuti bersama, Imlek), 18 to 24 March (cuti bersama, Nyepi, Idulfitri), 14 and 15 May (Kenaikan, cuti bersama),
27 and 28 May (Iduladha, cuti bersama), 1 June (Pancasila), 17 August, 24 and 25 December (cuti bersama, Natal); 1 and 5 January 2027.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanggap.contracts import holiday_package
from tanggap.contracts import sla_clocks as clocks
from tanggap.contracts.holiday_list import HolidayList
from tanggap.contracts.public_holidays import Wanted
from tanggap.contracts.sla_clocks import Budget, Calendar, ClockState, Season, Span, UnknownYear, term
from tests.support.lives import JAKARTA, jakarta, wall

HOUR = 3600


def calendar() -> Calendar:
    return jakarta().calendar


# (start, working days) -> due, as the wall in Jakarta shows it.
DAYS = [
    # Saturday: Sunday is off, Monday is the first working day after it, and it ends on Tuesday 00:00, not at 07:00 or 16:00.
    ("2026-11-21 08:00", 1, "2026-11-24 00:00"),
    # Monday 06:00 in Jakarta is Sunday 23:00 UTC; it is Monday's report, so Tuesday is the first working day after it.
    ("2026-11-23 06:00", 1, "2026-11-25 00:00"),
    # The last minute of Sunday is still Sunday's: Monday counts.
    ("2026-11-22 23:59", 1, "2026-11-24 00:00"),
    # The hour does not matter: late on Monday evening, as at dawn.
    ("2026-11-23 23:00", 1, "2026-11-25 00:00"),
    # Friday: the weekend is skipped.
    ("2026-11-20 10:00", 1, "2026-11-24 00:00"),
    # A whole week: Tue 1, Wed 2, Thu 3, Fri 4, Mon 5.
    ("2026-11-23 10:00", 5, "2026-12-01 00:00"),
    # Wednesday before Kenaikan: Thu 14 holiday, Fri 15 cuti bersama, weekend; Mon 18 May is the first.
    ("2026-05-13 20:00", 1, "2026-05-19 00:00"),
    # Wed 27, Thu 28 off; Fri 29 is 1; weekend; Mon 1 June off; Tue 2 June is 2.
    ("2026-05-26 09:00", 2, "2026-06-03 00:00"),
    # Idulfitri: 18 to 24 March are all off, so Wed 25 is the first.
    ("2026-03-17 10:00", 1, "2026-03-26 00:00"),
    # Over the year: Thu 24, Fri 25 off; Mon 28 1, Tue 29 2, Wed 30 3, Thu 31 4; Fri 1 January off; Mon 4 is 5.
    ("2026-12-23 10:00", 5, "2027-01-05 00:00"),
    # And one more: Tue 5 January is Isra Mikraj, so Wed 6.
    ("2026-12-23 10:00", 6, "2027-01-07 00:00"),
    # A report on a holiday: Independence Day, a Monday; Tuesday is the first.
    ("2026-08-17 12:00", 1, "2026-08-19 00:00"),
]


@pytest.mark.parametrize(("start", "days", "due"), DAYS)
def test_working_days_are_due_at_the_end_of_the_nth_working_day_after_the_reports_local_day(start, days, due):
    assert calendar().add_working_days(wall(start), days) == wall(due)
    assert term("resolution", Budget.days(days), wall(start), calendar()).due_at == wall(due)


# (start, working hours) -> moment.
HOURS = [
    # Within a day.
    ("2026-11-24 09:00", 3, "2026-11-24 12:00"),
    # Before opening: counted from 07:30.
    ("2026-11-23 06:00", 6, "2026-11-23 13:30"),
    # Saturday: from Monday 07:30.
    ("2026-11-21 08:00", 6, "2026-11-23 13:30"),
    # Thursday closes at 16:00: half an hour, and half an hour of Friday.
    ("2026-11-19 15:30", 1, "2026-11-20 08:00"),
    # Friday closes at 16:30: an hour, and an hour of Monday.
    ("2026-11-20 15:30", 2, "2026-11-23 08:30"),
    # A whole Friday ends on Friday 16:30, not on Monday 07:30.
    ("2026-11-20 07:30", 9, "2026-11-20 16:30"),
    # Monday to Friday is 4 x 8.5 + 9 = 43 h; 44 h end an hour into the next Monday.
    ("2026-11-23 00:00", 44, "2026-11-30 08:30"),
    # Wednesday 15:00: one hour, then Thu 14 and Fri 15 May off, weekend, an hour of Monday.
    ("2026-05-13 15:00", 2, "2026-05-18 08:30"),
    # Independence Day, a Monday: Friday to 16:30 is half an hour, then half an hour of Tuesday.
    ("2026-08-14 16:00", 1, "2026-08-18 08:00"),
    # Ramadan: opens 08:00, so a Monday's 7 h end at 15:00,
    ("2026-02-23 07:30", 7, "2026-02-23 15:00"),
    # and half an hour more is Tuesday's first half hour.
    ("2026-02-23 07:30", 7.5, "2026-02-24 08:30"),
    # Ramadan's Friday closes at 15:30.
    ("2026-02-20 14:30", 2, "2026-02-23 09:00"),
    # Into Ramadan: Wed 18 February to 16:00 is one hour; Thu 19 opens 08:00.
    ("2026-02-18 15:00", 2, "2026-02-19 09:00"),
    # Out of Ramadan, over Idulfitri: Tue 17 March to 15:00 is one hour; Wed 25 opens 07:30 again.
    ("2026-03-17 14:00", 2, "2026-03-25 08:30"),
    # Nothing to add is no time, even at night.
    ("2026-11-21 08:00", 0, "2026-11-21 08:00"),
]


@pytest.mark.parametrize(("start", "hours", "end"), HOURS)
def test_working_hours_run_only_while_the_offices_work(start, hours, end):
    assert calendar().add_working(wall(start), hours * HOUR) == wall(end)


# (start, end) -> working hours between.
BETWEEN = [
    ("2026-11-23 00:00", "2026-11-30 00:00", 43),  # 4 x 8.5 + 9
    ("2026-05-11 00:00", "2026-05-18 00:00", 25.5),  # Mon, Tue, Wed; Thu and Fri are off
    ("2026-02-23 00:00", "2026-03-02 00:00", 35.5),  # Ramadan: 4 x 7 + 7.5
    ("2026-03-16 00:00", "2026-03-30 00:00", 40),  # Mon 16, Tue 17 in Ramadan 14; off to 24; Wed 25, Thu 26 17; Fri 27 9
    ("2026-11-24 16:00", "2026-11-25 07:30", 0),  # a night
    ("2026-11-21 00:00", "2026-11-23 00:00", 0),  # a weekend
    ("2026-11-24 12:00", "2026-11-25 09:00", 5.5),  # 4 + 1.5
    ("2026-11-25 09:00", "2026-11-24 12:00", 0),  # backwards
]


@pytest.mark.parametrize(("start", "end", "hours"), BETWEEN)
def test_working_time_between_two_moments_is_what_the_offices_worked(start, end, hours):
    assert calendar().working_between(wall(start), wall(end)) == hours * HOUR


OPEN = [
    ("2026-11-24 07:29", False),
    ("2026-11-24 07:30", True),
    ("2026-11-24 15:59", True),
    ("2026-11-24 16:00", False),
    ("2026-11-27 16:15", True),  # Friday's hours are longer
    ("2026-11-21 10:00", False),  # Saturday
    ("2026-05-15 10:00", False),  # cuti bersama
    ("2026-02-24 07:45", False),  # Ramadan begins later
    ("2026-02-24 08:00", True),
]


@pytest.mark.parametrize(("moment", "is_open"), OPEN)
def test_offices_are_open_from_the_first_second_of_their_hours_to_the_last(moment, is_open):
    assert calendar().is_open(wall(moment)) is is_open


def test_a_holiday_has_its_name_and_no_work():
    assert not calendar().is_working_day(date(2026, 5, 15))
    assert "Cuti Bersama" in (calendar().holiday(date(2026, 5, 15)) or "")
    assert calendar().is_working_day(date(2026, 5, 18))
    assert calendar().holiday(date(2026, 5, 18)) is None


def test_calendar_hours_run_through_the_night():
    stamped = term("coordinate", Budget.hours(6), wall("2026-11-24 21:00"), calendar())
    assert (stamped.basis, stamped.budget_seconds) == ("calendar", 21600)
    assert stamped.due_at == wall("2026-11-25 03:00")
    # 80 % of 6 h is 4 h 48 min.
    assert stamped.warn_at == wall("2026-11-25 01:48")


def test_a_quarter_of_an_hour_is_a_budget():
    assert term("coordinate", Budget.hours(0.25), wall("2026-11-24 21:00"), calendar()).due_at == wall("2026-11-24 21:15")


def test_working_days_warn_at_the_share_of_their_working_hours():
    # Saturday, one working day: Monday's 8.5 h, of which 80 % are 6 h 48 min, which pass at 14:18.
    stamped = term("first_response", Budget.days(1), wall("2026-11-21 08:00"), calendar())
    assert (stamped.basis, stamped.budget_seconds) == ("working", 30600)
    assert stamped.warn_at == wall("2026-11-23 14:18")
    assert stamped.due_at == wall("2026-11-24 00:00")


def test_a_working_days_budget_counts_what_is_left_of_the_reports_own_day():
    # Monday 10:00: 6 h of Monday and all of Tuesday, 14.5 h.
    assert term("first_response", Budget.days(1), wall("2026-11-23 10:00"), calendar()).budget_seconds == 14.5 * HOUR


def test_a_clock_that_starts_later_has_no_moments_yet():
    stamped = term("verification", Budget.hours(48), None, calendar())
    assert (stamped.started_at, stamped.warn_at, stamped.due_at) == (None, None, None)
    clock = clocks.started(clocks.opened(stamped), wall("2026-11-24 10:00"), calendar())
    assert clock.due_at == wall("2026-11-26 10:00")
    # 80 % of 48 h is 38 h 24 min.
    assert clock.warn_at == wall("2026-11-26 00:24")
    with pytest.raises(ValueError, match="verification clock starts later"):
        term("verification", Budget.days(2), None, calendar())


@pytest.mark.parametrize(
    "budget", [("calendar", 0, 0), ("calendar", 1, 1), ("calendar", 0, 1), ("working", -1, 0), ("working", 5, -1)]
)
def test_a_budget_is_seconds_or_working_days(budget):
    with pytest.raises(ValueError, match="working days"):
        Budget(*budget)


def clock(budget: Budget, start: str) -> ClockState:
    return clocks.opened(term("resolution", budget, wall(start), calendar()))


# (budget, start, paused, resumed) -> due.
PAUSES = [
    # Calendar time: 22 h were left on Tuesday noon; they run on from Wednesday noon.
    (Budget.hours(24), "2026-11-24 10:00", "2026-11-24 12:00", "2026-11-25 12:00", "2026-11-26 10:00"),
    # Calendar time knows no weekend.
    (Budget.hours(24), "2026-11-20 10:00", "2026-11-20 12:00", "2026-11-23 12:00", "2026-11-24 10:00"),
    # Over a holiday: of 6 h from Wednesday 10:00 two are used at noon. Thu and Fri are off; four run from Monday 07:30 to 11:30.
    (Budget.working_hours(6), "2026-05-13 10:00", "2026-05-13 12:00", "2026-05-18 07:30", "2026-05-18 11:30"),
    # The same, resumed on the holiday itself: nobody works until Monday 07:30.
    (Budget.working_hours(6), "2026-05-13 10:00", "2026-05-13 12:00", "2026-05-14 10:00", "2026-05-18 11:30"),
    # A pause within days off takes nothing: due stays Monday 10:30 (Friday 13:30 + 3 h, then 3 h).
    (Budget.working_hours(6), "2026-11-20 13:30", "2026-11-21 09:00", "2026-11-22 20:00", "2026-11-23 10:30"),
    # From Friday 15:30 to Monday 08:30 it takes one hour of Friday and one of Monday.
    (Budget.working_hours(6), "2026-11-20 13:30", "2026-11-20 15:30", "2026-11-23 08:30", "2026-11-23 12:30"),
    # Working days stay at a day's end: two hours taken of Monday move Tuesday 00:00 to the end of Tuesday.
    (Budget.days(1), "2026-11-21 08:00", "2026-11-23 10:00", "2026-11-23 12:00", "2026-11-25 00:00"),
    # ... and Sunday to Monday 07:00 takes nothing, so the due time stays exactly where it was.
    (Budget.days(1), "2026-11-21 08:00", "2026-11-22 10:00", "2026-11-23 07:00", "2026-11-24 00:00"),
    # In Ramadan a pause from 14:00 to the next day 09:00 takes one hour and one: 15:00 becomes 10:00 of the day after.
    (Budget.working_hours(7), "2026-02-23 08:00", "2026-02-23 14:00", "2026-02-24 09:00", "2026-02-24 10:00"),
    # A pause that ends before it began (clocks of two machines) takes nothing.
    (Budget.hours(24), "2026-11-24 10:00", "2026-11-24 12:00", "2026-11-24 11:59", "2026-11-25 10:00"),
]


@pytest.mark.parametrize(("budget", "start", "pause", "resume", "due"), PAUSES)
def test_a_pause_moves_the_due_time_by_what_it_took(budget, start, pause, resume, due):
    stood = clocks.paused(clock(budget, start), wall(pause))
    assert stood.due_at is None
    assert not stood.running
    again = clocks.resumed(stood, wall(resume), calendar())
    assert again.running
    assert again.due_at == wall(due)


def test_two_pauses_add_up():
    running = clock(Budget.hours(24), "2026-11-24 10:00")
    for start, end in (("2026-11-24 11:00", "2026-11-24 12:00"), ("2026-11-24 20:00", "2026-11-24 23:00")):
        running = clocks.resumed(clocks.paused(running, wall(start)), wall(end), calendar())
    assert running.due_at == wall("2026-11-25 14:00")
    # 80 % of 24 h is 19 h 12 min; it moves with the pauses too.
    assert running.warn_at == wall("2026-11-25 09:12")


def test_a_mark_that_has_passed_is_not_moved_into_the_future_by_a_pause():
    late = clock(Budget.hours(6), "2026-11-24 10:00")
    again = clocks.resumed(clocks.paused(late, wall("2026-11-24 17:00")), wall("2026-11-30 10:00"), calendar())
    assert again.due_at == wall("2026-11-24 16:00")
    assert again.late(wall("2026-11-30 10:00"))


def test_a_warning_that_has_passed_stays_while_the_due_time_moves():
    warned = clock(Budget.hours(10), "2026-11-24 10:00")
    again = clocks.resumed(clocks.paused(warned, wall("2026-11-24 19:00")), wall("2026-11-24 21:00"), calendar())
    assert again.warn_at == wall("2026-11-24 18:00")
    assert again.due_at == wall("2026-11-24 22:00")


def test_a_stopped_clock_is_judged_by_when_it_stopped():
    running = clock(Budget.hours(6), "2026-11-24 10:00")
    in_time = clocks.stopped(running, wall("2026-11-24 15:59"), calendar())
    too_late = clocks.stopped(running, wall("2026-11-24 16:01"), calendar())
    for now in (wall("2026-11-24 17:00"), wall("2027-01-01 00:00")):
        assert not in_time.late(now)
        assert too_late.late(now)
    assert clocks.stopped(in_time, wall("2026-11-25 10:00"), calendar()) is in_time
    assert clocks.paused(in_time, wall("2026-11-25 10:00")) is in_time


def test_a_stopped_clock_runs_on_from_where_it_stood():
    done = clocks.stopped(clock(Budget.hours(24), "2026-11-24 10:00"), wall("2026-11-24 20:00"), calendar())
    again = clocks.continued(done, wall("2026-11-28 20:00"), calendar())
    assert again.running
    assert again.due_at == wall("2026-11-29 10:00")


def test_a_paused_clock_that_is_stopped_runs_on_until_then():
    stood = clocks.paused(clock(Budget.hours(24), "2026-11-24 10:00"), wall("2026-11-24 12:00"))
    done = clocks.stopped(stood, wall("2026-11-26 12:00"), calendar())
    assert done.due == wall("2026-11-27 10:00")
    assert not done.late(wall("2026-12-31 00:00"))


def test_a_year_without_known_holidays_is_a_fault_that_says_how_to_mend_it():
    for question in (
        lambda: calendar().is_working_day(date(2028, 1, 3)),
        lambda: calendar().add_working(wall("2027-12-31 15:00"), 10 * HOUR),
        lambda: calendar().add_working_days(wall("2027-12-31 15:00"), 1),
        lambda: calendar().working_between(wall("2027-12-31 15:00"), wall("2028-01-04 00:00")),
        lambda: term("resolution", Budget.days(1), wall("2031-05-05 10:00"), calendar()),
    ):
        with pytest.raises(UnknownYear, match=r"working time in 20(28|31) can't be told.*calendar\.yaml"):
            question()


def test_calendar_time_needs_no_holidays():
    assert term("coordinate", Budget.hours(6), wall("2031-05-05 10:00"), calendar()).due_at == wall("2031-05-05 16:00")


def public(known_through):
    return holiday_package.build(Wanted(country="ID", categories=("public", "government"), known_through=known_through))


def test_a_year_that_the_package_can_not_know_is_a_fault_even_if_the_file_claims_it():
    claimed = HolidayList(public(2150))
    with pytest.raises(UnknownYear, match="no government days for 2140"):
        claimed(2140)


def test_the_city_may_trust_the_package_for_fewer_years_than_it_claims_to_know():
    with pytest.raises(UnknownYear, match="known through 2025"):
        HolidayList(public(2025))(2026)


def test_a_listed_year_is_taken_as_it_stands():
    listed = HolidayList(public(2027), listed={2031: {date(2031, 5, 5): "Libur"}})
    ours = Calendar(JAKARTA, calendar().week, listed)
    assert not ours.is_working_day(date(2031, 5, 5))
    assert ours.is_working_day(date(2031, 8, 18))
    with pytest.raises(UnknownYear):
        ours.is_working_day(date(2032, 1, 5))


def test_days_can_be_added_to_the_packages_and_taken_from_them():
    ours = HolidayList(public(2027), added={date(2026, 6, 22): "HUT Jakarta"}, removed=frozenset({date(2026, 5, 15)}))
    assert ours(2026)[date(2026, 6, 22)] == "HUT Jakarta"
    assert date(2026, 5, 15) not in ours(2026)
    assert date(2026, 5, 14) in ours(2026)


def test_the_fold_alone_may_take_an_unknown_year_as_one_without_holidays():
    assert calendar().provisional.is_working_day(date(2031, 5, 5))
    assert not calendar().provisional.is_working_day(date(2026, 5, 15))
    assert calendar().provisional.provisional is calendar().provisional


def test_offices_open_by_the_wall_on_the_day_the_clocks_change():
    # Berlin, 29 March 2026: 02:00 becomes 03:00, so the night shift of 00:00-06:00 lasts five hours.
    night = tuple((Span(0, 6 * HOUR),) for _ in range(7))
    berlin = Calendar(ZoneInfo("Europe/Berlin"), night)
    start = datetime(2026, 3, 29, 0, 0, tzinfo=berlin.tz)
    assert berlin.working_between(start, start + timedelta(days=1)) == 5 * HOUR
    assert berlin.add_working(start, 5 * HOUR) == datetime(2026, 3, 29, 6, 0, tzinfo=berlin.tz)


def test_a_calendar_in_which_nobody_ever_works_can_not_be_made():
    with pytest.raises(ValueError, match="endless"):
        Calendar(JAKARTA, ((), (), (), (), (), (), ()))
    with pytest.raises(ValueError, match="seven"):
        Calendar(JAKARTA, ((),))
    with pytest.raises(ValueError, match="within one day"):
        Span(10, 10)


def test_round_the_clock_shifts_have_working_days_of_24_hours():
    always = Calendar(JAKARTA, tuple((Span(0, 24 * HOUR),) for _ in range(7)))
    assert always.add_working(wall("2026-11-21 08:00"), 30 * HOUR) == wall("2026-11-22 14:00")
    assert term("resolution", Budget.days(1), wall("2026-11-21 08:00"), always).due_at == wall("2026-11-23 00:00")


def test_moments_of_a_broken_clock_saturate_instead_of_overflowing():
    for moment in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), datetime.max.replace(tzinfo=JAKARTA)):
        assert clocks.FLOOR <= clocks.clipped(moment) <= clocks.CEILING
    assert calendar().provisional.add_working(wall("2026-11-24 09:00"), 1e12) == clocks.CEILING


# --- properties -----------------------------------------------------------------------------------------------------------------

unhurried = settings(deadline=None)  # a busy machine is no fault

moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 6, 1), timezones=st.just(UTC))  # noqa: DTZ001 - given a zone there
seconds = st.integers(0, 300 * HOUR)


@st.composite
def calendars(draw):
    """Any week, with odd hours, lunch breaks, shifts to midnight, days off and a season, in a zone with or without summer time."""

    def spans():
        edges = sorted(draw(st.lists(st.integers(0, 24 * 60), min_size=0, max_size=4, unique=True)))
        return tuple(Span(a * 60, b * 60) for a, b in zip(edges[::2], edges[1::2], strict=False))

    weeks = []
    for _ in range(2):
        week = [spans() for _ in range(7)]
        week[draw(st.integers(0, 6))] = (Span(8 * HOUR, 16 * HOUR),)
        weeks.append(tuple(week))
    off = draw(st.frozensets(st.dates(date(2025, 1, 1), date(2027, 12, 31)), max_size=20))
    first = draw(st.dates(date(2025, 1, 1), date(2027, 1, 1)))
    zone = ZoneInfo(draw(st.sampled_from(["Asia/Jakarta", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"])))
    season = Season("season", first, first + timedelta(days=draw(st.integers(0, 40))), weeks[1])
    return Calendar(zone, weeks[0], lambda year: {day: "off" for day in off if day.year == year}, [season])


@unhurried
@given(calendars(), moments, seconds)
def test_what_is_added_is_what_lies_between(ours, start, amount):
    assert ours.working_between(start, ours.add_working(start, amount)) == amount


@unhurried
@given(calendars(), moments, seconds, seconds)
def test_adding_in_two_steps_is_adding_at_once(ours, start, one, two):
    assert ours.add_working(ours.add_working(start, one), two) == ours.add_working(start, one + two)


@unhurried
@given(calendars(), st.tuples(moments, moments, moments).map(sorted))
def test_working_time_of_two_stretches_adds_up(ours, three):
    a, b, c = three
    # To the microsecond: seconds are floats.
    assert round(ours.working_between(a, b) + ours.working_between(b, c), 6) == round(ours.working_between(a, c), 6)
    assert 0 <= ours.working_between(a, c) <= (c - a).total_seconds()


@unhurried
@given(calendars(), moments, st.integers(1, 30))
def test_the_nth_working_day_ends_after_n_working_days(ours, start, days):
    due = ours.add_working_days(start, days).astimezone(ours.tz)
    assert due.time() == time(0)
    last = due.date() - timedelta(days=1)
    assert ours.is_working_day(last)
    day, counted = ours.day_of(start), 0
    while day < last:
        day += timedelta(days=1)
        counted += ours.is_working_day(day)
    assert counted == days


@unhurried
@given(moments, st.integers(0, 4 * 24 * 60))
def test_working_time_agrees_with_a_count_of_minutes(start, minutes):
    start = start.replace(second=0, microsecond=0)
    count = 0
    for minute in range(minutes):
        local = (start + timedelta(minutes=minute)).astimezone(JAKARTA)
        ramadan = date(2026, 2, 19) <= local.date() <= date(2026, 3, 20) or date(2027, 2, 8) <= local.date() <= date(2027, 3, 9)
        friday = local.weekday() == 4
        opens = time(8, 0) if ramadan else time(7, 30)
        closes = (time(15, 30) if friday else time(15, 0)) if ramadan else (time(16, 30) if friday else time(16, 0))
        off = local.weekday() > 4 or calendar().holiday(local.date()) is not None
        count += not off and opens <= local.time() < closes
    assert calendar().working_between(start, start + timedelta(minutes=minutes)) == count * 60


budgets = st.one_of(
    st.integers(1, 200).map(Budget.hours), st.integers(1, 60).map(Budget.working_hours), st.integers(1, 10).map(Budget.days)
)


@unhurried
@given(calendars(), budgets, moments, st.lists(st.integers(0, 5 * 24 * 3600), min_size=2, max_size=8))
def test_pauses_only_ever_give_the_time_that_they_took(ours, budget, start, gaps):
    """The budget is used up exactly when the time that the clock ran, by its own basis, is the budget."""
    running = clocks.opened(term("resolution", budget, start, ours))
    first_due = running.due
    at, used = start, 0.0
    for pause_after, resume_after in zip(gaps[::2], gaps[1::2], strict=False):
        begins, ends = at + timedelta(seconds=pause_after), at + timedelta(seconds=pause_after + resume_after)
        if running.late(begins):
            assert clocks.resumed(clocks.paused(running, begins), ends, ours).due == running.due
            return
        used += pause_after if running.basis == "calendar" else ours.working_between(at, begins)
        running = clocks.resumed(clocks.paused(running, begins), ends, ours)
        at = ends
    assert running.due >= first_due
    left = (running.due - at).total_seconds() if running.basis == "calendar" else ours.working_between(at, running.due)
    if budget.working_days:
        # Due at a day's end: what the last day has left over is the office's to use. The budget is rounded to a second.
        assert used + left > running.budget_seconds - 1
    else:
        assert round(used + left, 6) == running.budget_seconds
