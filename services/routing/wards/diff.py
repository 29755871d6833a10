"""What changes from one ward index to another: which cells go from which ward to which, and how many complaints would. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import h3.api.basic_int as h3  # type: ignore[import-untyped]  # h3 ships no types

from services.routing.wards.wards import INDEX, Cells, Manifest, Wards, WardsFault, read

Pair = tuple[str | None, str | None]
"""Codes of the ward before and after; None: no ward, land or water outside the city."""


@dataclass(frozen=True, slots=True)
class Index:
    """One side: an index as it was read. `cells` of all kinds, by ward: land, and the water that is its own."""

    path: Path
    manifest: Manifest
    cells: Mapping[str, frozenset[int]]
    wards: Wards


@dataclass(frozen=True, slots=True)
class Area:
    """How much of the ground: H3 cells of the resolution that both were brought to, and km2."""

    cells: int
    km2: float

    def plus(self, other: Area) -> Area:
        """Both together."""
        return Area(self.cells + other.cells, self.km2 + other.km2)


NOTHING = Area(0, 0.0)


@dataclass(frozen=True, slots=True)
class Difference:
    """What moves. `moved`: by pair, the largest first. `resolution`: of the cells that are counted, the finer of the two."""

    resolution: int
    moved: Mapping[Pair, Area]

    def lost(self) -> dict[str, Area]:
        """What each ward loses, by code."""
        return self._by_ward(0)

    def gained(self) -> dict[str, Area]:
        """What each ward gains, by code."""
        return self._by_ward(1)

    def _by_ward(self, side: int) -> dict[str, Area]:
        found: dict[str, Area] = {}
        for pair, area in self.moved.items():
            code = pair[side]
            if code is not None:
                found[code] = found.get(code, NOTHING).plus(area)
        return dict(sorted(found.items()))


def open_index(path: Path) -> Index:
    """Read an index: a city's folder, or a file `NAMEwards.index.gz` with its `NAMEwards.manifest.json`. Raises `WardsFault`."""
    try:
        is_folder = path.is_dir()
    except OSError as error:
        raise WardsFault(f"{path}: can't be read: {error.strerror}") from error
    if not is_folder and not path.name.endswith(INDEX):
        raise WardsFault(f"{path}: neither a folder with {INDEX} nor a file whose name ends so")
    manifest, cells = read(path) if is_folder else read(path.parent, path.name)
    return Index(path, manifest, _by_ward(cells), Wards(manifest, cells))


def compare(old: Index, new: Index) -> Difference:
    """Which cells move. Land and the water before it count alike: a complaint there has the same ward."""
    resolution = max(old.manifest.resolution, new.manifest.resolution)
    before, after = _rest(old, new, resolution), _rest(new, old, resolution)
    moved: dict[Pair, Area] = {}
    for cell in sorted(before.keys() | after.keys()):
        pair = before.get(cell), after.get(cell)
        if pair[0] != pair[1]:
            moved[pair] = moved.get(pair, NOTHING).plus(Area(1, h3.cell_area(cell, "km^2")))
    order = sorted(moved, key=lambda pair: (-moved[pair].km2, pair[0] or "", pair[1] or ""))
    return Difference(resolution, {pair: moved[pair] for pair in order})


def move(points: Iterable[tuple[float, float]], old: Index, new: Index) -> Counter[Pair]:
    """How many of the points (lat, lon) would be in another ward, by pair."""
    found: Counter[Pair] = Counter()
    for lat, lon in points:
        pair = old.wards.find(lat, lon).ward, new.wards.find(lat, lon).ward
        if pair[0] != pair[1]:
            found[pair] += 1
    return found


def _by_ward(cells: Cells) -> dict[str, frozenset[int]]:
    codes = sorted({code for kind in cells.values() for code in kind})
    return {code: frozenset(cell for kind in cells.values() for cell in kind.get(code, ())) for code in codes}


def _rest(index: Index, other: Index, resolution: int) -> dict[int, str]:
    """The ward of each cell, brought to one resolution, but for those that `other` has alike."""
    return {
        cell: code
        for code, own in index.cells.items()
        for cell in h3.uncompact_cells(own - other.cells.get(code, frozenset()), resolution)
    }
