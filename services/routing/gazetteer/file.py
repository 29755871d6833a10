"""Reads what a city's gazetteer is made of: units.csv through the city, landmarks.csv, gazetteer.yaml and ordinary_words.txt."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from services.routing.gazetteer.marks import DIRECTIONS, ENGLISH, MARKS
from services.routing.gazetteer.names import Guard, Name
from services.routing.gazetteer.text import squash
from tanggap.contracts.city import CITY_LEVELS, City
from tanggap.contracts.faults import CityFaults, Faults
from tanggap.contracts.sources import Entry, Row, read_rows, read_text, read_yaml, version_of

LANDMARKS: Final = "landmarks.csv"
"""Well-known places that are no units, each with its wards and a point that lies in the first of them."""
SPELLINGS: Final = "gazetteer.yaml"
"""Other names and spellings, names that are common words as well, and places outside the city."""
ORDINARY: Final = "ordinary_words.txt"
"""Common words, parted by space; lines that begin with # are notes."""
_FILES: Final = ("units.csv", LANDMARKS, SPELLINGS, ORDINARY)
_COLUMNS: Final = ("name", "aliases", "wards", "lat", "lon")
_KEYS: Final = ("spellings", "names", "also_words", "only_marked", "outside", "outside_twins")


@dataclass(frozen=True, slots=True)
class Book:
    """What the files say. `names`: each name with each way to write it that they give."""

    names: tuple[tuple[str, Name], ...]
    spellings: Mapping[str, tuple[str, ...]]
    ordinary: frozenset[str]
    version: str


@dataclass(slots=True)
class _Draft:
    """A name while it is gathered: two units of one name are one entry."""

    label: str
    wards: list[str] = field(default_factory=list)
    kecamatan: list[str] = field(default_factory=list)
    kota: list[str] = field(default_factory=list)
    landmark: bool = False
    city: bool = False
    outside: bool = False
    written: list[str] = field(default_factory=list)


class _Drafts:
    """Every name by its squashed form."""

    def __init__(self) -> None:
        self.by_key: dict[str, _Draft] = {}

    def at(self, written: str, label: str = "") -> _Draft:
        draft = self.by_key.setdefault(squash(written), _Draft(label or written))
        draft.written.append(written)
        return draft


def read(folder: Path, city: City) -> Book:
    """The files of the city in `folder`. Raises `CityFaults`, which names every fault of the three files that are the gazetteer's."""
    faults = Faults()
    drafts = _Drafts()
    _add_units(drafts, city)
    entry = read_yaml(folder / SPELLINGS, faults)
    record = entry.as_record("the gazetteer", (), _KEYS) if entry is not None else {}
    if "names" in record:
        _add_names(drafts, record["names"], city)
    text = read_text(folder / ORDINARY, faults) or ""
    rows = read_rows(folder / LANDMARKS, _COLUMNS, faults)
    if faults.found and not rows:  # what speaks of landmarks would be blamed for a file that can't be read
        raise CityFaults(faults.found)
    _add_landmarks(drafts, rows, city)
    _add_outside(drafts, _texts(record, "outside"))
    _add_families(drafts, city)
    _add_english(drafts, city)
    twins = _twins(drafts, record)
    guards = _guards(drafts, record)
    spellings = _spellings(record)
    ordinary = frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.lower().split())
    if faults.found:
        raise CityFaults(faults.found)
    finished = {key: _finished(draft, guards.get(key, "")) for key, draft in drafts.by_key.items()}
    for outside, within in twins.items():
        finished[outside] = replace(finished[outside], within=finished[within])
    names = [(written, finished[key]) for key, draft in drafts.by_key.items() for written in draft.written]
    return Book(tuple(names), spellings, ordinary | MARKS.keys(), version_of(folder, _FILES))


def _finished(draft: _Draft, guard: Guard) -> Name:
    return Name(
        draft.label,
        tuple(dict.fromkeys(draft.wards)),
        tuple(dict.fromkeys(draft.kecamatan)),
        tuple(dict.fromkeys(draft.kota)),
        landmark=draft.landmark,
        city=draft.city,
        outside=draft.outside,
        guard=guard,
        parts=max(len(written.split()) for written in draft.written),
    )


def _add_units(drafts: _Drafts, city: City) -> None:
    for code, info in city.units.items():
        _add_unit(drafts, info.name, code, city)
        if info.level in CITY_LEVELS:
            words = info.name.split()
            while len(words) > 1 and MARKS.get(words[0].lower()) == "kota":
                words = words[1:]
                _add_unit(drafts, " ".join(words), code, city)


def _add_unit(drafts: _Drafts, written: str, code: str, city: City) -> bool:
    """Note a name of a unit; whether the unit is one that a place can be named by."""
    info = city.units[code]
    if code == city.root:
        drafts.at(written, info.name).city = True
    elif info.level == "kelurahan":
        drafts.at(written, info.name).wards.append(code)
    elif info.level == "kecamatan":
        drafts.at(written, info.name).kecamatan.append(code)
    elif info.level in CITY_LEVELS:
        drafts.at(written, info.name).kota.append(code)
    else:
        return False
    return True


