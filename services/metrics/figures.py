"""The figures: what each one means, said in one place, and how they are read. Counted from rows, never from events.

Every figure is about the complaints *received* in a period (all of them if none is given), grouped by the unit, city, or category
that they have now:

- `received`: complaints accepted in the period. Always `open + resolved + rejected + merged`.
- `answered`: those with a first response, the first official act that the citizen can read (an acknowledgment counts).
- `response_rate`: answered / received, 0 to 1; null where nothing was received.
- `first_response_p50`, `first_response_p90`: half, and nine tenths, of the answered ones had their first response within so many
  seconds of being received; calendar time, pauses included, because that is what the citizen waits. Null where none is answered.
- `open`: neither resolved, rejected nor merged into another.
- `overdue`: open, and a clock that still runs, or ran out before it was paused, is past its due time at `as_of`.
- `triage`: open, and waiting for a person to name the unit.
- `resolved`, `rejected`, `merged`: how they ended, as it stands now (a reopened one is open again).
- `breaches`: clocks of these complaints that ran out, answered late (by the log, whether or not `sla.breached` was ever fired) or
  not at all.

`as_of` is the moment up to which the whole log is folded (the least of all partitions' watermarks), null while that is not known;
then nothing counts as overdue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from tanggap.contracts.events import Words
from tanggap.platform.database import Connection, load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))

GroupBy = Literal["unit", "kota", "category", "all"]
GROUPINGS: tuple[GroupBy, ...] = get_args(GroupBy)

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
END = datetime(2200, 1, 1, tzinfo=UTC)
"""No complaint is older or younger; an open end of a period is one of these."""

DEFINITIONS: Mapping[str, Words] = {
    "received": Words(id="laporan yang diterima pada periode ini", en="complaints accepted in the period"),
    "answered": Words(
        id="sudah mendapat respons pertama: tindakan resmi pertama yang dapat dibaca pelapor, termasuk pernyataan diterima",
        en="had a first response: the first official act that the citizen can read, an acknowledgment included",
    ),
    "response_rate": Words(id="terjawab dibagi masuk", en="answered divided by received"),
    "first_response_p50": Words(
        id="separuh laporan yang terjawab mendapat respons pertama dalam waktu ini sejak diterima (waktu kalender)",
        en="half of the answered ones had their first response within this time of being received (calendar time)",
    ),
    "first_response_p90": Words(
        id="sembilan dari sepuluh laporan yang terjawab mendapat respons pertama dalam waktu ini sejak diterima",
        en="nine in ten of the answered ones had their first response within this time of being received",
    ),
    "open": Words(
        id="belum selesai, belum ditolak, dan bukan kembaran laporan lain",
        en="neither resolved, rejected nor merged into another",
    ),
    "overdue": Words(
        id="belum ditutup, dan batas waktu koordinasi, respons pertama, atau penyelesaiannya sudah lewat",
        en="open, and past the due time of coordination, first response or resolution",
    ),
    "triage": Words(id="menunggu petugas menentukan unitnya", en="waiting for a person to name the unit"),
    "resolved": Words(id="dinyatakan selesai", en="resolved"),
    "rejected": Words(id="ditolak dengan alasan", en="rejected with a reason"),
    "merged": Words(id="digabung ke laporan lain tentang masalah yang sama", en="merged into another about the same problem"),
    "breaches": Words(
        id="batas waktu yang terlewati, baik kemudian dijawab maupun tidak", en="clocks that ran out, answered late or not at all"
    ),
}
"""What each figure means, for people: on the page, in the API's description."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Which complaints, and grouped how. Moments are aware; the period holds `received_from` but not `received_to`."""

    group_by: GroupBy = "all"
    received_from: datetime = BEGINNING
    received_to: datetime = END
    unit: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one group; definitions above. Times are seconds."""

    received: int
    answered: int
    first_response_p50: float | None
    first_response_p90: float | None
    open: int
    overdue: int
    triage: int
    resolved: int
    rejected: int
    merged: int
    breaches: int

    @property
    def response_rate(self) -> float | None:
        """Answered / received, 0 to 1."""
        return self.answered / self.received if self.received else None


NOTHING = Figures(0, 0, None, None, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Group:
    """One group's figures. `code` is null for complaints that have no such unit, city or category (yet)."""

    code: str | None
    name: str | None
    figures: Figures


@dataclass(frozen=True, slots=True)
class Table:
    """The figures of all complaints asked for, and of each group; groups have no order."""

    as_of: datetime | None
    total: Figures
    groups: tuple[Group, ...]


async def read(connection: Connection, ask: Ask) -> Table:
    """Count `ask` from the rows; one statement, so that total and groups are of one moment."""
    counted = QUERIES.figures(
        connection,
        group_by=ask.group_by,
        received_from=ask.received_from,
        received_to=ask.received_to,
        unit=ask.unit,
        category=ask.category,
    )
    rows = [row async for row in counted]
    total = next(row for row in rows if row["is_total"])
    groups = (row for row in rows if not row["is_total"] and ask.group_by != "all")
    return Table(total["as_of"], _figures(total), tuple(Group(row["code"], row["name"], _figures(row)) for row in groups))


def _figures(row: Mapping[str, Any]) -> Figures:
    median, ninth = row["quantiles"] or (None, None)
    return Figures(
        received=row["received"],
        answered=row["answered"],
        first_response_p50=median,
        first_response_p90=ninth,
        open=row["open"],
        overdue=row["overdue"],
        triage=row["triage"],
        resolved=row["resolved"],
        rejected=row["rejected"],
        merged=row["merged"],
        breaches=row["breaches"],
    )
