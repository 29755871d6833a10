"""The city as data: units, agencies, categories, clocks, calendar, officials and neighbours, loaded from a folder of files.

`load` names every fault of every file at once, with its line. What it returns is whole: each unit has an official, each category
an agency that has a branch in each city, each chain an end.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, cast, get_args
from zoneinfo import ZoneInfo

from tanggap.contracts.calendar_file import read_calendar
from tanggap.contracts.events import Unit, Urgency
from tanggap.contracts.faults import CityFaults, Fault, Faults
from tanggap.contracts.public_holidays import HOLIDAYS
from tanggap.contracts.sla_clocks import Calendar
from tanggap.contracts.sla_file import Hours, read_sla
from tanggap.contracts.sla_policy import SlaPolicy
from tanggap.contracts.sources import Entry, Row, read_rows, read_yaml, version_of

__all__ = [
    "Agency",
    "Category",
    "City",
    "CityFaults",
    "Fault",
    "Nearest",
    "Neighbour",
    "Official",
    "Place",
    "UnitInfo",
    "load",
]

Level = Literal["provinsi", "kota", "kabupaten", "kecamatan", "kelurahan", "dinas", "sudin", "external", "triage"]

PARENT_LEVELS: Final[Mapping[str, tuple[str, ...]]] = {
    "provinsi": (),
    "kota": ("provinsi",),
    "kabupaten": ("provinsi",),
    "kecamatan": ("kota", "kabupaten"),
    "kelurahan": ("kecamatan",),
}
"""Levels of units.csv, and the levels that each may stand below."""

CITY_LEVELS: Final = ("kota", "kabupaten")

_SLUG: Final = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")
_CODE: Final = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
_EMAIL: Final = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_LANGUAGES: Final = ("id", "en")
_EARTH_KM: Final = 6371.0088
_FILES: Final = (
    "city.yaml",
    "units.csv",
    "agencies.csv",
    "categories.csv",
    "calendar.yaml",
    HOLIDAYS,
    "sla.yaml",
    "roster.csv",
    "neighbours.yaml",
)


@dataclass(frozen=True, slots=True)
class UnitInfo:
    """A unit of the city. `parent_code`: whom an alert goes up to; None at the top."""

    code: str
    name: str
    level: Level
    parent_code: str | None

    @property
    def unit(self) -> Unit:
        """The unit as events name it."""
        return Unit(code=self.code, name=self.name)


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency that acts for categories. `branches`: unit code by city (kota or kabupaten) code."""

    slug: str
    code: str
    name: str
    seat: str
    external: bool
    branches: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of complaint. `agency`: slug of who acts for it; None where the ward does itself."""

    slug: str
    label_id: str
    label_en: str
    crm_label: str | None
    agency: str | None
    ward_can_handle: bool
    urgency: Urgency
    coordinate_hours: float
    resolution_hours: float
    keywords: tuple[str, ...]

    def label(self, language: str) -> str:
        """Its name for people, in `id` or `en`."""
        return self.label_en if language == "en" else self.label_id


@dataclass(frozen=True, slots=True)
class Official:
    """Who hears of a unit's complaints."""

    unit_code: str
    role: str
    name: str
    email: str
    language: str


@dataclass(frozen=True, slots=True)
class Place:
    """A known point, WGS 84 degrees."""

    name: str
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A city next door, by some of its known points."""

    code: str
    name: str
    points: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest known point of a neighbour: a hint, no boundary."""

    neighbour: Neighbour
    place: Place
    km: float


