"""What the consumer does with a batch of new complaints: decide each, keep and tell all in one statement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from services.routing.decide import Decided
from services.routing.figures import DECISIONS, REPEATED
from services.routing.queries import QUERIES
from services.routing.router import Router
from tanggap.contracts.events import ComplaintSubmitted, ComplaintTriageRequested, Event
from tanggap.platform import outbox
from tanggap.platform.consumer import Received
from tanggap.platform.database import Database


class Desk:
    """Takes new complaints off the log and puts each on the desk of its unit."""

    def __init__(self, database: Database, router: Router, ready: Callable[[], Awaitable[None]] | None = None) -> None:
        """`ready`: awaited before each batch, returns once the router has the policy that counts."""
        self._database = database
        self._router = router
        self._ready = ready

    async def handle(self, batch: Sequence[Received[Event]]) -> None:
        """Decide a batch. Delivering it again changes nothing."""
        if self._ready is not None:
            await self._ready()
        # A record that the relay sent twice may stand twice in one batch, and one statement can't take a key twice.
        submitted = {one.event.event_id: one for one in batch if isinstance(one.event, ComplaintSubmitted)}
        decided = self._router.decide_all([one.event for one in submitted.values() if isinstance(one.event, ComplaintSubmitted)])
        rows = outbox.rows(decided, [one.traceparent for one in submitted.values()])
        async with self._database.connection() as connection:
            fresh = await connection.fetch(
                QUERIES.decide.sql,
                list(submitted),
                rows.event_ids,
                rows.subjects,
                rows.types,
                rows.occurred_ats,
                rows.dataschemas,
                rows.payloads,
                rows.traceparents,
            )
        new = {row["event_id"] for row in fresh}
        for outcome, count in Counter(_outcome(one) for one in decided if one.event_id in new).items():
            DECISIONS.labels(outcome).inc(count)
        REPEATED.inc(len(batch) - len(new))


def _outcome(decided: Decided) -> str:
    return decided.problem if isinstance(decided, ComplaintTriageRequested) else "assigned"
