"""What the notifier's tests stand on: the city, lives of complaints, and the service's parts on a real database."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from services.notifier.app import make_app
from services.notifier.consumer import Desk
from services.notifier.links import Link, Links
from services.notifier.mail import Composer
from services.notifier.queries import QUERIES
from services.notifier.smtp import Provider, Server
from services.notifier.worker import Claimed, Postman
from tanggap.contracts import city, lifecycle
from tanggap.contracts.city import City, Official
from tanggap.contracts.events import (
    Actor,
    ComplaintAcknowledged,
    ComplaintAssigned,
    ComplaintMerged,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintSubmitted,
    ComplaintTriageRequested,
    Decision,
    Event,
    Point,
    SlaBreached,
    Unit,
    Words,
    decoders,
)
from tanggap.platform.consumer import Received
from tanggap.platform.database import Database
from tests.support.mailbox import Mailbox

FOLDER = Path("cities/jakarta")
NOW = datetime(2026, 11, 24, 2, 5, tzinfo=UTC)
"""Tuesday 09.05 in Jakarta."""
SECRET = "a secret that is long enough for a test"
SENDER = Address(display_name="Tanggap Jakarta", addr_spec="tanggap@jakarta.example")
GAMBIR = Unit(code="31.71.01.1001", name="Gambir")
GAMBIR_DISTRICT = Unit(code="31.71.01", name="Gambir")
LURAH = "lurah.gambir@jakarta.example"
REASON = Words(id="Titik laporan berada di Kelurahan Gambir.", en="The point of the report lies in Kelurahan Gambir.")
FIRE_SERVICE = Unit(
    code="sudin-gulkarmat.31.71", name="Suku Dinas Penanggulangan Kebakaran dan Penyelamatan Kota Administrasi Jakarta Pusat"
)
DECISION = Decision(method="point", confidence=1, rule="ward", reason=REASON, policy_version="1", wards_version="1")
TOLD_ALL = DECISION.model_copy(
    update={
        "confidence": 0.86,
        "alternatives": (Unit(code="31.71.01.1002", name="Cideng"),),
        "category_method": "text",
        "category_confidence": 0.93,
        "category_words": ("pohon tumbang", "menimpa"),
        "other_categories": ("pohon", "jalan_rusak"),
        "classifier_version": "c1",
        "gazetteer_version": "g1",
        "conflicts": (
            Words(
                id="Alamat menyebut Kelurahan Cideng, titiknya di Kelurahan Gambir.",
                en="The address names Kelurahan Cideng, the point lies in Kelurahan Gambir.",
            ),
        ),
    }
)
"""A decision that says all that one can."""
LINK_LIFETIME = timedelta(days=45)


@cache
def jakarta() -> City:
    return city.load(FOLDER)


def with_officials(of: City, changes: dict[str, Sequence[Official]]) -> City:
    """The city with another roster for some units."""
    return replace(of, roster={**of.roster, **{code: tuple(officials) for code, officials in changes.items()}})


def official(unit: Unit, role: str, email: str, language: str = "id") -> Official:
    return Official(unit.code, role, "Nama Pejabat", email, language)


@dataclass
class Life:
    """One complaint's events, in their order."""

    id: UUID = field(default_factory=uuid4)
    number: str = "JK2611240001"
    received_at: datetime = NOW
    events: list[Event] = field(default_factory=list)

    def submitted(self, **more: Any) -> "Life":
        values = {
            "number": self.number,
            "app": "jaki",
            "client_request_id": str(self.id),
            "category": "jalan_rusak",
            "description": "Lubang besar di depan halte, motor sering jatuh.",
            "location": Point(lat=-6.1754, lon=106.8272),
            "address": "Jl. Medan Merdeka Barat",
            "media": ("https://foto.example/lubang.jpg",),
            "received_at": self.received_at,
        }
        return self.add(ComplaintSubmitted, "submitted", **(values | more))

    def assigned(self, unit: Unit = GAMBIR, *, urgency: str = "high", cause: object = "assigned", **more: Any) -> "Life":
        values = {
            "unit": unit,
            "ward": GAMBIR,
            "agency": None,
            "category": "jalan_rusak",
            "urgency": urgency,
            "clocks": jakarta().sla.terms("jalan_rusak", urgency, self.received_at),
            "decision": DECISION,
        }
        return self.add(ComplaintAssigned, cause, **(values | more))

    def triaged(self, unit: Unit | None = None, **more: Any) -> "Life":
        values = {
            "unit": unit or jakarta().triage_unit,
            "problem": "no_point",
            "category": None,
            "urgency": "normal",
            "clocks": jakarta().sla.triage_terms(self.received_at),
            "decision": DECISION,
        }
        return self.add(ComplaintTriageRequested, "triaged", **(values | more))

    def acknowledged(self, actor: Actor, cause: object = "acknowledged", at: datetime | None = None) -> "Life":
        return self.add(ComplaintAcknowledged, cause, at, actor=actor)

    def resolved(self, actor: Actor, note: str = "Lubang sudah ditambal.", at: datetime | None = None) -> "Life":
        return self.add(ComplaintResolved, "resolved", at, actor=actor, note=note)

    def reopened(self) -> "Life":
        return self.add(ComplaintReopened, "reopened", by="reporter", reason="Masih berlubang.")

    def merged(self) -> "Life":
        return self.add(ComplaintMerged, "merged", into=uuid4())

    def breached(self, clock: str, due_at: datetime) -> "Life":
        return self.add(SlaBreached, clock, due_at, clock=clock, due_at=due_at, unit=GAMBIR, minutes_late=0)

    def add(self, kind: type[Event], cause: object, at: datetime | None = None, **values: Any) -> "Life":
        self.events.append(kind.create(complaint_id=self.id, cause=cause, occurred_at=at or self.received_at, **values))
        return self


