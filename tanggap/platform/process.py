"""A service's process: HTTP, consumer, relay and workers in one event loop, started together and drained together.

`GET /livez`: the loop turns. `GET /readyz`: every check by name, and why one fails (503 then). `GET /metrics`: Prometheus.
On SIGTERM the process stops taking requests, finishes what it has in hand and ends within 15 s.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol, TypeVar

import uvicorn
import uvloop
from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response
from typing_extensions import override

from tanggap.platform import logs, metrics, telemetry
from tanggap.platform.consumer import Consumer
from tanggap.platform.database import Database
from tanggap.platform.errors import Fatal
from tanggap.platform.migrations import MigrationError, applied_versions, migrate, pending
from tanggap.platform.relay import Relay
from tanggap.platform.settings import ServiceSettings

log = logs.get_logger(__name__)

HTTP_DRAIN_SECONDS = 3
"""How long requests in hand may take after SIGTERM."""

EXIT_FATAL = 70
"""The process's exit code when it can't go on and a supervisor must start it again (sysexits' EX_SOFTWARE)."""

EXIT_MIGRATION = 65
"""The exit code of `migrate` when a migration fails (sysexits' EX_DATAERR)."""

STEADY_SECONDS = 5.0
"""A worker that crashed counts as well again when it has run for so long."""

MAX_RESTART_PAUSE_SECONDS = 30.0


class Worker(Protocol):
    """Something that runs beside HTTP for as long as the process does."""

    @property
    def name(self) -> str:
        """Its name in logs, figures and /readyz."""

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; finish what is in hand then. A crash is logged, and it is run again after a pause."""


@dataclass(slots=True)
class Check:
    """One line of /readyz. `outage`: it fails only because Kafka (or PostgreSQL, for a batch) is away, which mends itself."""

    ok: bool
    detail: str
    outage: bool = False

    @classmethod
    def passed(cls, detail: str) -> Check:
        """It holds."""
        return cls(ok=True, detail=detail)

    @classmethod
    def failed(cls, detail: str) -> Check:
        """It does not, and why."""
        return cls(ok=False, detail=detail)


class _Supervised:
    """A worker with its restarts: pauses of 0.5 s x 2^n, at most 30 s, reset once it runs steadily."""

    def __init__(self, worker: Worker, fatal: Callable[[str], None]) -> None:
        self.worker = worker
        self.fatal = fatal
        self.crashes_in_a_row = 0
        self.last_crash: str | None = None
        self.since = 0.0
        self.running = False

    def check(self) -> Check:
        if not self.running:
            return Check.failed(f"crashed: {self.last_crash}" if self.last_crash else "not running")
        if self.last_crash is not None and time.monotonic() - self.since < STEADY_SECONDS:
            return Check.failed(f"running again, but crashed a moment ago: {self.last_crash}")
        return Check.passed("running")

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self.since = time.monotonic()
            self.running = True
            try:
                await self.worker.run(stop)
                if stop.is_set():
                    return
                raise RuntimeError("it ended though nobody stopped it")  # noqa: TRY301 - the same as a crash
            except Fatal as end:
                self.running = False
                self.last_crash = str(end)
                self.fatal(f"{self.worker.name}: {end}")
                return
            except Exception as crash:
                if time.monotonic() - self.since >= STEADY_SECONDS:
                    self.crashes_in_a_row = 0
                self.running = False
                self.last_crash = f"{type(crash).__name__}: {crash}"
                pause = min(MAX_RESTART_PAUSE_SECONDS, 0.5 * 2**self.crashes_in_a_row)
                self.crashes_in_a_row += 1
                metrics.WORKER_CRASHES.labels(self.worker.name).inc()
                log.exception("a worker crashed and is started again", worker=self.worker.name, pause_seconds=pause)
                await wait(stop, pause)
        self.running = False


class Process:
    """All that runs in one process. Parts may be left out: a service without a consumer has none.

    `needs_kafka=False` is for a service whose main work goes on while Kafka is away (it accepts, and its outbox keeps): then
    /readyz shows the outage and answers 200 all the same, so that nobody takes the service out of their balancer for it.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        *,
        app: FastAPI,
        database: Database | None,
        consumer: Consumer[Any] | None = None,
        relay: Relay | None = None,
        workers: Sequence[Worker] = (),
        needs_kafka: bool = True,
    ) -> None:
        self.settings = settings
        self.needs_kafka = needs_kafka
        self.app = app
        self.database = database
        self.consumer = consumer
        self.relay = relay
        self.migrations: Path | None = None
        self.stopping = asyncio.Event()
        self.exit_code = 0
        self.on_fatal: Callable[[], None] = lambda: None
        self._workers = [_Supervised(worker, self.fail) for worker in workers]
        if relay is not None:
            self._workers.append(_Supervised(relay, self.fail))
        if consumer is not None:
            self._workers.append(_Supervised(consumer, self.fail))
        self._migrated = False
        app.router.lifespan_context = self._lifespan(app.router.lifespan_context)
        app.add_api_route("/livez", self._livez, include_in_schema=False)
        app.add_api_route("/readyz", self._readyz, include_in_schema=False)
        app.add_api_route("/metrics", self._metrics, include_in_schema=False)

    def fail(self, why: str) -> None:
        """End the process with a code other than 0, so that a supervisor starts it again. Drains first."""
        log.critical("the process can't go on and ends, so that it is started again", why=why)
        self.exit_code = EXIT_FATAL
        self.begin_stop()
        self.on_fatal()

    def begin_stop(self) -> None:
        """Let consumer, relay and workers finish what they have in hand; /readyz fails from now on."""
        self.stopping.set()

    async def checks(self) -> dict[str, Check]:
        """Every check of readiness by name."""
        found: dict[str, Check] = {}
        if self.stopping.is_set():
            found["process"] = Check.failed("stopping")
        if self.database is not None:
            found["database"] = await self._check_database(self.database)
        for supervised in self._workers:
            worker = supervised.worker
            own = supervised.check()
            look = getattr(worker, "check", None)
            found[worker.name] = Check(*look()) if own.ok and look is not None else own
        return found

    async def _check_database(self, database: Database) -> Check:
        began = time.monotonic()
        try:
            await database.ping()
            if self.migrations is not None and not self._migrated:
                async with database.connection() as connection:
                    missing = pending(await applied_versions(connection, database.schema), self.migrations)
                if missing:
                    how = f"run `python -m services.{self.settings.service} migrate`"
                    return Check.failed(f"migrations are missing ({', '.join(missing)}): {how}")
                self._migrated = True
        except Exception as trouble:  # noqa: BLE001 - whatever it is, it is the answer
            return Check.failed(f"{type(trouble).__name__}: {trouble}".rstrip(": "))
        return Check.passed(f"answers in {(time.monotonic() - began) * 1000:.0f} ms")

    def _lifespan(
        self, inner: Callable[[FastAPI], AbstractAsyncContextManager[Any]]
    ) -> Callable[[FastAPI], AbstractAsyncContextManager[Any]]:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
            async with AsyncExitStack() as stack:
                if self.database is not None:
                    await self.database.start()
                    stack.push_async_callback(self.database.stop)
                state = await stack.enter_async_context(inner(app))
                tasks = [asyncio.create_task(one.run(self.stopping), name=one.worker.name) for one in self._workers]
                stack.push_async_callback(self._drain, tasks)
                yield state

        return lifespan

    async def _drain(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        self.begin_stop()
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=self.settings.drain_seconds + 0.5)
        for task in late:
            log.warning(
                "a worker did not finish in time and is cut off; what it had in hand will be done again", worker=task.get_name()
            )
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1.0)

    async def _livez(self) -> Response:
        return JSONResponse({"status": "ok"})

    async def _readyz(self) -> Response:
        found = await self.checks()
        well = all(check.ok for check in found.values())
        ready = well or all(check.ok or (check.outage and not self.needs_kafka) for check in found.values())
        metrics.READY.set(ready)
        return JSONResponse(
            {
                "status": "ready" if well else "degraded" if ready else "not ready",
                "checks": {name: {"ok": check.ok, "detail": check.detail} for name, check in found.items()},
            },
            HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE,
        )

    async def _metrics(self) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def wait(stop: asyncio.Event, seconds: float) -> bool:
    """Wait so long or until `stop` is set; is it set?"""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
    return stop.is_set()


