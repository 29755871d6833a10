"""Makes the ward index of a city from its boundaries, and measures how right it is. The one module that needs shapely.

A cell belongs to the ward with the largest share of it (plain centre-in-polygon errs along every border). Cells of the city's
waters within reach of the shore belong to the nearest ward. Nothing here depends on time, machine or order of the input: the same
boundaries make the same bytes.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import cos, floor, hypot, radians
from pathlib import Path
from typing import Annotated, Any, Final

import h3.api.basic_int as h3  # type: ignore[import-untyped]  # h3 ships no types
import shapely  # type: ignore[import-untyped]  # shapely ships no types
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from services.routing.wards.boundary_file import BoundaryFaults, BoundaryFile, Shape, read
from services.routing.wards.exact import ExactWards
from services.routing.wards.wards import INDEX, MANIFEST, METRES_PER_DEGREE, Confidence, Kind, Manifest, Source, Wards, render
from tanggap.contracts.sources import plain_bytes

RECIPE: Final = "wards.yaml"
"""What the builder must know beside the boundaries: their source and licence, the city's waters."""
UNITS: Final = "units.csv"
NEIGHBOURS: Final = "neighbours.yaml"
RESOLUTION: Final = 11
"""H3 resolution: cells of some 2,100 m2, edges of 29 m. One coarser errs on 5 % of the land, one finer trebles the file."""
OVERLAP_M2: Final = 10.0
"""Overlaps below this are rounding of coordinates, square metres."""
GAP_M2: Final = 10.0
"""As `OVERLAP_M2`, for gaps between wards."""
SLIT_M: Final = 5.0
SLIT_LENGTH_M: Final = 500.0
"""A slit between wards, open at the city's edge and so no hole, is a fault where it is narrower and longer than these, metres: then
the wards' borders don't meet. A shorter one is an inlet: two wards of Jakarta have one of 181 m."""
HALF: Final = 0.5
MARGIN_CELLS: Final = 2
"""Rings of cells around a cell that hold everything within `BORDER_M` of any point of it: two reach 80 m or more."""
SEED: Final = 128
GPS_ERROR_M: Final = 15.0
"""Standard deviation north and east, metres, of the points that the confidence is measured with: a phone between high houses."""
MEASURED_POINTS: Final = 40_000
MOST_SURE: Final[Mapping[str, float]] = {"clear": 0.995, "within_50_m": 0.99, "within_25_m": 0.98}
"""No confidence is above these, whatever was measured: a point is never certain, and always less sure nearer to a border."""


class Recipe(BaseModel):
    """The city's `wards.yaml`. `waters`: corners of a polygon, (lat, lon) degrees."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Source
    nearest_within_m: Annotated[float, Field(ge=0, le=5_000)]
    waters: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Agreement:
    """What random points of the land say of the index.

    `wrong`: points whose ward by the index is not that by the polygons; `agreement`: share of the others. `worst_miss_m`: how far
    inside its true ward the worst wrong point lay. `by_border`: for each nearness of a border, its share of the land and the share
    of its points named right, the points shifted by a phone's error. `nearest_centre`: what the nearest centre of gravity would
    get right.
    """

    points: int
    wrong: int
    agreement: float
    worst_miss_m: float
    by_border: Mapping[str, tuple[float, float]]
    nearest_centre: float


class Boundaries:
    """The wards' polygons. `polygons` maps a ward's code to its shapely geometry, (lon, lat) degrees; `file` is what was read."""

    def __init__(self, file: BoundaryFile) -> None:
        self.file = file
        self.polygons = {code: _polygon(shape) for code, shape in sorted(file.shapes.items())}
        self.codes = tuple(self.polygons)

    @property
    def sha256(self) -> str:
        """Sum of the file's bytes."""
        return self.file.sha256

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
        """Polygons that are not sound; where all are, overlaps and gaps. Each is named."""
        unsound = [
            f"{code}: its polygon is not valid: {shapely.is_valid_reason(polygon)}"
            for code, polygon in self.polygons.items()
            if not polygon.is_valid
        ]
        yield from unsound
        if not unsound:
            yield from self._overlaps()
            yield from self._gaps()

    def _overlaps(self) -> Iterator[str]:
        flat = self._flat
        left, right = shapely.STRtree(flat).query(flat, predicate="intersects")
        for one, other in sorted(zip(left.tolist(), right.tolist(), strict=True)):
            if one < other and (area := flat[one].intersection(flat[other]).area) > OVERLAP_M2:
                yield f"{self.codes[one]} and {self.codes[other]} overlap by {area:,.0f} m2"

    def _gaps(self) -> Iterator[str]:
        """Holes all around which is land of the city, and slits between wards that begin at its edge."""
        whole = shapely.union_all(self._flat)
        for part in shapely.get_parts(whole):
            for ring in shapely.get_rings(part)[1:]:
                hole = shapely.Polygon(ring)
                if hole.area > GAP_M2:
                    yield f"a hole of {hole.area:,.0f} m2 that no ward covers, {self._where(hole)}"
        filled = shapely.union_all([shapely.Polygon(part.exterior) for part in shapely.get_parts(whole)])
        for slit in shapely.get_parts(filled.buffer(SLIT_M / 2).buffer(-SLIT_M / 2).difference(filled)):
            if slit.length / 2 > SLIT_LENGTH_M:
                yield f"a slit {slit.length / 2:,.0f} m long between wards, that no ward covers, {self._where(slit)}"

    def _where(self, flat: Any) -> str:
        lon, lat = shapely.transform(flat.representative_point(), self._degrees).coords[0]
        return f"at {lat:.5f}, {lon:.5f}"

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
            wrong=len(wrong),
            agreement=1 - len(wrong) / points,
            worst_miss_m=miss,
            by_border={name: (len(good) / points, sum(good) / max(1, len(good))) for name, good in classes.items()},
            nearest_centre=sum(g == i for g, (_, _, i) in zip(guess, truth, strict=True)) / points,
        )

    def wrong_at_borders(self, wards: Wards, points: int) -> int:
        """How many of random points along the borders, some 30 m at most off them, are in another ward than the polygons say."""
        dice = random.Random(SEED + 2)  # noqa: S311  # not a secret
        edges = [
            (one, other)
            for polygon in self.polygons.values()
            for ring in shapely.get_rings(polygon)
            for one, other in pairwise(ring.coords)
        ]
        tree = shapely.STRtree(list(self.polygons.values()))
        lengths = [hypot((a[0] - b[0]) * self._shrink, a[1] - b[1]) for a, b in edges]
        wrong = 0
        for one, other in dice.choices(edges, weights=lengths, k=points):
            share = dice.random()
            lon = one[0] + share * (other[0] - one[0]) + dice.uniform(-30, 30) / (METRES_PER_DEGREE * self._shrink)
            lat = one[1] + share * (other[1] - one[1]) + dice.uniform(-30, 30) / METRES_PER_DEGREE
            holders = tree.query(shapely.Point(lon, lat), predicate="intersects").tolist()
            wrong += wards.ward(lat, lon) not in ({self.codes[i] for i in holders} or {None})
        return wrong

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
        return Recipe.model_validate(YAML(typ="safe", pure=True).load(plain_bytes(path).decode("utf-8")))
    except ValidationError as error:
        raise BoundaryFaults(
            [f"{path}: {'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}" for fault in error.errors()]
        ) from error
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise BoundaryFaults([f"{path}: {error}"]) from error


