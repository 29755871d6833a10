"""Which ward a point lies in: the H3 index of the city's wards, loaded once and asked in some 2 microseconds.

The index is what `tanggap wards build` (`build.py`) makes of the boundaries: compacted H3 cells, each with its ward, and
the cells of the sea near the shore, each with the nearest ward. It needs no geometry library to be read. Nothing here knows the
city's names or its neighbours: `places.py` puts those to it.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import math
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from operator import rshift
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple, cast, get_args

import h3.api.basic_int as h3  # type: ignore[import-untyped]  # h3 ships no types
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tanggap.contracts.sources import plain_bytes

INDEX: Final = "wards.index.gz"
"""The cells, as text: `CODE inner|border|shore CELL CELL ...`, cells in H3's own hexadecimal."""
MANIFEST: Final = "wards.manifest.json"
"""Where the index comes from, what it holds, and how right it is."""
MOST_BYTES: Final = 16 * 1024 * 1024
"""Of either file, and of the index unpacked, which may be a thousand times its file: Jakarta's has 1.4 MB in 0.2 MB."""

BORDER_M: Final = 50.0
"""A ward so near to the point is named as an alternative, metres: GPS of a phone among houses errs by some 15 m, the index at a
border by up to some 25 m, and 15 % of the mainland lies so near to a border."""
CLOSE_M: Final = 25.0
"""Within this of a border, metres, the index itself may err: the confidence is that of a guess well made."""
NEAREST_CONFIDENCE: Final = 0.6
"""Confidence of a point off the shore. A judgement, not a measurement: no ward's boundary says whose the water is."""

EARTH_M: Final = 6_371_009.0
"""Mean radius of the earth, metres (IUGG)."""
METRES_PER_DEGREE: Final = math.pi * EARTH_M / 180

_DIRECTIONS: Final = tuple((math.sin(k * math.pi / 4), math.cos(k * math.pi / 4)) for k in range(8))
_RESOLUTION_SHIFT: Final = 52  # H3 keeps a cell's resolution in bits 52 to 55, its finest steps in the lowest bits
_FINEST: Final = 15
_NO_RESOLUTION: Final = ~(_FINEST << _RESOLUTION_SHIFT)
_OUTSIDE: Final = -(1 << 31)
_INNER: Final = 1 << 31
_NUMBER: Final = _INNER - 1


Border = Literal["clear", "within_50_m", "within_25_m"]
Kind = Literal["inner", "border", "shore"]
"""`inner`: land with nothing but its ward within reach of `BORDER_M`; `border`: the other land; `shore`: water near land."""
Cells = Mapping[Kind, Mapping[str, Iterable[int]]]
"""H3 cells by kind and ward's code, compacted or not."""


class WardsFault(Exception):  # noqa: N818  # a fault of a file, as the house calls it
    """The index can't be used; the text says which file, why, and what to do."""


class Source(BaseModel):
    """Where the boundaries come from, and under which licence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    url: str
    licence: str
    codes: str


class Confidence(BaseModel):
    """How often the index names the true ward, 0 to 1, by nearness to a border: measured against the polygons by the builder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clear: Annotated[float, Field(ge=0, le=1)]
    within_50_m: Annotated[float, Field(ge=0, le=1)]
    within_25_m: Annotated[float, Field(ge=0, le=1)]


