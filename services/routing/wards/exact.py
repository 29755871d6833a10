"""The ward index with the boundaries at hand: points near a border are put to the polygons themselves, in plain Python.

The index alone errs within some 25 m of a border, for one point in fifty. Here a grid of squares knows the borders that pass in or
near each: where none does, the index can't err and answers; elsewhere the point is tried against the few wards whose borders are
near, and the distance to each is measured.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import h3.api.basic_int as h3  # type: ignore[import-untyped]  # h3 ships no types
from typing_extensions import override

from services.routing.wards.boundary_file import NO_NAMES, BoundaryFaults, Shape, parse
from services.routing.wards.wards import (
    BORDER_M,
    CLOSE_M,
    MANIFEST,
    METRES_PER_DEGREE,
    NEAREST_CONFIDENCE,
    Cells,
    Hit,
    Manifest,
    Wards,
    WardsFault,
    check,
    read,
)
from tanggap.contracts.sources import plain_bytes

MARK: Final = "+exact"
"""Ends the version of an index that has the boundaries at hand."""

SQUARE_M: Final = 100.0
"""Side of a square of the grid, metres."""
GAP_M: Final = 0.5
"""A point of no ward with two wards so near, metres, lies in a gap that is rounding of coordinates: the builder allows no wider."""
_BEYOND_M: Final = 1.0  # so far behind a border is looked for what lies there
_CELL_DIAMETER: Final = 2.5  # of a cell's edges, at most: two for a regular hexagon, and H3's are none

_Edge = tuple[float, float, float, float]
"""(lat, lon) of both ends, the southern first: the two wards of a border then reckon alike, and no point is in both or neither."""


class _Near(NamedTuple):
    """A ward whose border passes near a square: those of its edges, those that cross the square's latitudes, those of it alone."""

    ward: int
    edges: Sequence[_Edge]
    row: Sequence[_Edge]
    free: Sequence[_Edge]


