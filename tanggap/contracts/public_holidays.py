"""`holidays.json`: the days off that the `holidays` package knows for a city's country, kept among the city's files.

`tanggap contracts holidays` writes it. Services read it rather than ask the package: a deadline can't move because a package was
upgraded, and none of them waits until the rules of every country of the world are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from tanggap.contracts.faults import Faults
from tanggap.contracts.sources import is_there, read_text

HOLIDAYS: Final = "holidays.json"


class Wanted(BaseModel):
    """Whose holidays, and which: what calendar.yaml asks of the package.

    `country`: ISO code; `categories`: as the package calls them; `known_through`: the last year.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    country: str
    categories: tuple[str, ...]
    known_through: int


class PublicHolidays(BaseModel):
    """What the package made of it. `package`: its name and version. `years`: each year's days with their names.

    A year that the package does not know as it was asked to is not among them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: str
    package: str
    wanted: Wanted
    years: Mapping[int, Mapping[date, str]]

    @field_validator("years")
    @classmethod
    def _has_each_day_under_its_year(cls, years: Mapping[int, Mapping[date, str]]) -> Mapping[int, Mapping[date, str]]:
        # Under another it would be no day off, and nobody would be told.
        strange = next((f"{day} stands under {year}" for year, days in years.items() for day in days if day.year != year), None)
        if strange is not None:
            raise ValueError(strange)
        return years


def command(folder: Path) -> str:
    """What writes a city's file."""
    return f"`tanggap contracts holidays {folder}`"


def read_public(folder: Path, faults: Faults) -> PublicHolidays | None:
    """What the file of a city's folder says, or None with the fault noted."""
    path = folder / HOLIDAYS
    if not is_there(path):
        faults.add(
            HOLIDAYS, 1, f"the file is missing; a city has one in {folder}, which {command(folder)} makes of calendar.yaml"
        )
        return None
    text = read_text(path, faults)
    if text is None:
        return None
    if not text.strip():
        faults.add(HOLIDAYS, 1, f"is empty; make it anew with {command(folder)}")
        return None
    try:
        return PublicHolidays.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        faults.add(HOLIDAYS, 1, f"is not as it was made ({where or 'JSON'}: {first['msg']}); make it anew with {command(folder)}")
        return None
