"""Says how two ward indexes differ: for people as lines, for programs as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.routing.wards.diff import NOTHING, Area, Difference, Index, Pair
from services.routing.wards.points_file import Row

SHOWN: Final = 20
"""So many rows of a table are shown; the JSON has all."""


@dataclass(frozen=True, slots=True)
class Complaints:
    """What a file of complaints says: rows in all, those with a point, those that move by pair, and rows that can't be read."""

    file: str
    rows: int
    points: int
    moved: Counter[Pair]
    bad: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Report:
    """Two indexes, their difference, and the complaints that were asked about. `names`: units' names by code."""

    old: Index
    new: Index
    difference: Difference
    complaints: Complaints | None
    names: Mapping[str, str]

    def lines(self) -> Iterator[str]:
        """The report for people."""
        for side, index in (("old", self.old), ("new", self.new)):
            manifest = index.manifest
            yield (
                f"{side}: version {manifest.version}, {manifest.wards} wards, H3 resolution {manifest.resolution}, "
                f"from {manifest.source.name} (sum {manifest.source_sha256[:12]}), {index.path}"
            )
        for word, codes in (("new", self._only(self.new, self.old)), ("gone", self._only(self.old, self.new))):
            if codes:
                yield f"{len(codes)} {_plural(len(codes), 'ward')} {word}: {', '.join(self._name(code) for code in codes)}"
        moved = self.difference.moved
        if moved:
            yield from self._cells()
        else:
            yield "no cell moves: every point has the same ward in both"
        if self.complaints is not None:
            yield from self._complaints(self.complaints)

    def _cells(self) -> Iterator[str]:
        moved = self.difference.moved
        total = _sum(list(moved.values()))
        yield f"{_cells(total)} of resolution {self.difference.resolution} move:"
        yield from _table(f"  {self._pair(pair)}: {_cells(area)}" for pair, area in moved.items())
        lost, gained = self.difference.lost(), self.difference.gained()
        codes = sorted(lost.keys() | gained.keys())
        yield f"{len(codes)} {_plural(len(codes), 'ward')} {'changes' if len(codes) == 1 else 'change'}:"
        order = sorted(codes, key=lambda code: (-lost.get(code, NOTHING).plus(gained.get(code, NOTHING)).km2, code))
        yield from _table(
            f"  {self._name(code)}: loses {_cells(lost.get(code, NOTHING))}, gains {_cells(gained.get(code, NOTHING))}"
            for code in order
        )

    def _complaints(self, complaints: Complaints) -> Iterator[str]:
        moved = complaints.moved.total()
        share = f" ({moved / complaints.points:.1%})" if complaints.points else ""
        yield (
            f"{complaints.file}: {complaints.rows:,} {_plural(complaints.rows, 'complaint')}, {complaints.points:,} with a point; "
            f"{moved:,}{share} would move{':' if moved else ''}"
        )
        yield from _table(f"  {self._pair(pair)}: {count:,}" for pair, count in _ordered(complaints.moved))
        if complaints.bad:
            count = len(complaints.bad)
            yield f"{count:,} {_plural(count, 'row')} can't be read, left out:"
            yield from _table(f"  line {row.line}: {row.wrong}" for row in complaints.bad)

    def as_json(self) -> dict[str, Any]:
        """The report for programs: everything, in plain values."""
        lost, gained = self.difference.lost(), self.difference.gained()
        found: dict[str, Any] = {
            "old": _side(self.old),
            "new": _side(self.new),
            "resolution": self.difference.resolution,
            "wards_new": self._only(self.new, self.old),
            "wards_gone": self._only(self.old, self.new),
            "moved": [
                {"from": pair[0], "to": pair[1], "cells": area.cells, "km2": round(area.km2, 6)}
                for pair, area in self.difference.moved.items()
            ],
            "wards": {
                code: {
                    "cells_lost": lost.get(code, NOTHING).cells,
                    "km2_lost": round(lost.get(code, NOTHING).km2, 6),
                    "cells_gained": gained.get(code, NOTHING).cells,
                    "km2_gained": round(gained.get(code, NOTHING).km2, 6),
                }
                for code in sorted(lost.keys() | gained.keys())
            },
        }
        if self.complaints is not None:
            found["complaints"] = {
                "file": self.complaints.file,
                "rows": self.complaints.rows,
                "with_point": self.complaints.points,
                "moved_total": self.complaints.moved.total(),
                "moved": [{"from": pair[0], "to": pair[1], "count": count} for pair, count in _ordered(self.complaints.moved)],
                "bad_rows": [{"line": row.line, "wrong": row.wrong} for row in self.complaints.bad],
            }
        return found

    @staticmethod
    def _only(index: Index, other: Index) -> list[str]:
        return sorted(index.cells.keys() - other.cells.keys())

    def _name(self, code: str | None) -> str:
        if code is None:
            return "no ward"
        name = self.names.get(code)
        return f"{code} {name}" if name else code

    def _pair(self, pair: Pair) -> str:
        return f"{self._name(pair[0])} -> {self._name(pair[1])}"


def _side(index: Index) -> dict[str, Any]:
    manifest = index.manifest
    return {
        "path": str(index.path),
        "version": manifest.version,
        "wards": manifest.wards,
        "resolution": manifest.resolution,
        "source": manifest.source.name,
        "source_sha256": manifest.source_sha256,
    }


def _ordered(moved: Counter[Pair]) -> list[tuple[Pair, int]]:
    return sorted(moved.items(), key=lambda one: (-one[1], one[0][0] or "", one[0][1] or ""))


def _table(rows: Iterator[str]) -> Iterator[str]:
    """The first rows, and how many more there are."""
    found = list(rows)
    yield from found[:SHOWN]
    if len(found) > SHOWN:
        yield f"  and {len(found) - SHOWN:,} more (--json has all)"


def _sum(areas: Sequence[Area]) -> Area:
    total = NOTHING
    for area in areas:
        total = total.plus(area)
    return total


def _cells(area: Area) -> str:
    return f"{area.cells:,} {_plural(area.cells, 'cell')} ({area.km2:.4f} km2)" if area.cells else "nothing"


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"
