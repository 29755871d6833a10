"""`make run`, `make demo`, `make stop` as a person meets them, but for the making of the virtual environment."""

import asyncio
import json
import os
import pty
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import psutil
import pytest

from bench.speed import pace
from stack.kafka import Kafka, answers
from stack.local import PORTS, SERVICES
from stack.ports import LOCALHOST
from stack.postgres import Postgres
from tanggap.platform.topics import COMPLAINTS
from tests.support.plumbing import headers_of, read_all
from tests.support.servers import open_folder

pytestmark = pytest.mark.timeout(300)
ROOT = Path(__file__).parents[3]
STARTED = "Ctrl-C stops everything"


@pytest.fixture
async def folder() -> AsyncIterator[Path]:
    async with open_folder("commands") as opened:
        yield opened


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"}}
    return {**kept, "TANGGAP_STACK": str(folder / "stack"), "COLUMNS": "200"}


def stack(folder: Path, *words: str, **given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stack", *words],
        cwd=ROOT,
        env={**environment(folder), **given},
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
    )


class Running:
    """A `stack run` of its own, its words in a file."""

    def __init__(self, folder: Path, name: str, *words: str) -> None:
        self.folder = folder
        self.output = folder / f"{name}.txt"
        with self.output.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stack", "run", *words],
                cwd=ROOT,
                env=environment(folder),
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        self.until(STARTED)

    @property
    def text(self) -> str:
        return self.output.read_text()

    @property
    def facts(self) -> dict[str, object]:
        return json.loads((self.folder / "stack" / "stack.json").read_text())

    def until(self, words: str) -> None:
        deadline = time.monotonic() + 90
        while words not in self.text:
            assert self.process.poll() is None, f"it ended:\n{self.text}"
            assert time.monotonic() < deadline, f"it never said “{words}”:\n{self.text}"
            time.sleep(0.05)


@contextmanager
def running(folder: Path, name: str, *words: str) -> Iterator[Running]:
    one = Running(folder, name, *words)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.process.terminate()
        one.process.wait(60)


def test_a_run_shows_the_journey_outlives_a_kill_of_itself_and_keeps_its_data(folder: Path) -> None:
    with socket.socket() as other:
        # Without it a port that a stack before has only just left could not be taken, and would be free a moment later.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind((LOCALHOST, PORTS["metrics"]))
            other.listen()
        except OSError:
            pass  # somebody else has it: as good
        with running(folder, "first") as first:
            facts = first.facts
            assert f"Port {PORTS['metrics']} is taken; metrics listens on" in first.text
            for step in ("Accepted", "Routed", "Alerted", "Page opened", "Acknowledged", "Answered", "Figures"):
                assert step in first.text
            for name in SERVICES:
                assert httpx.get(f"{facts[name]}/readyz", trust_env=False).is_success
            assert {"kafka", "postgres", "mail", "supervisor", *SERVICES} == set(facts["pids"])
            assert all(psutil.pid_exists(pid) for pid in facts["pids"].values())
            assert stack(folder, "get", "demo_key").stdout.strip() == facts["demo_key"]
            assert stack(folder, "get", "dsn.routing").stdout.strip() == facts["dsn"]["routing"]

            headers = {"Authorization": f"Bearer {facts['demo_key']}"}
            for address in set(re.findall(r"http://\S+", first.text)) - {f"{facts['intake']}/v1/complaints"}:
                shown = httpx.get(address, headers=headers, trust_env=False)
                assert shown.status_code == 200, f"{address} answered {shown.status_code}"

            beside = stack(folder, "run")
            assert beside.returncode == 1
            assert f"process {first.process.pid}" in beside.stderr
            assert "make stop" in beside.stderr

            body = {"client_request_id": "kept", "description": "Lampu jalan mati di depan pasar sejak tiga malam."}
            url = f"{facts['intake']}/v1/complaints"
            accepted = httpx.post(url, json=body, headers=headers, trust_env=False)
            assert accepted.status_code == 201

            left = [psutil.Process(pid) for name, pid in facts["pids"].items() if name != "supervisor"]
            first.process.kill()
            first.process.wait()

    with running(folder, "second", "--no-journey") as second:
        assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in left)
        ready = re.search(r"Ready after ([0-9.]+) s", second.text)
        assert ready is not None
        # By the clock, as the start is: other tests run beside this one.
        assert float(ready[1]) < 15 * max(1.0, statistics.median(pace() for _ in range(9)))
        facts = second.facts
        assert facts["demo_key"] == headers["Authorization"].removeprefix("Bearer ")
        kept = httpx.get(f"{facts['intake']}/v1/complaints/{accepted.json()['id']}", headers=headers, trust_env=False)
        assert kept.status_code == 200

        killed = facts["pids"]["routing"]
        os.kill(killed, signal.SIGKILL)
        second.until("routing is back")
        assert "routing was ended by SIGKILL; it is started again." in second.text
        assert second.facts["pids"]["routing"] != killed

        pids = second.facts["pids"]
        second.process.send_signal(signal.SIGINT)
        assert second.process.wait(60) == 0
    assert second.text.rstrip().endswith("Stopped; the data are kept.")
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids.values())
    assert not (folder / "stack" / "stack.json").exists()