@dataclass(frozen=True)
class City:
    """A city, whole and checked. `version` names its files' content: another content has another version."""

    name: str
    root: str
    number_prefix: str
    version: str
    calendar: Calendar
    units: Mapping[str, UnitInfo]
    agencies: Mapping[str, Agency]
    categories: Mapping[str, Category]
    sla: SlaPolicy
    roster: Mapping[str, tuple[Official, ...]]
    neighbours: tuple[Neighbour, ...]
    neighbours_reach_km: float
    triage_unit: Unit

    @property
    def tz(self) -> ZoneInfo:
        """The zone in which the city's days and hours are meant."""
        return self.calendar.tz

    def wards(self) -> tuple[UnitInfo, ...]:
        """All kelurahan, in the order of their codes."""
        return self._wards

    @cached_property
    def _wards(self) -> tuple[UnitInfo, ...]:
        return tuple(info for code, info in sorted(self.units.items()) if info.level == "kelurahan")

    def unit(self, code: str) -> Unit:
        """The unit of that code as events name it. Raises `KeyError`."""
        return self._named[code]

    @cached_property
    def _named(self) -> Mapping[str, Unit]:
        return {code: info.unit for code, info in self.units.items()}

    def category_called(self, name: str) -> str | None:
        """The slug of the category that bears a name: its slug or a label, whatever its capital letters and spaces too many.

        None where none does, or two. What has a line break is no name.
        """
        return self._slugs.get(_plainly(name))

    @cached_property
    def _slugs(self) -> Mapping[str, str]:
        found: dict[str, set[str]] = {}
        for slug, category in self.categories.items():
            for label in (category.label_id, category.label_en):
                found.setdefault(_plainly(label), set()).add(slug)
        return {name: min(slugs) for name, slugs in found.items() if len(slugs) == 1} | {slug: slug for slug in self.categories}

    def officials(self, code: str) -> tuple[Official, ...]:
        """Who hears of a unit's complaints, in order of preference. Raises `KeyError` for an unknown unit."""
        return self.roster[code]

    def chain(self, code: str) -> tuple[UnitInfo, ...]:
        """Whom an alert goes up to: the parents of a unit, nearest first. Raises `KeyError` for an unknown unit."""
        above: list[UnitInfo] = []
        parent = self.units[code].parent_code
        while parent is not None:
            above.append(self.units[parent])
            parent = above[-1].parent_code
        return tuple(above)

    def kota(self, code: str) -> UnitInfo | None:
        """The kota or kabupaten that a ward or district lies in, or that a branch works for; None where there is none."""
        for info in (self.units[code], *self.chain(code)):
            if info.level in CITY_LEVELS:
                return info
        return self._kota_of_branch.get(code)

    @cached_property
    def _kota_of_branch(self) -> Mapping[str, UnitInfo]:
        return {
            branch: self.units[kota]
            for agency in self.agencies.values()
            for kota, branch in agency.branches.items()
            # One that acts for the whole city itself lies in none of its kota.
            if branch != agency.code
        }

    def branch(self, agency: str, kota: str) -> Unit:
        """The branch of an agency (slug) that works where `kota` is: the code of a kota, or of a unit within one.

        Raises `KeyError` for an unknown agency or unit, or one that lies in no kota.
        """
        info = self.kota(kota)
        if info is None:
            raise KeyError(kota)
        return self.unit(self.agencies[agency].branches[info.code])

    def nearest_neighbour(self, lat: float, lon: float) -> Nearest | None:
        """The neighbour with the known point nearest to a place, or None where none is in reach. A hint: no boundary is known."""
        found = min(
            (
                Nearest(neighbour, place, _km(lat, lon, place.lat, place.lon))
                for neighbour in self.neighbours
                for place in neighbour.points
            ),
            key=lambda nearest: nearest.km,
            default=None,
        )
        return found if found is not None and found.km <= self.neighbours_reach_km else None


def _plainly(name: str) -> str:
    return " ".join([word for word in name.casefold().split(" ") if word])


def load(folder: Path) -> City:
    """The city of a folder. Raises `CityFaults`, which names every fault of every file."""
    faults = Faults()
    try:
        if not folder.is_dir():
            faults.add(str(folder), 1, "there is no such folder; TANGGAP_CITY names a city's folder, such as cities/jakarta")
    except OSError as error:
        faults.add(str(folder), 1, f"the folder can't be read: {error.strerror}")
    if faults.found:
        raise CityFaults(faults.found)
    name, root, prefix, triage = _read_city(folder, faults)
    units, lines = _read_units(folder, root, faults)
    agencies = _read_agencies(folder, units, lines, root, faults)
    if triage is not None:
        if triage.code in units:
            faults.add("city.yaml", 1, f"triage: code {triage.code} is a unit already; give the desk another code")
        units[triage.code] = triage
    categories = _read_categories(folder, agencies, faults)
    calendar = read_calendar(folder / "calendar.yaml", faults)
    hours = {slug: Hours(each.coordinate_hours, each.resolution_hours) for slug, each in categories.items()}
    sla = read_sla(folder / "sla.yaml", hours, calendar, faults)
    roster = _read_roster(folder, units, faults)
    reach_km, neighbours = _read_neighbours(folder, faults)
    if faults.found or calendar is None or sla is None or triage is None:
        raise CityFaults(faults.found)
    return City(
        name=name,
        root=root,
        number_prefix=prefix,
        version=version_of(folder, _FILES),
        calendar=calendar,
        units=units,
        agencies=agencies,
        categories=categories,
        sla=sla,
        roster=roster,
        neighbours=neighbours,
        neighbours_reach_km=reach_km,
        triage_unit=triage.unit,
    )


