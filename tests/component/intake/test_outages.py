"""Kafka away: complaints are accepted. PostgreSQL away: they are refused with when to come back, and a retry lands once."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest

from services.intake import keys
from services.intake.app import build
from services.intake.queries import QUERIES
from services.intake.settings import Settings
from tanggap.platform.clock import utc_now
from tanggap.platform.database import Database
from tests.support.databases import Databases
from tests.support.faults import LoggedFaults
from tests.support.intake import FULL, LEAST, MASTER, open_intake
from tests.support.lives import FOLDER


@dataclass
class Wire:
    """A TCP line to a server, which can be cut, and can lose what the server answers."""

    host: str
    port: int
    up: bool = True
    answers_lost: bool = False
    lines: set[asyncio.StreamWriter] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        if not self.up:
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
        self.lines |= {writer, far_writer}
        await asyncio.gather(self._pump(reader, far_writer, back=False), self._pump(far_reader, writer, back=True))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if back and self.answers_lost:
                    # The server has done it; nobody will hear so.
                    self.cut()
                    return
                writer.write(data)
                await writer.drain()
        writer.close()

    def cut(self) -> None:
        """Cut every line; until `up` again nobody gets through."""
        self.up = False
        for line in self.lines:
            line.close()
        self.lines.clear()


@asynccontextmanager
async def wired(dsn: str) -> AsyncIterator[tuple[str, Wire]]:
    """The DSN that goes over a wire, and the wire."""
    parts = urlsplit(dsn)
    wire = Wire(parts.hostname or "127.0.0.1", parts.port or 5432)
    server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}")), wire
    finally:
        wire.cut()
        server.close()
        await asyncio.gather(*wire.tasks, return_exceptions=True)


def refused(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0


async def test_while_postgresql_is_away_nothing_is_accepted_and_a_retry_lands_once(databases: Databases):
    async with wired(await databases.dsn("intake")) as (dsn, wire), open_intake(dsn) as intake:
        first = await intake.post(FULL)
        wire.cut()

        refused(await intake.post(FULL | {"client_request_id": "a-2"}))
        refused(await intake.get(first.json()["id"]))
        wire.up = True
        answers = [await intake.post(FULL | {"client_request_id": "a-2"}) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [201, 200]
        assert answers[0].json() == answers[1].json()
        assert await intake.count("complaints") == await intake.count("outbox") == 2


async def test_a_complaint_whose_answer_was_lost_is_stored_once_however_often_it_is_sent(databases: Databases):
    async with wired(await databases.dsn("intake")) as (dsn, wire), open_intake(dsn) as intake:
        await intake.post(LEAST | {"client_request_id": "first"})
        wire.answers_lost = True

        refused(await intake.post(FULL))
        wire.answers_lost, wire.up = False, True
        again = await intake.post(FULL)

        assert again.status_code == 200  # it had been stored; only the answer was lost
        rows = await intake.rows("SELECT number FROM complaints WHERE client_request_id = 'a-1'")
        assert [row["number"] for row in rows] == [again.json()["number"]]
        assert await intake.count("outbox") == 2


async def test_while_kafka_is_away_complaints_are_accepted_and_wait_in_the_outbox(
    databases: Databases, logged_faults: LoggedFaults, monkeypatch: pytest.MonkeyPatch
):
    dsn = await databases.dsn("intake")
    monkeypatch.setattr(logged_faults, "check", lambda: None)  # aiokafka says at level ERROR that nobody answers; so it is
    settings = Settings(
        database_url=dsn,
        kafka_bootstrap_servers="127.0.0.1:1",
        intake_reporter_key=base64.b64encode(MASTER).decode(),
        tanggap_city=FOLDER,
        drain_seconds=1,
    )
    process = build(settings)
    async with (
        process.app.router.lifespan_context(process.app),
        httpx.AsyncClient(transport=httpx.ASGITransport(process.app), base_url="http://intake") as client,
    ):
        key = keys.generate()
        database = process.database
        assert isinstance(database, Database)
        async with database.connection() as connection:
            await QUERIES.add_key(connection, prefix=key.prefix, app="jaki", hash=key.hash, created_at=utc_now())
        headers = {"Authorization": f"Bearer {key.secret}"}
        answers = [
            await client.post("/v1/complaints", json=LEAST | {"client_request_id": str(number)}, headers=headers)
            for number in range(20)
        ]
        async with database.connection() as connection:
            waiting = await connection.fetchval("SELECT count(*) FROM outbox")
        read = await client.get(f"/v1/complaints/{answers[0].json()['id']}", headers=headers)

    assert {answer.status_code for answer in answers} == {201}
    assert waiting == 20
    assert read.status_code == 200
