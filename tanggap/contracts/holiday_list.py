"""Which days a city is off: the public holidays, corrected and extended by the city's calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from tanggap.contracts.public_holidays import HOLIDAYS, PublicHolidays
from tanggap.contracts.sla_clocks import UnknownYear


@dataclass(frozen=True)
class HolidayList:
    """Holidays by year: `sla_clocks.HolidaysOf`. A year is put together when first asked for.

    A year in `listed` is taken as it stands there. Otherwise it is that of `public`, up to its `known_through`: of a later one the
    package has estimates, and no cuti bersama, so it raises `UnknownYear` here.
    """

    public: PublicHolidays
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
        days = dict(self.listed[year] if year in self.listed else self._public(year))
        days |= {day: name for day, name in self.added.items() if day.year == year}
        return {day: name for day, name in days.items() if day not in self.removed}

    def _public(self, year: int) -> Mapping[date, str]:
        known_through = self.public.wanted.known_through
        if year > known_through:
            raise UnknownYear(
                f"working time in {year} can't be told: its holidays are known through {known_through}; list {year} under "
                "`holidays: listed:` in calendar.yaml, or raise `known_through` when the holidays package knows that year"
            )
        if year not in self.public.years:
            raise UnknownYear(
                f"working time in {year} can't be told: `known_through` in calendar.yaml is {known_through}, but the "
                f"holidays package ({self.public.package}, of which {HOLIDAYS} was made) has no government days for {year}; "
                f"upgrade it and make {HOLIDAYS} anew, or list {year} under `holidays: listed:`"
            )
        return self.public.years[year]
