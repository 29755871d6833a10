import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.routing import wards as index

JAKARTA = Path(__file__).parents[3] / "cities" / "jakarta"


@pytest.fixture(scope="session")
def jakarta_wards():
    """Jakarta's own index, as it is shipped."""
    return index.load(JAKARTA)


def square(west, south, east, north):
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


@dataclass
class TinyCity:
    """A city of four wards: Utara above Selatan on the mainland with Timur beside them, Pulau some 1 km off in the sea to the north.

    The mainland is 2.2 km square; the sea begins at latitude -6.
    """

    folder: Path
    names: dict = field(default_factory=lambda: {"1.1.1.1": "Utara", "1.1.1.2": "Selatan", "1.1.1.3": "Timur", "1.1.1.4": "Pulau"})
    shapes: dict = field(
        default_factory=lambda: {
            "1.1.1.1": square(106.80, -6.01, 106.81, -6.00),
            "1.1.1.2": square(106.80, -6.02, 106.81, -6.01),
            "1.1.1.3": square(106.81, -6.02, 106.82, -6.00),
            "1.1.1.4": square(106.805, -5.990, 106.808, -5.987),
        }
    )
    waters: tuple = ((-6.005, 106.80), (-6.005, 106.82), (-5.95, 106.82), (-5.95, 106.80))

    def __post_init__(self):
        self.folder.mkdir(exist_ok=True)
        self.write_units()
        self.write_recipe()

    @property
    def file(self):
        return self.folder / "wards.geojson"

    def write_units(self):
        rows = ["code,name,level,parent_code", "1,Propinsi,provinsi,", "1.1,Kota,kota,1", "1.1.1,Camat,kecamatan,1.1"]
        rows += [f"{code},{name},kelurahan,1.1.1" for code, name in self.names.items()]
        (self.folder / "units.csv").write_text("\n".join(rows) + "\n")

    def write_recipe(self):
        corners = "\n".join(f"  - [{lat}, {lon}]" for lat, lon in self.waters)
        (self.folder / "wards.yaml").write_text(
            f"source: {{name: tiny, url: 'https://tiny.example', licence: MIT, codes: own}}\nnearest_within_m: 250\nwaters:\n{corners}\n"
        )

    def features(self):
        return [
            {
                "type": "Feature",
                "properties": {"code": code, "name": self.names.get(code, "?")},
                "geometry": {"type": "Polygon", "coordinates": rings},
            }
            for code, rings in self.shapes.items()
        ]

    def write(self, features=None):
        features = self.features() if features is None else features
        self.file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        return self.file


@pytest.fixture
def tiny(tmp_path):
    return TinyCity(tmp_path / "tiny")
