"""SLA arithmetic: working time in a city's own zone, and clocks that pause, run on and stop. Pure; no clock is read here.

A clock is judged by two marks: the moment it is *due*, and the earlier moment that *warns*. Both are stamped once, when the
complaint gets its unit. A pause moves them by the time that it took, and so does the time between a resolution and its reopening;
nothing else does: no edit, no transfer. Local days are what counts: a report at Monday 06:00 in Jakarta is Monday's, though the
world's clock still says Sunday.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Final, NamedTuple, TypedDict
from zoneinfo import ZoneInfo

from tanggap.contracts.events import Basis, ClockName, ClockTerm

WARN_SHARE: Final = 0.8
"""Share of a budget at which a clock warns (DIGIT's "approaching")."""

FLOOR: Final = datetime(2000, 1, 1, tzinfo=UTC)
CEILING: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""Moments outside [FLOOR, CEILING] are a broken clock's; arithmetic saturates there instead of overflowing."""

_SAFE_YEARS: Final = (FLOOR.year - 2, CEILING.year + 1)
_ZERO: Final = timedelta()
_DAY: Final = timedelta(days=1)
DAY_SECONDS: Final = 86_400


class UnknownYear(LookupError):  # noqa: N818 - the year is unknown; that it is an error is said by raising it
    """The holidays of a year are not known, so its working time can't be told. The message says how to mend the calendar."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of work within a local day, in seconds after midnight: `0 <= start < end <= 86400`."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end <= DAY_SECONDS:
            msg = f"a span must lie within one day and end after it starts, not {self.start}..{self.end} s"
            raise ValueError(msg)


Week = tuple[tuple[Span, ...], ...]
"""Working spans by weekday, Monday first: seven tuples, each sorted and without overlap; an empty one is a day off."""


@dataclass(frozen=True, slots=True)
class Season:
    """Days with hours of their own (Ramadan), `first` to `last` inclusive. Holidays and days off stay free."""

    name: str
    first: date
    last: date
    week: Week


HolidaysOf = Callable[[int], Mapping[date, str]]
"""The holidays of a year with their names; raises `UnknownYear` for a year that it can't tell."""


def no_holidays(_year: int) -> Mapping[date, str]:
    """A calendar that knows only weekdays."""
    return {}


class _Year(NamedTuple):
    """A local year of a calendar, in order. Moments are UTC.

    `start`, `end`: 0:00 of its first day, 24:00 of its last. `days`: those on which work is done, and `ends`: 24:00 of each. `opens`,
    `closes`: when the offices do; `worked`: the working time from the year's start to each of `closes`.
    """

    number: int
    start: datetime
    end: datetime
    days: list[date]
    ends: dict[date, datetime]
    opens: list[datetime]
    closes: list[datetime]
    worked: list[timedelta]

    @property
    def total(self) -> timedelta:
        """The year's working time."""
        return self.worked[-1] if self.worked else _ZERO

    def worked_by(self, moment: datetime) -> timedelta:
        """The working time from the year's start to a moment in it."""
        span = bisect_left(self.closes, moment)
        if span == len(self.closes):
            return self.total
        left = self.closes[span] - max(moment, self.opens[span])
        return self.worked[span] - left


class Calendar:
    """When a city's offices work. Years are computed when first asked for, and kept.

    Raises `UnknownYear` where a question touches a year whose holidays are unknown.
    """

    __slots__ = ("_holidays", "_last", "_lenient", "_provisional", "_years", "seasons", "tz", "week")

    def __init__(
        self,
        tz: ZoneInfo,
        week: Week,
        holidays: HolidaysOf = no_holidays,
        seasons: Sequence[Season] = (),
        *,
        lenient: bool = False,
    ) -> None:
        if len(week) != 7:  # noqa: PLR2004 - days of a week
            msg = f"a week has seven days, not {len(week)}"
            raise ValueError(msg)
        if not any(week):
            msg = "a week without working hours would make every working-time clock endless"
            raise ValueError(msg)
        self.tz: Final = tz
        self.week: Final = week
        self.seasons: Final = tuple(seasons)
        self._holidays: Final = holidays
        self._lenient: Final = lenient
        self._years: dict[int, _Year] = {}
        self._last: _Year | None = None
        self._provisional: Calendar | None = self if lenient else None

    @property
    def provisional(self) -> Calendar:
        """The same calendar, which takes a year with unknown holidays as one without, instead of raising.

        For the fold alone, which must have an outcome for every event that is on the log.
        """
        if self._provisional is None:
            self._provisional = Calendar(self.tz, self.week, self._holidays, self.seasons, lenient=True)
        return self._provisional

    def holiday(self, day: date) -> str | None:
        """The name of the holiday on `day`, or None."""
        try:
            return self._holidays(day.year).get(day)
        except UnknownYear:
            if self._lenient:
                return None
            raise

    def is_working_day(self, day: date) -> bool:
        """Whether any work is done on the local day."""
        return day in self._year(day.year).ends

    def is_open(self, moment: datetime) -> bool:
        """Whether the offices work at an aware moment; at the end of a span they no longer do."""
        moment = clipped(moment)
        year = self._year_at(moment)
        span = bisect_right(year.opens, moment) - 1
        return span >= 0 and moment < year.closes[span]

    def day_of(self, moment: datetime) -> date:
        """The local day of an aware moment."""
        return moment.astimezone(self.tz).date()

    def day_end(self, day: date) -> datetime:
        """24:00 of the local day, in UTC."""
        return self._at(day + _DAY, 0)

    def add_working(self, start: datetime, seconds: float) -> datetime:
        """The earliest moment by which `seconds` of working time have passed since `start`; `start` itself for zero. UTC.

        Saturates at `CEILING`.
        """
        return self.add(start, timedelta(seconds=seconds))

    def add(self, start: datetime, amount: timedelta) -> datetime:
        """The earliest moment by which that `amount` of working time has passed since `start`, as `add_working` has it."""
        start = clipped(start)
        if amount <= _ZERO:
            return start
        year = self._year_at(start)
        done = year.worked_by(start) + amount
        while done > year.total:
            if year.number >= CEILING.year:
                return CEILING
            done -= year.total
            year = self._year(year.number + 1)
        span = bisect_left(year.worked, done)
        return min(CEILING, year.closes[span] - (year.worked[span] - done))

    def working_between(self, start: datetime, end: datetime) -> float:
        """Working seconds between two aware moments; 0 where `end` is not after `start`."""
        return self._between(start, end).total_seconds()

    def add_working_days(self, start: datetime, days: int) -> datetime:
        """24:00 of the `days`-th working day after the local day of `start` (whatever day that is). UTC.

        A report on Saturday with one working day is due at the end of Monday; so is one on Sunday; one on Monday, whatever the
        hour, at the end of Tuesday.
        """
        start = clipped(start)
        if days <= 0:
            return self.day_end(self.day_of(start))
        year = self._year_at(start)
        nth = bisect_right(year.days, self.day_of(start)) + days - 1
        while nth >= len(year.days):
            if year.number >= CEILING.year:
                return self.day_end(CEILING.date())
            nth -= len(year.days)
            year = self._year(year.number + 1)
        return year.ends[year.days[nth]]

    def is_day_end(self, moment: datetime) -> bool:
        """Whether it is 24:00 of a local day, at which nobody is just stopping work: where a budget of working days ends."""
        day = self.day_of(moment - _DAY)
        if moment != self.day_end(day):
            return False
        year = self._year(day.year)
        span = bisect_left(year.closes, moment)
        return span == len(year.closes) or year.closes[span] != moment

    def _between(self, start: datetime, end: datetime) -> timedelta:
        start, end = clipped(start), clipped(end)
        if end <= start:
            return _ZERO
        year = self._year_at(start)
        total = -year.worked_by(start)
        while end >= year.end:
            total += year.total
            year = self._year(year.number + 1)
        return total + year.worked_by(end)

    def _year_at(self, moment: datetime) -> _Year:
        """The local year of a moment in UTC."""
        year = self._last
        if year is None or not year.start <= moment < year.end:
            year = self._last = self._year(self.day_of(moment).year)
        return year

    def _year(self, number: int) -> _Year:
        year = self._years.get(number)
        if year is None:
            year = self._years[number] = self._computed(number)
        return year

    def _computed(self, number: int) -> _Year:
        first = date(number, 1, 1)
        days = [first + timedelta(days=at) for at in range((date(number + 1, 1, 1) - first).days)]
        hours = {day: () if self.holiday(day) is not None else self._hours(day) for day in days}
        working = [day for day, spans in hours.items() if spans]
        spans = [span for day in working for span in hours[day]]
        return _Year(
            number=number,
            start=self._at(first, 0),
            end=self.day_end(days[-1]),
            days=working,
            ends={day: self.day_end(day) for day in working},
            opens=[opens for opens, _ in spans],
            closes=[closes for _, closes in spans],
            worked=list(accumulate([closes - opens for opens, closes in spans])),
        )

    def _hours(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        week = next((season.week for season in self.seasons if season.first <= day <= season.last), self.week)
        return tuple((self._at(day, span.start), self._at(day, span.end)) for span in week[day.weekday()])

    def _at(self, day: date, seconds: int) -> datetime:
        """A wall-clock time as a moment: by the wall, so that a day on which clocks are changed still opens on time."""
        days, seconds = divmod(seconds, DAY_SECONDS)
        wall = datetime.combine(day + timedelta(days=days), time(seconds // 3600, seconds // 60 % 60, seconds % 60), self.tz)
        return wall.astimezone(UTC)


def clipped(moment: datetime) -> datetime:
    """`moment` in UTC, within [FLOOR, CEILING]."""
    if moment.tzinfo is not UTC:
        if not _SAFE_YEARS[0] < moment.year < _SAFE_YEARS[1]:
            return FLOOR if moment.year <= _SAFE_YEARS[0] else CEILING
        moment = moment.astimezone(UTC)
    if moment < FLOOR:
        return FLOOR
    return min(moment, CEILING)


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a clock may run: `seconds` of calendar or working time (`basis`), or whole `working_days`; one of the two."""

    basis: Basis
    seconds: int = 0
    working_days: int = 0

    def __post_init__(self) -> None:
        if (self.seconds > 0) == (self.working_days > 0) or min(self.seconds, self.working_days) < 0:
            msg = "a budget is a positive number of seconds or of working days"
            raise ValueError(msg)
        if self.working_days and self.basis != "working":
            msg = "working days are working time"
            raise ValueError(msg)

    @classmethod
    def hours(cls, hours: float) -> Budget:
        """Calendar hours."""
        return cls("calendar", seconds=round(hours * 3600))

    @classmethod
    def working_hours(cls, hours: float) -> Budget:
        """Hours of the offices' working time."""
        return cls("working", seconds=round(hours * 3600))

    @classmethod
    def days(cls, working_days: int) -> Budget:
        """Working days: due at 24:00 of the n-th working day after the report's day."""
        return cls("working", working_days=working_days)


class Stamp(TypedDict):
    """What a `ClockTerm` is made of: an event that is made of stamps checks them all in one go, which is quicker."""

    clock: ClockName
    basis: Basis
    budget_seconds: int
    started_at: datetime | None
    warn_at: datetime | None
    due_at: datetime | None


def term(
    clock: ClockName, budget: Budget, started_at: datetime | None, calendar: Calendar, warn_share: float = WARN_SHARE
) -> ClockTerm:
    """One clock as stamped on an event. Takes and raises what `stamp` does."""
    return ClockTerm(**stamp(clock, budget, started_at, calendar, warn_share))


def stamp(
    clock: ClockName, budget: Budget, started_at: datetime | None, calendar: Calendar, warn_share: float = WARN_SHARE
) -> Stamp:
    """What one clock is stamped with. `started_at` None: a clock that starts later (verification), in seconds only.

    Raises `UnknownYear` where working time touches a year without known holidays, and `ValueError` for a clock that starts later
    with a budget of working days, whose seconds depend on the start.
    """
    if started_at is None:
        if budget.working_days:
            msg = f"the {clock} clock starts later, so its budget must be hours or working hours"
            raise ValueError(msg)
        return Stamp(clock=clock, basis=budget.basis, budget_seconds=budget.seconds, started_at=None, warn_at=None, due_at=None)
    started_at = started_at.astimezone(UTC)
    if budget.working_days:
        due_at = calendar.add_working_days(started_at, budget.working_days)
        seconds = max(1, round(calendar.working_between(started_at, due_at)))
    else:
        seconds = budget.seconds
        due_at = _later(started_at, _share(seconds, 1), budget.basis, calendar)
    return {
        "clock": clock,
        "basis": budget.basis,
        "budget_seconds": seconds,
        "started_at": started_at,
        "warn_at": _later(started_at, _share(seconds, warn_share), budget.basis, calendar),
        "due_at": due_at,
    }


@lru_cache(maxsize=4096)
def _share(seconds: int, share: float) -> timedelta:
    """A share of so many seconds. Kept, since a city has few budgets and multiplying is dear."""
    return timedelta(seconds=seconds) * share


@dataclass(frozen=True)
class ClockState:
    """A clock of one complaint: what it may take, and what has happened to it. Moments are UTC.

    `due` and `warn` are the marks as they stood when the clock last ran; read `due_at` and `warn_at`, which are None while the
    clock is paused or not yet started. A stopped clock keeps the marks that it is judged by.
    """

    name: ClockName
    basis: Basis
    budget_seconds: int
    due: datetime | None = None
    warn: datetime | None = None
    paused_at: datetime | None = None
    stopped_at: datetime | None = None
    warned_at: datetime | None = None
    breached_at: datetime | None = None

    @property
    def due_at(self) -> datetime | None:
        """When the budget runs out if nothing more happens; None while that can't be told (paused, or not started)."""
        return None if self.paused_at is not None else self.due

    @property
    def warn_at(self) -> datetime | None:
        """When the warning share runs out; None as for `due_at`."""
        return None if self.paused_at is not None else self.warn

    @property
    def running(self) -> bool:
        """Started, neither paused nor stopped: its deadlines are live."""
        return self.due is not None and self.paused_at is None and self.stopped_at is None

    def late(self, now: datetime) -> bool:
        """Whether the budget ran out: before the clock stopped, was paused, or by `now`."""
        return self.due is not None and (self.stopped_at or self.paused_at or now) > self.due


def opened(stamped: ClockTerm) -> ClockState:
    """The clock as stamped: running, or not started."""
    return _made(
        {
            "name": stamped.clock,
            "basis": stamped.basis,
            "budget_seconds": stamped.budget_seconds,
            "due": _utc(stamped.due_at),
            "warn": _utc(stamped.warn_at),
        }
    )


def restamped(clock: ClockState, stamped: ClockTerm) -> ClockState:
    """The clock under another term (triage's is provisional); what has happened to it stays."""
    new = opened(stamped)
    return _with(
        new,
        paused_at=clock.paused_at,
        stopped_at=clock.stopped_at,
        warned_at=clock.warned_at,
        breached_at=clock.breached_at,
    )


def started(clock: ClockState, at: datetime, calendar: Calendar) -> ClockState:
    """A clock that waited for its cause begins at `at`; one that has begun is left as it is."""
    if clock.due is not None:
        return clock
    budget = timedelta(seconds=min(clock.budget_seconds, _MOST_SECONDS))
    return _with(
        clock,
        due=_later(at, budget, clock.basis, calendar),
        warn=_later(at, budget * WARN_SHARE, clock.basis, calendar),
    )


def paused(clock: ClockState, at: datetime) -> ClockState:
    """A running clock stands still from `at`; any other is left as it is."""
    return _with(clock, paused_at=clipped(at)) if clock.running else clock


def resumed(clock: ClockState, at: datetime, calendar: Calendar) -> ClockState:
    """A paused clock runs on from `at`; any other is left as it is.

    Its marks move by what the pause took of the time that the clock counts: a weekend takes nothing of working time. A mark that
    had passed before the pause stays where it is, and one at a day's end (working days) is at a day's end again.
    """
    since = clock.paused_at
    if since is None or clock.due is None or clock.warn is None:
        return clock
    at = clipped(at)
    lost = _passed(since, at, clock.basis, calendar)
    due = clock.due if clock.due <= since else _later(clock.due, lost, clock.basis, calendar)
    if due != clock.due and clock.basis == "working" and calendar.is_day_end(clock.due):
        due = calendar.day_end(calendar.day_of(due))
    warn = clock.warn if clock.warn <= since else _later(clock.warn, lost, clock.basis, calendar)
    return _with(clock, paused_at=None, due=due, warn=warn)


def stopped(clock: ClockState, at: datetime, calendar: Calendar) -> ClockState:
    """The clock's cause is done at `at`; a paused one runs on until then, one that is stopped or not started is left as it is."""
    if clock.stopped_at is not None or clock.due is None:
        return clock
    if clock.paused_at is not None:
        clock = resumed(clock, at, calendar)
    return _with(clock, stopped_at=clipped(at))


def continued(clock: ClockState, at: datetime, calendar: Calendar) -> ClockState:
    """A stopped clock runs on from where it stood (a reopening); any other is left as it is. The time between is not counted."""
    if clock.stopped_at is None:
        return clock
    return resumed(_with(clock, paused_at=clock.stopped_at, stopped_at=None), at, calendar)


def warned(clock: ClockState, at: datetime) -> ClockState:
    """The warning was given."""
    return _with(clock, warned_at=at)


def breached(clock: ClockState, at: datetime) -> ClockState:
    """The breach was told."""
    return _with(clock, breached_at=at)


_MOST_SECONDS: Final = round((CEILING - FLOOR).total_seconds())


def _made(values: dict[str, object]) -> ClockState:
    """A clock without running `__init__`: a fold makes one for each clock of each event. The class holds the defaults."""
    clock = object.__new__(ClockState)
    clock.__dict__.update(values)
    return clock


def _with(clock: ClockState, **changes: object) -> ClockState:
    """`dataclasses.replace`, as quick as `_made`."""
    return _made(clock.__dict__ | changes)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else clipped(moment)


def _later(start: datetime, amount: timedelta, basis: Basis, calendar: Calendar) -> datetime:
    """`amount` after `start`, by the clock on the wall or by the offices'."""
    if basis == "working":
        return calendar.add(start, amount)
    start = clipped(start)
    return CEILING if CEILING - start < amount else start + amount


def _passed(start: datetime, end: datetime, basis: Basis, calendar: Calendar) -> timedelta:
    """The time from `start` to `end`, by the clock on the wall or by the offices'; none where `end` is not after `start`."""
    if end <= start:
        return _ZERO
    return timedelta(seconds=calendar.working_between(start, end)) if basis == "working" else end - start
