"""The ticker: fires each deadline that ran out once, and never one that the log may already have answered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

import asyncpg

from services.metrics.figures import QUERIES
from tanggap.contracts.events import SlaBreached, SlaWarned, Unit
from tanggap.platform import outbox
from tanggap.platform.clock import Now, utc_now
from tanggap.platform.database import Database, is_transient
from tanggap.platform.logs import get_logger
from tanggap.platform.process import wait

log = get_logger(__name__)

MOST_AT_ONCE = 500
"""Deadlines fired in one transaction."""

CAUGHT_UP = timedelta(seconds=15)
"""A partition whose reader is no further behind than this has been read to its end."""


class Reading(Protocol):
    """What the ticker must know of the consumer."""

    def assigned(self) -> frozenset[int] | set[int]:
        """Give the partitions that are read here."""

    def watermark(self, partition: int) -> datetime | None:
        """Give the moment up to which all records of `partition` are handled; null until that is known."""


class Ticker:
    """Fires deadlines, every `seconds`.

    A deadline fires only where its partition is read here and `due_at <= min(now, watermark)`: whatever an official did
    before the deadline is folded by then, so a reader that lags never accuses falsely. After a start, or when it is given a
    partition, it waits until that has been read to its end once: further on in the log may lie the deadline's own firing.

    Firing is one transaction: rows are claimed with SKIP LOCKED, marked, and their events put into the outbox. The event's id is
    made of complaint, clock and kind, so it is the same whoever fires it.
    """

    name = "ticker"

    def __init__(self, database: Database, reading: Reading, *, seconds: float = 1.0, now: Now = utc_now) -> None:
        self._database = database
        self._reading = reading
        self._seconds = seconds
        self._now = now
        self._caught_up: set[int] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until `stop` is set."""
        while not stop.is_set():
            try:
                await self.tick()
            except Exception as trouble:
                if not is_transient(trouble):
                    raise
                log.warning("deadlines wait: the database does not answer", why=f"{type(trouble).__name__}: {trouble}")
            await wait(stop, self._seconds)

    async def tick(self) -> int:
        """Note how far the log is read, fire what ran out by then, and return how many fired."""
        now = self._now()
        reached = {
            partition: min(now, watermark)
            for partition in self._reading.assigned()
            if (watermark := self._reading.watermark(partition)) is not None
        }
        self._caught_up &= reached.keys()
        self._caught_up |= {partition for partition, moment in reached.items() if now - moment <= CAUGHT_UP}
        if not reached:
            return 0
        async with self._database.connection() as connection:
            await QUERIES.move_watermarks(connection, partitions=list(reached), watermarks=list(reached.values()))
        known = {partition: moment for partition, moment in reached.items() if partition in self._caught_up}
        total = 0
        while known:
            fired = await self._fire(known, now)
            total += fired
            if fired < MOST_AT_ONCE:
                break
        if total:
            log.info("deadlines fired", count=total)
        return total

    async def _fire(self, known: Mapping[int, datetime], now: datetime) -> int:
        async with self._database.transaction() as connection:
            claimed = QUERIES.claim_due(connection, partitions=list(known), until=list(known.values()), most=MOST_AT_ONCE)
            due = [row async for row in claimed]
            if due:
                await QUERIES.mark_fired(
                    connection,
                    fired_at=now,
                    complaint_ids=[row["complaint_id"] for row in due],
                    clocks=[row["clock"] for row in due],
                    kinds=[row["kind"] for row in due],
                )
                await outbox.add(connection, [fired_event(row, now) for row in due])
        return len(due)


def fired_event(row: asyncpg.Record | Mapping[str, Any], now: datetime) -> SlaWarned | SlaBreached:
    """Make the event of a claimed deadline; the same deadline makes the same id, whenever it fires."""
    common: dict[str, Any] = {
        "complaint_id": row["complaint_id"],
        "cause": f"{row['clock']}/{row['kind']}",
        "occurred_at": now,
        "clock": row["clock"],
        "due_at": row["due_at"],
        "unit": Unit(code=row["unit_code"], name=row["unit_name"]),
    }
    if row["kind"] == "warn":
        return SlaWarned.create(**common)
    return SlaBreached.create(**common, minutes_late=int((now - row["due_at"]).total_seconds() // 60))