def read_boundaries(
    path: Path, folder: Path, recipe: Recipe, *, code_property: str | None = None, name_property: str | None = None
) -> Boundaries:
    """The polygons of a GeoJSON file (`boundary_file.read`), checked against the city's units and for overlaps and holes.

    Raises `BoundaryFaults` naming each fault.
    """
    near = (*recipe.waters, *_neighbours(folder / NEIGHBOURS))
    file = read(path, _units(folder / UNITS), code_property=code_property, name_property=name_property, near=near)
    boundaries = Boundaries(file)
    faults = [f"{path}: {fault}" for fault in boundaries.faults()]
    if faults:
        raise BoundaryFaults(faults)
    return boundaries


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
        code_property=boundaries.file.code_property,
        name_property=boundaries.file.name_property,
    )
    measured = boundaries.measure(Wards(manifest, cells), MEASURED_POINTS)
    exact = boundaries.measure(ExactWards(manifest, cells, boundaries.file.shapes), MEASURED_POINTS)
    manifest = manifest.model_copy(
        update={
            "agreement": floor(measured.agreement * 1000) / 1000,
            "confidence": _sure(measured),
            "exact": _sure(exact),
        }
    )
    return manifest, gzip.compress(text, 9, mtime=0)


def _sure(measured: Agreement) -> Confidence:
    """What was measured, rounded down: a manifest should promise no more than was seen."""
    return Confidence(
        **{name: min(MOST_SURE[name], floor(right * 1000) / 1000) for name, (_, right) in measured.by_border.items()}
    )


def write(folder: Path, manifest: Manifest, index: bytes) -> None:
    """Put both files into the city's folder, each at once and whole, the manifest last. Raises `OSError`; both stay as they were then.

    A service that reads while they change sees an index that is not the manifest's for a moment, never half a file.
    """
    text = manifest.model_dump_json(indent=2) + "\n"
    files = {folder / f".{INDEX}.new": (folder / INDEX, index), folder / f".{MANIFEST}.new": (folder / MANIFEST, text.encode())}
    try:
        for beside, (_, data) in files.items():
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for beside, (path, _) in files.items():
            beside.replace(path)
    finally:
        for beside in files:
            beside.unlink(missing_ok=True)


def _units(path: Path) -> dict[str, str]:
    """Name of each ward of the city's units, by code."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            wards = {row["code"]: row["name"] for row in csv.DictReader(file) if row["level"] == "kelurahan"}
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise BoundaryFaults([f"{path}: can't be read ({error!r})"]) from error
    if not wards:
        raise BoundaryFaults([f"{path}: has no unit of level kelurahan"])
    return wards


def _neighbours(path: Path) -> list[tuple[float, float]]:
    """Known points of the cities next door, (lat, lon), where the city has them: whether the boundaries lie near them at all."""
    try:
        found = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
        return [(float(at["lat"]), float(at["lon"])) for city in found["neighbours"] for at in city["points"]]
    except (OSError, ValueError, KeyError, TypeError, YAMLError):
        return []  # what is wrong with that file the services say


def _polygon(shape: Shape) -> Any:
    parts = [shapely.Polygon(outer, holes) for outer, *holes in shape]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


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
