"""The whole of Tanggap on one machine, as a library: Kafka, PostgreSQL, the mail sink and the services as processes."""

import asyncio
import base64
import contextlib
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from aiokafka.errors import KafkaError

from stack import kafka as brokers
from stack import postgres as databases
from stack.folder import ROOT, StackFolder, choose_ports
from stack.kafka import Kafka
from stack.ports import LOCALHOST
from stack.postgres import Postgres
from stack.programs import Program
from stack.reporter import Reporter, Silent
from stack.trouble import StackTrouble
from stack.watch import Part, Patience, Watch, ending
from tanggap.platform.migrations import MigrationError, migrate
from tanggap.platform.topics import ensure_topics

SERVICES = ("intake", "routing", "notifier", "metrics")
PORTS: Mapping[str, int] = {
    "intake": 8001,
    "routing": 8002,
    "notifier": 8003,
    "metrics": 8004,
    "mail": 8025,
    "smtp": 1025,
    "kafka": 9092,
    "postgres": 5432,
}

_KEY = re.compile(r"\btgp_[A-Za-z0-9]{20,}")
_READY_SECONDS = 60
_PROBE_SECONDS = 0.1
_SERVICE_GRACE_SECONDS = 17  # a service drains within 15 s

# Not handed on to the services: they get their own, or these are for us alone.
_OURS = {"DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "HTTP_HOST", "HTTP_PORT", "PUBLIC_URL"}


@dataclass(slots=True)
class Addresses:
    """Where everything is. URLs without a slash at the end; `dsns` per service; `kafka` is host:port."""

    intake: str = ""
    routing: str = ""
    notifier: str = ""
    metrics: str = ""
    mail: str = ""
    smtp: str = ""
    kafka: str = ""
    dsns: dict[str, str] = field(default_factory=dict)

    def url(self, name: str) -> str:
        """Return the base URL of a service or of the mail sink's pages."""
        return str(getattr(self, name))


class LocalStack:
    """Kafka, PostgreSQL, mail sink and services from `start` to `stop`, watched over in between.

    `folder` keeps all data. `ports` are those to try first, 0 for any; none given: any for all. `services` may be fewer
    than all. `environment` adds variables: per service name, or for all under `*`. `kafka` and `database` are addresses
    of servers that run already: these are used then and never started, stopped or killed (`database` is the DSN of a role
    that may create roles; where it may not, all services share it, each in its own schema).
    `name` below is a service, `mail`, `kafka` or `postgres`. Use it from one event loop.
    """

    def __init__(
        self,
        folder: Path,
        *,
        ports: Mapping[str, int] | None = None,
        services: Sequence[str] = SERVICES,
        environment: Mapping[str, Mapping[str, str]] | None = None,
        kafka: str | None = None,
        database: str | None = None,
        patience: Patience | None = None,
        reporter: Reporter | None = None,
    ) -> None:
        self.folder = StackFolder(folder)
        self.services = tuple(services)
        self.addresses = Addresses()
        self.app_key = ""
        self._wanted_ports = dict(ports) if ports is not None else dict.fromkeys(PORTS, 0)
        self._environment = environment or {}
        self._given_kafka = kafka
        self._given_database = database
        self._patience = patience or Patience()
        self._reporter = reporter or Silent()
        self._ports: dict[str, int] = {}
        self._parts: dict[str, Part] = {}
        self._kafka: Kafka | None = None
        self._postgres: Postgres | None = None
        self._watch: Watch | None = None
        self._held = contextlib.ExitStack()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    # ---- life ----

    async def start(self) -> None:
        """Start all, in order, and return when all are ready. On StackTrouble everything is stopped again."""
        self._held.enter_context(self.folder.occupied())
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        for name in await asyncio.to_thread(self.folder.end_left_over):
            self._reporter.say(f"Ended {name}, which an earlier run had left.")
        self._choose_ports()
        self._watch = Watch(self._parts, self._reporter, self._publish, self._patience)
        await self._start_servers()
        self._reporter.doing("Making topics, roles and schemas")
        await self._make_topics()
        await self._make_schemas()
        self._reporter.doing("Migrating the services' tables")
        await asyncio.gather(*(self._migrate(service) for service in self.services))
        self._reporter.doing("Starting the services")
        for name in ("mail", *self.services):
            program = self._program(name)
            self._parts[name] = Part(name, program, partial(self._launch_process, name))
        await asyncio.gather(*(self.launch(name) for name in ("mail", *self.services)))
        if "intake" in self.services:
            self.app_key = await self._demo_key()
            self._publish()
        self._reporter.doing("")
        self._watch.begin()

    async def stop(self) -> None:
        """Stop all in order, keep the data: the services drain, then the mail sink, then Kafka and PostgreSQL."""
        if self._watch is not None:
            await self._watch.end()
        for part in self._parts.values():
            part.wanted = False
        for names in (self.services, ("mail",), ("kafka", "postgres")):
            running = [name for name in names if name in self._parts]
            ended = await asyncio.gather(*(self._parts[name].program.stop(_SERVICE_GRACE_SECONDS) for name in running))
            for name, by_itself in zip(running, ended, strict=True):
                if not by_itself:
                    self._reporter.say(f"[yellow]{name} did not end within {_SERVICE_GRACE_SECONDS} s and was killed.[/yellow]")
        if self._parts:
            self._parts.clear()
            self.folder.record_processes({})
            self.folder.stack_json.unlink(missing_ok=True)
        self._held.close()

    async def gave_up(self) -> str:
        """Wait until the supervisor gives up on a part, and return the text that says which and why."""
        if self._watch is None:
            raise StackTrouble("The stack was not started yet.")
        return await asyncio.shield(self._watch.gave_up)

    # ---- one part ----

    @property
    def pids(self) -> dict[str, int]:
        """Process id of each part that runs now."""
        found = {name: part.program.pid for name, part in self._parts.items()}
        return {name: pid for name, pid in found.items() if pid is not None}

    async def kill(self, name: str, *, stay_down: bool = False) -> None:
        """SIGKILL a part. The supervisor starts it again, unless it is to `stay_down` until `launch`."""
        part = self._part(name)
        part.wanted = part.wanted and not stay_down
        await asyncio.to_thread(part.program.kill)

    async def terminate(self, name: str) -> bool:
        """SIGTERM a part (SIGINT for PostgreSQL), wait until it ended; it stays down. True if it ended by itself."""
        part = self._part(name)
        part.wanted = False
        return await part.program.stop(_SERVICE_GRACE_SECONDS)

    async def launch(self, name: str) -> None:
        """Start a part that is down and return when it is ready; one that runs is only waited for."""
        part = self._part(name)
        async with part.launching:
            await part.launch()
            part.wanted = True
        self._publish()

    async def restart(self, name: str) -> None:
        """Stop a part in order and start it again; returns when it is ready."""
        await self.terminate(name)
        await self.launch(name)

    async def ready(self, name: str, within_seconds: float = _READY_SECONDS) -> None:
        """Wait until a service or the mail sink says that it is ready, through restarts; StackTrouble says what it lacks."""
        await self._ready(name, within_seconds, lambda: False)

    async def _ready(self, name: str, within_seconds: float, lost: Callable[[], bool]) -> None:
        url = f"{self.addresses.url(name)}/readyz"
        program = self._part(name).program
        deadline = time.monotonic() + within_seconds
        lacks = "it does not answer"
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            while time.monotonic() < deadline:
                if lost():
                    raise StackTrouble(f"{name} {ending(program.exit_code)}. Its log is {program.log}:\n{program.tail()}")
                with contextlib.suppress(httpx.TransportError):
                    answer = await client.get(url)
                    if answer.is_success:
                        return
                    lacks = _what_lacks(answer)
                await asyncio.sleep(_PROBE_SECONDS)
        raise StackTrouble(f"{name} is not ready after {within_seconds:.0f} s: {lacks}. Its log is {program.log}.")

    def _part(self, name: str) -> Part:
        if name not in self._parts:
            known = ", ".join(self._parts) or "nothing"
            raise StackTrouble(f"There is no {name} here to start or stop; this stack runs: {known}.")
        return self._parts[name]

    # ---- starting ----

    def _choose_ports(self) -> None:
        before = self.folder.remember().get("ports", {})
        wanted = dict(self._wanted_ports)
        if self._given_kafka:
            wanted.pop("kafka", None)
        if self._given_database:
            wanted.pop("postgres", None)
        self._ports = choose_ports(wanted, before)
        for name, port in self._ports.items():
            expected = before.get(name) or wanted[name]
            if expected and port != expected:
                self._reporter.say(f"[yellow]Port {expected} is taken; {name} listens on {port}.[/yellow]")
        self.folder.remember(ports=self._ports)
        for name in (*SERVICES, "mail"):
            setattr(self.addresses, name, f"http://{LOCALHOST}:{self._ports[name]}")
        self.addresses.smtp = f"smtp://{LOCALHOST}:{self._ports['smtp']}"

    async def _start_servers(self) -> None:
        work = []
        if self._given_kafka:
            await _expect_kafka(self._given_kafka)
            self.addresses.kafka = self._given_kafka
        else:
            broker = Kafka(self.folder.path / "kafka", port=self._ports["kafka"], log=self.folder.logs / "kafka.log")
            self._kafka = broker
            self._parts["kafka"] = Part("kafka", broker.program, broker.launch)
            work.append(asyncio.to_thread(broker.prepare, self._reporter.doing))
        if not self._given_database:
            database = Postgres(
                self.folder.path / "postgres", port=self._ports["postgres"], log=self.folder.logs / "postgres.log"
            )
            self._postgres = database
            self._parts["postgres"] = Part("postgres", database.program, database.launch)
            work.append(asyncio.to_thread(database.prepare, self._reporter.say))
        self._reporter.doing("Preparing Kafka and PostgreSQL")
        try:
            await asyncio.gather(*work)
        except BaseException:
            self._parts.clear()  # nothing runs yet
            raise
        self._reporter.doing("Starting Kafka and PostgreSQL")
        await asyncio.gather(*(part.launch() for part in self._parts.values()))
        for part in self._parts.values():
            part.wanted = True
        if self._kafka is not None:
            self.addresses.kafka = self._kafka.bootstrap
        # Another program may have taken the chosen port in the moment before the start.
        for name, server in (("kafka", self._kafka), ("postgres", self._postgres)):
            if server is not None:
                self._ports[name] = server.port
        self.folder.remember(ports=self._ports)
        self._publish()

    async def _make_topics(self) -> None:
        try:
            await ensure_topics(self.addresses.kafka)
        except (KafkaError, OSError) as error:
            raise StackTrouble(f"Kafka at {self.addresses.kafka} would not make the topics: {error}") from error

    async def _make_schemas(self) -> None:
        kept = self.folder.remember()
        passwords = {service: kept.get("passwords", {}).get(service) or secrets.token_urlsafe(18) for service in SERVICES}
        self.folder.remember(passwords=passwords)
        if self._postgres is not None:
            self.addresses.dsns = await databases.provision(self._postgres.dsn, passwords)
        elif self._given_database:
            self.addresses.dsns, note = await databases.provision_given(self._given_database, passwords)
            if note:
                self._reporter.say(f"[yellow]{note}[/yellow]")

    async def _migrate(self, service: str) -> None:
        """Bring a service's tables up to date, as `python -m services.X migrate` does, without a Python for each."""
        folder = ROOT / "services" / service / "migrations"
        try:
            await asyncio.to_thread(migrate, self.addresses.dsns[service], service, folder)
        except MigrationError as fault:
            raise StackTrouble(f"{service}'s tables could not be migrated: {fault}") from fault

    async def _launch_process(self, name: str) -> None:
        program = self._parts[name].program
        program.launch()
        self.folder.record_processes({key: part.program.identity for key, part in self._parts.items()})
        await self._ready(name, _READY_SECONDS, lambda: program.pid is None)

    def _program(self, name: str) -> Program:
        module = "stack.mail" if name == "mail" else f"services.{name}"
        return Program(
            name,
            [sys.executable, "-m", module],
            self.folder.logs / f"{name}.log",
            environment=self._variables(name),
            folder=ROOT,
        )

    def _variables(self, name: str) -> dict[str, str]:
        """Return the environment of one process: this process's own, what it needs to know, and what the caller adds."""
        variables = {key: value for key, value in os.environ.items() if key not in _OURS}
        variables.setdefault("LOG_FORMAT", "json")
        variables |= {
            "HTTP_HOST": LOCALHOST,
            "HTTP_PORT": str(self._ports[name]),
            "PUBLIC_URL": self.addresses.url(name),
            "PYTHONUNBUFFERED": "1",
        }
        if name == "mail":
            variables |= {"SMTP_PORT": str(self._ports["smtp"]), "MAIL_FOLDER": str(self.folder.path / "mail")}
        else:
            variables |= {
                "DATABASE_URL": self.addresses.dsns[name],
                "KAFKA_BOOTSTRAP_SERVERS": self.addresses.kafka,
                # A service that was killed takes up its partitions at once instead of after the session's end.
                "KAFKA_GROUP_INSTANCE_ID": f"{name}-0",
            }
            variables.setdefault("TANGGAP_CITY", str(ROOT / "cities" / "jakarta"))
        if name == "intake":
            variables["INTAKE_REPORTER_KEY"] = self._secret("reporter_key", base64.b64encode(secrets.token_bytes(32)).decode())
        if name == "notifier":
            variables["NOTIFIER_SMTP_URL"] = self.addresses.smtp
            variables["NOTIFIER_LINK_SECRET"] = self._secret("link_secret", secrets.token_urlsafe(32))
            variables.setdefault("NOTIFIER_MAIL_FROM", "Tanggap <tanggap@jakarta.example>")
        return {**variables, **self._environment.get("*", {}), **self._environment.get(name, {})}

    def _secret(self, name: str, fresh: str) -> str:
        """Return the secret of the runs before, or keep the fresh one."""
        return str(self.folder.remember().get(name) or self.folder.remember(**{name: fresh})[name])

    async def _demo_key(self) -> str:
        """Return the demo app's key: the one of the run before if intake still knows it, else a new one."""
        kept = self.folder.remember().get("demo_key", "")
        async with httpx.AsyncClient(base_url=self.addresses.intake, timeout=10, trust_env=False) as client:
            if kept:
                nobody = "00000000-0000-4000-8000-000000000000"
                answer = await client.get(f"/v1/complaints/{nobody}", headers={"Authorization": f"Bearer {kept}"})
                if answer.status_code == httpx.codes.NOT_FOUND:
                    return str(kept)
        app = f"demo-{secrets.token_hex(3)}" if kept else "demo"
        key = await asyncio.to_thread(_add_key, app, self._variables("intake"))
        self.folder.remember(demo_key=key)
        return key

    # ---- what is told ----

    def _publish(self) -> None:
        self.folder.record_processes({name: part.program.identity for name, part in self._parts.items()})
        self.folder.publish(
            {
                **{name: self.addresses.url(name) for name in (*self.services, "mail")},
                "smtp": self.addresses.smtp,
                "kafka": self.addresses.kafka,
                "dsn": self.addresses.dsns,
                "pids": {**self.pids, "supervisor": os.getpid()},
                "demo_key": self.app_key,
                "logs": str(self.folder.logs),
            }
        )


async def _expect_kafka(bootstrap: str) -> None:
    """Raise StackTrouble unless one of the given brokers answers."""
    servers = [server.strip() for server in bootstrap.split(",")]
    for server in servers:  # all of them first: a broker that answers would hide a fault in the address after it
        host, _, port = server.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:  # noqa: PLR2004 - ports
            raise StackTrouble(f"KAFKA_BOOTSTRAP_SERVERS holds {server!r}, which is not host:port, as in localhost:9092.")
    for server in servers:
        if await brokers.answers(server):
            return
    raise StackTrouble(f"No Kafka answers at {bootstrap}, which KAFKA_BOOTSTRAP_SERVERS names: start it, or unset the variable.")


def _add_key(app: str, environment: Mapping[str, str]) -> str:
    """Make a key for an upstream app with intake's own command."""
    command = [str(Path(sys.prefix) / "bin" / "tanggap"), "keys", "add", app]
    run = subprocess.run(command, capture_output=True, text=True, env=dict(environment), cwd=ROOT, timeout=60, check=False)
    found = _KEY.search(run.stdout)
    if run.returncode or found is None:
        raise StackTrouble(f"No key could be made for the app {app}: {(run.stderr or run.stdout).strip()[-400:]}")
    return found[0]


def _what_lacks(answer: httpx.Response) -> str:
    """Say which checks of a /readyz answer fail, and why."""
    try:
        checks = answer.json()["checks"]
        return "; ".join(f"{name}: {check['detail']}" for name, check in checks.items() if not check["ok"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code}"
