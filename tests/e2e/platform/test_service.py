"""A whole process, started as services are: `main(settings, build, migrations)`."""

import asyncio
import os
import signal
import sys
import time
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

import httpx
import pytest

from stack.ports import free_port
from tests.support.plumbing import committed, eventually, happened, publish

PROGRAM = """
import asyncio, os, sys
from pathlib import Path
from typing import ClassVar

from fastapi import FastAPI

from tanggap.platform import http
from tanggap.platform.consumer import Consumer
from tanggap.platform.database import Database
from tanggap.platform.errors import Fatal
from tanggap.platform.outbox import Relay
from tanggap.platform.process import Process, main
from tanggap.platform.settings import ServiceSettings
from tests.support.plumbing import DECODERS

TOPIC = os.environ.get("TOPIC", "none")


class Settings(ServiceSettings):
    service: ClassVar[str] = "plumbing"


class Ends:
    name = "ends"

    async def run(self, stop):
        raise Fatal("it can't be helped")


async def handle(records):
    marks = Path(os.environ["MARKS"])
    (marks / "begun").touch()
    await asyncio.sleep(2)
    (marks / "done").touch()


def build(settings):
    app = FastAPI()
    http.install(app)
    database = Database(settings.dsn, settings.service)
    return Process(
        settings, app=app, database=database, relay=Relay(database, settings, TOPIC),
        consumer=Consumer(settings, topic=TOPIC, decoders=DECODERS, handle=handle, group=TOPIC),
        workers=[Ends()] if "FATAL" in os.environ else [],
    )


main(Settings, build, Path(sys.argv.pop(1)))
"""


@pytest.fixture
def migrations(tmp_path):
    folder = tmp_path / "migrations"
    folder.mkdir()
    text = files("tanggap.platform").joinpath("outbox.sql").read_text(encoding="utf-8").replace("SCHEMA", "plumbing")
    (folder / "0001_outbox.sql").write_text(f"-- migrate:up\n{text}\n-- migrate:down\nDROP TABLE outbox;\n", encoding="utf-8")
    return folder


@pytest.fixture
async def start(databases, topics, migrations, tmp_path):
    """Start the program; every one is ended after the test."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    dsn = await databases.blank("plumbing")
    started = []

    async def run(*arguments, **changes):
        settings = {
            "DATABASE_URL": dsn,
            "KAFKA_BOOTSTRAP_SERVERS": topics.bootstrap,
            "HTTP_PORT": str(free_port(0)),
            "TOPIC": topics.complaints,
            "PYTHONPATH": str(Path.cwd()),
            "MARKS": str(tmp_path),
            "PATH": os.environ["PATH"],
            **changes,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(program),
            str(migrations),
            *arguments,
            env={name: value for name, value in settings.items() if value is not None},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        process.url = f"http://127.0.0.1:{settings['HTTP_PORT']}"
        started.append(process)
        return process

    yield run
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ended(process):
    output, _ = await asyncio.wait_for(process.communicate(), 40)
    return process.returncode, output.decode()


async def readiness(process):
    async with httpx.AsyncClient() as client:
        try:
            response = await client.get(f"{process.url}/readyz")
        except httpx.TransportError:
            return 0, {}
    return response.status_code, response.json()


async def ready(process):
    async def holds():
        return (await readiness(process))[0] == 200

    await eventually(holds)


@asynccontextmanager
async def migrated(start):
    assert (await ended(await start("migrate")))[0] == 0
    yield


async def test_it_migrates_and_ends_and_the_second_time_has_nothing_to_do(start):
    assert await ended(await start("migrate")) == (0, "applied 0001_outbox.sql\n")
    assert await ended(await start("migrate")) == (0, "nothing to apply\n")


async def test_a_failed_migration_is_one_line_and_a_code(start, migrations):
    (migrations / "0002_bad.sql").write_text("-- migrate:up\nSELECT nothing();\n-- migrate:down\n", encoding="utf-8")
    code, output = await ended(await start("migrate"))
    assert code == 65
    assert output.startswith("migration failed: plumbing: 0002_bad.sql: ")


async def test_bad_settings_are_lines_and_exit_2(start):
    code, output = await ended(await start(DATABASE_URL=None, HTTP_PORT="eighty"))
    assert code == 2
    assert [line.split(":")[0] for line in output.splitlines()] == ["setting DATABASE_URL", "setting HTTP_PORT"]


async def test_another_word_is_told_what_there_is(start):
    code, output = await ended(await start("dance"))
    assert code == 2
    assert "[migrate]" in output


async def test_it_becomes_ready_and_shows_every_check(start):
    async with migrated(start):
        process = await start()
        await ready(process)
        _, body = await readiness(process)
    assert set(body["checks"]) == {"database", "relay", "consumer"}
    assert body["checks"]["relay"]["detail"] == "active, backlog 0"
    assert "partitions: 0, 1, 2" in body["checks"]["consumer"]["detail"]


async def test_without_its_migrations_it_is_not_ready_and_says_what_to_do(start):
    process = await start()

    async def told():
        status, body = await readiness(process)
        return status == 503 and "python -m services.plumbing migrate" in body["checks"]["database"]["detail"]

    await eventually(told)
    assert (await ended(await start("migrate")))[0] == 0
    await ready(process)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
async def test_told_to_stop_it_finishes_what_it_has_in_hand_within_fifteen_seconds(start, topics, tmp_path, sign):
    async with migrated(start):
        process = await start()
        await ready(process)
        await publish(topics.bootstrap, topics.complaints, happened(1), partition=0)
        await eventually((tmp_path / "begun").exists)
        assert not (tmp_path / "done").exists()
        began = time.monotonic()
        process.send_signal(sign)
        code, _ = await ended(process)
    assert code == 0
    assert time.monotonic() - began < 15
    assert (tmp_path / "done").exists()
    assert await committed(topics.bootstrap, topics.complaints, topics.complaints) == 1


async def test_what_can_not_be_helped_ends_it_with_a_code_for_the_supervisor(start):
    code, output = await ended(await start(FATAL="1"))
    assert code == 70
    assert "it can't be helped" in output


async def test_a_port_that_is_taken_ends_it_with_a_code(start):
    async with migrated(start):
        first = await start()
        await ready(first)
        code, _ = await ended(await start(HTTP_PORT=first.url.rpartition(":")[2]))
    assert code != 0
