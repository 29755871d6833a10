"""Sends the alerts that wait: takes them under a lease, holds no database connection while it sends, writes what came of it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.notifier import alerts, figures
from services.notifier.alerts import Alert, Kind, Plan
from services.notifier.consumer import add_alerts
from services.notifier.mail import Composer
from services.notifier.queries import QUERIES
from services.notifier.retry import MOST_FAILURES, NEVER, Result, RetryDecision, decide, provider_wait
from services.notifier.smtp import Provider, Reply
from tanggap.contracts import lifecycle
from tanggap.contracts.city import City
from tanggap.contracts.events import DeliveryState, Event, OfficialNotified, Unit
from tanggap.contracts.lifecycle import Complaint
from tanggap.platform import outbox, telemetry
from tanggap.platform.clock import Now, utc_now
from tanggap.platform.database import Connection, Database, is_transient
from tanggap.platform.logs import about, get_logger

log = get_logger(__name__)

CHANNEL = "email"
POLL_SECONDS = 1.0
"""How often it looks for alerts whose time has come; new ones wake it at once."""
BACKLOG_SECONDS = 5.0
DRAIN_SECONDS = 8.0
"""How long what is being sent may take after the stop; then it is cut short, and each attempt still writes what came of it."""
OUTCOME_PATIENCE_SECONDS = 30.0
"""How long an outcome is held for a database that is away. After that the lease decides, and the mail may come twice."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An alert that this process has taken, with what its mail says. `resend`: an earlier attempt may have arrived."""

    alert: Alert
    attempt: int
    failures: int
    resend: bool
    created_at: datetime
    traceparent: str | None
    complaint: Complaint
    submitted: str
    called_by: str

    @classmethod
    def of(cls, row: Any) -> Claimed:
        """Read a row of `claim_alerts`."""
        return cls(
            alert=Alert(
                id=row["id"],
                complaint_id=row["complaint_id"],
                cause=row["cause"],
                kind=Kind(row["kind"]),
                rank=row["rank"],
                holder=Unit(code=row["holder_code"], name=row["holder_name"]),
                unit=Unit(code=row["unit_code"], name=row["unit_name"]),
                role=row["role"],
                name=row["name"],
                address=row["address"],
                language=row["language"],
            ),
            attempt=row["attempt"],
            failures=row["failures"],
            resend=row["resend"],
            created_at=row["created_at"],
            traceparent=row["traceparent"],
            complaint=lifecycle.decode(row["complaint"]),
            submitted=row["submitted"],
            called_by=row["called_by"],
        )

    @property
    def wanted(self) -> bool:
        """Is the mail still to be sent? An alert is not once the complaint has ended, or gone to another unit, which has its own.

        Who is only informed is told of one that has ended too, as the decision says. And what may have arrived is sent again
        whatever has happened since: perhaps it ended because this mail was answered, and then the log must say that it was sent.
        """
        unit = self.complaint.unit
        if self.resend:
            return True
        return (
            unit is not None
            and unit.code == self.alert.holder.code
            and (not self.complaint.closed or self.alert.kind is Kind.INFORMED)
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to, ready to be written."""

    state: str
    """The alert's state from now on."""
    outcome: str
    """The attempt's."""
    detail: str
    failures: int
    decision: RetryDecision
    events: tuple[Event, ...]
    next_alert: Alert | None
    untold: bool


def conclude(claimed: Claimed, reply: Reply, provider_failures: int, city: City, at: datetime) -> Outcome:
    """Decide what an attempt's reply comes to: the alert's next state, the events for the log, whom to alert instead. Pure."""
    alert = claimed.alert
    blamed = reply.result in {Result.TEMPORARY, Result.TECHNICAL, Result.UNKNOWN}
    failures = claimed.failures + (1 if blamed else 0)
    decision = decide(reply.result, failures, provider_failures)
    state: DeliveryState
    match reply.result:
        case Result.SENT:
            state = "sent"
        case Result.PERMANENT:
            state = "permanent-failure"
        case Result.TEMPORARY:
            state = "temporary-failure"
        case Result.TECHNICAL | Result.AWAY | Result.UNKNOWN:
            state = "technical-failure"
    if decision != NEVER:
        # What was nobody's fault leaves the alert as if it had not been tried.
        waiting = "created" if reply.result is Result.AWAY else "temporary-failure"
        return Outcome(waiting, reply.result, reply.detail, failures, decision, (), None, untold=False)
    told = OfficialNotified.create(
        complaint_id=alert.complaint_id,
        cause=f"{alert.id}/{state}",
        occurred_at=at,
        notification_id=alert.id,
        unit=alert.unit,
        role=alert.role,
        channel=CHANNEL,
        state=state,
    )
    if reply.result is Result.SENT:
        return Outcome(state, reply.result, reply.detail, failures, decision, (told,), None, untold=False)
    plan: Plan = alerts.after(alert, city, at, f"{CHANNEL}: {state}")
    events = (told, *plan.unreachable)
    # Where one who was only informed is given up, the unit that must act has its own alert.
    untold = plan.alert is None and alert.kind is not Kind.INFORMED
    return Outcome(state, reply.result, reply.detail, failures, decision, events, plan.alert, untold=untold)


WITHDRAWN = Outcome("withdrawn", "withdrawn", "nobody needs it any more", 0, NEVER, (), None, untold=False)


class Postman:
    """The worker for e-mail. `connections`: the most alerts on their way at once."""

    name = "postman"

    def __init__(
        self,
        database: Database,
        provider: Provider,
        composer: Composer,
        city: City,
        wake: asyncio.Event,
        *,
        lease_seconds: float,
        connections: int,
        now: Now = utc_now,
    ) -> None:
        self._database = database
        self._provider = provider
        self._composer = composer
        self._city = city
        self._wake = wake
        self._lease_seconds = lease_seconds
        self._connections = connections
        self._now = now
        self._sending: set[asyncio.Task[None]] = set()
        self._away_in_a_row = 0
        self._quiet_until = 0.0

    def check(self) -> tuple[bool, str]:
        """Ready whether or not the provider is there: its alerts wait, and stopping this process would not bring it back."""
        if self._away_in_a_row:
            return True, f"the provider is away, {self._away_in_a_row} attempts in a row; alerts wait"
        return True, f"{len(self._sending)} being sent"

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set, then let what is on its way end."""
        measuring = asyncio.create_task(self._measure(stop), name="backlog")
        stopped = asyncio.create_task(stop.wait(), name="stop")
        try:
            while not stop.is_set():
                self._wake.clear()
                taken = await self._take()
                if not taken:
                    await self._rest(stopped)
        finally:
            stopped.cancel()
            measuring.cancel()
            if stop.is_set():
                await self._drain()

    async def _take(self) -> bool:
        """Start to send what is due and has room; were there any?"""
        room = self._connections - len(self._sending)
        if self._away_in_a_row:
            # A provider that was away gets one alert as a probe, when its time has come and none is out.
            room = 1 if not self._sending and time.monotonic() >= self._quiet_until else 0
        if room <= 0:
            return False
        try:
            async with self._database.connection() as connection:
                rows = await connection.fetch(QUERIES.claim_alerts.sql, room, self._lease_seconds)
        except Exception as trouble:
            if not is_transient(trouble):
                raise
            log.warning("the database is away, alerts wait", why=f"{type(trouble).__name__}: {trouble}")
            return False
        for row in rows:
            task = asyncio.create_task(self._deliver(row))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return bool(rows)

    async def _rest(self, stopped: asyncio.Task[bool]) -> None:
        """Wait for room, for a new alert, for the provider's time or for the next look; at once when stopped."""
        patience = POLL_SECONDS
        if self._away_in_a_row:
            patience = min(max(self._quiet_until - time.monotonic(), 0.01), POLL_SECONDS)
        waiting: set[asyncio.Task[Any]] = {stopped, *self._sending}
        woken: asyncio.Task[bool] | None = None
        if len(self._sending) < self._connections and not self._away_in_a_row:
            woken = asyncio.create_task(self._wake.wait())
            waiting.add(woken)
        await asyncio.wait(waiting, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if woken is not None:
            woken.cancel()

    async def _deliver(self, row: Any) -> None:
        """Make one attempt, from the mail's making to its outcome's writing. Raises nothing: the lease is the last net."""
        with (
            telemetry.continued(row["traceparent"], "send alert", telemetry.SpanKind.PRODUCER),
            about(complaint_id=str(row["complaint_id"]), notification_id=str(row["id"])),
        ):
            try:
                claimed = Claimed.of(row)
                outcome = await self._attempt(claimed) if claimed.wanted else WITHDRAWN
                # From here on the mail may be out: whatever ends this task, the outcome is written.
                await asyncio.shield(self._finish(claimed, outcome))
            except Exception:
                log.exception("an attempt failed, the alert is tried again when its lease runs out")

    async def _attempt(self, claimed: Claimed) -> Outcome:
        if claimed.resend:
            figures.RESENDS.labels(CHANNEL).inc()
            log.warning("an alert is sent again that may have been sent before")
        reply = await self._send(claimed)
        return conclude(claimed, reply, self._away_in_a_row, self._city, self._now())

    async def _send(self, claimed: Claimed) -> Reply:
        if claimed.failures >= MOST_FAILURES:
            # Its attempts were lost again and again: perhaps the mail itself ends the process.
            return Reply(Result.TECHNICAL, "given up after attempts without an outcome")
        try:
            message = self._composer.compose(claimed.alert, claimed.complaint, claimed.submitted, claimed.called_by)
        except Exception as fault:
            log.exception("a mail could not be made")
            return Reply(Result.TECHNICAL, f"the mail could not be made: {type(fault).__name__}")
        reply = await self._provider.send(self._composer.sender.addr_spec, claimed.alert.address, message)
        self._note_provider(reply)
        return reply

    def _note_provider(self, reply: Reply) -> None:
        if reply.result is Result.AWAY:
            # Those that were on their way together count once.
            if time.monotonic() >= self._quiet_until:
                if not self._away_in_a_row:
                    log.warning("the mail provider is away, alerts wait", why=reply.detail)
                self._away_in_a_row += 1
                self._quiet_until = time.monotonic() + provider_wait(self._away_in_a_row)
        else:
            if self._away_in_a_row:
                log.info("the mail provider answers again", attempts=self._away_in_a_row)
            self._away_in_a_row = 0
        figures.PROVIDER_UP.labels(CHANNEL).set(not self._away_in_a_row)

    async def _finish(self, claimed: Claimed, outcome: Outcome) -> None:
        """Write an outcome; a database that is away is waited for, since a mail that is out must not be forgotten."""
        deadline = time.monotonic() + OUTCOME_PATIENCE_SECONDS
        pause = 0.05
        kept = False
        while True:
            try:
                kept = await self._write(claimed, outcome)
                break
            except Exception as trouble:
                if not is_transient(trouble) or time.monotonic() >= deadline:
                    log.exception("an outcome could not be written, the lease decides")
                    return
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)
        if not kept:
            log.warning("an outcome came after the lease ran out", outcome=outcome.outcome)
            return
        figures.ATTEMPTS.labels(CHANNEL, claimed.alert.kind, outcome.outcome).inc()
        if outcome.state == "sent":
            figures.ALERT_SECONDS.labels(CHANNEL, claimed.alert.kind).observe((self._now() - claimed.created_at).total_seconds())
            log.info("official alerted", unit=claimed.alert.unit.code, kind=claimed.alert.kind.value)
        elif outcome.decision == NEVER and outcome is not WITHDRAWN:
            figures.UNREACHABLE.inc()
            log.warning("official unreachable", unit=claimed.alert.unit.code, role=claimed.alert.role, why=outcome.detail)
        if outcome.next_alert is not None:
            self._wake.set()
        if outcome.untold:
            figures.UNTOLD.inc()
            log.critical("nobody is left to alert, a person must act")

    async def _write(self, claimed: Claimed, outcome: Outcome) -> bool:
        """Write the attempt's end, the alert's state, the events and the next alert as one; false: it was no longer ours."""
        if outcome.next_alert is None:
            async with self._database.connection() as connection:
                return await _write_end(connection, claimed, outcome)
        async with self._database.transaction() as connection:
            kept = await _write_end(connection, claimed, outcome)
            if kept:
                await add_alerts(connection, [outcome.next_alert], [telemetry.current()])
        return kept

    async def _drain(self) -> None:
        if self._sending:
            await asyncio.wait(self._sending, timeout=DRAIN_SECONDS)
        await self._provider.close()
        if self._sending:
            await asyncio.wait(self._sending, timeout=2.0)

    async def _measure(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                async with self._database.connection() as connection:
                    row = await QUERIES.backlog(connection)
            except Exception as trouble:
                if not is_transient(trouble):
                    raise
            else:
                figures.BACKLOG.labels(CHANNEL).set(row["alerts"])
                figures.BACKLOG_SECONDS.labels(CHANNEL).set(row["oldest_seconds"])
            await asyncio.sleep(BACKLOG_SECONDS)


async def _write_end(connection: Connection, claimed: Claimed, outcome: Outcome) -> bool:
    wait = outcome.decision.wait
    kept: bool = await QUERIES.finish_attempt(
        connection,
        claimed.alert.id,
        claimed.attempt,
        outcome.outcome,
        outcome.detail,
        outcome.state,
        outcome.failures,
        None if wait is None else wait.total_seconds(),
        *outbox.rows(outcome.events, telemetry.current()),
    )
    return kept
