"""The stack as a library: what it starts, what it leaves alone, what it says when something is wrong."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from rich.console import Console

from stack import journey
from stack.kafka import Kafka
from stack.local import LocalStack
from stack.postgres import Postgres
from stack.trouble import StackTrouble
from tests.support.servers import open_folder

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
async def folder() -> AsyncIterator[Path]:
    async with open_folder("stack") as opened:
        yield opened


async def test_servers_that_are_given_are_used_and_neither_started_nor_stopped(folder: Path) -> None:
    kafka, postgres = Kafka(folder / "kafka", port=0), Postgres(folder / "postgres", port=0, durable=False)
    await kafka.start()
    await postgres.start()
    try:
        async with LocalStack(folder / "stack", services=("intake",), kafka=kafka.bootstrap, database=postgres.dsn) as stack:
            assert set(stack.pids) == {"mail", "intake"}
            assert stack.addresses.kafka == kafka.bootstrap
            async with httpx.AsyncClient(trust_env=False) as client:
                body = {**journey.COMPLAINT, "client_request_id": "one"}
                answer = await client.post(
                    f"{stack.addresses.intake}/v1/complaints", json=body, headers={"Authorization": f"Bearer {stack.app_key}"}
                )
            assert answer.status_code == 201
            connection = await asyncpg.connect(stack.addresses.dsns["intake"])
            assert await connection.fetchval("SELECT count(*) FROM complaints") == 1
            await connection.close()
        assert kafka.program.pid is not None
        assert postgres.program.pid is not None
    finally:
        await kafka.stop()
        await postgres.stop()


async def test_a_given_kafka_that_is_not_there_is_one_clear_line_and_nothing_is_left_running(folder: Path) -> None:
    stack = LocalStack(folder, services=(), kafka="127.0.0.1:9")
    with pytest.raises(StackTrouble, match=r"No Kafka answers at 127\.0\.0\.1:9, which KAFKA_BOOTSTRAP_SERVERS names"):
        await stack.start()
    assert stack.pids == {}
    assert stack.folder.holder() is None


async def test_a_service_that_can_not_start_is_told_with_its_last_words_and_all_is_stopped(folder: Path) -> None:
    environment = {"intake": {"TANGGAP_CITY": "/no/such/city"}}
    stack = LocalStack(folder, services=("intake",), environment=environment)
    with pytest.raises(
        StackTrouble, match=r"(?s)intake ended by itself with exit code \d+\. Its log is .*intake\.log.*no/such/city"
    ):
        await stack.start()
    assert stack.pids == {}
    assert stack.folder.left_over() == {}
    assert stack.folder.holder() is None


async def test_every_part_comes_back_from_a_kill_and_one_may_be_kept_down(folder: Path) -> None:
    async with LocalStack(folder, services=("intake",)) as stack:
        before = stack.pids
        for name in ("mail", "intake", "postgres", "kafka"):
            await stack.kill(name, stay_down=True)
            assert name not in stack.pids
            await stack.launch(name)
        await stack.ready("intake")
        after = stack.pids
        assert set(after) == set(before)
        assert not set(after.values()) & set(before.values())
        await stack.kill("intake")
        await stack.ready("intake")
        assert stack.pids["intake"] != after["intake"]


async def test_a_journey_that_breaks_off_says_where_and_does_not_claim_success(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journey, "_STEP_SECONDS", 4)
    environment = {"notifier": {"NOTIFIER_SMTP_URL": "smtp://127.0.0.1:9"}}
    told = io.StringIO()
    async with LocalStack(folder, environment=environment) as stack:
        travelled = await journey.travel(stack, Console(file=told, width=400))
    assert travelled is None
    assert "Failed at alerting the official: waited 4 s for a mail that names this complaint" in told.getvalue()
    assert f"The log of notifier is {folder / 'logs' / 'notifier.log'}" in told.getvalue()
    assert "Routed" in told.getvalue()
    assert "Figures" not in told.getvalue()
