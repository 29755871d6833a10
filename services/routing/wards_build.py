"""Makes the ward index of a city from its boundaries, and measures how right it is. The one place that needs shapely.

A cell belongs to the ward with the largest share of it (plain centre-in-polygon errs along every border). Cells of the city's
waters within reach of the shore belong to the nearest ward. Nothing here depends on time, machine or order of the input: the same
boundaries make the same bytes.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import cos, floor, radians
from pathlib import Path
from typing import Annotated, Any, Final

import h3.api.basic_int as h3  # type: ignore[import-untyped]  # h3 ships no types
import shapely  # type: ignore[import-untyped]  # shapely ships no types
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from shapely.geometry import shape  # type: ignore[import-untyped]  # as above

from services.routing.wards import INDEX, MANIFEST, METRES_PER_DEGREE, Confidence, Kind, Manifest, Source, Wards, render

RECIPE: Final = "wards.yaml"
"""What the builder must know beside the boundaries: their source and licence, the city's waters."""
UNITS: Final = "units.csv"
RESOLUTION: Final = 11
"""H3 resolution: cells of some 2,100 m2, edges of 29 m. One coarser errs on 5 % of the land, one finer trebles the file."""
OVERLAP_M2: Final = 10.0
"""Overlaps below this are rounding of coordinates, square metres."""
GAP_M2: Final = 10.0
"""As `OVERLAP_M2`, for gaps between wards."""
HALF: Final = 0.5
MARGIN_CELLS: Final = 2
"""Rings of cells around a cell that hold everything within `BORDER_M` of any point of it: two reach 80 m or more."""
SEED: Final = 128
GPS_ERROR_M: Final = 15.0
"""Standard deviation north and east, metres, of the points that the confidence is measured with: a phone between high houses."""
MEASURED_POINTS: Final = 40_000


class BoundaryFaults(Exception):  # noqa: N818  # faults of a file, as the house calls them
    """The boundaries can't be built from; `faults` says each thing that is wrong with them."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class Recipe(BaseModel):
    """The city's `wards.yaml`. `waters`: corners of a polygon, (lat, lon) degrees."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Source
    nearest_within_m: Annotated[float, Field(ge=0, le=5_000)]
    waters: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Agreement:
    """What random points of the land say of the index.

    `agreement`: share of points whose ward by the index is that by the polygons. `worst_miss_m`: how far inside its true ward
    the worst wrong point lay. `by_border`: for each nearness of a border, its share of the land and the share of its points named
    right, the points shifted by a phone's error. `nearest_centre`: what the nearest centre of gravity would get right.
    """

    points: int
    agreement: float
    worst_miss_m: float
    by_border: Mapping[str, tuple[float, float]]
    nearest_centre: float


