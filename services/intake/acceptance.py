"""Accepting a complaint: once, for good, and before anybody is told so.

Whatever brings complaints (the JSON API now; other faces later) ends here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from services.intake.figures import RECEIVED
from services.intake.numbers import Numbers
from services.intake.queries import QUERIES
from services.intake.reporters import Unreadable, Vault, contact_of
from services.intake.submission import Reporter, Submission
from tanggap.contracts.events import ComplaintSubmitted
from tanggap.platform.clock import Now, utc_now
from tanggap.platform.database import Connection, Database
from tanggap.platform.together import Together

_NUMBER_PLACE = "NUMBER"
_ATTEMPTS = 5
_ACCEPT: str = QUERIES.accept.sql

MOST_AT_ONCE = 64
"""Most complaints in one statement: some 2 ms of work, so nobody waits long for the batch before."""


class ClientKeyReused(Exception):  # noqa: N818 - what the app did
    """The app has used this `client_request_id` for another complaint."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the app is told. `created`: false where the complaint had been accepted before."""

    complaint_id: UUID
    number: str
    received_at: datetime
    created: bool


class Offered(NamedTuple):
    """One complaint on its way into the table: what the statement `accept` asks of it, in the order of its parameters."""

    id: UUID
    app: str
    client_request_id: str
    request_hash: bytes
    source: str | None
    category: str | None
    description: str
    lat: float | None
    lon: float | None
    address: str | None
    media: str
    attributes: str
    reported_at: datetime | None
    received_at: datetime
    day_prefix: str
    day_base: int
    contact: bytes | None
    wrapped_key: bytes | None
    wrapped_by: str | None
    event_id: UUID
    event_type: str
    dataschema: str
    payload_head: str
    payload_tail: str
    traceparent: str | None


class Acceptance:
    """Stores complaints: complaint, sealed contact and event in one statement, committed before `accept` returns.

    What comes at the same time is stored in one statement and one commit (docs/decisions/0002-group-commit.md).
    """

    def __init__(self, database: Database, numbers: Numbers, vault: Vault, *, now: Now = utc_now) -> None:
        self._database = database
        self._numbers = numbers
        self._vault = vault
        self._now = now
        self._store = Together(self._store_all, most=MOST_AT_ONCE)

    async def accept(self, app: str, submission: Submission, traceparent: str | None) -> Receipt:
        """Accept `submission`, or find it where `app` sent it before.

        Raises `ClientKeyReused`, or the database's trouble: then nothing is known to be stored, and the same call made again
        stores it once.
        """
        complaint_id, received_at = uuid4(), self._now()
        contact = submission.contact
        sealed = None if contact is None else self._vault.seal(complaint_id, contact)
        fingerprint = submission.fingerprint()
        event = _event(complaint_id, app, submission, received_at)
        head, tail = cut_at_number(event)
        point = event.location
        day = self._numbers.known(received_at)
        if day is None:
            async with self._database.connection() as connection:
                day = await self._numbers.day(connection, received_at)
        receipt, stored_hash = await self._store(
            Offered(
                id=complaint_id,
                app=app,
                client_request_id=submission.client_request_id,
                request_hash=fingerprint,
                source=submission.source,
                category=submission.category,
                description=submission.description,
                lat=None if point is None else point.lat,
                lon=None if point is None else point.lon,
                address=submission.address,
                media=json.dumps(submission.media),
                attributes=json.dumps(submission.attributes),
                reported_at=submission.occurred_at,
                received_at=received_at,
                day_prefix=day.prefix,
                day_base=day.base,
                contact=None if sealed is None else sealed.contact,
                wrapped_key=None if sealed is None else sealed.wrapped_key,
                wrapped_by=None if sealed is None else sealed.wrapped_by,
                event_id=event.event_id,
                event_type=event.type,
                dataschema=event.dataschema,
                payload_head=head,
                payload_tail=tail,
                traceparent=traceparent,
            )
        )
        if not receipt.created:
            same = stored_hash == fingerprint
            if same:
                async with self._database.connection() as connection:
                    same = await self._same_reporter(connection, receipt.complaint_id, contact)
            if not same:
                RECEIVED.labels("conflict").inc()
                raise ClientKeyReused
        RECEIVED.labels("accepted" if receipt.created else "repeated").inc()
        return receipt

    async def _store_all(self, offered: Sequence[Offered]) -> Sequence[tuple[Receipt, bytes | None]]:
        """Store all, or find them; with a receipt the hash of the body that was stored before."""
        found: dict[int, tuple[Receipt, bytes | None]] = {}
        async with self._database.connection() as connection:
            for _ in range(_ATTEMPTS):
                left = [number for number in range(len(offered)) if number not in found]
                if not left:
                    break
                rows = await connection.fetch(_ACCEPT, *zip(*(offered[number] for number in left), strict=True))
                for row in rows:
                    receipt = Receipt(row["id"], row["number"], row["received_at"], row["created"])
                    found[left[row["place"] - 1]] = receipt, row["request_hash"]
        if len(found) < len(offered):
            raise TimeoutError("another transaction held a client key each time")
        return [found[number] for number in range(len(offered))]

    async def _same_reporter(self, connection: Connection, complaint_id: UUID, contact: Reporter | None) -> bool:
        # There is no hash of the contact to compare with: it would outlive the erasure and could be tried against a list of
        # telephone numbers. Of a reporter who was erased nothing is known, so anything is the same.
        try:
            return await contact_of(connection, self._vault, complaint_id) == contact
        except Unreadable:
            return True


def _event(complaint_id: UUID, app: str, submission: Submission, received_at: datetime) -> ComplaintSubmitted:
    return ComplaintSubmitted.create(
        complaint_id=complaint_id,
        cause=submission.client_request_id,
        occurred_at=received_at,
        number=_NUMBER_PLACE,
        app=app,
        client_request_id=submission.client_request_id,
        source=submission.source,
        category=submission.category,
        description=submission.description,
        location=submission.point,
        address=submission.address,
        media=submission.media,
        reported_at=submission.occurred_at,
        received_at=received_at,
        attributes=submission.attributes,
    )


def cut_at_number(event: ComplaintSubmitted) -> tuple[str, str]:
    """The event's JSON before and after its number, which only the statement that stores the complaint knows.

    The number stands before anything that people wrote, so the first place that looks like it is it.
    """
    head, _, tail = event.model_dump_json().partition(f'"number":"{_NUMBER_PLACE}"')
    return head + '"number":"', '"' + tail


__all__ = ["Acceptance", "ClientKeyReused", "Receipt", "cut_at_number"]