def _read_city(folder: Path, faults: Faults) -> tuple[str, str, str, UnitInfo | None]:
    entry = read_yaml(folder / "city.yaml", faults)
    if entry is None:
        return "", "", "", None
    record = entry.as_record("the city", ("name", "root", "number_prefix", "triage"))
    texts = {key: record[key].as_text(key) if key in record else None for key in ("name", "root", "number_prefix")}
    prefix = texts["number_prefix"]
    if prefix is not None and not re.fullmatch(r"[A-Z]{1,4}", prefix):
        record["number_prefix"].fault(f"number_prefix must be one to four capitals, not {prefix!r}")
    desk = record["triage"].as_record("triage", ("code", "name")) if "triage" in record else {}
    code = desk["code"].as_text("the desk's code") if "code" in desk else None
    desk_name = desk["name"].as_text("the desk's name") if "name" in desk else None
    if code is not None and not _CODE.fullmatch(code):
        desk["code"].fault(f"the desk's code {code!r} must be small letters and digits, parted by . or -")
    triage = UnitInfo(code, desk_name, "triage", texts["root"]) if code and desk_name else None
    return texts["name"] or "", texts["root"] or "", prefix or "", triage


def _read_units(folder: Path, root: str, faults: Faults) -> tuple[dict[str, UnitInfo], dict[str, int]]:
    """The units of units.csv, and the line of each."""
    units: dict[str, UnitInfo] = {}
    rows: dict[str, Row] = {}
    for row in read_rows(folder / "units.csv", ("code", "name", "level", "parent_code"), faults):
        code, level = row["code"], row["level"]
        sound = row.check(
            (_CODE.fullmatch(code), f"code {code!r} must be digits or small letters, parted by . or -"),
            (code not in units, f"code {code} is given twice, first on line {rows[code].line if code in rows else 0}; keep one"),
            (level in PARENT_LEVELS, f"level {level!r} is unknown; known are {', '.join(PARENT_LEVELS)}"),
            (row["name"], f"unit {code} has no name"),
        )
        if sound:
            rows[code] = row
            units[code] = UnitInfo(code, row["name"], cast("Level", level), row["parent_code"] or None)
    for code, info in units.items():
        _check_parent(info, units, rows[code])
    if units and root and root not in units:
        faults.add("city.yaml", 1, f"root {root} is no unit of units.csv")
    return units, {code: row.line for code, row in rows.items()}


def _check_parent(info: UnitInfo, units: Mapping[str, UnitInfo], row: Row) -> None:
    """A unit stands below one of the right level, so a chain always ends."""
    allowed = PARENT_LEVELS[info.level]
    if info.parent_code is None:
        if allowed:
            row.fault(f"{info.level} {info.code} has no parent_code; it must be that of a {' or '.join(allowed)}")
    elif info.parent_code not in units:
        row.fault(f"parent_code {info.parent_code} of {info.code} is no unit of this file")
    elif units[info.parent_code].level not in allowed:
        row.fault(f"{info.level} {info.code} can't stand below a {units[info.parent_code].level} ({info.parent_code})")


_AGENCY_COLUMNS: Final = ("slug", "code", "name", "level", "branches", "branch_code", "branch_name", "seat")