class ExactWards(Wards):
    """As `Wards`, but exact. `shapes` are those that the index was built from, by ward code.

    A look-up takes some microseconds more near borders, and some more memory: the grid of a city of 660 km2 takes 20 MB.
    """

    def __init__(self, manifest: Manifest, cells: Cells, shapes: Mapping[str, Shape]) -> None:
        super().__init__(manifest, cells, manifest.exact or manifest.confidence)
        lats = [lat for shape in shapes.values() for polygon in shape for ring in polygon for _, lat in ring]
        self._rows = METRES_PER_DEGREE / SQUARE_M
        self._columns = self._rows * math.cos(math.radians((min(lats) + max(lats)) / 2))
        # Wider than a cell: where no border is within it, the cell of the point lies in one ward, and the index has it right.
        self._reach = max(BORDER_M, _CELL_DIAMETER * h3.average_hexagon_edge_length(manifest.resolution, "m"))
        self._squares = self._make_squares([tuple(_edges(shapes[code])) for code in self.codes])

    @property
    @override
    def version(self) -> str:
        return self.manifest.version + MARK

    @override
    def find(self, lat: float, lon: float) -> Hit:
        squares = self._squares.get((math.floor(lat * self._rows), math.floor(lon * self._columns)))
        if squares is None:
            return self._far(lat, lon)
        east = METRES_PER_DEGREE * math.cos(math.radians(lat))
        here = None
        away = []
        for near in squares:
            away.append((min(_distance(lat, lon, edge, east) for edge in near.edges), near.ward))
            if here is None and _inside(lat, lon, near.row):
                here = near
        away.sort()
        if here is None and len(away) > 1 and away[1][0] < GAP_M:
            here = next(near for near in squares if near.ward == away[0][1])
        if here is None:
            return self._off_land(lat, lon, away)
        others = tuple(self.codes[ward] for metres, ward in away if metres <= BORDER_M and ward != here.ward)
        border = min((metres for metres, ward in away if ward != here.ward), default=math.inf)
        edge = min((_distance(lat, lon, one, east) for one in self._outer(lat, lon, here, east)), default=math.inf)
        border = min(border, edge)
        if border > BORDER_M:
            return self._clear[here.ward]
        code, outer = self.codes[here.ward], edge <= BORDER_M
        if border > CLOSE_M:
            return Hit(code, "point", self.sure.within_50_m, "within_50_m", others, outer)
        return Hit(code, "point", self.sure.within_25_m, "within_25_m", others, outer)

    @override
    def ward(self, lat: float, lon: float) -> str | None:
        squares = self._squares.get((math.floor(lat * self._rows), math.floor(lon * self._columns)))
        if squares is None:
            return super().ward(lat, lon)
        return next((self.codes[near.ward] for near in squares if _inside(lat, lon, near.row)), None)

    def _far(self, lat: float, lon: float) -> Hit:
        """What the index says where no border is near."""
        here = self._at(lat, lon)
        if here >= 0:
            return self._clear[self._number(here)]
        return self._off(lat, lon, here, ())

    def _off_land(self, lat: float, lon: float, away: Sequence[tuple[float, int]]) -> Hit:
        """A point on no ward's land, by the distances of the wards near by."""
        metres, nearest = away[0]
        if metres > self._reach:
            return self._far(lat, lon)
        others = tuple(self.codes[ward] for metres, ward in away if metres <= BORDER_M)
        if not self.in_waters(lat, lon):
            return Hit(None, "none", 0.0, others=others)
        if metres > self.manifest.nearest_within_m:
            return Hit(None, "none", 0.0, others=others, waters=True)
        code = self.codes[nearest]
        return Hit(code, "nearest", NEAREST_CONFIDENCE, others=tuple(one for one in others if one != code), waters=True)

    def _outer(self, lat: float, lon: float, here: _Near, east: float) -> Iterator[_Edge]:
        """The borders of a ward within `BORDER_M` of a point of it, behind which is land outside the city."""
        near = (edge for edge in here.free if _distance(lat, lon, edge, east) <= BORDER_M)
        for edge in near:
            if any(self.ward(*place) is None and not self.in_waters(*place) for place in _behind(lat, lon, edge, east)):
                yield edge

    def _make_squares(self, wards: Sequence[Sequence[_Edge]]) -> dict[tuple[int, int], tuple[_Near, ...]]:
        """The grid: for each square that has a border within `self._reach`, the wards of those borders."""
        times = Counter(edge for edges in wards for edge in edges)
        squares: dict[tuple[int, int], list[_Near]] = {}
        for ward, edges in enumerate(wards):
            own: dict[tuple[int, int], list[_Edge]] = {}
            rows: dict[int, list[_Edge]] = {}
            for edge in edges:
                for row in range(math.floor(edge[0] * self._rows), math.floor(edge[2] * self._rows) + 1):
                    rows.setdefault(row, []).append(edge)
                for square in self._squares_near(edge):
                    own.setdefault(square, []).append(edge)
            for square, near in own.items():
                free = tuple(edge for edge in near if times[edge] == 1)
                squares.setdefault(square, []).append(_Near(ward, near, rows.get(square[0], ()), free))
        return {square: tuple(near) for square, near in squares.items()}

    def _squares_near(self, edge: _Edge) -> Iterator[tuple[int, int]]:
        """The squares with a point within `self._reach` of an edge, and perhaps some more at their corners."""
        south, one, north, other = edge[0] * self._rows, edge[1] * self._columns, edge[2] * self._rows, edge[3] * self._columns
        reach = self._reach / SQUARE_M
        west, eastern = min(one, other), max(one, other)
        flat = (south, one, north, other)
        for row in range(math.floor(south - reach), math.floor(north + reach) + 1):
            for column in range(math.floor(west - reach), math.floor(eastern + reach) + 1):
                if _away(row + 0.5, column + 0.5, flat) <= reach + math.sqrt(0.5):
                    yield row, column


class BoundariesFault(WardsFault):
    """The boundaries can't be used with the index; the text says which file, why, and what to do."""


