"""The plain floor of aggregating: bare aiokafka and asyncpg, `json`, dicts, and the metrics service's own two statements.

It keeps what a script would keep: the state as a dict with the ids it saw, a row for the figures, deadlines when a unit is named. No
models, no lifecycle (every event counts as legal), no working-time arithmetic.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import ConsumerRecord

from services.metrics.consumer import FACT_COLUMNS, STARTED_COLUMNS, STATE_COLUMNS, STOPPED_COLUMNS
from services.metrics.figures import QUERIES

ENDS = {"complaint.resolved": "resolved", "complaint.rejected": "rejected"}


def _when(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _columns(names: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    return dict(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True))


async def handle(connection: asyncpg.Connection, records: Sequence[ConsumerRecord]) -> None:
    """Fold one batch and save it."""
    events = [json.loads(record.value) for record in records]
    touched = {UUID(event["complaint_id"]) for event in events}
    async with connection.transaction():
        known = {row[0]: (row[1], json.loads(row[2])) for row in await connection.fetch(QUERIES.states.sql, list(touched))}
        states: dict[UUID, dict[str, Any]] = {}
        started, stopped = [], []
        for record, event in zip(records, events, strict=True):
            key = UUID(event["complaint_id"])
            state = states.get(key) or (known[key][1] if key in known else {"ids": [], "outcome": "open", "breaches": 0})
            states[key] = state
            if event["event_id"] in state["ids"]:
                continue
            state["ids"].append(event["event_id"])
            kind = event["type"]
            state["partition"] = record.partition
            if kind == "complaint.submitted":
                state |= {"number": event["number"], "received_at": event["received_at"], "status": "submitted"}
            elif kind == "complaint.assigned":
                state |= {
                    "status": "assigned",
                    "unit": event["unit"],
                    "category": event["category"],
                    "assigned_at": event["occurred_at"],
                    "clocks": event["clocks"],
                }
                for clock in event["clocks"]:
                    started.append((key, clock["clock"], "warn", record.partition, _when(clock["warn_at"])))
                    started.append((key, clock["clock"], "breach", record.partition, _when(clock["due_at"])))
            elif kind in {"complaint.acknowledged", "complaint.resolved", "complaint.rejected"}:
                state.setdefault("first_response_at", event["occurred_at"])
                state["note"] = event["note"]
                state["status"] = kind.partition(".")[2]
                for clock in state["clocks"]:
                    if kind in ENDS or clock["clock"] == "first_response":
                        stopped += [(key, clock["clock"], "warn"), (key, clock["clock"], "breach")]
                if kind in ENDS:
                    state |= {"outcome": ENDS[kind], "closed_at": event["occurred_at"]}
        facts = [
            (
                key, state["partition"], state["number"], state["status"], "menunggu", state.get("unit", {}).get("code"),
                state.get("unit", {}).get("name"), None, state.get("category"), _when(state["received_at"]),
                _when(state.get("assigned_at")), _when(state.get("first_response_at")), _when(state.get("closed_at")),
                state["outcome"], None, None, state["breaches"],
            )
            for key, state in sorted(states.items())
        ]  # fmt: skip
        saved = [(key, known[key][0] + 1 if key in known else 1, json.dumps(state)) for key, state in sorted(states.items())]
        positions = {record.partition: record.offset + 1 for record in records}
        await QUERIES.save(
            connection,
            **_columns(STATE_COLUMNS, saved),
            **_columns(FACT_COLUMNS, facts),
            **_columns(STOPPED_COLUMNS, stopped),
            **_columns(STARTED_COLUMNS, started),
            read_partitions=list(positions),
            read_positions=list(positions.values()),
        )