def _read_agencies(
    folder: Path, units: dict[str, UnitInfo], lines: Mapping[str, int], root: str, faults: Faults
) -> dict[str, Agency]:
    """The agencies; their own units and their branches are added to `units`."""
    agencies: dict[str, Agency] = {}
    where = dict.fromkeys(lines, "units.csv")
    cities = [info for info in units.values() if info.level in CITY_LEVELS]
    seats = {info.code for info in cities}
    for row in read_rows(folder / "agencies.csv", _AGENCY_COLUMNS, faults):
        slug, code, level, branches = row["slug"], row["code"], row["level"], row["branches"]
        sound = row.check(
            (_SLUG.fullmatch(slug), f"slug {slug!r} must be small letters and digits, parted by -"),
            (slug not in agencies, f"slug {slug} is given twice; keep one"),
            (_CODE.fullmatch(code), f"code {code!r} must be small letters and digits, parted by . or -"),
            (code not in units, f"code {code} is a unit already, in {where.get(code)}; give the agency another"),
            (row["name"], f"agency {slug} has no name"),
            (level in ("dinas", "external"), f"level {level!r} is unknown; known are dinas, external"),
            (branches in ("per_kota", "one"), f"branches {branches!r} is unknown; known are per_kota, one"),
            (not cities or row["seat"] in seats, f"seat {row['seat']!r} is no kota or kabupaten of units.csv"),
            (
                branches != "per_kota" or (_CODE.fullmatch(row["branch_code"]) and "{kota}" in row["branch_name"]),
                "branches per_kota need a branch_code and a branch_name with {kota} in it",
            ),
            (
                branches != "one" or not (row["branch_code"] or row["branch_name"]),
                "an agency with one branch acts itself: leave branch_code and branch_name empty",
            ),
        )
        if not sound:
            continue
        own = UnitInfo(code, row["name"], cast("Level", level), root)
        units[code] = own
        where[code] = row.file
        by_city: dict[str, str] = {}
        for city in cities:
            if branches == "one":
                by_city[city.code] = code
                continue
            branch = f"{row['branch_code']}.{city.code}"
            by_city[city.code] = branch
            if branch in units:
                row.fault(f"branch {branch} is a unit already; give the agency another branch_code")
            units[branch] = UnitInfo(branch, row["branch_name"].replace("{kota}", _short(city.name)), "sudin", code)
        agencies[slug] = Agency(slug, code, row["name"], row["seat"], external=level == "external", branches=by_city)
    return agencies


def _short(kota: str) -> str:
    """Jakarta Pusat, of Kota Administrasi Jakarta Pusat: as branches are named."""
    return re.sub(r"^(Kota|Kabupaten)( Administrasi)? ", "", kota)


_CATEGORY_COLUMNS: Final = (
    "slug",
    "label_id",
    "label_en",
    "crm_label",
    "agency",
    "ward_can_handle",
    "urgency",
    "coordinate_hours",
    "resolution_hours",
    "keywords",
    "evidence",
    "sources",
)


def _read_categories(folder: Path, agencies: Mapping[str, Agency], faults: Faults) -> dict[str, Category]:
    categories: dict[str, Category] = {}
    for row in read_rows(folder / "categories.csv", _CATEGORY_COLUMNS, faults):
        slug, agency, urgency = row["slug"], row["agency"] or None, row["urgency"]
        coordinate, resolution = _hours(row, "coordinate_hours"), _hours(row, "resolution_hours")
        sound = row.check(
            (_SLUG.fullmatch(slug), f"slug {slug!r} must be small letters and digits, parted by _"),
            (slug not in categories, f"slug {slug} is given twice; keep one"),
            (row["label_id"] and row["label_en"], f"category {slug} needs a label_id and a label_en"),
            (
                agency is None or agency in agencies,
                f"agency {agency} of {slug} is unknown; agencies.csv has {', '.join(agencies)}",
            ),
            (row["ward_can_handle"] in ("yes", "no"), f"ward_can_handle must be yes or no, not {row['ward_can_handle']!r}"),
            (
                agency is not None or row["ward_can_handle"] != "no",
                f"{slug} has no agency and the ward can't handle it, so nobody could act; name an agency",
            ),
            (urgency in get_args(Urgency), f"urgency {urgency!r} is unknown; known are {', '.join(get_args(Urgency))}"),
        )
        if not sound or coordinate is None or resolution is None:
            continue
        categories[slug] = Category(
            slug=slug,
            label_id=row["label_id"],
            label_en=row["label_en"],
            crm_label=row["crm_label"] or None,
            agency=agency,
            ward_can_handle=row["ward_can_handle"] == "yes",
            urgency=cast("Urgency", urgency),
            coordinate_hours=coordinate,
            resolution_hours=resolution,
            keywords=tuple(word for word in (part.strip() for part in row["keywords"].split(";")) if word),
        )
    return categories


