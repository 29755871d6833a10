"""The stack as a library: what it says when it can't start. What it does when all is well is in tests/e2e/journey."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stack.local import LocalStack
from stack.trouble import StackTrouble
from tests.support.servers import open_folder

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
async def folder() -> AsyncIterator[Path]:
    async with open_folder("stack") as opened:
        yield opened


async def test_a_given_kafka_that_is_not_there_is_one_clear_line_and_nothing_is_left_running(folder: Path) -> None:
    stack = LocalStack(folder, services=(), kafka="127.0.0.1:9")
    with pytest.raises(StackTrouble, match=r"No Kafka answers at 127\.0\.0\.1:9, which KAFKA_BOOTSTRAP_SERVERS names"):
        await stack.start()
    assert stack.pids == {}
    assert stack.folder.holder() is None


@pytest.mark.parametrize("address", ["localhost", "localhost:abc", "127.0.0.1:9092,", ":9092", "localhost:99999"])
async def test_a_given_address_that_is_none_is_one_clear_line(folder: Path, address: str) -> None:
    stack = LocalStack(folder, services=(), kafka=address)
    with pytest.raises(StackTrouble, match=r"KAFKA_BOOTSTRAP_SERVERS holds '.*', which is not host:port, as in localhost:9092"):
        await stack.start()
    assert stack.folder.holder() is None


async def test_an_address_that_is_none_is_told_though_a_broker_answers_at_the_one_before_it(
    folder: Path, kafka_bootstrap: str
) -> None:
    stack = LocalStack(folder, services=(), kafka=f"{kafka_bootstrap},localhost")
    with pytest.raises(StackTrouble, match=r"KAFKA_BOOTSTRAP_SERVERS holds 'localhost', which is not host:port"):
        await stack.start()
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
