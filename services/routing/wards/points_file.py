"""Reads where complaints are from a file of them: CSV or JSON Lines, whatever its columns of latitude and longitude are called."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from services.routing.places import NULL_ISLAND_DEGREES

LATITUDES: Final = ("lat", "latitude", "lintang")
LONGITUDES: Final = ("lon", "lng", "long", "longitude", "bujur")
_NESTED: Final = ("location", "point")  # so our own events and exports of them have it
_DELIMITERS: Final = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_SHOWN: Final = 12
"""So many of a file's names are shown, each to `_LONGEST_SHOWN` characters."""
_LONGEST_SHOWN: Final = 40
_PLACE: Final = f"latitude ({', '.join(LATITUDES)}) and longitude ({', '.join(LONGITUDES)})"
_GEOJSON: Final = re.compile(r'"type"\s*:\s*"Feature(?:Collection)?"')
"""Sought in the text, since of a file that is indented no line is JSON."""
_A_NUMBER: Final = re.compile(r"[-+\d.,]{1,20}")
"""What may be repeated in a fault; anything else might be a citizen's words in the wrong column."""


class PointsFault(Exception):  # noqa: N818  # a fault of a file, as the house calls it
    """The file can't be used at all; the text says why."""


class Row(NamedTuple):
    """One row: its line in the file, its point (lat, lon), or None where it has none, or what is wrong with it."""

    line: int
    point: tuple[float, float] | None
    wrong: str | None = None


def read_points(path: Path) -> Iterator[Row]:
    """The rows of a file. Raises `PointsFault` where it can't be read, or has no such columns: of JSON Lines, after the last row."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = next((line for line in file if line.strip()), "")
            file.seek(0)
            if first.lstrip().startswith("["):
                raise PointsFault(f"{path}: is a JSON array; write each complaint on a line of its own (JSON Lines)")
            if first.lstrip().startswith("{"):
                yield from _json_rows(path, file)
            else:
                yield from _csv_rows(path, file, first)
    except (OSError, UnicodeDecodeError) as error:
        raise PointsFault(f"{path}: can't be read ({error})") from error


def _csv_rows(path: Path, file: Iterable[str], header: str) -> Iterator[Row]:
    delimiter = max(_DELIMITERS, key=header.count)
    rows = csv.reader(file, delimiter=delimiter)
    try:
        names: Sequence[str] = next((row for row in rows if any(row)), ())
    except csv.Error as error:
        raise PointsFault(f"{path}: line {rows.line_num}: its header is no row of CSV ({error})") from error
    lat, lon = _place(names, LATITUDES), _place(names, LONGITUDES)
    if lat is None or lon is None:
        raise PointsFault(f"{path}: has no columns of {_PLACE}; it has {_listed(names)}")
    least = len(_without_end(names, 0))
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, None, f"is no row of CSV ({error})")
            continue
        if not row:
            continue
        fields = _without_end(row, len(names))  # a spreadsheet may end its lines with empty ones
        if not least <= len(fields) <= len(names):
            hint = f"; quote a field that has {_DELIMITERS[delimiter]} in it" if len(fields) > len(names) else ""
            yield Row(line, None, f"has {len(fields)} column{'' if len(fields) == 1 else 's'}, not {len(names)}{hint}")
        else:
            yield _row(line, row[lat], row[lon])


def _without_end(row: Sequence[str], least: int) -> Sequence[str]:
    """The row without empty fields at its end, but with `least` fields where it has so many."""
    end = len(row)
    while end > least and not row[end - 1].strip():
        end -= 1
    return row[:end]


def _json_rows(path: Path, file: Iterable[str]) -> Iterator[Row]:
    understood = geojson = False
    names: dict[str, None] = {}
    for line, text in enumerate(file, 1):
        if not text.strip():
            continue
        if not understood:
            geojson = geojson or _GEOJSON.search(text) is not None
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            yield Row(line, None, "is no JSON")
            continue
        if not isinstance(found, dict):
            yield Row(line, None, "is no JSON object")
            continue
        holder = found
        if _place(list(found), LATITUDES) is None:
            holder = next((found[name] for name in _NESTED if isinstance(found.get(name), dict)), {})
        if not understood:
            understood = _has_place(holder) or any(name in found and found[name] is None for name in _NESTED)
            names.update(dict.fromkeys(islice(_names(found), _SHOWN + 1)) if len(names) <= _SHOWN else {})
        yield _row(line, _value(holder, LATITUDES), _value(holder, LONGITUDES))
    if not understood:
        what = "is GeoJSON, which is not read here" if geojson else "has no complaint whose place is understood"
        raise PointsFault(
            f"{path}: {what}; JSON Lines have an object on each line, with {_PLACE}, or with such an object under "
            f"{' or '.join(_NESTED)}; it has {_listed(list(names))}"
        )


def _has_place(found: Mapping[str, Any]) -> bool:
    names = list(found)
    return _place(names, LATITUDES) is not None and _place(names, LONGITUDES) is not None


def _names(found: Mapping[str, Any]) -> Iterator[str]:
    for name, value in found.items():
        if name in _NESTED and isinstance(value, dict) and value:
            yield from (f"{name}.{each}" for each in value)
        else:
            yield name


def _listed(names: Sequence[str]) -> str:
    shown = [name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}..." for name in names[:_SHOWN]]
    return f"{', '.join(shown) or 'nothing'}{' and more' if len(names) > _SHOWN else ''}"


def _place(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    lowered = [name.strip().lower() for name in names]
    return next((lowered.index(name) for name in wanted if name in lowered), None)


def _value(found: Mapping[str, Any], wanted: Sequence[str]) -> Any:
    place = _place(list(found), wanted)
    return None if place is None else list(found.values())[place]


def _row(line: int, lat: Any, lon: Any) -> Row:
    empty = [value is None or not str(value).strip() for value in (lat, lon)]
    if all(empty):
        return Row(line, None)
    if any(empty):
        return Row(line, None, f"has a {'longitude' if empty[0] else 'latitude'} only")
    values = []
    for name, value, most in (("latitude", lat, 90.0), ("longitude", lon, 180.0)):
        said = str(value).strip()
        shown = f" {said}" if _A_NUMBER.fullmatch(said) else ""
        try:
            number = float(said)
        except ValueError:
            return Row(line, None, f"its {name}{shown} is no number{' (decimals follow a point)' if ',' in shown else ''}")
        if not math.isfinite(number) or abs(number) > most:
            hint = "; are latitude and longitude turned round?" if name == "latitude" and math.isfinite(number) else ""
            return Row(line, None, f"its {name}{shown} is not within {-most:g} and {most:g}{hint}")
        values.append(number)
    if all(abs(value) < NULL_ISLAND_DEGREES for value in values):
        return Row(line, None)
    return Row(line, (values[0], values[1]))
