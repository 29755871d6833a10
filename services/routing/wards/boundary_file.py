"""Reads a GeoJSON file of the wards' boundaries, from whichever office: finds its codes and names, and tells every fault.

Needs no geometry library, so that a running service can read the file too (`exact.py`). Whether the polygons are sound, overlap or
leave holes only the builder can tell (`build.py`).
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from services.routing.wards.wards import metres

Ring = list[tuple[float, float]]
"""A closed line of (lon, lat) degrees; the last position need not repeat the first."""
Shape = list[list[Ring]]
"""A ward's polygons, each its outer ring and then its holes."""

NO_NAMES: Final = "-"
"""As a name property: check no names."""
NOT_THIS_CITY_KM: Final = 300.0
"""Boundaries farther than this from what the city's files know of the place are another city's, or turned round."""
SHOWN: Final = 12
"""So many of a list are shown; the rest is counted."""

_CONVERT: Final = "convert it: ogr2ogr -f GeoJSON -t_srs EPSG:4326 OUT.geojson FILE"
_MAGIC: Final = (
    (b"PK\x03\x04", "a ZIP archive: unpack it; a shapefile in it needs to be converted"),
    (b"\x1f\x8b", "compressed by gzip: unpack it"),
    (b"SQLite format 3", "a GeoPackage"),
    (b"\x00\x00\x27\x0a", "a shapefile"),
    (b"<", "XML (KML or GML?)"),
)
_WGS84: Final = re.compile(r"CRS:?:?84h?$|EPSG:(?:[\d.]*:)?(?:4326|4979)$|^WGS ?84$", re.IGNORECASE)
_TEN_DIGITS: Final = re.compile(r"\d{10}")
_DEPTH: Final = {"Polygon": 1, "MultiPolygon": 0}


class BoundaryFaults(Exception):  # noqa: N818  # faults of a file, as the house calls them
    """The boundaries can't be built from; `faults` says each thing that is wrong with them."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class BoundaryFile:
    """What such a file holds. `shapes`: by ward code, sorted. `name_property` is None where names were not checked."""

    shapes: Mapping[str, Shape]
    sha256: str
    code_property: str
    name_property: str | None


def read(
    path: Path,
    known: Mapping[str, str],
    *,
    code_property: str | None = None,
    name_property: str | None = None,
    near: Sequence[tuple[float, float]] = (),
) -> BoundaryFile:
    """The boundaries in a file, see `parse`. Raises `BoundaryFaults` naming each fault, with the file before it."""
    try:
        return parse(path.read_bytes(), known, code_property=code_property, name_property=name_property, near=near)
    except OSError as error:
        raise BoundaryFaults([f"{path}: can't be read ({error})"]) from error
    except BoundaryFaults as faults:
        raise BoundaryFaults([f"{path}: {fault}" for fault in faults.faults]) from faults


def parse(
    data: bytes,
    known: Mapping[str, str],
    *,
    code_property: str | None = None,
    name_property: str | None = None,
    near: Sequence[tuple[float, float]] = (),
) -> BoundaryFile:
    """The boundaries of exactly the wards in `known` (name by code). Raises `BoundaryFaults` naming each fault.

    Each feature is a Polygon or MultiPolygon, WGS 84, longitude first; heights are dropped. The property that holds the codes is
    the one whose values are known codes, unless `code_property` says which; so with names, which must be the units' however spaced
    and written (`NO_NAMES`: whatever they are). Codes may lack their points only where the name agrees: ten digits may be of
    another scheme. `near`: (lat, lon) of places that are known to be near the city.
    """
    try:
        features = _features(data)
    except (ValueError, RecursionError) as error:
        raise BoundaryFaults([f"not a GeoJSON FeatureCollection: {error}"]) from error
    try:
        codes = _Codes.find(features, known, code_property, name_property)
    except ValueError as error:
        raise BoundaryFaults([str(error)]) from error
    shapes: dict[str, Shape] = {}
    faults: list[str] = []
    places = _Places()
    for number, feature in enumerate(features, 1):
        code, wrong = codes.of(feature)
        here = f"feature {number} ({code})"
        try:
            shape = _shape(feature)
        except ValueError as error:
            wrong.append(str(error))
        else:
            places.look(here, shape)
            if code in shapes:
                wrong.append("its code comes twice")
            shapes.setdefault(code, shape)
        faults += [f"{here}: {fault}" for fault in wrong]
    named = {codes.of(feature)[0] for feature in features}
    faults += [f"{code} ({name}) has no polygon" for code, name in known.items() if code not in named]
    faults += places.faults(near)
    if faults:
        raise BoundaryFaults(faults)
    return BoundaryFile(dict(sorted(shapes.items())), hashlib.sha256(data).hexdigest(), codes.code, codes.name)


def squash(name: str) -> str:
    """A ward's name without case, spaces and marks: Kramat Jati and KRAMATJATI are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _features(data: bytes) -> list[Any]:
    """The features of the file's text. Raises `ValueError` saying what the file is instead."""
    found = _json(data)
    if not isinstance(found, dict):
        raise ValueError(f"it is a JSON {type(found).__name__}")  # noqa: TRY004 - a fault of the file, as the others
    kind = found.get("type")
    if kind is not None and not isinstance(kind, str):
        raise ValueError(f"its type is no text but a JSON {type(kind).__name__}")
    if kind == "Topology":
        raise ValueError(f"it is TopoJSON; {_CONVERT}")
    if kind == "Feature" or kind in _DEPTH:
        raise ValueError(f"it is a single {kind}")
    features = found.get("features")
    if not isinstance(features, list):
        raise ValueError("it has no list of features")  # noqa: TRY004 - as above
    if not features:
        raise ValueError("it has no feature (0)")
    _check_crs(found.get("crs"))
    return features


