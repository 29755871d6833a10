"""Figures and moments as people say them, in Indonesian and English. Pure; Babel (CLDR) knows the names and the digits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

MINUTE_SECONDS = 60
HOUR_SECONDS = 3600
DAY_SECONDS = 86_400
# Below this many of the larger unit the smaller one still matters to a reader ("2 jam 40 menit", but "5 jam").
BOTH_UNITS_BELOW = 3

Gettext = Callable[[str], str]


def number(value: float, locale: Locale, digits: int = 1) -> str:
    """Write `value` with the language's separators and at most `digits` decimals: 1.234,5 in Indonesian, 1,234.5 in English."""
    return format_decimal(value, format=f"#,##0.{'#' * digits}", locale=locale)


def percent(share: float, locale: Locale, digits: int = 0) -> str:
    """Write `share` (1 is all) in percent with at most `digits` decimals: 12,3%."""
    return format_percent(share, format=f"#,##0.{'#' * digits}%", locale=locale)


def when(at: datetime, locale: Locale, tz: tzinfo) -> str:
    """Write the exact moment in the city's time: "Sel, 24 Nov 2026 09.05 WIB"; in English "Tue, 24 Nov 2026, 09:05 WIB"."""
    local = at.astimezone(tz)
    day = format_date(local, "EEE, d MMM y", locale=locale)
    if locale.language == "id":
        return f"{day} {local:%H.%M} {local.tzname()}"
    return f"{day}, {local:%H:%M} {local.tzname()}"


def clock_time(at: datetime, locale: Locale, tz: tzinfo) -> str:
    """Write the time of day in the city: "09.05", in English "09:05"."""
    return f"{at.astimezone(tz):{'%H.%M' if locale.language == 'id' else '%H:%M'}}"


def day(at: datetime, locale: Locale, tz: tzinfo) -> str:
    """Write the day in the city: "Selasa, 24 November 2026"."""
    return format_date(at.astimezone(tz), "EEEE, d MMMM y", locale=locale)


def duration(span: timedelta | float, locale: Locale) -> str:
    """Say how long `span` is (a timedelta, or seconds), the sign ignored: "2 jam 40 menit", "5 jam", "1 hari 4 jam".

    Rounded down, because it mostly says how much time is left, and nobody may be promised more than there is.
    """
    seconds = abs(int(span.total_seconds() if isinstance(span, timedelta) else span))
    if seconds < HOUR_SECONDS:
        return _unit(seconds // MINUTE_SECONDS, "minute", locale)
    if seconds < DAY_SECONDS:
        large, small = ("hour", HOUR_SECONDS), ("minute", MINUTE_SECONDS)
    else:
        large, small = ("day", DAY_SECONDS), ("hour", HOUR_SECONDS)
    whole, rest = divmod(seconds, large[1])
    said = _unit(whole, large[0], locale)
    if whole < BOTH_UNITS_BELOW and rest >= small[1]:
        return f"{said} {_unit(rest // small[1], small[0], locale)}"
    return said


def until(at: datetime, now: datetime, locale: Locale, gettext: Gettext) -> str:
    """Say a deadline as a person says it: "2 jam lagi", "kurang dari semenit lagi", "terlambat 1 hari"."""
    left = (at - now).total_seconds()
    if left >= MINUTE_SECONDS:
        return gettext("%(span)s lagi") % {"span": duration(left, locale)}
    if left > 0:
        return gettext("kurang dari semenit lagi")
    if left > -MINUTE_SECONDS:
        return gettext("baru saja lewat")
    return gettext("terlambat %(span)s") % {"span": duration(left, locale)}


def ago(at: datetime, now: datetime, locale: Locale, gettext: Gettext) -> str:
    """Say how long ago something happened: "2 jam yang lalu", "baru saja"."""
    past = (now - at).total_seconds()
    if past < MINUTE_SECONDS:
        return gettext("baru saja")
    return gettext("%(span)s yang lalu") % {"span": duration(past, locale)}


def _unit(count: int, unit: str, locale: Locale) -> str:
    return format_unit(count, f"duration-{unit}", length="long", locale=locale)
