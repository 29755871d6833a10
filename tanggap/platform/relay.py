"""The relay: publishes a service's outbox, in order, from one process at a time.

Whichever process of a service holds the schema's advisory lock publishes; the others wait for it. Lock, LISTEN and the
deletions share one connection that is the relay's own: who loses the connection has lost the lock, and can't delete either.
A row is deleted in a transaction that commits only after Kafka has acknowledged its event. So a kill at any moment publishes
some events twice (their ids are the same) and loses none.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import asyncpg

from tanggap.platform import metrics
from tanggap.platform.cloudevents import headers
from tanggap.platform.database import Database
from tanggap.platform.errors import Fatal
from tanggap.platform.logs import get_logger
from tanggap.platform.publisher import REFUSED, Publisher, Record
from tanggap.platform.settings import ServiceSettings
from tanggap.platform.topics import COMPLAINTS

if TYPE_CHECKING:
    Link = asyncpg.Connection[asyncpg.Record]
else:
    Link = Any

log = get_logger(__name__)

BATCH_ROWS = 500
POLL_SECONDS = 1.0
"""The safety net under NOTIFY, and how often a process that waits asks for the lock."""

GATHER_SECONDS = 0.02
"""Least time between two passes while events flow: each pass costs every reader of the log a batch, whatever its size."""

BACKLOG_CAP = 100_000
"""Counting stops here: a longer backlog is shown as this."""

_MAX_PAUSE_SECONDS = 5.0
_LOCK_KEY = "tanggap outbox "

# The ids are picked in a subquery because DELETE knows no ORDER BY. Rows that Kafka refuses for good ($2) are passed over.
_TAKE = """
DELETE FROM outbox
WHERE id IN (SELECT id FROM outbox WHERE id <> ALL ($2::bigint[]) ORDER BY id LIMIT $1)
RETURNING id, event_id::text, subject::text, type, occurred_at, dataschema, payload, traceparent
"""
_COUNT = "SELECT count(*) FROM (SELECT FROM outbox LIMIT $1) AS waiting"


class Relay:
    """Takes events from the outbox in the order of their ids and deletes them when Kafka has acknowledged them."""

    name = "relay"

    def __init__(self, database: Database, settings: ServiceSettings, topic: str = COMPLAINTS) -> None:
        self.database = database
        self.settings = settings
        self.topic = topic
        self.backlog = 0
        """Rows that waited at the last look (at most `BACKLOG_CAP`)."""
        self.active = False
        """Does this process publish? Otherwise another of the service does, or the database is away."""
        self.last_error: str | None = None
        """Why the last attempt failed; `None` after one that did not."""
        self._publisher = Publisher(settings)
        self._failing_since: float | None = None
        self._refused: list[int] = []
        self._counted_at = 0.0

    def check(self) -> tuple[bool, str, bool]:
        """For /readyz: is it well, in words, and is a failure only Kafka's or PostgreSQL's absence?"""
        if self._refused:
            return False, f"{len(self._refused)} events that Kafka refuses stay in the outbox: rows {self._refused[:5]}", False
        if self.last_error is not None and self._failing_since is not None:
            seconds = time.monotonic() - self._failing_since
            return (
                False,
                f"not publishing for {seconds:.0f} s: {self.last_error}; {self.backlog} events wait, safe in the outbox",
                True,
            )
        if not self.active:
            return True, "standing by: another process of this service publishes", False
        return True, f"active, backlog {self.backlog}", False

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set. Outlives outages of Kafka and PostgreSQL; raises `Fatal` for a producer that is stuck."""
        pause = 0.1
        try:
            while not stop.is_set():
                try:
                    await self._session(stop)
                except Fatal:
                    raise
                except Exception as trouble:  # noqa: BLE001 - whatever it is, the rows are safe and the next attempt may go well
                    self._failed(trouble)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(pause):
                            await stop.wait()
                    pause = min(_MAX_PAUSE_SECONDS, pause * 2) if self._failing_since is not None else 0.1
        finally:
            self._set_active(active=False)
            await self._publisher.close()

    async def _session(self, stop: asyncio.Event) -> None:
        """Hold one connection for as long as it lives."""
        link = await self.database.connect()
        wake = asyncio.Event()
        stopper = asyncio.create_task(stop.wait())
        stopper.add_done_callback(lambda _: wake.set())
        link.add_termination_listener(lambda _: wake.set())
        try:
            while not await link.fetchval(
                "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", _LOCK_KEY + self.database.schema
            ):
                self._recovered()
                await _sleep(wake, POLL_SECONDS)
                if stop.is_set():
                    return
            await link.add_listener(f"{self.database.schema}_outbox", lambda *_: wake.set())
            self._set_active(active=True)
            while True:
                wake.clear()
                began = time.monotonic()
                taken = await self._pass(link)
                if stop.is_set():
                    return
                if taken < BATCH_ROWS:
                    # Where events flow the next ones gather a little; the first after a silence goes at once.
                    if taken and (left := began + GATHER_SECONDS - time.monotonic()) > 0:
                        await _sleep(stop, left)
                    await _sleep(wake, POLL_SECONDS)
        finally:
            self._set_active(active=False)
            stopper.cancel()
            await _close(link)

    async def _pass(self, link: Link) -> int:
        """Publish up to 500 events; return how many."""
        taken: list[asyncpg.Record] = []
        try:
            async with link.transaction():
                taken = await link.fetch(_TAKE, BATCH_ROWS, self._refused)
                if taken:
                    taken.sort(key=_id)
                    await self._publisher.publish(self.topic, [self._record(row) for row in taken])
        except REFUSED as refusal:
            await self._find_refused(link, taken, refusal)
        except Exception:
            with suppress(Exception):
                await self._count(link)
            raise
        self._recovered()
        if taken:
            metrics.RELAYED.inc(len(taken))
        if len(taken) < BATCH_ROWS:
            self._show_backlog(len(self._refused))
        elif time.monotonic() - self._counted_at > POLL_SECONDS:
            await self._count(link)
        return len(taken)

    async def _find_refused(self, link: Link, rows: list[asyncpg.Record], refusal: Exception) -> None:
        """One event of these can't be published, ever: publish the others one by one and pass it over from now on."""
        for row in rows:
            try:
                await self._publisher.publish(self.topic, [self._record(row)])
            except REFUSED as why:
                self._refused.append(row["id"])
                log.error(  # noqa: TRY400 - the reason is in the line
                    "Kafka refuses an event for good; it stays in the outbox and is passed over",
                    event_id=row["event_id"],
                    complaint_id=row["subject"],
                    type=row["type"],
                    why=f"{type(why).__name__}: {why}",
                )
            else:
                await link.execute("DELETE FROM outbox WHERE id = $1", row["id"])
        if not self._refused:
            log.warning("Kafka refused a batch and then took each of its events", why=str(refusal))

    def _record(self, row: asyncpg.Record) -> Record:
        _, event_id, subject, event_type, occurred_at, dataschema, payload, traceparent = row
        return Record(
            subject.encode(),
            payload.encode(),
            headers(
                event_id=event_id,
                event_type=event_type,
                service=self.settings.service,
                subject=subject,
                occurred_at=occurred_at,
                dataschema=dataschema,
                traceparent=traceparent,
            ),
        )

    async def _count(self, link: Link) -> None:
        self._counted_at = time.monotonic()
        self._show_backlog(await link.fetchval(_COUNT, BACKLOG_CAP))

    def _show_backlog(self, rows: int) -> None:
        self.backlog = rows
        metrics.RELAY_BACKLOG.set(rows)

    def _set_active(self, *, active: bool) -> None:
        if active != self.active:
            log.info("publishing the outbox" if active else "no longer publishing the outbox", schema=self.database.schema)
        self.active = active
        metrics.RELAY_ACTIVE.set(active)

    def _failed(self, trouble: Exception) -> None:
        metrics.RELAY_FAILURES.inc()
        self.last_error = f"{type(trouble).__name__}: {trouble}".rstrip(": ")
        if self._failing_since is None:
            self._failing_since = time.monotonic()
            log.warning("the outbox can't be published at the moment; its events are safe", why=self.last_error)

    def _recovered(self) -> None:
        if self._failing_since is not None:
            log.info("the outbox is published again", after_seconds=round(time.monotonic() - self._failing_since, 1))
        self._failing_since = None
        self.last_error = None


_id = itemgetter("id")


async def _sleep(wake: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wake.wait()


async def _close(link: Link) -> None:
    """Give the lock back; a connection that doesn't answer is cut."""
    try:
        await link.close(timeout=2.0)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
        link.terminate()
