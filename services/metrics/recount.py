"""The recount: reads the log from its beginning, folds it again, and holds the database against the outcome.

`python -m services.metrics recount` prints JSON and ends with 0 where database and log agree, 1 where they differ (the
differences are listed), 2 where no recount is possible. It may run beside the service: it looks at the database as it is at
one moment, and reads the log exactly as far as the database had folded it then. The figures are counted here in Python,
apart from the SQL.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.metrics import figures
from services.metrics.api import values
from services.metrics.figures import GROUPINGS, QUERIES, Ask, Figures, GroupBy
from services.metrics.fold import Facts, KotaOf, facts, kota_finder
from services.metrics.settings import Settings
from tanggap.contracts import city as cities
from tanggap.contracts import events, lifecycle
from tanggap.contracts.events import Event
from tanggap.contracts.lifecycle import Complaint
from tanggap.contracts.sla_clocks import Calendar
from tanggap.platform.database import Connection, Database
from tanggap.platform.topics import COMPLAINTS

EQUAL: Final = 0
DIFFERENT: Final = 1
IMPOSSIBLE: Final = 2

SHOWN: Final = 50
"""Differences that are listed; all are counted."""

PATIENCE_MS: Final = 30_000
"""How long the broker may be silent while there is something to read."""

TOLERANCE_SECONDS: Final = 0.002
"""Two ways of working out a percentile may differ in a double's last digits."""


class ImpossibleError(Exception):
    """Why the log can't be counted, in one line."""