def read(events: Iterable[Event]) -> list[Received[Event]]:
    """Events as they come off the log."""
    return [Received(event, 0, offset, NOW, None) for offset, event in enumerate(events)]


@dataclass
class Office:
    """The notifier's parts on one database, wired as the service wires them, with a clock that the test sets."""

    database: Database
    city: City
    mailbox: Mailbox
    now: datetime = NOW
    lease_seconds: float = 60.0
    connections: int = 8
    attempt_seconds: float = 10.0
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.links = Links(SECRET, LINK_LIFETIME, "http://notifier.example")
        self.composer = Composer(FOLDER / "texts" / "mail", self.city, self.links, SENDER, now=self.clock)
        self.desk = Desk(self.database, self.city, self.wake)

    def clock(self) -> datetime:
        return self.now

    def provider(self) -> Provider:
        return Provider(Server(self.mailbox.host, self.mailbox.port), attempt_seconds=self.attempt_seconds)

    def postman(self, provider: Provider | None = None) -> Postman:
        return Postman(
            self.database,
            provider or self.provider(),
            self.composer,
            self.city,
            self.wake,
            lease_seconds=self.lease_seconds,
            connections=self.connections,
            now=self.clock,
        )

    @asynccontextmanager
    async def at_work(self, provider: Provider | None = None) -> AsyncIterator[Postman]:
        """A postman that runs until the block ends."""
        postman, stop = self.postman(provider), asyncio.Event()
        running = asyncio.create_task(postman.run(stop))
        try:
            yield postman
        finally:
            stop.set()
            await running

    def page(self) -> FastAPI:
        return make_app(self.database, self.city, self.links, FOLDER / "texts", now=self.clock)

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[AsyncClient]:
        transport = ASGITransport(self.page(), raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://notifier.example") as client:
            yield client

    async def log(self, *lives: Life) -> None:
        """The log's reader gets what is new of these lives."""
        for life in lives:
            await self.desk.handle(read(life.events))

    async def claim(self) -> "Taken":
        """Take one alert as a postman does, and do nothing with it: as a process that is then killed."""
        (row,) = await self.rows(QUERIES.claim_alerts.sql, 1, self.lease_seconds)
        return Taken(row)

    async def rows(self, query: str, *values: object) -> list[asyncpg.Record]:
        async with self.database.connection() as connection:
            return await connection.fetch(query, *values)

    async def value(self, query: str, *values: object) -> Any:
        async with self.database.connection() as connection:
            return await connection.fetchval(query, *values)

    async def alerts(self) -> list[asyncpg.Record]:
        return await self.rows("SELECT * FROM notifications ORDER BY created_at, rank")

    async def attempts(self) -> list[asyncpg.Record]:
        return await self.rows("SELECT * FROM attempts ORDER BY notification_id, attempt")

    async def outbox(self) -> list[Event]:
        """What waits for the relay, in its order."""
        read_by = decoders()
        rows = await self.rows("SELECT type, payload FROM outbox ORDER BY id")
        return [read_by[row["type"]](row["payload"].encode()) for row in rows]

    async def state(self, life: Life) -> lifecycle.Complaint:
        return lifecycle.decode(await self.value("SELECT state FROM complaints WHERE id = $1", life.id))

    async def until(self, query: str, wanted: object, *values: object, seconds: float = 20) -> None:
        """Wait until a query's value is what is wanted."""
        async with asyncio.timeout(seconds):
            while await self.value(query, *values) != wanted:
                await asyncio.sleep(0.02)

    async def link(self, life: Life, unit: Unit = GAMBIR, role: str = "lurah") -> str:
        """The path of the page for the alert that this office got."""
        row = (
            await self.rows(
                "SELECT id FROM notifications WHERE complaint_id = $1 AND unit_code = $2 AND role = $3", life.id, unit.code, role
            )
        )[0]
        return f"/c/{self.links.token(Link(row['id'], life.id, unit.code, role))}"


@dataclass
class Taken:
    """An alert that was claimed."""

    row: asyncpg.Record

    def mail(self, office: Office) -> bytes:
        claimed = Claimed.of(self.row)
        return office.composer.compose(claimed.alert, claimed.complaint, claimed.submitted, claimed.called_by)