def _json(data: bytes) -> Any:
    start = data.lstrip()[:20]
    if not start:
        raise ValueError("it is empty")
    for magic, what in _MAGIC:
        if start.startswith(magic) or data.startswith(magic):
            raise ValueError(f"it is {what}; {_CONVERT}")
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            raise ValueError(f"it holds one JSON text after another; {_CONVERT}") from error
        raise ValueError(f"line {error.lineno}, column {error.colno}: {error.msg}") from error


def _check_crs(crs: Any) -> None:
    """GeoJSON of before 2016 may name a coordinate reference system (then `crs`, dropped by RFC 7946)."""
    if crs is None:
        return
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = str(properties.get("name", crs) if isinstance(properties, dict) else crs)
    if not _WGS84.search(name):
        raise ValueError(f"its coordinates are of {name}, not of WGS 84 (longitude, latitude in degrees); {_CONVERT}")


def _properties(feature: Any) -> Mapping[str, Any]:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    return properties if isinstance(properties, dict) else {}


def _said(value: Any) -> str:
    """A property's value as a code or name: a number without its `.0`, text without blanks around it."""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()


@dataclass(frozen=True, slots=True)
class _Codes:
    """How the file's features name their wards: the properties of code and name, and what is known of either."""

    known: Mapping[str, str]
    plain: Mapping[str, str]
    code: str
    name: str | None

    @classmethod
    def find(cls, features: Sequence[Any], known: Mapping[str, str], code: str | None, name: str | None) -> _Codes:
        """Raises `ValueError` naming the properties that there are, where none will do."""
        seen: dict[str, str] = {}
        for feature in features:
            for key, value in _properties(feature).items():
                if seen.get(key, "") == "" and isinstance(value, str | int | float):
                    seen[key] = _said(value)[:40]
                seen.setdefault(key, "")
        for option, asked in (("--code-property", code), ("--name-property", name)):
            if asked not in {None, NO_NAMES} and asked not in seen:
                raise ValueError(f"no feature has the property {asked} of {option}; {_list(seen)}")
        plain = {each.replace(".", ""): each for each in known}
        by_code = cls(known, plain, code or "", None)
        if code is None:
            best, hits = _best(seen, "code", lambda key: sum(by_code.resolve(one.get(key)) in known for one in _all(features)))
            if best is None or hits * 2 < len(features):
                example = next(iter(known), "")
                raise ValueError(
                    f"no property holds the codes of the wards in units.csv, such as {example}{_scheme(features, seen, plain)}; "
                    f"{_list(seen)}. Say which it is: --code-property NAME"
                )
            by_code = cls(known, plain, best, None)
        elif not any(by_code.resolve(one.get(code)) in known for one in _all(features)):
            raise ValueError(
                f"no value of its property {code} is the code of a ward in units.csv, such as {next(iter(known), '')}"
                f"{_scheme(features, {code: seen[code]}, plain)}; {_list(seen)}"
            )
        if name is None:
            best, hits = _best(seen, "name", lambda key: sum(by_code.agrees(one, key) for one in _all(features)))
            name = best if hits * 2 >= len(features) else "name" if "name" in seen else None
        return cls(known, plain, by_code.code, None if name == NO_NAMES else name)

    def resolve(self, value: Any) -> str:
        """The ward's code as units.csv has it, where the value is one, with its points or without; else the value."""
        said = _said(value)
        return said if said in self.known else self.plain.get(said, said)

    def agrees(self, properties: Mapping[str, Any], key: str) -> bool:
        """Whether the property `key` holds the ward's name."""
        name = self.known.get(self.resolve(properties.get(self.code)))
        return name is not None and squash(_said(properties.get(key))) == squash(name)

    def of(self, feature: Any) -> tuple[str, list[str]]:
        """A feature's code, and what is wrong with it."""
        properties = _properties(feature)
        value = properties.get(self.code)
        if value is None or _said(value) == "":
            return "no code", [f"not a feature with a code (property {self.code})"]
        code = self.resolve(value)
        if code not in self.known:
            scheme = ": ten digits are a code of another scheme (BPS has its own)" if _TEN_DIGITS.fullmatch(code) else ""
            return code, [f"its code is not that of a ward in units.csv{scheme}"]
        name = properties.get(self.name) if self.name is not None else None
        if name is not None and squash(_said(name)) != squash(self.known[code]):
            return code, [f"is named {_said(name)}, but units.csv says {self.known[code]}"]
        if name is None and _said(value) != code:
            return code, [
                f"its code {_said(value)} has no points and may be of another scheme; only with the ward's name beside it is it sure"
            ]
        return code, []


