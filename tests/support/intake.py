"""Intake's HTTP side on a database of the test's own, a clock that the test sets, and apps with keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI

from services.intake import keys
from services.intake.app import make_app
from services.intake.numbers import Numbers
from services.intake.queries import QUERIES
from tanggap.platform.database import Database

JAKARTA = ZoneInfo("Asia/Jakarta")
MASTER = bytes(range(32))
LEAST: dict[str, Any] = {"client_request_id": "a-1", "description": "Lampu jalan mati di depan stasiun"}
SITI = {"name": "Siti Nurbaya", "phone": "+62 812-9988-7766", "email": "siti.nurbaya@warga.example"}
FULL: dict[str, Any] = {
    "client_request_id": "a-1",
    "description": "Lampu jalan mati 😀 di depan stasiun",
    "category": "lampu-jalan",
    "location": {"lat": -6.1767, "lon": 106.8306},
    "address": "Jl. Medan Merdeka Timur No. 1",
    "occurred_at": "2026-11-24T09:00:00+07:00",
    "media": ["https://media.jaki.example/foto/1.jpg"],
    "source": "android",
    "attributes": {"status_lahan": "aset provinsi", "form.version": "3"},
    "reporter": SITI,
}


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    at: datetime = datetime(2026, 11, 24, 2, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class Intake:
    """One process of intake, as its apps and its operators see it."""

    database: Database
    app: FastAPI
    client: httpx.AsyncClient
    clock: Clock
    secrets: dict[str, str] = field(default_factory=dict)

    async def key(self, app: str = "jaki") -> str:
        """A key of `app`; the same each time."""
        if app not in self.secrets:
            key = keys.generate()
            async with self.database.connection() as connection:
                await QUERIES.add_key(connection, prefix=key.prefix, app=app, hash=key.hash, created_at=self.clock())
            self.secrets[app] = key.secret
        return self.secrets[app]

    async def post(self, body: Any = None, *, app: str = "jaki", **headers: str) -> httpx.Response:
        """POST as `app`: a mapping as JSON, bytes as they are."""
        headers = {"Authorization": f"Bearer {await self.key(app)}", "Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        body = LEAST if body is None else body
        if isinstance(body, bytes):
            return await self.client.post("/v1/complaints", content=body, headers=headers)
        return await self.client.post("/v1/complaints", json=body, headers=headers)

    async def get(self, complaint_id: str, *, app: str = "jaki", **headers: str) -> httpx.Response:
        """GET as `app`."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.get(
            f"/v1/complaints/{complaint_id}", headers={"Authorization": f"Bearer {await self.key(app)}", **headers}
        )

    async def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """What the database holds."""
        async with self.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(statement, *values)]

    async def count(self, table: str) -> int:
        [row] = await self.rows(f"SELECT count(*) FROM {table}")
        return row["count"]


@asynccontextmanager
async def open_intake(dsn: str, clock: Clock | None = None) -> AsyncIterator[Intake]:
    """One process of intake on `dsn`, without consumer and relay."""
    clock = clock or Clock()
    database = Database(dsn, "intake")
    await database.start()
    app = make_app(database, Numbers(JAKARTA, "JK"), MASTER, now=clock)
    # As behind uvicorn: the answer of a failed request is sent, and the failure does not reach the client.
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake") as client:
        yield Intake(database, app, client, clock)
    await database.stop()