class Manifest(BaseModel):
    """What the index is made of. `version` is the start of the SHA-256 sum of its text, so equal versions are equal indexes.

    `agreement` is the share of random points of the land whose ward by the index is their ward by the polygons. `waters`: corners
    (lat, lon) of the sea that is the city's own. `exact`: the confidence with the boundaries at hand (`exact.py`).
    `code_property`, `name_property`: which of the boundary file's properties hold a ward's code and its name; None: none does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    sha256: str
    source: Source
    source_sha256: str
    resolution: Annotated[int, Field(ge=0, le=_FINEST)]
    nearest_within_m: Annotated[float, Field(ge=0)]
    wards: int
    cells: Mapping[Kind, int]
    agreement: Annotated[float, Field(ge=0, le=1)]
    confidence: Confidence
    waters: tuple[tuple[float, float], ...]
    exact: Confidence | None = None
    code_property: str = "code"
    name_property: str | None = "name"


class Hit(NamedTuple):
    """What the index says of a point.

    `how`: `point` (in the ward), `nearest` (in the city's waters, the ward is the nearest land) or `none`. `confidence` is 0
    where no ward is named. `border`: how near the ward's border is. `others`: codes of the wards within some 50 m that are not
    `ward`. `edge`: the land outside the city is that near. `waters`: the point is at sea, in the city's own waters.
    """

    ward: str | None
    how: Literal["point", "nearest", "none"]
    confidence: float
    border: Border = "clear"
    others: tuple[str, ...] = ()
    edge: bool = False
    waters: bool = False


class Wards:
    """The index in memory: one dict from cell to ward. Immutable, so that it may be swapped for another at any time.

    `cells`: none finer than the manifest's resolution. Every ward has land. `sure`: how sure a ward is, if not as the manifest says.
    """

    def __init__(self, manifest: Manifest, cells: Cells, sure: Confidence | None = None) -> None:
        self.manifest = manifest
        self.sure = sure or manifest.confidence
        self.codes: tuple[str, ...] = tuple(sorted({*cells["inner"], *cells["border"]}))
        place = {code: number for number, code in enumerate(self.codes)}
        # One look-up answers all: a ward's number, marked where it is clear of borders, or its complement for the shore.
        self._wards: dict[int, int] = {}
        # Cells share their ward's number, so that a look-up finds it at hand.
        for code, own in cells["inner"].items():
            self._wards |= dict.fromkeys(own, place[code] | _INNER)
        for code, own in cells["border"].items():
            self._wards |= dict.fromkeys(own, place[code])
        for code, own in cells["shore"].items():
            self._wards |= dict.fromkeys(own, ~place[code])
        self._clear = tuple(Hit(code, "point", self.sure.clear) for code in self.codes)
        counts: Counter[int] = Counter()
        for head, count in Counter(map(rshift, self._wards, repeat(_RESOLUTION_SHIFT))).items():  # without a call for every cell
            counts[head & _FINEST] += count
        # A cell has a seventh of the area of a coarser one: what most points lie in is asked first.
        levels = sorted(counts, key=lambda level: counts[level] / 7**level, reverse=True)
        self._masks = tuple([level << _RESOLUTION_SHIFT | (1 << 3 * (_FINEST - level)) - 1 for level in levels])
        self._resolution = manifest.resolution
        self._anchors: tuple[tuple[float, float, int], ...] | None = None

    @property
    def version(self) -> str:
        """The index's version, as every decision carries it."""
        return self.manifest.version

    def find(self, lat: float, lon: float) -> Hit:
        """The ward of a point (WGS 84 degrees), the wards near by, and how sure that is. Total: every point has an answer."""
        here = self._at(lat, lon)
        if here >= _INNER:
            return self._clear[here ^ _INNER]
        near = self._lands(self._around(lat, lon, BORDER_M))
        if here < 0:
            return self._off(lat, lon, here, self._names(near - {~here}))
        near.discard(here)
        if not near:
            return self._clear[here]
        sure, edge, others = self.sure, _OUTSIDE in near, self._names(near)
        if self._is_close(lat, lon, here):
            return Hit(self.codes[here], "point", sure.within_25_m, "within_25_m", others, edge)
        return Hit(self.codes[here], "point", sure.within_50_m, "within_50_m", others, edge)

    def ward(self, lat: float, lon: float) -> str | None:
        """Code of the ward whose land the point is on, by the index alone; None off every ward's land."""
        here = self._at(lat, lon)
        return self.codes[self._number(here)] if here >= 0 else None

    def nearest(self, lat: float, lon: float) -> tuple[str, float]:
        """The ward nearest to any point, and its distance in metres, right to about 1 km. Slow (1 ms): for points far off."""
        if self._anchors is None:
            self._anchors = tuple(self._make_anchors())
        shrink = math.cos(math.radians(lat))
        _, number, anchor = min(((a - lat) ** 2 + ((b - lon) * shrink) ** 2, number, (a, b)) for a, b, number in self._anchors)
        return self.codes[number], metres((lat, lon), anchor)

    def in_waters(self, lat: float, lon: float) -> bool:
        """Whether the point lies within the city's waters, or inland of their coarse southern edge."""
        return within(lat, lon, self.manifest.waters)

    def _off(self, lat: float, lon: float, here: int, others: tuple[str, ...]) -> Hit:
        """What is said of a point off the land; `here`: what `_at` found."""
        if here == _OUTSIDE:
            return Hit(None, "none", 0.0, others=others, waters=self.in_waters(lat, lon))
        return Hit(self.codes[~here], "nearest", NEAREST_CONFIDENCE, others=others, waters=True)

    def _at(self, lat: float, lon: float) -> int:
        return self._of(h3.latlng_to_cell(lat, lon, self._resolution))

    def _of(self, cell: int) -> int:
        """What a cell of the finest resolution lies in."""
        cell &= _NO_RESOLUTION
        get = self._wards.get
        for mask in self._masks:
            number = get(cell | mask)
            if number is not None:
                return number
        return _OUTSIDE

    @staticmethod
    def _number(here: int) -> int:
        return here & _NUMBER

    def _around(self, lat: float, lon: float, reach: float) -> Iterator[int]:
        """What lies `reach` metres off in eight directions, as `_of` says it."""
        north = reach / METRES_PER_DEGREE
        lat = max(north - 90.0, min(90.0 - north, lat))  # beyond a pole there is no latitude
        east = north / max(math.cos(math.radians(lat)), 1e-6)
        to_cell, resolution, get = h3.latlng_to_cell, self._resolution, self._wards.get
        for y, x in _DIRECTIONS:
            cell = to_cell(lat + y * north, lon + x * east, resolution)
            number = get(cell)  # most cells at a border are of the finest resolution
            yield self._of(cell) if number is None else number

    @staticmethod
    def _lands(around: Iterable[int]) -> set[int]:
        """The wards of what lies around a point, and land of no ward; the shore's water is left out."""
        return {number & _NUMBER if number >= 0 else number for number in around if number >= 0 or number == _OUTSIDE}

    def _is_close(self, lat: float, lon: float, here: int) -> bool:
        """Whether other land is within `CLOSE_M`: the first direction that has it is enough."""
        around = self._around(lat, lon, CLOSE_M)
        return any(number & _NUMBER != here if number >= 0 else number == _OUTSIDE for number in around)

    def _names(self, numbers: set[int]) -> tuple[str, ...]:
        return tuple([self.codes[number] for number in sorted(numbers) if number >= 0])

    def _make_anchors(self) -> Iterator[tuple[float, float, int]]:
        """One point of land for each ward in each H3 cell of resolution 8 (0.7 km2)."""
        coarse = min(8, self.manifest.resolution)
        seen: set[tuple[int, int]] = set()
        for cell, number in self._wards.items():
            ward = number & _NUMBER
            parent = h3.cell_to_parent(cell, coarse) if _resolution(cell) > coarse else cell
            if number >= 0 and (parent, ward) not in seen:
                seen.add((parent, ward))
                lat, lon = h3.cell_to_latlng(cell)
                yield lat, lon, ward


def load(folder: Path) -> Wards:
    """The index of the city in `folder`. Raises `WardsFault` when it is missing, broken, or not the manifest's."""
    return Wards(*read(folder))


def read(folder: Path, index: str = INDEX) -> tuple[Manifest, dict[Kind, dict[str, list[int]]]]:
    """The manifest and the cells of the city in `folder`. Raises as `load` does.

    `index`: the file's name, where it was put by under another; then its manifest is named alike.
    """
    beside = folder / (index.removesuffix(INDEX) + MANIFEST)
    try:
        manifest = Manifest.model_validate_json(_bytes(beside))
        text = _unpacked(_bytes(folder / index))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg']}" for fault in error.errors())
        raise WardsFault(f"{beside}: {faults}. Build it anew: tanggap wards build FILE") from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise WardsFault(f"{folder}: the ward index can't be read ({error}). Build it: tanggap wards build FILE") from error
    if hashlib.sha256(text).hexdigest() != manifest.sha256:
        raise WardsFault(
            f"{folder / index}: not the index that {beside.name} describes. Build both anew: tanggap wards build FILE"
        )
    try:
        return manifest, parse(text)
    except (ValueError, KeyError) as error:
        raise WardsFault(f"{folder / index}: not an index ({error!r}). Build it anew: tanggap wards build FILE") from error


def _bytes(path: Path) -> bytes:
    """The same of a file that is no larger than an index may be; else raises `OSError`."""
    if path.exists() and path.stat().st_size > MOST_BYTES:
        raise OSError(errno.EFBIG, f"more than {MOST_BYTES:,} bytes", str(path))
    return plain_bytes(path)


def _unpacked(packed: bytes) -> bytes:
    """What gzip packed. Raises `ValueError` for more than an index may have, before it is in memory: the service must go on."""
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
        text = file.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise ValueError(f"unpacked it has more than {MOST_BYTES:,} bytes")
    return text


def check(cells: Cells, codes: Iterable[str], folder: Path) -> None:
    """That the index has land of exactly the city's wards (their `codes`). Raises `WardsFault` naming those that differ."""
    known, indexed = set(codes), {*cells["inner"], *cells["border"]}
    if known != indexed:
        lacks, strange = ", ".join(sorted(known - indexed)), ", ".join(sorted(indexed - known))
        wrong = " and ".join(
            text for text in (lacks and f"lacks {lacks} of units.csv", strange and f"has {strange}, not in units.csv") if text
        )
        raise WardsFault(f"{folder / INDEX}: {wrong}. Build it anew: tanggap wards build FILE")


def render(cells: Cells) -> bytes:
    """The index's text: a line for each kind and ward, sorted, so that equal cells make equal bytes."""
    lines = [
        f"{code} {kind} {' '.join(f'{cell:x}' for cell in sorted(own))}\n"
        for kind in get_args(Kind)
        for code, own in sorted(cells[kind].items())
        if own
    ]
    return "".join(lines).encode()


def parse(text: bytes) -> dict[Kind, dict[str, list[int]]]:
    """The inverse of `render`. Raises `ValueError` or `KeyError` for a text that it didn't make."""
    cells: dict[Kind, dict[str, list[int]]] = {"inner": {}, "border": {}, "shore": {}}
    for line in text.decode().splitlines():
        code, kind, *own = line.split(" ")
        cells[cast("Kind", kind)][code] = list(map(int, own, repeat(16)))
    return cells


def within(lat: float, lon: float, corners: Sequence[tuple[float, float]]) -> bool:
    """Whether a point lies in a polygon of (lat, lon) corners: the even-odd rule, flat earth."""
    inside = False
    previous = corners[-1] if corners else (0.0, 0.0)
    for corner in corners:
        (a_lat, a_lon), (b_lat, b_lon) = previous, corner
        if (a_lat > lat) != (b_lat > lat) and lon < a_lon + (lat - a_lat) / (b_lat - a_lat) * (b_lon - a_lon):
            inside = not inside
        previous = corner
    return inside


def metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance of two (lat, lon) points, metres (haversine)."""
    lat_a, lat_b = math.radians(a[0]), math.radians(b[0])
    half_lat, half_lon = (lat_b - lat_a) / 2, math.radians(b[1] - a[1]) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(half_lon) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(chord)))


def _resolution(cell: int) -> int:
    return cell >> _RESOLUTION_SHIFT & _FINEST
