"""What tests of routing share: Jakarta's folder, complaints as intake submits them, and a city of four wards."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from tanggap.contracts.events import ComplaintSubmitted, Point

JAKARTA = Path(__file__).parents[2] / "cities" / "jakarta"
RECEIVED = datetime(2026, 11, 24, 2, 5, tzinfo=UTC)
"""Tuesday 09:05 in Jakarta."""
DECIDED = datetime(2026, 11, 24, 2, 5, 1, tzinfo=UTC)
MONAS = (-6.17539, 106.82715)
JATINEGARA_STATION = (-6.21514, 106.87056)
"""On the border of Rawa Bunga and Pisangan Baru."""
PRAMUKA = (-5.7457, 106.6130)
BEKASI = (-6.2349, 106.9923)
SECRET = "Nama saya Budi Hartono, telepon 0812-3456-7890"
SECRETS = ("Budi", "Hartono", "0812-3456")
"""What of it must stand nowhere; long enough that no random id has it by chance."""


def submitted(
    category: str | None = None,
    at: tuple[float, float] | None = MONAS,
    *,
    complaint_id: UUID | None = None,
    received_at: datetime = RECEIVED,
    words: str = SECRET,
    address: str | None = SECRET,
    app: str = "tests",
    source: str | None = None,
    attributes: dict[str, str] | None = None,
) -> ComplaintSubmitted:
    """A complaint as intake tells of it; its text holds what must never be repeated."""
    return ComplaintSubmitted.create(
        complaint_id=complaint_id or uuid4(),
        cause="test",
        occurred_at=received_at,
        number="JK2611240001",
        app=app,
        source=source,
        client_request_id="1",
        category=category,
        description=words,
        address=address,
        attributes=attributes or {},
        location=None if at is None else Point(lat=at[0], lon=at[1]),
        received_at=received_at,
    )


def square(west, south, east, north):
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


@dataclass
class TinyCity:
    """A city of four wards: on the mainland Utara above Selatan and Timur beside them, Pulau some 1 km off in the sea.

    The mainland is 2.2 km square; the sea begins at latitude -6.
    """

    folder: Path
    names: dict = field(
        default_factory=lambda: {"1.1.1.1": "Utara", "1.1.1.2": "Selatan", "1.1.1.3": "Timur", "1.1.1.4": "Pulau"}
    )
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
            f"source: {{name: tiny, url: 'https://tiny.example', licence: MIT, codes: own}}\n"
            f"nearest_within_m: 250\nwaters:\n{corners}\n"
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
