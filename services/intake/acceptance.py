"""Accepting a complaint: once, for good, and before anybody is told so.

Whatever brings complaints (the JSON API now; other faces later) ends here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from services.intake.figures import RECEIVED
from services.intake.numbers import Numbers
from services.intake.queries import QUERIES
from services.intake.reporters import Unreadable, Vault, contact_of
from services.intake.submission import Reporter, Submission
from tanggap.contracts.events import ComplaintSubmitted
from tanggap.platform.clock import Now, utc_now
from tanggap.platform.database import Connection, Database

_NUMBER_PLACE = "NUMBER"
_ATTEMPTS = 5
_ACCEPT: str = QUERIES.accept.sql


class ClientKeyReused(Exception):  # noqa: N818 - what the app did
    """The app has used this `client_request_id` for another complaint."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the app is told. `created`: false where the complaint had been accepted before."""

    complaint_id: UUID
    number: str
    received_at: datetime
    created: bool


class Acceptance:
    """Stores complaints: complaint, sealed contact and event in one statement, committed before `accept` returns."""

    def __init__(self, database: Database, numbers: Numbers, vault: Vault, *, now: Now = utc_now) -> None:
        self._database = database
        self._numbers = numbers
        self._vault = vault
        self._now = now

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
        point = submission.point
        async with self._database.connection() as connection:
            day = await self._numbers.day(connection, received_at)
            for _ in range(_ATTEMPTS):
                row = await connection.fetchrow(
                    _ACCEPT,
                    complaint_id,
                    app,
                    submission.client_request_id,
                    fingerprint,
                    submission.source,
                    submission.category,
                    submission.description,
                    None if point is None else point.lat,
                    None if point is None else point.lon,
                    submission.address,
                    submission.media,
                    submission.occurred_at,
                    received_at,
                    day.prefix,
                    day.base,
                    None if sealed is None else sealed.contact,
                    None if sealed is None else sealed.wrapped_key,
                    None if sealed is None else sealed.wrapped_by,
                    event.event_id,
                    event.type,
                    event.dataschema,
                    head,
                    tail,
                    traceparent,
                )
                if row is not None:
                    break
            else:
                raise TimeoutError("another transaction held the client key each time")
            receipt = Receipt(row["id"], row["number"], row["received_at"], row["created"])
            if not receipt.created and (
                row["request_hash"] != fingerprint or not await self._same_reporter(connection, receipt.complaint_id, contact)
            ):
                RECEIVED.labels("conflict").inc()
                raise ClientKeyReused
        RECEIVED.labels("accepted" if receipt.created else "repeated").inc()
        return receipt

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
    )


def cut_at_number(event: ComplaintSubmitted) -> tuple[str, str]:
    """The event's JSON before and after its number, which only the statement that stores the complaint knows.

    The number stands before anything that people wrote, so the first place that looks like it is it.
    """
    head, _, tail = event.model_dump_json().partition(f'"number":"{_NUMBER_PLACE}"')
    return head + '"number":"', '"' + tail


__all__ = ["Acceptance", "ClientKeyReused", "Receipt", "cut_at_number"]