class Boundaries:
    """The wards' polygons, checked. `polygons` maps a ward's code to its shapely geometry, (lon, lat) degrees."""

    def __init__(self, polygons: Mapping[str, Any], sha256: str) -> None:
        self.polygons = dict(sorted(polygons.items()))
        self.sha256 = sha256
        self.codes = tuple(self.polygons)

    @cached_property
    def _flat(self) -> list[Any]:
        """The polygons on a plane in metres (equirectangular about their middle: right to 0.1 % over a city)."""
        return [shapely.transform(polygon, self._metres) for polygon in self.polygons.values()]

    @cached_property
    def _shrink(self) -> float:
        _, south, _, north = shapely.total_bounds(list(self.polygons.values()))
        return cos(radians((south + north) / 2))

    def _metres(self, degrees: Any) -> Any:
        return degrees * (METRES_PER_DEGREE * self._shrink, METRES_PER_DEGREE)

    def _degrees(self, metres: Any) -> Any:
        return metres / (METRES_PER_DEGREE * self._shrink, METRES_PER_DEGREE)

    def faults(self) -> Iterator[str]:
        """Overlaps and gaps, each named."""
        flat = self._flat
        left, right = shapely.STRtree(flat).query(flat, predicate="intersects")
        for one, other in sorted(zip(left.tolist(), right.tolist(), strict=True)):
            if one < other and (area := flat[one].intersection(flat[other]).area) > OVERLAP_M2:
                yield f"{self.codes[one]} and {self.codes[other]} overlap by {area:,.0f} m2"
        for part in shapely.get_parts(shapely.union_all(flat)):
            for ring in shapely.get_rings(part)[1:]:
                hole = shapely.Polygon(ring)
                if hole.area > GAP_M2:
                    lon, lat = shapely.transform(hole.representative_point(), self._degrees).coords[0]
                    yield f"a hole of {hole.area:,.0f} m2 that no ward covers, at {lat:.5f}, {lon:.5f}"

    def land(self, resolution: int) -> dict[int, str]:
        """The ward of each cell: that with the largest share of it, where the wards together have half of the cell."""
        owner: dict[int, str] = {}
        contested: dict[int, list[str]] = {}
        for code, polygon in self.polygons.items():
            outline = h3.geo_to_h3shape(polygon)
            whole = set(h3.h3shape_to_cells_experimental(outline, resolution, contain="full"))
            owner |= dict.fromkeys(whole, code)
            for cell in set(h3.h3shape_to_cells_experimental(outline, resolution, contain="overlap")) - whole:
                contested.setdefault(cell, []).append(code)
        for cell, codes in contested.items():
            hexagon = _hexagon(cell)
            shares = sorted((-hexagon.intersection(self.polygons[code]).area / hexagon.area, code) for code in codes)
            if cell not in owner and sum(share for share, _ in shares) <= -HALF:
                owner[cell] = shares[0][1]
        return owner

    def shore(self, resolution: int, land: Mapping[int, str], recipe: Recipe) -> dict[int, str]:
        """The nearest ward of each cell of the city's waters whose centre is within `recipe.nearest_within_m` of land."""
        if not recipe.waters:
            return {}
        sea = shapely.Polygon([(lon, lat) for lat, lon in recipe.waters])
        reach = shapely.union_all(self._flat).buffer(recipe.nearest_within_m)
        strip = shapely.transform(reach, self._degrees).intersection(sea)
        wet = sorted(set(h3.geo_to_cells(strip, resolution)) - land.keys())
        centres = [shapely.Point(lon, lat) for lat, lon in map(h3.cell_to_latlng, wet)]
        nearest = shapely.STRtree(self._flat).nearest([shapely.transform(centre, self._metres) for centre in centres])
        return {cell: self.codes[i] for cell, i in zip(wet, nearest.tolist(), strict=True)}

    def measure(self, wards: Wards, points: int) -> Agreement:
        """Ask the index for random points of the land, evenly by area, and compare with the polygons."""
        dice = random.Random(SEED + 1)  # noqa: S311  # not a secret: the same points every time
        truth = list(self.scatter(points))
        wrong = [(lat, lon, i) for lat, lon, i in truth if wards.ward(lat, lon) != self.codes[i]]
        flat = self._flat
        miss = max((flat[i].boundary.distance(shapely.Point(*self._metres_of(lat, lon))) for lat, lon, i in wrong), default=0.0)
        classes: dict[str, list[bool]] = {"clear": [], "within_50_m": [], "within_25_m": []}
        for lat, lon, i in truth:
            hit = wards.find(
                lat + dice.gauss(0, GPS_ERROR_M) / METRES_PER_DEGREE,
                lon + dice.gauss(0, GPS_ERROR_M) / (METRES_PER_DEGREE * self._shrink),
            )
            if hit.how == "point":
                classes[hit.border].append(hit.ward == self.codes[i])
        centres = shapely.STRtree([polygon.centroid for polygon in flat])
        guess = centres.nearest([shapely.Point(*self._metres_of(lat, lon)) for lat, lon, _ in truth]).tolist()
        return Agreement(
            points=points,
            agreement=1 - len(wrong) / points,
            worst_miss_m=miss,
            by_border={name: (len(good) / points, sum(good) / max(1, len(good))) for name, good in classes.items()},
            nearest_centre=sum(g == i for g, (_, _, i) in zip(guess, truth, strict=True)) / points,
        )

    def _metres_of(self, lat: float, lon: float) -> tuple[float, float]:
        return lon * METRES_PER_DEGREE * self._shrink, lat * METRES_PER_DEGREE

    def scatter(self, points: int) -> Iterator[tuple[float, float, int]]:
        """Random points (lat, lon) of the land, evenly by area, each with the place of its ward in `codes`. Always the same."""
        dice = random.Random(SEED)  # noqa: S311  # not a secret
        parts = [(part, i) for i, polygon in enumerate(self.polygons.values()) for part in shapely.get_parts(polygon)]
        for part, i in dice.choices(parts, weights=[part.area for part, _ in parts], k=points):
            west, south, east, north = part.bounds
            shapely.prepare(part)
            while True:
                lon, lat = dice.uniform(west, east), dice.uniform(south, north)
                if shapely.contains_xy(part, lon, lat):
                    yield lat, lon, i
                    break


