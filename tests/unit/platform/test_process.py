"""One process: what runs in it, whether it is ready and why not, and how it ends."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from tanggap.platform import process as process_module
from tanggap.platform.errors import Fatal
from tanggap.platform.process import EXIT_FATAL, Process
from tests.support.plumbing import eventually, plumbing_settings


@dataclass
class Steady:
    """A worker that works until it is stopped; finishes what it has in hand."""

    name: str = "steady"
    running: bool = False
    finished: bool = False
    last_pause: float = 0.0

    async def run(self, stop):
        self.running = True
        await stop.wait()
        await asyncio.sleep(self.last_pause)
        self.finished = True


@dataclass
class Crashing:
    """A worker that crashes so often, then is steady."""

    crashes: int = 1
    error: Exception = field(default_factory=lambda: KeyError("x"))
    name: str = "crashing"
    runs: int = 0

    async def run(self, stop):
        self.runs += 1
        if self.runs <= self.crashes:
            raise self.error
        await stop.wait()


@dataclass
class Checked(Steady):
    """A worker that says for itself how it is."""

    state: tuple = (True, "well", False)

    def check(self):
        return self.state


class Running:
    """A process whose app is alive, without a socket."""

    def __init__(self, *workers, settings=None, **options):
        self.process = Process(
            settings or plumbing_settings(drain_seconds=2), app=FastAPI(), database=None, workers=workers, **options
        )

    async def __aenter__(self):
        self.life = self.process.app.router.lifespan_context(self.process.app)
        await self.life.__aenter__()
        await asyncio.sleep(0)  # its tasks take their first step
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.process.app), base_url="http://test")
        return self

    async def __aexit__(self, *_):
        await self.life.__aexit__(None, None, None)
        await self.client.aclose()

    async def ready(self):
        response = await self.client.get("/readyz")
        return response.status_code, response.json()


@pytest.fixture
def steady_at_once(monkeypatch):
    monkeypatch.setattr(process_module, "STEADY_SECONDS", 0.0)


async def test_it_is_ready_when_every_part_is_and_names_each():
    async with Running(Steady(), Checked(name="checked")) as one:
        status, body = await one.ready()
    assert status == 200
    assert body == {
        "status": "ready",
        "checks": {"steady": {"ok": True, "detail": "running"}, "checked": {"ok": True, "detail": "well"}},
    }


async def test_one_part_that_is_not_well_is_named_with_why():
    async with Running(Steady(), Checked(name="consumer", state=(False, "no partitions assigned yet", True))) as one:
        status, body = await one.ready()
    assert status == 503
    assert body["status"] == "not ready"
    assert body["checks"]["consumer"] == {"ok": False, "detail": "no partitions assigned yet"}
    assert body["checks"]["steady"]["ok"]


async def test_a_service_that_goes_on_without_kafka_is_degraded_by_an_outage_and_not_out_of_service():
    worker = Checked(name="consumer", state=(False, "Kafka has not answered for 20 s", True))
    async with Running(worker, needs_kafka=False) as one:
        status, body = await one.ready()
        assert (status, body["status"]) == (200, "degraded")
        assert not body["checks"]["consumer"]["ok"]

        worker.state = (False, "stopped: 20 bad records in a row", False)
        assert (await one.ready())[0] == 503, "what no outage explains is not forgiven"


async def test_it_lives_even_if_nothing_is_ready():
    async with Running(Checked(state=(False, "no", False))) as one:
        assert (await one.client.get("/livez")).status_code == 200


async def test_its_figures_can_be_read():
    async with Running(Steady()) as one:
        await one.ready()
        response = await one.client.get("/metrics")
    assert response.status_code == 200
    assert "tanggap_ready 1.0" in response.text
    for name in ("consumer_records", "outbox_backlog_rows", "http_requests", "worker_crashes", "consumer_lag_records"):
        assert f"# HELP tanggap_{name}" in response.text


async def test_its_own_paths_are_in_no_schema():
    async with Running() as one:
        assert one.process.app.openapi()["paths"] == {}


async def test_a_crash_is_written_down_fails_readiness_and_the_worker_runs_again(logged_faults):
    logged_faults.expect("a worker crashed")
    worker = Crashing()
    async with Running(worker, Steady()) as one:
        await eventually(lambda: worker.runs == 1)
        status, body = await one.ready()
        assert status == 503
        assert body["checks"]["crashing"]["detail"] == "crashed: KeyError: 'x'"
        assert body["checks"]["steady"]["ok"]

        await eventually(lambda: worker.runs == 2)
        assert "crashed a moment ago" in (await one.ready())[1]["checks"]["crashing"]["detail"]


async def test_once_it_runs_steadily_it_is_well_again(logged_faults, steady_at_once):
    logged_faults.expect("a worker crashed")
    worker = Crashing()
    async with Running(worker) as one:
        await eventually(lambda: worker.runs == 2)
        assert (await one.ready())[0] == 200


async def test_a_worker_that_ends_though_nobody_stopped_it_has_crashed(logged_faults):
    logged_faults.expect("it ended though nobody stopped it")

    @dataclass
    class Ends:
        name: str = "ends"

        async def run(self, stop):
            pass

    async with Running(Ends()) as one:
        await eventually(lambda: "it ended" in str(one.process._workers[0].last_crash))


async def test_what_can_not_be_mended_here_ends_the_process_with_a_code(logged_faults):
    logged_faults.expect("the process can't go on")
    one = Running(Crashing(error=Fatal("the producer is stuck")), Steady())
    ended = []
    one.process.on_fatal = lambda: ended.append(True)
    async with one:
        await eventually(lambda: ended)
        status, body = await one.ready()
    assert one.process.exit_code == EXIT_FATAL
    assert status == 503
    assert body["checks"]["process"] == {"ok": False, "detail": "stopping"}
    assert "the producer is stuck" in body["checks"]["crashing"]["detail"]


async def test_on_stop_workers_finish_what_they_have_in_hand():
    worker = Steady(last_pause=0.2)
    async with Running(worker):
        await eventually(lambda: worker.running)
    assert worker.finished


async def test_a_worker_that_does_not_finish_in_time_is_cut_off():
    worker = Steady(last_pause=60)
    began = asyncio.get_running_loop().time()
    async with Running(worker, settings=plumbing_settings(drain_seconds=0.1)):
        await eventually(lambda: worker.running)
    assert asyncio.get_running_loop().time() - began < 5
    assert not worker.finished


def test_draining_takes_less_than_a_supervisor_waits():
    assert process_module.HTTP_DRAIN_SECONDS + plumbing_settings().drain_seconds <= 15


@pytest.mark.parametrize("module", ["intake", "routing", "notifier", "metrics"])
def test_every_service_starts_the_same_way(module):
    assert "main(" in (Path(__file__).parents[3] / "services" / module / "__main__.py").read_text(encoding="utf-8")
