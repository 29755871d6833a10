"""Reads where complaints are from a file of them: CSV or JSON Lines, whatever its columns of latitude and longitude are called."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from services.routing.places import NULL_ISLAND_DEGREES

LATITUDES: Final = ("lat", "latitude", "lintang")
LONGITUDES: Final = ("lon", "lng", "long", "longitude", "bujur")
_NESTED: Final = ("location", "point")  # so our own events and exports of them have it
_DELIMITERS: Final = ",;\t|"
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
    """The rows of a file. Raises `PointsFault` where it can't be read, or has no such columns."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = next((line for line in file if line.strip()), "")
            file.seek(0)
            if first.lstrip().startswith("["):
                raise PointsFault(f"{path}: is a JSON array; write each complaint on a line of its own (JSON Lines)")
            if first.lstrip().startswith("{"):
                yield from _json_rows(file)
            else:
                yield from _csv_rows(path, file, first)
    except (OSError, UnicodeDecodeError) as error:
        raise PointsFault(f"{path}: can't be read ({error})") from error


def _csv_rows(path: Path, file: Iterable[str], header: str) -> Iterator[Row]:
    delimiter = max(_DELIMITERS, key=header.count)
    rows = csv.reader(file, delimiter=delimiter)
    names: Sequence[str] = next((row for row in rows if any(row)), ())
    lat, lon = _place(names, LATITUDES), _place(names, LONGITUDES)
    if lat is None or lon is None:
        raise PointsFault(
            f"{path}: has no columns of latitude ({', '.join(LATITUDES)}) and longitude ({', '.join(LONGITUDES)}); "
            f"it has {', '.join(names) or 'nothing'}"
        )
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
        if len(row) <= max(lat, lon):
            yield Row(line, None, f"has {len(row)} columns, not {len(names)}")
        else:
            yield _row(line, row[lat], row[lon])


def _json_rows(file: Iterable[str]) -> Iterator[Row]:
    for line, text in enumerate(file, 1):
        if not text.strip():
            continue
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
        yield _row(line, _value(holder, LATITUDES), _value(holder, LONGITUDES))


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
