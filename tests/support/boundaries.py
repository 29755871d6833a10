"""A made-up city with borders as crooked as real ones, and what moves a ward index."""

import gzip
import hashlib
import random

import pytest
import shapely

from services.routing.wards import build as wards_build
from services.routing.wards import wards
from tests.support.routing import TinyCity, square

WEST, SOUTH, EAST, NORTH = 106.80, -6.03, 106.83, -6.00


class CrookedCity(TinyCity):
    """Twelve wards with shared crooked borders on 3.3 km square; an enclave; a finger 8 m wide; an island; the sea in the north."""

    def __init__(self, folder):
        dice = random.Random(7)
        box = shapely.box(WEST, SOUTH, EAST, NORTH)
        seeds = shapely.MultiPoint([(dice.uniform(WEST, EAST), dice.uniform(SOUTH, NORTH)) for _ in range(12)])
        cells = [cell.intersection(box) for cell in shapely.voronoi_polygons(seeds, extend_to=box, ordered=True).geoms]
        enclave = cells[0].representative_point().buffer(0.002, quad_segs=4)
        middle = shapely.Point((WEST + EAST) / 2, (SOUTH + NORTH) / 2)
        finger = shapely.box(middle.x - 0.004, middle.y, middle.x + 0.004, middle.y + 0.00007)
        owner = next(i for i, cell in enumerate(cells) if i and cell.contains(middle))
        taker = next(i for i, cell in enumerate(cells) if i not in {0, owner} and cell.intersects(finger))
        cells = [shapely.union(cell, finger) if i == taker else cell.difference(finger) for i, cell in enumerate(cells)]
        cells = [cell.difference(enclave) for cell in cells]
        polygons = [*cells, enclave, shapely.Polygon(square(106.812, -5.990, 106.815, -5.987)[0])]
        self.finger = finger
        super().__init__(
            folder,
            {f"1.1.1.{i}": f"Kelurahan {i}" for i in range(10, 10 + len(polygons))},
            {},
            ((-6.005, WEST), (-6.005, EAST), (-5.95, EAST), (-5.95, WEST)),
        )
        self.polygons = dict(zip(self.names, polygons, strict=True))

    def features(self):
        return [
            {
                "type": "Feature",
                "properties": {"code": code, "name": self.names[code]},
                "geometry": shapely.geometry.mapping(polygon),
            }
            for code, polygon in self.polygons.items()
        ]


def build(city, features=None):
    """Build the index of a made-up city into its folder, measured with fewer points than a real one deserves."""
    recipe = wards_build.read_recipe(city.folder)
    boundaries = wards_build.read_boundaries(city.write(features), city.folder, recipe)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wards_build, "MEASURED_POINTS", 2_000)
        wards_build.write(city.folder, *wards_build.build(boundaries, recipe))
    return boundaries


def give_away(folder, *, at, to):
    """Give the cell at a point (lat, lon) to another ward, in the index of a folder: an index of another version."""
    manifest, cells = wards.read(folder)
    index = wards.Wards(manifest, cells)
    old = index.ward(*at)
    for kind in ("inner", "border"):
        for cell in list(cells[kind].get(old, ())):
            if wards.Wards(manifest, {"inner": {old: [cell]}, "border": {}, "shore": {}}).ward(*at) == old:
                cells[kind][old].remove(cell)
                cells[kind].setdefault(to, []).append(cell)
    text = wards.render(cells)
    digest = hashlib.sha256(text).hexdigest()
    changed = manifest.model_copy(update={"sha256": digest, "version": digest[:12]})
    wards_build.write(folder, changed, gzip.compress(text, mtime=0))
    return changed