def open_wards(folder: Path, boundaries: Path | None, known: Mapping[str, str]) -> Wards:
    """The index of the city in `folder`, exact where `boundaries` are given. `known`: the city's wards, names by code.

    Raises `WardsFault` when the index can't be read or is of other wards, `BoundariesFault` when the boundaries can't be read or
    the index was not built from them.
    """
    manifest, cells = read(folder)
    check(cells, known, folder)
    return Wards(manifest, cells) if boundaries is None else _exact(manifest, cells, boundaries, known)


def _exact(manifest: Manifest, cells: Cells, boundaries: Path, known: Mapping[str, str]) -> ExactWards:
    try:
        data = plain_bytes(boundaries)
    except OSError as error:
        raise BoundariesFault(f"{boundaries}: can't be read ({error})") from error
    if hashlib.sha256(data).hexdigest() != manifest.source_sha256:
        raise BoundariesFault(
            f"{boundaries}: not the file that the index was built from, says {MANIFEST}. "
            f"Give that, or build the index anew: tanggap wards build {boundaries}"
        )
    try:
        file = parse(data, known, code_property=manifest.code_property, name_property=manifest.name_property or NO_NAMES)
    except BoundaryFaults as faults:
        raise BoundariesFault(f"{boundaries}: {'; '.join(faults.faults)}") from faults
    return ExactWards(manifest, cells, file.shapes)


def _edges(shape: Shape) -> Iterator[_Edge]:
    for polygon in shape:
        for ring in polygon:
            previous = ring[-1]
            for position in ring:
                if position != previous:
                    (lon, lat), (other_lon, other_lat) = previous, position
                    one, other = (lat, lon), (other_lat, other_lon)
                    yield (*one, *other) if one < other else (*other, *one)
                previous = position


def _inside(lat: float, lon: float, edges: Iterable[_Edge]) -> bool:
    """Whether a point lies in the polygon of these edges: an odd number of them is crossed on the way east."""
    inside = False
    for south, one, north, other in edges:
        if south <= lat < north and lon < one + (lat - south) / (north - south) * (other - one):
            inside = not inside
    return inside


def _distance(lat: float, lon: float, edge: _Edge, east: float) -> float:
    """Metres from a point to an edge, on a plane that touches the earth there; `east`: metres in a degree of longitude."""
    north = METRES_PER_DEGREE
    return _away(0.0, 0.0, ((edge[0] - lat) * north, (edge[1] - lon) * east, (edge[2] - lat) * north, (edge[3] - lon) * east))


def _away(y: float, x: float, line: tuple[float, float, float, float]) -> float:
    """Distance from a point to a line between two points (y, x, y, x)."""
    y_at, x_at = _foot(y, x, line)
    return math.hypot(y_at - y, x_at - x)


def _foot(y: float, x: float, line: tuple[float, float, float, float]) -> tuple[float, float]:
    """The point of a line that is nearest to another point."""
    ay, ax, by, bx = line
    dy, dx = by - ay, bx - ax
    along = max(0.0, min(1.0, ((y - ay) * dy + (x - ax) * dx) / (dy * dy + dx * dx)))
    return ay + along * dy, ax + along * dx


def _behind(lat: float, lon: float, edge: _Edge, east: float) -> Iterator[tuple[float, float]]:
    """What lies just behind an edge, seen from a point, (lat, lon); for a point on the edge itself, what lies on both sides."""
    north = METRES_PER_DEGREE
    line = ((edge[0] - lat) * north, (edge[1] - lon) * east, (edge[2] - lat) * north, (edge[3] - lon) * east)
    y, x = _foot(0.0, 0.0, line)
    metres = math.hypot(y, x)
    if metres > _BEYOND_M / 100:
        further = 1 + _BEYOND_M / metres
        yield lat + y * further / north, lon + x * further / east
        return
    dy, dx = line[2] - line[0], line[3] - line[1]
    length = math.hypot(dy, dx)
    for side in (_BEYOND_M, -_BEYOND_M):
        yield lat + dx / length * side / north, lon - dy / length * side / east