def asked(folder: Path, *words: str, answer: str) -> str:
    """Run a command on a terminal that answers a question; what was on the screen until then."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "stack", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=ROOT,
        env=environment(folder),
        start_new_session=True,
    )
    os.close(theirs)
    seen = b""
    while b"[y/N]" not in seen:
        seen += os.read(ours, 1024)
    os.write(ours, f"{answer}\n".encode())
    assert process.wait(20) == 1
    os.close(ours)
    return seen.decode()


def test_stop_ends_what_runs_and_reset_erases_only_when_told_so(folder: Path) -> None:
    assert stack(folder, "stop").stdout.strip() == "Nothing runs."
    with running(folder, "run", "--no-journey") as one:
        refused = stack(folder, "reset", "--force")
        assert refused.returncode == 1
        assert "make stop" in refused.stderr
        stopped = stack(folder, "stop")
        assert stopped.returncode == 0
        assert "Stopped; the data are kept." in stopped.stdout
        assert one.process.wait(10) == 0
    unasked = stack(folder, "reset")
    assert unasked.returncode == 1
    assert "FORCE=1" in unasked.stderr
    assert (folder / "stack" / "postgres" / "data").exists()
    shown = stack(folder, "logs", "--no-follow", "intake")
    assert shown.stdout.startswith("   intake | {")
    assert "Erase all complaints" in asked(folder, "reset", answer="n")
    assert (folder / "stack" / "postgres" / "data").exists()
    assert stack(folder, "reset", "--force").returncode == 0
    assert not (folder / "stack").exists()
    assert "No stack runs" in stack(folder, "get", "intake").stderr


async def test_the_demo_on_servers_that_are_given_uses_them_ends_by_itself_with_0_and_leaves_them_running(folder: Path) -> None:
    kafka, postgres = Kafka(folder / "kafka", port=0), Postgres(folder / "postgres", port=0, durable=False)
    try:
        await asyncio.gather(kafka.start(), postgres.start())
        given = {"KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap, "DATABASE_URL": postgres.dsn}
        done = stack(folder, "demo", **given)

        assert done.returncode == 0, done.stdout + done.stderr
        assert "Gambir: 1 received, 1 answered (100%), 1 resolved, 0 overdue" in done.stdout
        assert done.stdout.rstrip().endswith("Stopped; the data are kept.")
        assert postgres._password() not in done.stdout + done.stderr
        for name in ("kafka", "postgres"):
            assert not (folder / "stack" / name).exists(), f"{name} was made though it was given"
            assert not (folder / "stack" / "logs" / f"{name}.log").exists(), f"{name} was started though it was given"

        assert await answers(kafka.bootstrap)
        told = [headers_of(record)["ce_type"] for record in await read_all(kafka.bootstrap, COMPLAINTS)]
        assert {"complaint.submitted", "complaint.assigned", "official.notified", "complaint.resolved"} <= set(told)
        connection = await asyncpg.connect(urlunsplit(urlsplit(postgres.dsn)._replace(path="/tanggap")))
        assert await connection.fetchval("SELECT count(*) FROM intake.complaints") == 1
        await connection.close()
    finally:
        await asyncio.gather(kafka.stop(), postgres.stop())


def test_compose_gets_every_secret_it_asks_for_and_keeps_those_it_has(folder: Path) -> None:
    file = folder / ".env"
    file.write_text("POSTGRES_PASSWORD=mine\n")
    assert stack(folder, "compose-secrets", str(file)).returncode == 0
    first = file.read_text()
    assert "POSTGRES_PASSWORD=mine\n" in first
    names = {line.partition("=")[0] for line in first.splitlines()}
    assert {f"{service.upper()}_DB_PASSWORD" for service in SERVICES} <= names
    assert file.stat().st_mode & 0o077 == 0
    assert stack(folder, "compose-secrets", str(file)).returncode == 0
    assert file.read_text() == first
