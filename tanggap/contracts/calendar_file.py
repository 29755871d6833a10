"""Reads calendar.yaml: the zone, the offices' hours, holidays and seasons."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from tanggap.contracts.faults import Faults
from tanggap.contracts.holiday_list import HolidayList
from tanggap.contracts.public_holidays import HOLIDAYS, Wanted, command, read_public
from tanggap.contracts.sla_clocks import DAY_SECONDS, Calendar, Season, Span, Week
from tanggap.contracts.sources import Entry, read_yaml

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_YEARS: Final = (2000, 2199)
_CALENDAR: Final = (("timezone", "hours", "holidays"), ("seasons",))
_HOLIDAYS: Final = (("country", "categories", "known_through"), ("listed", "added", "removed"))
"""What the calendar and its holidays must have, and may have."""


def read_calendar(path: Path, faults: Faults) -> Calendar | None:
    """The calendar, or None with the faults noted."""
    before = len(faults.found)
    entry = read_yaml(path, faults)
    if entry is None:
        return None
    record = entry.as_record("the calendar", *_CALENDAR)
    tz = _zone(record["timezone"]) if "timezone" in record else None
    week = _week(record["hours"]) if "hours" in record else None
    known = _holidays(record["holidays"], path.parent) if "holidays" in record else None
    seasons = _seasons(record["seasons"]) if "seasons" in record else []
    if tz is None or week is None or known is None or len(faults.found) > before:
        return None
    return Calendar(tz, week, known, seasons)


def read_wanted(path: Path, faults: Faults) -> Wanted | None:
    """What the calendar wants of the holidays package, of which `holidays.json` is made; or None with the faults noted."""
    entry = read_yaml(path, faults)
    calendar = entry.as_record("the calendar", *_CALENDAR) if entry is not None else {}
    if "holidays" not in calendar:
        return None
    record = calendar["holidays"].as_record("holidays", *_HOLIDAYS)
    wanted = _wanted(record)
    return wanted if wanted is not None and _package_knows(wanted, record) else None


def _zone(entry: Entry) -> ZoneInfo | None:
    name = entry.as_text("timezone")
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        near = ", ".join(
            sorted(zone for zone in available_timezones() if zone.rpartition("/")[2].lower() == name.rpartition("/")[2].lower())
        )
        entry.fault(f"timezone {name!r} is unknown" + (f"; is {near} meant?" if near else "; write one such as Asia/Jakarta"))
        return None


def _week(entry: Entry) -> Week | None:
    days: dict[str, tuple[Span, ...]] = {}
    for name, value in entry.as_record("hours", (), WEEKDAYS).items():
        texts = [value] if value.is_text else value.as_list(f"hours of {name}")
        spans = [span for text in texts if (span := _span(text, name)) is not None]
        for earlier, later in pairwise(spans):
            if later.start < earlier.end:
                value.fault(f"hours of {name} overlap or are out of order; write them from morning to night")
        days[name] = tuple(spans)
    if not any(days.values()):
        entry.fault("no day has working hours, so no working-time clock would ever end; give a day some")
        return None
    return tuple(days.get(name, ()) for name in WEEKDAYS)


def _span(entry: Entry, day: str) -> Span | None:
    text = entry.as_text(f"hours of {day}")
    if text is None:
        return None
    found = _SPAN.fullmatch(text.replace(" ", ""))
    if found:
        start, end = (int(found[at]) * 3600 + int(found[at + 1]) * 60 for at in (1, 3))
        if start < end <= DAY_SECONDS:
            return Span(start, end)
    entry.fault(f"hours of {day} must be written as 07:30-16:00, ending after they start and by 24:00, not {text!r}")
    return None


def _holidays(entry: Entry, folder: Path) -> HolidayList | None:
    record = entry.as_record("holidays", *_HOLIDAYS)
    # All of it is read, so that a file that must be made first hides no fault of the city's own days.
    listed = _listed(record["listed"]) if "listed" in record else {}
    added = _days(record["added"], "added") if "added" in record else {}
    removed = record["removed"].as_list("removed") if "removed" in record else ()
    off = frozenset(day for each in removed if (day := each.as_date("a day")))
    wanted = _wanted(record)
    public = read_public(folder, entry.faults) if wanted is not None else None
    if wanted is None or public is None:
        return None
    if public.wanted != wanted:
        if _package_knows(wanted, record):
            entry.fault(f"{HOLIDAYS} is of another country, other categories or years; make it anew with {command(folder)}")
        return None
    return HolidayList(public=public, listed=listed, added=added, removed=off)


def _wanted(record: dict[str, Entry]) -> Wanted | None:
    if not set(_HOLIDAYS[0]) <= record.keys():
        return None
    country = record["country"].as_text("country")
    categories = tuple(text for each in record["categories"].as_list("categories") if (text := each.as_text("a category")))
    known_through = record["known_through"].as_whole("known_through", *_YEARS)
    if country is None or known_through is None:
        return None
    return Wanted(country=country, categories=categories, known_through=known_through)


def _package_knows(wanted: Wanted, record: dict[str, Entry]) -> bool:
    # Here, since a city without a fault must load without the package, which takes longer to read than all of the city.
    from tanggap.contracts import holiday_package  # noqa: PLC0415

    try:
        holiday_package.check(wanted)
    except holiday_package.UnknownCountry:
        record["country"].fault(f"country {wanted.country!r} is unknown to the holidays package; write an ISO code such as ID")
        return False
    except holiday_package.UnknownCategory as error:
        record["categories"].fault(f"categories of {wanted.country}: {error}")
        return False
    return True


def _listed(entry: Entry) -> dict[int, dict[date, str]]:
    years: dict[int, dict[date, str]] = {}
    for key, (line, value) in entry.as_table("listed").items():
        if not (key.isascii() and key.isdigit() and _YEARS[0] <= int(key) <= _YEARS[1]):
            entry.faults.add(entry.file, line, f"{key} is no year; list a year's days as `2028: {{2028-01-01: Tahun Baru}}`")
            continue
        days = _days(value, f"listed {key}")
        for day in days:
            if day.year != int(key):
                value.fault(f"{day} is listed under {key}; put it under its own year")
        years[int(key)] = days
    return years


def _days(entry: Entry, what: str) -> dict[date, str]:
    days: dict[date, str] = {}
    for key, (line, value) in entry.as_table(what).items():
        name = value.as_text(f"the name of {key}")
        try:
            day = date.fromisoformat(key)
        except ValueError:
            entry.faults.add(entry.file, line, f"{key} is no day; write it as 2026-08-17")
            continue
        if name is not None:
            days[day] = name
    return days


def _seasons(entry: Entry) -> list[Season]:
    seasons: list[Season] = []
    for item in entry.as_list("seasons"):
        record = item.as_record("a season", ("name", "first", "last", "hours"))
        if len(record) < 4:  # noqa: PLR2004 - what a season must have
            continue
        name, week = record["name"].as_text("name"), _week(record["hours"])
        first, last = record["first"].as_date("first"), record["last"].as_date("last")
        if name is None or week is None or first is None or last is None:
            continue
        if last < first:
            record["last"].fault(f"season {name} ends on {last}, before it begins on {first}; swap them")
        for other in seasons:
            if first <= other.last and other.first <= last:
                item.fault(f"season {name} overlaps {other.name}; part them")
        seasons.append(Season(name, first, last, week))
    return seasons
