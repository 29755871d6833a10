"""What an app reads of its complaint: what it sent, where that stands, what happened and when an answer is due.

Never the reporter: not even the app that sent a contact can read it back.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.intake.queries import QUERIES
from tanggap.contracts import lifecycle
from tanggap.contracts.events import ClockName, Point, Unit
from tanggap.contracts.lifecycle import Stage
from tanggap.contracts.sla_clocks import ClockState
from tanggap.platform.clock import Now, utc_now
from tanggap.platform.database import Database
from tanggap.platform.http import Fault

ClockStanding = Literal["running", "paused", "met", "late", "not_started"]


class Accepted(BaseModel):
    """The answer to a complaint, the same each time it is sent. `stage` is the one in which every complaint begins."""

    id: UUID
    number: Annotated[str, Field(examples=["JK2611240001"])]
    stage: Stage
    received_at: datetime
    warnings: Annotated[list[Fault], Field(description="What was accepted, but not as it was sent.")] = []


class Clock(BaseModel):
    """One promise. `due_at` is null while the clock stands still or has not begun.

    `standing`: `met` and `late` once it is decided; a clock that runs past its due time is `late` at once.
    """

    clock: ClockName
    due_at: datetime | None
    standing: ClockStanding


class NextDue(BaseModel):
    """The promise that falls due first."""

    clock: ClockName
    due_at: datetime


class Due(BaseModel):
    """What the city promised. `next`: the first of the running clocks, which may be past; null when none runs."""

    next: NextDue | None = None
    clocks: list[Clock] = []


class HistoryLine(BaseModel):
    """One thing that happened. `stage`: as it was after it; `unit` and `role`: the office that did it or was told."""

    at: datetime
    type: Annotated[str, Field(examples=["complaint.assigned"])]
    stage: Stage
    unit: Unit | None = None
    role: Annotated[str | None, Field(examples=["lurah"])] = None
    note: str | None = None


class ComplaintView(BaseModel):
    """A complaint as its app reads it."""

    id: UUID
    number: Annotated[str, Field(examples=["JK2611240001"])]
    client_request_id: str
    stage: Stage
    category: Annotated[str | None, Field(description="As routed; until then as it was sent.")]
    unit: Annotated[Unit | None, Field(description="The unit that must act.")]
    with_unit: Annotated[Unit | None, Field(description="The unit with which it was coordinated, or to which it was handed.")]
    due: Due
    description: str
    location: Point | None
    address: str | None
    media: list[str]
    attributes: Annotated[dict[str, str], Field(description="As they were sent.")]
    source: str | None
    occurred_at: datetime | None
    received_at: datetime
    updated_at: datetime
    history: list[HistoryLine]


class Reading:
    """Reads complaints for their apps."""

    def __init__(self, database: Database, *, now: Now = utc_now) -> None:
        self._database = database
        self._now = now

    async def complaint(self, app: str, complaint_id: UUID) -> ComplaintView | None:
        """The complaint, as far as the log has been read; `None` if `app` did not send it."""
        async with self._database.connection() as connection:
            row = await QUERIES.read(connection, app=app, id=complaint_id)
        if row is None:
            return None
        state = None if row["state"] is None else lifecycle.decode(row["state"])
        return _view(row, state, self._now())


def _view(row: Any, state: lifecycle.Complaint | None, now: datetime) -> ComplaintView:
    return ComplaintView(
        id=row["id"],
        number=row["number"],
        client_request_id=row["client_request_id"],
        stage=Stage.menunggu if state is None else state.stage,
        category=row["category"] if state is None else state.category,
        unit=None if state is None else state.unit,
        with_unit=None if state is None else state.with_unit,
        due=due(() if state is None else state.clocks, now),
        description=row["description"],
        location=None if row["lat"] is None else Point(lat=row["lat"], lon=row["lon"]),
        address=row["address"],
        media=row["media"],
        attributes=json.loads(row["attributes"]),
        source=row["source"],
        occurred_at=row["reported_at"],
        received_at=row["received_at"],
        updated_at=row["updated_at"] or row["received_at"],
        history=_history(row),
    )


def _history(row: Any) -> list[HistoryLine]:
    if row["history"] is None:
        # The log has not come back yet: that it was received is known all the same.
        return [HistoryLine(at=row["received_at"], type="complaint.submitted", stage=Stage.menunggu)]
    lines = [HistoryLine.model_validate(line) for line in json.loads(row["history"])]
    return [line.model_copy(update={"at": line.at.astimezone(UTC)}) for line in lines]


def due(clocks: Sequence[ClockState], now: datetime) -> Due:
    """What `clocks` promise, as it looks at `now`."""
    running = [NextDue(clock=clock.name, due_at=clock.due_at) for clock in clocks if clock.running and clock.due_at is not None]
    return Due(
        next=min(running, key=lambda each: each.due_at, default=None),
        clocks=[Clock(clock=clock.name, due_at=clock.due_at, standing=_standing(clock, now)) for clock in clocks],
    )


def _standing(clock: ClockState, now: datetime) -> ClockStanding:
    if clock.due is None:
        return "not_started"
    if clock.late(now):
        return "late"
    if clock.stopped_at is not None:
        return "met"
    return "running" if clock.running else "paused"