def _hours(row: Row, column: str) -> float | None:
    try:
        hours = float(row[column])
    except ValueError:
        hours = 0.0
    if math.isfinite(hours) and hours * 3600 >= 1:
        return hours
    row.fault(f"{column} must be a number of hours above 0, not {row[column]!r}")
    return None


def _read_roster(folder: Path, units: Mapping[str, UnitInfo], faults: Faults) -> dict[str, tuple[Official, ...]]:
    found: dict[str, list[Official]] = {}
    rows = read_rows(folder / "roster.csv", ("unit_code", "role", "name", "email", "language"), faults)
    first: dict[tuple[str, str], int] = {}
    for row in rows:
        official = Official(row["unit_code"], row["role"], row["name"], row["email"], row["language"])
        code, email = official.unit_code, official.email
        line = first.setdefault((code, email), row.line)
        sound = row.check(
            (not units or code in units, f"unit_code {code} is no unit of this city"),
            (_SLUG.fullmatch(official.role), f"role {official.role!r} must be small letters, parted by _"),
            (official.name, "the official has no name"),
            (_EMAIL.fullmatch(email), f"e-mail {email!r} is no address; write it as lurah.gambir@jakarta.example"),
            (line == row.line, f"{email} is on the roster of {code} twice, first on line {line}; keep one"),
            (official.language in _LANGUAGES, f"language {official.language!r} is unknown; known are {', '.join(_LANGUAGES)}"),
        )
        if sound:
            found.setdefault(code, []).append(official)
    named = {row["unit_code"] for row in rows}
    for code, info in units.items():
        if rows and code not in named:
            what = f"nobody is on the roster of {info.level} {code} ({info.name}); add an official, or its alerts go nowhere"
            faults.add("roster.csv", rows[-1].line, what)
    return {code: tuple(officials) for code, officials in found.items()}


def _read_neighbours(folder: Path, faults: Faults) -> tuple[float, tuple[Neighbour, ...]]:
    entry = read_yaml(folder / "neighbours.yaml", faults)
    if entry is None:
        return 0.0, ()
    record = entry.as_record("the file", ("reach_km", "neighbours"))
    reach_km = record["reach_km"].as_number("reach_km", most=1000) if "reach_km" in record else None
    neighbours: list[Neighbour] = []
    for item in record["neighbours"].as_list("neighbours") if "neighbours" in record else ():
        parts = item.as_record("a neighbour", ("code", "name", "points"))
        code = parts["code"].as_text("code") if "code" in parts else None
        name = parts["name"].as_text("name") if "name" in parts else None
        points = tuple(_places(parts["points"].as_list("points")) if "points" in parts else ())
        if code is not None and any(code == other.code for other in neighbours):
            item.fault(f"neighbour {code} is given twice; keep one")
        if "points" in parts and not points:
            parts["points"].fault("a neighbour needs a known point at least")
        if code and name:
            neighbours.append(Neighbour(code, name, points))
    return reach_km or 0.0, tuple(neighbours)


def _places(entries: Iterable[Entry]) -> Iterator[Place]:
    for entry in entries:
        parts = entry.as_record("a point", ("name", "lat", "lon"))
        if parts.keys() != {"name", "lat", "lon"}:
            continue
        name, lat, lon = parts["name"].as_text("name"), parts["lat"].as_degrees("lat", 90), parts["lon"].as_degrees("lon", 180)
        if name is not None and lat is not None and lon is not None:
            yield Place(name, lat, lon)


def _km(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Great-circle distance (haversine), kilometres."""
    phi, other_phi = math.radians(lat), math.radians(other_lat)
    half = (
        math.sin((other_phi - phi) / 2) ** 2
        + math.cos(phi) * math.cos(other_phi) * math.sin(math.radians(other_lon - lon) / 2) ** 2
    )
    return 2 * _EARTH_KM * math.asin(math.sqrt(half))
