"""Takes a newly activated policy into the running service: hears of it by NOTIFY, and looks every second all the same."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import suppress
from typing import Final

import asyncpg

from services.routing.figures import POLICIES_READ, POLICY_IN_USE, POLICY_REFUSED
from services.routing.policy import file as policy_file
from services.routing.policy import store as policy_store
from services.routing.policy.policy import Policy
from services.routing.policy.store import Activation, VersionClashError
from services.routing.router import Router
from tanggap.contracts.faults import CityFaults
from tanggap.platform.database import Connection, Database, is_transient
from tanggap.platform.logs import get_logger

log = get_logger(__name__)

LOOK_SECONDS: Final = 1.0
"""The safety net under NOTIFY."""
SESSION: Final = "tanggap-routing-policy"
"""What PostgreSQL calls the session of each process that watches, by which others count those."""
SLOW_SECONDS: Final = 10.0
"""A look that is longer ago than this is said in /readyz: what was activated since is not known here."""


class PolicyWatch:
    """A worker that sets a router's policy to the one that counts.

    That is the last activation whose policy this process's city can take; where there is none, the city's own file. What can't be
    taken is told once in the log, stands in figures, /readyz and the history, and the policy before it stays. `ready` must be
    awaited before the first decision, or a process that has just started would decide by the city's file.
    """

    def __init__(self, database: Database, router: Router, *, process: str | None = None) -> None:
        self._database = database
        self._router = router
        self._own = router.policy
        self._process = process or f"{socket.gethostname()}:{os.getpid()}"
        self._newest: int | None = None
        self._since: Activation | None = None
        self._refused: dict[int, str] = {}
        self._reported: set[int] = set()
        self._looking = asyncio.Lock()
        self._looked_at: float | None = None
        self._trouble: str | None = None
        self._stored = False
        POLICY_IN_USE.labels(router.policy.version).set(1)

    @property
    def name(self) -> str:
        """Its name in logs and /readyz."""
        return "policy"

    def check(self) -> tuple[bool, str]:
        """Which policy is in use, and which is refused; the service works in either case."""
        said = f"version {self._router.policy.version}"
        if self._since is not None:
            said += f", activated {self._since.activated_at:%Y-%m-%d %H:%M} UTC by {self._since.activated_by}"
        for why in self._refused.values():
            said += f"; refused: {why}"
        if self._looked_at is None:
            said += "; not looked yet whether another counts"
        elif (ago := time.monotonic() - self._looked_at) > SLOW_SECONDS:
            said += f"; not looked for {ago:.0f} s whether another counts: {self._trouble}"
        return True, said

    async def ready(self) -> None:
        """Return once it is known which policy counts. Raises what kept it from looking, as trouble with PostgreSQL."""
        if self._looked_at is None:
            async with self._database.connection() as connection:
                await self.look(connection)

    async def run(self, stop: asyncio.Event) -> None:
        """Hear and look until `stop` is set."""
        while not stop.is_set():
            try:
                await self._session(stop)
            except Exception as trouble:
                if not is_transient(trouble):
                    raise
                if self._trouble is None:
                    log.warning("whether another policy counts can't be seen at the moment", why=_words(trouble))
                self._trouble = _words(trouble)
                await _sleep(stop, LOOK_SECONDS)

    async def _session(self, stop: asyncio.Event) -> None:
        """Hold one connection for as long as it lives: what listens can't be lent to others in between."""
        link = await self._database.connect()
        wake = asyncio.Event()
        stopper = asyncio.create_task(stop.wait())
        stopper.add_done_callback(lambda _: wake.set())
        link.add_termination_listener(lambda _: wake.set())
        try:
            await link.execute(f"SET application_name = '{SESSION}'")
            await link.add_listener(policy_store.CHANNEL, lambda *_: wake.set())
            while not stop.is_set():
                wake.clear()
                await self.look(link)
                await _sleep(wake, LOOK_SECONDS)
        finally:
            stopper.cancel()
            await _close(link)

    async def look(self, connection: Connection) -> None:
        """Take the policy that counts, if it is another than the one in use."""
        async with self._looking:
            try:
                await self._look(connection)
            except asyncpg.UndefinedTableError:
                # Not migrated yet, as /readyz says; then nothing can have been activated either.
                self._newest = None
            self._looked_at, self._trouble = time.monotonic(), None

    async def _look(self, connection: Connection) -> None:
        if not self._stored:
            await self._keep_own(connection)
        newest = await policy_store.newest(connection)
        if newest == self._newest:
            return
        refused: dict[int, str] = {}
        chosen, since = self._own, None
        at = newest
        while at is not None and (found := await policy_store.up_to(connection, at)) is not None:
            activation, raw = found
            try:
                chosen, since = await self._parse(activation, raw), activation
                break
            except CityFaults as faults:
                refused[activation.id] = self._why(activation, faults)
                at = activation.id - 1
        self._use(chosen, since)
        self._refuse(refused)
        for number in [*refused, *([since.id] if since is not None else [])]:
            if number not in self._reported:
                await policy_store.report(connection, number, self._process, refused=refused.get(number))
                self._reported.add(number)
        self._newest = newest

    def _refuse(self, refused: dict[int, str]) -> None:
        for number, why in refused.items():
            if number not in self._refused:
                POLICIES_READ.labels("refused").inc()
                log.error(
                    "an activated policy is refused, the one before it stays in use", why=why, version=self._router.policy.version
                )
        self._refused = refused
        POLICY_REFUSED.set(len(refused))

    async def _keep_own(self, connection: Connection) -> None:
        """Keep the city's own policy beside the activated ones: its version stands in decisions too."""
        try:
            await policy_store.store(connection, self._own)
        except VersionClashError as clash:
            log.error("the city's own policy can't be kept for later readers of decisions", why=str(clash))  # noqa: TRY400 - said
        self._stored = True

    async def _parse(self, activation: Activation, raw: bytes) -> Policy:
        for known in (self._router.policy, self._own):
            if known.version == activation.version and known.raw == raw:
                return known
        # A second's work for a large policy, which the loop can't spare.
        return await asyncio.to_thread(policy_file.parse, activation.version, raw, self._router.city)

    def _why(self, activation: Activation, faults: CityFaults) -> str:
        first, *more = faults.faults
        rest = f" (and {len(more)} faults more)" if more else ""
        return (
            f"{first}{rest}; it was checked against the city {activation.city_version}, this is {self._router.city.version}: "
            "activate one that fits, or mend the city's folder and start again"
        )

    def _use(self, policy: Policy, since: Activation | None) -> None:
        before = self._router.policy
        self._since = since
        if policy.version == before.version:
            if since is None and self._looked_at is None:
                log.info("the city's own policy counts; none was activated", version=policy.version)
            return
        self._router.policy = policy
        POLICY_IN_USE.remove(before.version)
        POLICY_IN_USE.labels(policy.version).set(1)
        POLICIES_READ.labels("taken").inc()
        said = (
            {} if since is None else {"by": since.activated_by, "why": since.why, "activated_at": since.activated_at.isoformat()}
        )
        log.info("another policy is in use", version=policy.version, before=before.version, **said)


def _words(trouble: Exception) -> str:
    return f"{type(trouble).__name__}: {trouble}".rstrip(": ")


async def _sleep(wake: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wake.wait()


async def _close(link: asyncpg.Connection[asyncpg.Record]) -> None:
    try:
        await link.close(timeout=2.0)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
        link.terminate()
