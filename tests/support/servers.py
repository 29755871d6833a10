"""Where the tests find Kafka and PostgreSQL: addresses given, else Docker, else the local stack. Never nowhere."""

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from stack.kafka import Kafka
from stack.kafka import answers as kafka_answers
from stack.postgres import Postgres
from stack.postgres import answers as postgres_answers
from tests.support import containers

PING_SECONDS = 3.0
"""How long a Docker engine may take to answer."""


def given(name: str) -> str | None:
    """An address from the environment; the name for tests alone wins over the plain one."""
    return os.environ.get(f"TEST_{name}") or os.environ.get(name) or None


def docker_answers() -> bool:
    """Whether a Docker engine answers where `DOCKER_HOST` says; having the command is not enough.

    By hand, since Docker's own client and httpx both leak the socket when nobody answers.
    """
    scheme, _, place = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").partition("://")
    host, _, port = place.partition(":")
    with socket.socket(socket.AF_UNIX if scheme == "unix" else socket.AF_INET) as line:
        line.settimeout(PING_SECONDS)
        # A DOCKER_HOST whose port is no number names no engine either.
        with suppress(OSError, ValueError):
            line.connect(place if scheme == "unix" else (host, int(port or 2375)))
            line.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in line.recv(64)
    return False


@asynccontextmanager
async def open_folder(name: str) -> AsyncIterator[Path]:
    """A temporary folder that a server under another user can reach; pytest's own lets nobody else in."""
    folder = await asyncio.to_thread(_open_folder, name)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _open_folder(name: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"tanggap-{name}-"))
    folder.chmod(0o711)
    return folder


@asynccontextmanager
async def open_kafka() -> AsyncIterator[str]:
    """A broker; yields its bootstrap address."""
    if address := given("KAFKA_BOOTSTRAP_SERVERS"):
        assert await kafka_answers(address.split(",")[0]), f"no Kafka answers at {address}, as the environment says"
        yield address
    elif docker_answers():
        with containers.kafka() as address:
            yield address
    else:
        async with open_folder("kafka") as folder:
            kafka = Kafka(folder, port=0)
            await kafka.start()
            try:
                yield kafka.bootstrap
            finally:
                await kafka.stop()


@asynccontextmanager
async def open_postgres() -> AsyncIterator[str]:
    """A PostgreSQL server; yields an administrator's DSN."""
    if dsn := given("DATABASE_URL"):
        assert await postgres_answers(dsn), "no PostgreSQL answers at the DSN that the environment gives"
        yield dsn
    elif docker_answers():
        with containers.postgres() as dsn:
            yield dsn
    else:
        async with open_folder("postgres") as folder:
            server = Postgres(folder, port=0, durable=False)
            await server.start()
            try:
                yield server.dsn
            finally:
                await server.stop()