def _all(features: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    return map(_properties, features)


def _best(seen: Iterable[str], first: str, count: Any) -> tuple[str | None, int]:
    """The property for which `count` is largest, `first` before others that are as good."""
    counted = [(count(key), key == first, -place, key) for place, key in enumerate(seen)]
    hits, _, _, key = max(counted, default=(0, False, 0, None))
    return key, hits


def _list(seen: Mapping[str, str]) -> str:
    if not seen:
        return "its features have no properties"
    shown = ", ".join(f"{key} ({example})" if example else key for key, example in islice(seen.items(), SHOWN))
    return f"it has {shown}{' and more' if len(seen) > SHOWN else ''}"


def _scheme(features: Sequence[Any], seen: Iterable[str], plain: Mapping[str, str]) -> str:
    """Says so where a property holds ten-digit codes that are not the city's codes without points."""
    for key in seen:
        values = [_said(properties.get(key)) for properties in _all(features)]
        strange = sum(_TEN_DIGITS.fullmatch(value) is not None and value not in plain for value in values)
        if strange * 2 >= len(values):
            return f" ({key} holds ten-digit codes of another scheme: BPS, the statistics office, numbers wards in its own way)"
    return ""


def _shape(feature: Any) -> Shape:
    """The feature's polygons. Raises `ValueError` saying why it has none."""
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    if not isinstance(geometry, dict):
        raise ValueError("has no geometry")  # noqa: TRY004 - a fault of the file, as the others
    kind = geometry.get("type")
    if kind is not None and not isinstance(kind, str):
        raise ValueError(f"has a geometry whose type is no text but a JSON {type(kind).__name__}")
    if kind not in _DEPTH:
        raise ValueError(f"is a {kind}, not a Polygon or MultiPolygon")
    try:
        coordinates: Any = geometry["coordinates"]
        shape = [[_ring(ring) for ring in polygon] for polygon in ([coordinates] if _DEPTH[kind] else coordinates)]
    except (TypeError, KeyError, IndexError, OverflowError) as error:
        raise ValueError(f"its coordinates are not those of a {kind}") from error
    if not any(shape):
        raise ValueError("its polygon is empty")
    return [polygon for polygon in shape if polygon]


def _ring(positions: Any) -> Ring:
    """A ring's positions without heights. Raises `TypeError` or `OverflowError` for what are none, `ValueError` for too few."""
    ring = []
    for position in positions:
        lon, lat = position[0], position[1]
        if not (isinstance(lon, int | float) and isinstance(lat, int | float) and math.isfinite(lon) and math.isfinite(lat)):
            raise TypeError(position)
        ring.append((float(lon), float(lat)))
    if len(set(ring)) < 3:  # noqa: PLR2004  # a triangle
        raise ValueError(f"has a ring of {len(ring)} positions, which encloses nothing")
    return ring


@dataclass(slots=True)
class _Places:
    """Where on earth the shapes lie: what is no degrees, turned round, or another city."""

    projected: list[str] = field(default_factory=list)
    turned: list[str] = field(default_factory=list)
    box: list[float] = field(default_factory=lambda: [math.inf, math.inf, -math.inf, -math.inf])

    def look(self, here: str, shape: Shape) -> None:
        for polygon in shape:
            for ring in polygon:
                lons, lats = [lon for lon, _ in ring], [lat for _, lat in ring]
                west, south, east, north = min(lons), min(lats), max(lons), max(lats)
                example = f"{here}: its coordinates, such as {ring[0][0]:g}, {ring[0][1]:g},"
                if max(-west, east, -south, north) > 180:  # noqa: PLR2004  # degrees
                    self.projected.append(example)
                    return
                if max(-south, north) > 90:  # noqa: PLR2004  # degrees
                    self.turned.append(example)
                    return
                box = self.box
                box[:] = min(box[0], west), min(box[1], south), max(box[2], east), max(box[3], north)

    def faults(self, near: Sequence[tuple[float, float]]) -> Iterator[str]:
        """One for each kind, not one for each feature."""
        for found, what in (
            (self.projected, f"are metres of a projected system, not longitude and latitude in degrees; {_CONVERT}"),
            (self.turned, "have latitude before longitude (GeoJSON writes longitude first): turn them round"),
        ):
            if found:
                yield f"{found[0]} {what}{f' (so have {len(found) - 1} more features)' if len(found) > 1 else ''}"
        if near and not self.projected and not self.turned and math.isfinite(self.box[0]):
            lon, lat = (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2
            away, turned = (min(metres(place, known) for known in near) / 1000 for place in ((lat, lon), (lon, lat)))
            if away > NOT_THIS_CITY_KM:
                why = (
                    "with latitude and longitude turned round they would not (GeoJSON writes longitude first)"
                    if turned <= NOT_THIS_CITY_KM
                    else "are they another city's?"
                )
                yield f"the boundaries lie {away:,.0f} km from the places of wards.yaml and neighbours.yaml: {why}"
