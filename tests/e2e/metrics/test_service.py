"""The service as a process: started as people start it, ready, drained, and restarted."""

import asyncio
import json
import os
import signal
import sys

import httpx
import pytest

from stack.ports import free_port
from tanggap.platform.topics import COMPLAINTS, LOCAL_TOPICS, ensure_topics
from tests.support.metrics import interleaved
from tests.support.plumbing import eventually, publish


@pytest.fixture
async def environment(databases, kafka_bootstrap):
    await ensure_topics(kafka_bootstrap, LOCAL_TOPICS)
    return {
        **os.environ,
        "DATABASE_URL": await databases.dsn("metrics"),
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "HTTP_PORT": str(free_port()),
        "METRICS_TICK_SECONDS": "0.1",
    }


@pytest.fixture
async def run(environment):
    """Run `python -m services.metrics ...`; whatever still runs at the end is killed."""
    started = []

    async def start(*words):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "services.metrics", *words),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_the_process_answers_survives_a_kill_drains_and_equals_a_recount(environment, run, kafka_bootstrap, life):
    url = f"http://127.0.0.1:{environment['HTTP_PORT']}"
    silent = life(5).submitted().assigned(coordinate=2)
    answered = life(5).submitted().assigned(coordinate=10).acknowledged(1)
    await publish(kafka_bootstrap, COMPLAINTS, *interleaved([silent, answered]))

    async with httpx.AsyncClient(base_url=url) as client:

        async def figures():
            try:
                answer = await client.get("/v1/figures")
            except httpx.TransportError:
                return {"received": 0, "breaches": 0}
            return answer.json()["total"] if answer.status_code == 200 else {"received": 0, "breaches": 0}

        async def holds(**expected):
            found = await figures()
            return all(found[name] == value for name, value in expected.items())

        first = await run()
        await eventually(lambda: holds(received=2, answered=1, overdue=1, breaches=1))
        first.send_signal(signal.SIGKILL)
        await first.wait()

        second = await run()
        await eventually(lambda: holds(received=2, answered=1, overdue=1, breaches=1))
        assert (await eventually(lambda: _ready(client))).status_code == 200
        scraped = (await client.get("/metrics")).text
        assert 'tanggap_complaints_overdue{kota="Kota Administrasi Jakarta Pusat"} 1.0' in scraped
        assert "terlambat" in (await client.get("/", headers={"Accept-Language": "id"})).text

        second.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(second.wait(), 15) == 0

    counting = await run("recount")
    out, err = await counting.communicate()
    assert (counting.returncode, err) == (0, b"")
    assert json.loads(out)["total"]["breaches"] == 1


async def _ready(client):
    answer = await client.get("/readyz")
    return answer if answer.status_code == 200 else None


async def test_a_recount_without_a_log_to_read_says_so_in_one_line_and_exits_2(environment, run):
    environment["KAFKA_BOOTSTRAP_SERVERS"] = "127.0.0.1:1"
    counting = await run("recount")
    out, err = await asyncio.wait_for(counting.communicate(), 60)
    assert counting.returncode == 2
    assert out == b""
    assert err.decode().splitlines()[-1].startswith("no recount: ")
