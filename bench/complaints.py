"""The complaints that the bench sends: made up, the same every time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid5

from tanggap.contracts.events import NAMESPACE, ComplaintSubmitted, Point

PLACES = [(-6.1754, 106.8272), (-6.1352, 106.8133), (-6.2185, 106.8026), (-6.3124, 106.8201), (-6.2088, 106.8456)]
CATEGORIES = ["sampah", "jalan_rusak", "pju", "saluran_air", "parkir_liar", "pohon"]
TEXT = "Tumpukan sampah di pinggir jalan sudah tiga hari belum diangkut, baunya sampai ke rumah warga. Mohon ditindaklanjuti."
BEGAN = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


def submitted(number: int) -> ComplaintSubmitted:
    """Complaint `number` of the bench, the same every time."""
    lat, lon = PLACES[number % len(PLACES)]
    at = BEGAN + timedelta(milliseconds=40 * number)
    return ComplaintSubmitted.create(
        complaint_id=uuid5(NAMESPACE, f"bench/{number}"),
        cause=f"bench/{number}",
        occurred_at=at,
        received_at=at,
        number=f"JK261124{number:04d}",
        app="bench",
        client_request_id=str(number),
        category=CATEGORIES[number % len(CATEGORIES)],
        description=TEXT,
        location=Point(lat=lat, lon=lon),
    )
