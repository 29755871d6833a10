"""What the `holidays` package knows, for those who make `holidays.json`. To ask it of one country reads all, which takes a while."""

from __future__ import annotations

from datetime import date
from importlib.metadata import version
from pathlib import Path

import holidays

from tanggap.contracts.public_holidays import HOLIDAYS, PublicHolidays, Wanted
from tanggap.contracts.sla_clocks import FLOOR

_FIRST = FLOOR.year - 1
"""The earliest year that a clock can touch: west of Greenwich, the earliest moment is in the year before."""


class UnknownCountry(LookupError):  # noqa: N818 - the country is unknown; that it is an error is said by raising it
    """The package knows no such country."""


class UnknownCategory(ValueError):  # noqa: N818 - as above
    """The package knows no such kind of holidays of a country. The message names those that it knows."""


def check(wanted: Wanted) -> None:
    """Raise `UnknownCountry` or `UnknownCategory` where the package can't tell what is wanted."""
    try:
        holidays.country_holidays(wanted.country)
    except NotImplementedError as error:
        raise UnknownCountry(wanted.country) from error
    try:
        holidays.country_holidays(wanted.country, categories=wanted.categories)
    except ValueError as error:
        raise UnknownCategory(str(error)) from error


def build(wanted: Wanted) -> PublicHolidays:
    """What the package knows of it, the same from the same version of the package. Raises as `check`."""
    check(wanted)
    years = {year: _days(wanted, year) for year in range(_FIRST, wanted.known_through + 1)}
    return PublicHolidays(
        about="Made by `tanggap contracts holidays` of calendar.yaml; what a city changes of it stands there.",
        package=f"holidays {version('holidays')}",
        wanted=wanted,
        years={year: days for year, days in years.items() if days is not None},
    )


def _days(wanted: Wanted, year: int) -> dict[date, str] | None:
    """The days off of a year. None where the government's own are wanted and not known: the package has them a decree at a time."""
    if "government" in wanted.categories and not holidays.country_holidays(
        wanted.country, years=year, categories=("government",)
    ):
        return None
    # In the country's own language: else it is that of whoever starts the process.
    language = holidays.country_holidays(wanted.country).default_language
    found = holidays.country_holidays(wanted.country, years=year, categories=wanted.categories, language=language)
    return dict(sorted(found.items()))


def written(public: PublicHolidays) -> str:
    """The text of the file: a day a line, so that a change shows which."""
    return public.model_dump_json(indent=1) + "\n"


def write(folder: Path, public: PublicHolidays) -> None:
    """Put the file into a city's folder, at once and whole. Raises `OSError`; what was there stays as it was then."""
    beside = folder / f".{HOLIDAYS}.new"
    try:
        beside.write_text(written(public), encoding="utf-8")
        beside.replace(folder / HOLIDAYS)
    finally:
        beside.unlink(missing_ok=True)