@dataclass(slots=True)
class Recount:
    """What was found."""

    as_of: datetime | None = None
    records: int = 0
    undecodable: int = 0
    facts: list[Facts] = field(default_factory=list)
    differences: list[dict[str, Any]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def differs(self, what: str, log: object, database: object) -> None:
        """Note a difference."""
        self.differences.append({"what": what, "log": log, "database": database})

    def report(self) -> str:
        """Give the outcome as JSON."""
        report = {
            "as_of": self.as_of,
            "equal": not self.differences,
            "log": {"records": self.records, "undecodable": self.undecodable, "complaints": len(self.facts)},
            **self.figures,
            "difference_count": len(self.differences),
            "differences": self.differences[:SHOWN],
        }
        return json.dumps(report, indent=1, default=str)


def main(settings: Settings, topic: str = COMPLAINTS) -> int:
    """Recount, print, and return the exit code."""
    try:
        found = asyncio.run(recount(settings, topic))
    except (ImpossibleError, KafkaError, OSError, asyncpg.PostgresError, cities.CityFaults) as trouble:
        sys.stderr.write(f"no recount: {trouble or type(trouble).__name__}\n")
        return IMPOSSIBLE
    sys.stdout.write(found.report() + "\n")
    return DIFFERENT if found.differences else EQUAL


async def recount(settings: Settings, topic: str = COMPLAINTS) -> Recount:
    """Fold the log as far as the database has, and compare. Raises `ImpossibleError` where its beginning is gone."""
    city = cities.load(settings.tanggap_city)
    found = Recount()
    database = Database(settings.dsn, settings.service, max_size=1)
    reader = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers,
        client_id="tanggap-recount",
        enable_auto_commit=False,
        auto_offset_reset="none",
    )
    await database.start()
    try:
        await reader.start()
        async with (
            database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await _compare(found, connection, reader, topic, calendar=city.calendar, kota_of=kota_finder(city))
    finally:
        await reader.stop()
        await database.stop()
    return found


async def _compare(
    found: Recount, connection: Connection, reader: AIOKafkaConsumer, topic: str, *, calendar: Calendar, kota_of: KotaOf
) -> None:
    positions = {row["partition"]: row["position"] async for row in QUERIES.positions(connection)}
    found.as_of = await QUERIES.as_of(connection)
    # One partition after the other, so that no more than one is held in memory.
    for partition, position in positions.items():
        lives: dict[UUID, Complaint] = {}
        async for event in _read(found, reader, TopicPartition(topic, partition), position):
            outcome = lifecycle.apply(lives.get(event.complaint_id), event, calendar)
            if outcome.complaint is not None:
                lives[event.complaint_id] = outcome.complaint
        rows = {row["complaint_id"]: row async for row in QUERIES.partition_rows(connection, partition=partition)}
        found.facts += compare_lives(found, lives, rows, partition, kota_of)
    for group_by in GROUPINGS:
        table = await figures.read(connection, Ask(group_by=group_by))
        counted = count(found.facts, group_by, found.as_of)
        held: dict[str | None, Figures] = {group.code: group.figures for group in table.groups}
        if group_by == "all":
            held = {None: table.total}
        compare_figures(found, group_by, counted, held)
        if group_by == "all":
            found.figures["total"] = values(counted.get(None, figures.NOTHING))
        else:
            found.figures[group_by] = {
                code or "": values(each) for code, each in sorted(counted.items(), key=lambda item: item[0] or "")
            }


async def _read(found: Recount, reader: AIOKafkaConsumer, partition: TopicPartition, end: int) -> AsyncIterator[Event]:
    """Every event of the partition before offset `end`, as the service reads it."""
    decoders, name = events.decoders(), f"{partition.topic}/{partition.partition}"
    reader.assign([partition])
    begins, ends = (await reader.beginning_offsets([partition]))[partition], (await reader.end_offsets([partition]))[partition]
    if end > 0 and begins > 0:
        raise ImpossibleError(f"{name} begins at offset {begins}: its beginning was deleted")
    if ends < end:
        raise ImpossibleError(f"{name} ends at offset {ends}, but {end} were folded: it is another log")
    reader.seek(partition, 0)
    while await reader.position(partition) < end:
        batch = await reader.getmany(partition, timeout_ms=PATIENCE_MS)
        if not batch:
            raise ImpossibleError(f"{name} does not answer")
        for record in batch.get(partition, []):
            if record.offset >= end:
                return
            found.records += 1
            kind = dict(record.headers).get("ce_type", b"").decode(errors="replace")
            if (decode := decoders.get(kind)) is None:
                continue
            try:
                yield decode(record.value or b"")
            except ValueError:
                found.undecodable += 1


def compare_lives(
    found: Recount, lives: Mapping[UUID, Complaint], rows: Mapping[UUID, Mapping[str, Any]], partition: int, kota_of: KotaOf
) -> Iterable[Facts]:
    """Hold each complaint's row and state against the log's; return the log's rows."""
    for complaint_id in rows.keys() - lives.keys():
        found.differs(f"complaint {complaint_id}", None, "has a row")
    counted = []
    for complaint_id, complaint in lives.items():
        fact = facts(complaint, partition, kota_of)
        counted.append(fact)
        row = rows.get(complaint_id)
        if row is None:
            found.differs(f"complaint {complaint_id}", complaint.status, None)
            continue
        for name, value in fact._asdict().items():
            if name != "partition" and row[name] != value:
                found.differs(f"complaint {complaint_id} {name}", value, row[name])
        if lifecycle.decode(row["state"]) != complaint:
            found.differs(f"complaint {complaint_id} state", lifecycle.encode(complaint), row["state"])
    return counted


def compare_figures(
    found: Recount, group_by: GroupBy, counted: Mapping[str | None, Figures], held: Mapping[str | None, Figures]
) -> None:
    """Hold each figure of each group against the log's."""
    for code in counted.keys() | held.keys():
        log, database = asdict(counted.get(code, figures.NOTHING)), asdict(held.get(code, figures.NOTHING))
        for name, value in log.items():
            other = database[name]
            close = value is not None and other is not None and abs(value - other) <= TOLERANCE_SECONDS
            if value != other and not (isinstance(value, float) and close):
                found.differs(f"{group_by} {code}: {name}", value, other)


CODES: Final[Mapping[GroupBy, Callable[[Facts], str | None]]] = {
    "unit": lambda row: row.unit_code,
    "kota": lambda row: row.kota,
    "category": lambda row: row.category,
    "all": lambda _: None,
}


def count(rows: Iterable[Facts], group_by: GroupBy, as_of: datetime | None) -> dict[str | None, Figures]:
    """Count the figures of each group; definitions are those of `services.metrics.figures`."""
    groups: defaultdict[str | None, list[Facts]] = defaultdict(list)
    for row in rows:
        groups[CODES[group_by](row)].append(row)
    return {code: _count(members, as_of) for code, members in groups.items()}


def _count(rows: Sequence[Facts], as_of: datetime | None) -> Figures:
    waits = sorted((row.first_response_at - row.received_at).total_seconds() for row in rows if row.first_response_at is not None)
    outcomes = Counter(row.outcome for row in rows)
    return Figures(
        received=len(rows),
        answered=len(waits),
        first_response_p50=quantile(waits, 0.5),
        first_response_p90=quantile(waits, 0.9),
        open=outcomes["open"],
        overdue=sum(row.outcome == "open" and _passed(row.overdue_from, as_of) for row in rows),
        triage=sum(row.status == "triage" for row in rows),
        resolved=outcomes["resolved"],
        rejected=outcomes["rejected"],
        merged=outcomes["merged"],
        breaches=sum(row.breaches for row in rows),
    )


def _passed(moment: datetime | None, as_of: datetime | None) -> bool:
    return moment is not None and as_of is not None and moment <= as_of


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """Interpolate between the two nearest values of a sorted list, as PostgreSQL's percentile_cont does; null for none."""
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
