"""The plain floor of routing: bare aiokafka and asyncpg, `json`, dicts, and the routing service's own statement.

It decides as a script would: the ward by one look-up in a dict of H3 cells, the unit by an `if`, three due times by addition. No
models, no rules in a file, no neighbour near a border, no working time. The events it tells have the same fields as ours.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import asyncpg
import h3.api.basic_int as h3
from aiokafka import ConsumerRecord

from services.routing.queries import QUERIES
from tanggap.contracts import city as cities
from tanggap.contracts.events import NAMESPACE

FOLDER = Path(__file__).parents[1] / "cities" / "jakarta"
CITY = cities.load(FOLDER)
WARDS: dict[int, str] = {}
for line in gzip.decompress((FOLDER / "wards.index.gz").read_bytes()).decode().splitlines():
    code, kind, *cells = line.split()
    if kind != "shore":
        WARDS |= {int(cell, 16): code for cell in cells}
RESOLUTIONS = (11, 10, 9, 8)


def ward_of(lat: float, lon: float) -> str | None:
    """The ward of a point."""
    cell = h3.latlng_to_cell(lat, lon, 11)
    for resolution in RESOLUTIONS:
        found = WARDS.get(h3.cell_to_parent(cell, resolution))
        if found is not None:
            return found
    return None


def clock(name: str, hours: float, received: datetime) -> dict[str, Any]:
    """One clock on calendar time."""
    budget = timedelta(hours=hours)
    return {
        "clock": name, "basis": "calendar", "budget_seconds": int(hours * 3600), "started_at": received.isoformat(),
        "warn_at": (received + budget * 0.8).isoformat(), "due_at": (received + budget).isoformat(),
    }  # fmt: skip


def decide(event: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """The type and id of the event that a complaint brings about, and its body."""
    now = datetime.now(UTC).isoformat()
    point = event["location"]
    code = ward_of(point["lat"], point["lon"]) if point else None
    category = CITY.categories.get(event["category"])
    if code is None or category is None:
        raise SystemExit("the bench has only complaints that a script can place")
    ward = CITY.units[code]
    agency = category.agency
    unit = ward if category.ward_can_handle or agency is None else CITY.units[CITY.agencies[agency].branches[code[:5]]]
    received = datetime.fromisoformat(event["received_at"])
    kind = "complaint.assigned"
    event_id = str(uuid5(NAMESPACE, f"{event['complaint_id']}/{kind}/{event['event_id']}"))
    body = {
        "event_id": event_id, "type": kind, "complaint_id": event["complaint_id"], "occurred_at": now,
        "unit": {"code": unit.code, "name": unit.name}, "ward": {"code": ward.code, "name": ward.name},
        "agency": category.agency, "category": category.slug, "urgency": category.urgency,
        "clocks": [
            clock("coordinate", category.coordinate_hours, received),
            clock("first_response", 24, received),
            clock("resolution", category.resolution_hours, received),
        ],
        "decision": {
            "method": "point", "confidence": 0.99, "rule": "script", "alternatives": [],
            "reason": {
                "id": f"Titik laporan berada di Kelurahan {ward.name}. Kategori: {category.label_id}. Ditujukan ke {unit.name}, "
                "sebab kategori ini wewenang unit itu menurut kebijakan kota yang berlaku sekarang.",
                "en": f"The report's point lies in Kelurahan {ward.name}. Category: {category.label_en}. Sent to {unit.name}, "
                "since this category is the duty of that unit by the policy that the city has now.",
            },
            "policy_version": "script", "wards_version": "script", "category_method": "app", "category_confidence": None,
            "category_words": [], "other_categories": [], "classifier_version": None, "gazetteer_version": None, "conflicts": [],
        },
        "also": [],
    }  # fmt: skip
    return kind, event_id, body


async def handle(connection: asyncpg.Connection, records: Sequence[ConsumerRecord]) -> None:
    """Decide one batch and keep it."""
    events = [json.loads(record.value) for record in records]
    decided = [decide(event) for event in events]
    await connection.fetch(
        QUERIES.decide.sql,
        [UUID(event["event_id"]) for event in events],
        [UUID(event_id) for _, event_id, _ in decided],
        [UUID(event["complaint_id"]) for event in events],
        [kind for kind, _, _ in decided],
        [datetime.fromisoformat(body["occurred_at"]) for *_, body in decided],
        [f"{kind}.v1.json" for kind, *_ in decided],
        [json.dumps(body) for *_, body in decided],
        [None] * len(events),
    )