def read_recipe(folder: Path) -> Recipe:
    """The city's `wards.yaml`. Raises `BoundaryFaults`."""
    path = folder / RECIPE
    try:
        return Recipe.model_validate(YAML(typ="safe", pure=True).load(path.read_text("utf-8")))
    except ValidationError as error:
        raise BoundaryFaults(
            [f"{path}: {'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}" for fault in error.errors()]
        ) from error
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise BoundaryFaults([f"{path}: {error}"]) from error


def read_boundaries(path: Path, folder: Path) -> Boundaries:
    """The polygons of a GeoJSON file, checked against the city's units. Raises `BoundaryFaults` naming each fault.

    Each feature is a Polygon or MultiPolygon, WGS 84, whose property `code` is the ward's Kemendagri code (13 characters with
    points); where it has a `name`, that must be the unit's, however spaced and written.
    """
    known = _units(folder / UNITS)
    try:
        data = path.read_bytes()
        features = list(json.loads(data)["features"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BoundaryFaults([f"{path}: not a GeoJSON FeatureCollection that can be read ({error!r})"]) from error
    faults: list[str] = []
    polygons: dict[str, Any] = {}
    for number, feature in enumerate(features, 1):
        code, polygon, wrong = _feature(feature, known)
        if code in polygons:
            wrong.append("its code comes twice")
        faults += [f"{path}: feature {number} ({code}): {fault}" for fault in wrong]
        polygons.setdefault(code, polygon)
    faults += [f"{path}: {code} ({name}) has no polygon" for code, name in known.items() if code not in polygons]
    if not faults:
        boundaries = Boundaries(polygons, hashlib.sha256(data).hexdigest())
        faults = [f"{path}: {fault}" for fault in boundaries.faults()]
        if not faults:
            return boundaries
    raise BoundaryFaults(faults)


def build(boundaries: Boundaries, recipe: Recipe) -> tuple[Manifest, bytes]:
    """The index's manifest and its compressed text. Pure: the same boundaries and recipe make the same bytes."""
    land = boundaries.land(RESOLUTION)
    lost = set(boundaries.codes) - set(land.values())
    if lost:
        raise BoundaryFaults([f"{code} has no cell, it is too small: it would never be found" for code in sorted(lost)])
    shore = boundaries.shore(RESOLUTION, land, recipe)
    cells = _sorted(land, shore)
    text = render(cells)
    digest = hashlib.sha256(text).hexdigest()
    manifest = Manifest(
        version=digest[:12],
        sha256=digest,
        source=recipe.source,
        source_sha256=boundaries.sha256,
        resolution=RESOLUTION,
        nearest_within_m=recipe.nearest_within_m,
        wards=len(boundaries.codes),
        cells={kind: sum(map(len, own.values())) for kind, own in cells.items()},
        agreement=0,
        confidence=Confidence(clear=1, within_50_m=1, within_25_m=1),
        waters=recipe.waters,
    )
    measured = boundaries.measure(Wards(manifest, cells), MEASURED_POINTS)
    # Rounded down and never certain: a manifest should promise no more than was seen.
    sure = {name: min(0.99, floor(right * 100) / 100) for name, (_, right) in measured.by_border.items()}
    manifest = manifest.model_copy(
        update={"agreement": floor(measured.agreement * 1000) / 1000, "confidence": Confidence(**sure)}
    )
    return manifest, gzip.compress(text, 9, mtime=0)


def write(folder: Path, manifest: Manifest, index: bytes) -> None:
    """Put both files into the city's folder."""
    (folder / INDEX).write_bytes(index)
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", "utf-8")


def squash(name: str) -> str:
    """A ward's name without case, spaces and marks: Kramat Jati and KRAMATJATI are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _units(path: Path) -> dict[str, str]:
    """Name of each ward of the city's units, by code."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            wards = {row["code"]: row["name"] for row in csv.DictReader(file) if row["level"] == "kelurahan"}
    except (OSError, KeyError, ValueError) as error:
        raise BoundaryFaults([f"{path}: can't be read ({error!r})"]) from error
    if not wards:
        raise BoundaryFaults([f"{path}: has no unit of level kelurahan"])
    return wards


def _feature(feature: Any, known: Mapping[str, str]) -> tuple[str, Any, list[str]]:
    """A feature's code, its polygon if it is one, and what is wrong with it."""
    try:
        code = str(feature["properties"]["code"])
        name = feature["properties"].get("name")
        polygon = shape(feature["geometry"])
    except Exception as error:  # noqa: BLE001  # shapely raises what it likes for a geometry that is none
        return "no code", None, [f"not a feature with a code and a geometry ({error!r})"]
    if polygon.geom_type not in {"Polygon", "MultiPolygon"}:
        return code, polygon, [f"is a {polygon.geom_type}, not a Polygon or MultiPolygon"]
    faults = []
    if code not in known:
        faults.append("its code is not that of a ward in units.csv")
    elif name is not None and squash(name) != squash(known[code]):
        faults.append(f"is named {name}, but units.csv says {known[code]}")
    if polygon.is_empty:
        faults.append("its polygon is empty")
    elif not polygon.is_valid:
        faults.append(f"its polygon is not valid: {shapely.is_valid_reason(polygon)}")
    elif not (-180 <= polygon.bounds[0] <= polygon.bounds[2] <= 180 and -90 <= polygon.bounds[1] <= polygon.bounds[3] <= 90):  # noqa: PLR2004  # degrees
        faults.append("its coordinates are no longitude and latitude in degrees (GeoJSON writes longitude first)")
    return code, polygon, faults


def _hexagon(cell: int) -> Any:
    return shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)])


