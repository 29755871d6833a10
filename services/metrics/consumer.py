"""What the consumer does with a batch: one look at the states, a fold in memory, one statement that saves what changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg

from services.metrics.figures import QUERIES
from services.metrics.fold import Folded, Known, KotaOf, fold
from services.metrics.gauges import EVENTS
from tanggap.contracts.events import Event
from tanggap.contracts.sla_clocks import Calendar
from tanggap.platform.consumer import Received
from tanggap.platform.database import Database
from tanggap.platform.logs import get_logger

log = get_logger(__name__)

# Parameters of the query `save`, in the order of the rows in `Folded`.
STATE_COLUMNS = ("state_ids", "versions", "states")
FACT_COLUMNS = (
    "complaint_ids",
    "partitions",
    "numbers",
    "statuses",
    "stages",
    "unit_codes",
    "unit_names",
    "kotas",
    "categories",
    "received_ats",
    "assigned_ats",
    "first_response_ats",
    "closed_ats",
    "outcomes",
    "overdue_froms",
    "overdue_clocks",
    "breaches",
)
STOPPED_COLUMNS = ("stopped_ids", "stopped_clocks", "stopped_kinds")
STARTED_COLUMNS = ("started_ids", "started_clocks", "started_kinds", "started_partitions", "started_due_ats")


class Folder:
    """Folds batches of the log into the database.

    Delivering a batch again changes nothing: an event is in its complaint's state or it is not.
    """

    def __init__(self, database: Database, calendar: Calendar, kota_of: KotaOf) -> None:
        self._database = database
        self._calendar = calendar
        self._kota_of = kota_of

    async def handle(self, batch: Sequence[Received[Event]]) -> None:
        """Fold `batch`, whole or not at all.

        Raises `asyncpg.SerializationError` (trouble that passes: the batch is folded again) where another reader of the same
        partition saved a state meanwhile.
        """
        touched = list({received.event.complaint_id for received in batch})
        async with self._database.connection() as connection:
            rows = await connection.fetch(QUERIES.states.sql, touched)
            known = {complaint_id: Known(version, state) for complaint_id, version, state in rows}
            folded = fold(batch, known, self._calendar, self._kota_of)
            async with connection.transaction():
                saved = await QUERIES.save(connection, **_columns(folded, batch))
                if saved != len(folded.states):
                    raise asyncpg.SerializationError("another reader of this partition saved a state meanwhile")
        for why, count in folded.outcomes.items():
            EVENTS.labels(why).inc(count)
        if strangers := folded.outcomes["unknown_complaint"]:
            log.warning("events of complaints that the log never submitted were passed over", count=strangers)


def _columns(folded: Folded, batch: Sequence[Received[Event]]) -> dict[str, Sequence[Any]]:
    positions: dict[int, int] = {}
    for received in batch:
        if received.offset >= positions.get(received.partition, 0):
            positions[received.partition] = received.offset + 1
    return {
        **_turned(STATE_COLUMNS, folded.states),
        **_turned(FACT_COLUMNS, folded.facts),
        **_turned(STOPPED_COLUMNS, folded.stopped),
        **_turned(STARTED_COLUMNS, folded.started),
        "read_partitions": list(positions),
        "read_positions": list(positions.values()),
    }


def _turned(names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> dict[str, Sequence[Any]]:
    """Rows as columns, for `unnest`."""
    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return dict(zip(names, columns, strict=True))