class _Server(uvicorn.Server):
    """Uvicorn that lets the workers drain while requests do, and not after them."""

    def __init__(self, config: uvicorn.Config, process: Process) -> None:
        super().__init__(config)
        self.process = process
        process.on_fatal = self._end

    def _end(self) -> None:
        self.should_exit = True

    @override
    def handle_exit(self, sig: int, frame: Any) -> None:
        self.process.begin_stop()
        super().handle_exit(sig, frame)
        # uvicorn would raise the signal again once it has stopped, and the process would die of it (-15) instead of ending with
        # its own code, its traces flushed.
        self._captured_signals.clear()


S = TypeVar("S", bound=ServiceSettings)


def main(settings_type: type[S], build: Callable[[S], Process], migrations: Path) -> None:
    """`python -m services.X` serves, `python -m services.X migrate` brings the schema up to date and ends.

    Exit codes: 0 after SIGTERM or SIGINT, 2 for a bad setting, 65 for a failed migration, 70 when it must be started again.
    """
    settings = settings_type.load()
    logs.configure(settings.service, level=settings.log_level, form=settings.log_format)
    match sys.argv[1:]:
        case []:
            sys.exit(serve(settings, build, migrations))
        case ["migrate"]:
            try:
                done = migrate(settings.dsn, settings.service, migrations)
            except MigrationError as fault:
                sys.stderr.write(f"migration failed: {fault}\n")
                sys.exit(EXIT_MIGRATION)
            sys.stdout.write("".join(f"applied {name}\n" for name in done) or "nothing to apply\n")
        case _:
            sys.stderr.write(f"usage: python -m services.{settings.service} [migrate]\n")
            sys.exit(2)


def serve(settings: S, build: Callable[[S], Process], migrations: Path) -> int:
    """Run until SIGTERM or SIGINT and return the exit code."""
    telemetry.configure(settings.service, settings.otel_exporter_otlp_endpoint)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(settings, build, migrations))
    finally:
        telemetry.shutdown()


async def _serve(settings: S, build: Callable[[S], Process], migrations: Path) -> int:
    process = build(settings)
    process.migrations = migrations
    config = uvicorn.Config(
        process.app,
        host=settings.http_host,
        port=settings.http_port,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing here asks who called or by which scheme
        timeout_graceful_shutdown=HTTP_DRAIN_SECONDS,
        timeout_keep_alive=30,
    )
    server = _Server(config, process)
    # What the start made stays for the process's life: the collector need not look at it again and again. Batches of some
    # thousand short-lived objects are normal here. Together this halves what it costs to read an event.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    log.info("starting", address=settings.base_url)
    await server.serve()
    if not server.started:
        log.critical("the web server did not start", host=settings.http_host, port=settings.http_port)
        return process.exit_code or EXIT_FATAL
    log.info("stopped", exit_code=process.exit_code)
    return process.exit_code
