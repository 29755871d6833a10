"""Which days a city is off: the `holidays` package, corrected and extended by the city's calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version

import holidays

from tanggap.contracts.sla_clocks import UnknownYear


@dataclass(frozen=True)
class HolidayList:
    """Holidays by year: `sla_clocks.HolidaysOf`. A year is computed when first asked for.

    A year in `listed` is taken as it stands there. Otherwise it is the package's, up to `known_through`: of a later one the
    package has estimates, and no cuti bersama, so it raises `UnknownYear` here.
    """

    country: str
    categories: tuple[str, ...]
    known_through: int
    listed: Mapping[int, Mapping[date, str]] = field(default_factory=dict)
    added: Mapping[date, str] = field(default_factory=dict)
    removed: frozenset[date] = frozenset()
    _years: dict[int, Mapping[date, str]] = field(default_factory=dict, repr=False, compare=False)

    def __call__(self, year: int) -> Mapping[date, str]:
        """The holidays of `year` with their names. Raises `UnknownYear`."""
        found = self._years.get(year)
        if found is None:
            found = self._years[year] = self._find(year)
        return found

    def _find(self, year: int) -> Mapping[date, str]:
        days = dict(self.listed[year]) if year in self.listed else self._from_package(year)
        days |= {day: name for day, name in self.added.items() if day.year == year}
        return {day: name for day, name in days.items() if day not in self.removed}

    def _from_package(self, year: int) -> dict[date, str]:
        if year > self.known_through:
            raise UnknownYear(
                f"working time in {year} can't be told: its holidays are known through {self.known_through}; list {year} under "
                "`holidays: listed:` in calendar.yaml, or raise `known_through` when the holidays package knows that year"
            )
        if "government" in self.categories and not holidays.country_holidays(
            self.country, years=year, categories=("government",)
        ):
            raise UnknownYear(
                f"working time in {year} can't be told: `known_through` in calendar.yaml is {self.known_through}, but the "
                f"holidays package ({version('holidays')}) has no government days for {year}; upgrade it, or list {year} under "
                "`holidays: listed:`"
            )
        # In the country's own language: else it is that of whoever starts the process.
        language = holidays.country_holidays(self.country).default_language
        return dict(holidays.country_holidays(self.country, years=year, categories=self.categories, language=language))
