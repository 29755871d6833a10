"""The plain floor of routing: bare aiokafka and asyncpg, the same decision call, and the routing service's own statement.

What a decision costs is the same on both sides and has a figure of its own (`decide`); what the platform adds to it is measured here:
picking records, batches, positions, traces, the dead-letter path, the outbox rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import asyncpg
from aiokafka import ConsumerRecord

from services.routing.queries import QUERIES
from services.routing.router import Router
from tanggap.contracts.events import ComplaintSubmitted

ROUTER = Router.load(Path(__file__).parents[1] / "cities" / "jakarta")


async def handle(connection: asyncpg.Connection, records: Sequence[ConsumerRecord]) -> None:
    """Decide one batch and keep it."""
    events = [ComplaintSubmitted.model_validate_json(record.value) for record in records]
    decided = ROUTER.decide_all(events)
    await connection.fetch(
        QUERIES.decide.sql,
        [event.event_id for event in events],
        [one.event_id for one in decided],
        [one.complaint_id for one in decided],
        [one.type for one in decided],
        [one.occurred_at for one in decided],
        [one.dataschema for one in decided],
        [one.model_dump_json() for one in decided],
        [None] * len(events),
    )