def _add_names(drafts: _Drafts, entry: Entry, city: City) -> None:
    for code, (line, value) in entry.as_table("names").items():
        for item in value.as_list(f"the names of {code}"):
            written = item.as_text("a name")
            if written is None:
                continue
            if not squash(written):
                item.fault(f"{written!r} has no letter")
            elif code not in city.units or not _add_unit(drafts, written, code, city):
                entry.faults.add(entry.file, line, f"names of {code}: no kota, kecamatan or kelurahan of units.csv has that code")


def _add_landmarks(drafts: _Drafts, rows: Iterable[Row], city: City) -> None:
    wards = {squash(info.name): info.code for info in city.wards()}
    lines: dict[str, int] = {}
    for row in rows:
        names = [name.strip() for name in (row["name"], *row["aliases"].split(";")) if name.strip()]
        within = [name.strip() for name in row["wards"].split(";") if name.strip()]
        strange = [name for name in within if squash(name) not in wards]
        row.check(
            (row["name"] and all(map(squash, names)), "a landmark needs a name with letters"),
            (within, f"{row['name']} needs its wards, the likeliest first, parted by ;"),
            (not strange, f"{', '.join(strange)}: no kelurahan of units.csv has that name"),
            (
                _is_degrees(row["lat"], 90) and _is_degrees(row["lon"], 180),
                "lat and lon must be degrees, as -6.1754 and 106.8272",
            ),
        )
        if strange:
            continue
        for name in names:
            key = squash(name)
            if lines.get(key, row.line) != row.line:
                row.fault(f"{name} is a name of the landmark on line {lines[key]} already; keep one")
            elif key in drafts.by_key and key not in lines:
                row.fault(f"{name} is the name of a unit; a landmark needs another")
            else:
                lines[key] = row.line
                draft = drafts.at(name, row["name"])
                draft.wards = [wards[squash(ward)] for ward in within]
                draft.landmark = True


def _is_degrees(text: str, most: float) -> bool:
    try:
        value = float(text)
    except ValueError:
        return False
    return math.isfinite(value) and -most <= value <= most


def _add_outside(drafts: _Drafts, items: Iterable[tuple[str, Entry]]) -> None:
    for written, item in items:
        known = drafts.by_key.get(squash(written))
        if known is not None and not known.outside:
            item.fault(f"{written} is a name of this city's {known.label} too; leave it out")
        else:
            drafts.at(written).outside = True


def _add_families(drafts: _Drafts, city: City) -> None:
    """Wards that differ in a direction alone are one place to many: Pejaten is Pejaten Barat or Pejaten Timur."""
    families: dict[str, list[str]] = {}
    for info in city.wards():
        *words, last = info.name.split()
        if words and last.lower() in DIRECTIONS:
            families.setdefault(" ".join(words), []).append(info.code)
    for stem, codes in families.items():
        if len(codes) > 1 and squash(stem) not in drafts.by_key:
            drafts.at(stem).wards = codes


def _add_english(drafts: _Drafts, city: City) -> None:
    """Units whose name ends in a direction, as English has them: South Meruya."""
    for code, info in city.units.items():
        *words, last = info.name.split()
        if words and last.lower() in ENGLISH and info.level in ("kelurahan", "kecamatan"):
            written = " ".join((ENGLISH[last.lower()], *words))
            if squash(written) not in drafts.by_key:
                _add_unit(drafts, written, code, city)


def _twins(drafts: _Drafts, record: Mapping[str, Entry]) -> dict[str, str]:
    """By the key of a place outside that of the unit that is written nearly so."""
    found: dict[str, str] = {}
    for outside, (line, value) in record["outside_twins"].as_table("outside_twins").items() if "outside_twins" in record else ():
        within = squash(value.as_text(f"the unit that {outside} may be") or "")
        known, unit = drafts.by_key.get(squash(outside)), drafts.by_key.get(within)
        if known is None or not known.outside:
            value.faults.add(value.file, line, f"{outside} of outside_twins is none of outside")
        elif unit is None or not unit.kecamatan:
            value.fault(f"{outside} of outside_twins has no kecamatan of units.csv as its twin")
        else:
            found[squash(outside)] = within
    return found


def _texts(record: Mapping[str, Entry], key: str) -> Iterator[tuple[str, Entry]]:
    """The names of a list, each with its place in the file."""
    for item in record[key].as_list(key) if key in record else ():
        text = item.as_text(f"a name of {key}")
        if text is not None and squash(text):
            yield text, item
        elif text is not None:
            item.fault(f"{text!r} has no letter")


def _guards(drafts: _Drafts, record: Mapping[str, Entry]) -> dict[str, Guard]:
    guards: dict[str, Guard] = {}
    kinds: tuple[tuple[str, Guard], ...] = (("also_words", "word"), ("only_marked", "marked"))
    for key, guard in kinds:
        for written, item in _texts(record, key):
            name = squash(written)
            if name not in drafts.by_key:
                item.fault(f"{written} of {key} is no name of a unit or a landmark")
            elif name in guards:
                item.fault(f"{written} is given twice in also_words and only_marked; keep one")
            else:
                guards[name] = guard
    return guards


def _spellings(record: Mapping[str, Entry]) -> dict[str, tuple[str, ...]]:
    if "spellings" not in record:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for word, (_line, value) in record["spellings"].as_table("spellings").items():
        texts = (item.as_text(f"a spelling of {word}") for item in value.as_list(f"the spellings of {word}"))
        found[word.lower()] = tuple(text.lower() for text in texts if text is not None)
    return found
