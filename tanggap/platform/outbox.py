"""The outbox: events leave in the transaction that made them, and one relay per service publishes them in order.

`rows` and `add` put events into the table; `Relay` publishes them. The table's text is in `outbox.sql` beside this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from tanggap.platform.cloudevents import CloudEvent
from tanggap.platform.database import Connection
from tanggap.platform.relay import Relay

COLUMNS = "event_id, subject, type, occurred_at, dataschema, payload, traceparent"
"""The columns that a service fills, in the order of `Rows`."""

UNNEST = "unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[])"

INSERT = f"INSERT INTO outbox ({COLUMNS}) SELECT * FROM {UNNEST}"  # noqa: S608 - no value of anyone's is in it


class Rows(NamedTuple):
    """Events as columns, for `unnest` in a service's own statement, so that outbox rows can be derived in the same CTE."""

    event_ids: list[UUID]
    subjects: list[UUID]
    types: list[str]
    occurred_ats: list[datetime]
    dataschemas: list[str]
    payloads: list[str]
    traceparents: list[str | None]


def rows(events: Sequence[CloudEvent], traceparent: str | Sequence[str | None] | None = None) -> Rows:
    """The columns of `events`. `traceparent`: one for all, or one for each (the trace of the record that caused it)."""
    if traceparent is None or isinstance(traceparent, str):
        traces = [traceparent] * len(events)
    else:
        traces = list(traceparent)
        if len(traces) != len(events):
            raise ValueError(f"{len(traces)} traces for {len(events)} events")
    return Rows(
        [event.event_id for event in events],
        [event.subject for event in events],
        [event.type for event in events],
        [event.occurred_at for event in events],
        [event.dataschema for event in events],
        [event.model_dump_json() for event in events],
        traces,
    )


async def add(
    connection: Connection, events: Sequence[CloudEvent], traceparent: str | Sequence[str | None] | None = None
) -> None:
    """Put `events` into the outbox within the caller's transaction; the relay wakes when it commits."""
    if events:
        arguments: tuple[Any, ...] = rows(events, traceparent)
        await connection.execute(INSERT, *arguments)


__all__ = ["COLUMNS", "INSERT", "UNNEST", "Relay", "Rows", "add", "rows"]
