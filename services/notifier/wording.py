"""How offices, units, categories and clocks are called in front of people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tanggap.contracts.city import City
from tanggap.contracts.events import Actor, ClockName, Point, Unit
from tanggap.contracts.lifecycle import Complaint
from tanggap.contracts.sla_clocks import ClockState
from tanggap.platform.pages import Language

CLOCK_ORDER: tuple[ClockName, ...] = ("coordinate", "first_response", "resolution", "verification")
HOUR_SECONDS = 3600
DAY_HOURS = 24

# A ward's or district's name needs its level before it; others stand alone ("Kota Administrasi Jakarta Pusat").
_LEVEL_WORDS = {"kelurahan": "Kelurahan", "kecamatan": "Kecamatan"}
# Roles that head a ward or district are called by its bare name: "Lurah Gambir".
_HEADS = frozenset({"lurah", "camat"})


class Namer:
    """Names of one city's units and categories."""

    def __init__(self, city: City) -> None:
        self._city = city

    def unit(self, unit: Unit) -> str:
        """Name a unit with its level: "Kelurahan Gambir", "Suku Dinas Bina Marga Jakarta Pusat"."""
        info = self._city.units.get(unit.code)
        word = None if info is None else _LEVEL_WORDS.get(info.level)
        return unit.name if word is None or unit.name.lower().startswith(word.lower()) else f"{word} {unit.name}"

    def office(self, actor: Actor) -> str:
        """Name an office, never a person: "Lurah Gambir", "Wali Kota Administrasi Jakarta Pusat", "Kepala Suku Dinas Sosial"."""
        role = actor.role.replace("_", " ").title().split()
        if actor.role in _HEADS:
            return f"{role[0]} {actor.unit.name}"
        unit = self.unit(actor.unit).split()
        for shared in range(min(len(role), len(unit)), 0, -1):
            if role[-shared:] == unit[:shared]:
                # "Kepala Suku Dinas" of "Suku Dinas Sosial": what both say is said once.
                return " ".join([*role, *unit[shared:]])
        return " ".join([*role, *unit]) if len(role) == 1 else f"{' '.join(role)}, {' '.join(unit)}"

    def category(self, slug: str | None, lang: Language) -> str | None:
        """Name a category; null where there is none, its slug where the city no longer knows it."""
        if slug is None:
            return None
        category = self._city.categories.get(slug)
        if category is None:
            return slug.replace("_", " ")
        return category.label(lang)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A clock as a page tells it. `hours`: its whole budget; `working`: counted in the offices' hours."""

    name: ClockName
    due_at: datetime | None
    warn_at: datetime | None
    hours: float
    working: bool
    stopped_at: datetime | None
    late: bool
    paused: bool


def deadlines(complaint: Complaint, now: datetime) -> list[Deadline]:
    """List the clocks that have begun: those that run by their due time, then those that have stopped."""
    begun = [clock for clock in complaint.clocks if clock.due is not None]
    begun.sort(key=lambda clock: (clock.stopped_at is not None, clock.due, CLOCK_ORDER.index(clock.name)))
    return [_deadline(clock, now) for clock in begun]


def _deadline(clock: ClockState, now: datetime) -> Deadline:
    return Deadline(
        name=clock.name,
        due_at=clock.due_at,
        warn_at=clock.warn_at,
        hours=clock.budget_seconds / HOUR_SECONDS,
        working=clock.basis == "working",
        stopped_at=clock.stopped_at,
        late=clock.late(now),
        paused=clock.paused_at is not None,
    )


def map_url(point: Point) -> str:
    """Give the address of a map with a marker at `point`."""
    place = f"{point.lat:.6f}/{point.lon:.6f}"
    return f"https://www.openstreetmap.org/?mlat={point.lat:.6f}&mlon={point.lon:.6f}#map=18/{place}"