def _sorted(land: Mapping[int, str], shore: Mapping[int, str]) -> dict[Kind, dict[str, list[int]]]:
    """The cells by kind and ward, compacted. Land is inner where nothing but its ward, or that ward's shore, is around it.

    A large cell that is inner in part is split, but not to the finest: that would double the file to save a few microseconds on
    another eighth of the land.
    """
    inner = {
        cell
        for cell, code in land.items()
        if all((land.get(other) or shore.get(other)) == code for other in h3.grid_disk(cell, MARGIN_CELLS))
    }
    cells: dict[Kind, dict[str, list[int]]] = {"inner": {}, "border": {}, "shore": _compacted(shore)}
    for code, own in _compacted(land).items():
        queue = list(own)
        for cell in queue:
            resolution = h3.get_resolution(cell)
            clear = [finest in inner for finest in h3.uncompact_cells([cell], RESOLUTION)]
            if any(clear) and not all(clear) and resolution < RESOLUTION - 1:
                queue += h3.cell_to_children(cell, resolution + 1)
            else:
                cells["inner" if all(clear) else "border"].setdefault(code, []).append(cell)
    return cells


def _compacted(owner: Mapping[int, str]) -> dict[str, list[int]]:
    cells: dict[str, list[int]] = {}
    for cell, code in owner.items():
        cells.setdefault(code, []).append(cell)
    return {code: h3.compact_cells(own) for code, own in sorted(cells.items())}
