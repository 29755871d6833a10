"""Fixtures for all tests. What they stand on is in tests/support; a server that can't be had is a failure, not a skip."""

import gc
import logging
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, BrowserContext

from tests.support.browser import DESKTOP, PHONE, open_browser, open_window
from tests.support.databases import Databases, Templates
from tests.support.faults import LoggedFaults
from tests.support.servers import open_kafka, open_postgres
from tests.support.topics import Topics

PARTITIONS = 3


@pytest.fixture(scope="session")
async def kafka_bootstrap() -> AsyncIterator[str]:
    """Address of a real broker, the same for the whole session."""
    async with open_kafka() as address:
        yield address


@pytest.fixture(scope="session")
async def postgres_dsn() -> AsyncIterator[str]:
    """An administrator's DSN of a real PostgreSQL server, the same for the whole session."""
    async with open_postgres() as dsn:
        yield dsn


@pytest.fixture(scope="session")
async def templates(postgres_dsn: str) -> AsyncIterator[Templates]:
    """A template database per service, migrated once."""
    made = Templates(postgres_dsn)
    yield made
    await made.close()


@pytest.fixture
async def databases(templates: Templates) -> AsyncIterator[Databases]:
    """This test's own databases: `await databases.dsn("intake")`, `await databases.blank("any")`."""
    own = Databases(templates)
    yield own
    await own.close()


@pytest.fixture
async def topics(kafka_bootstrap: str) -> AsyncIterator[Topics]:
    """This test's own topics: `topics.complaints` (3 partitions), `topics.dead_letters`, `topics.inbox`, `topics.group`."""
    own = Topics(kafka_bootstrap)
    await own.make(own.complaints, PARTITIONS)
    await own.make(own.dead_letters, 1)
    await own.make(own.inbox, PARTITIONS)
    yield own
    await own.close()


@pytest.fixture(scope="module", autouse=True)
def _collect_only_what_tests_make() -> None:
    """Take what is there before a module's tests out of the collector's sight, or the collection after each of them takes long."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _collect_all_at_the_end() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.collect()


@pytest.fixture(autouse=True)
def logged_faults() -> Iterator[LoggedFaults]:
    """Fail a test in which an error was logged that it did not expect; `logged_faults.expect("words")` expects one."""
    faults = LoggedFaults()
    root = logging.getLogger()
    root.addHandler(faults)
    yield faults
    # A task or coroutine that nobody awaited tells of it when it is collected: now, not in some later test.
    gc.collect()
    root.removeHandler(faults)
    faults.check()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A real chromium, the same for the whole session."""
    async with open_browser() as opened:
        yield opened


@pytest.fixture
async def phone(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A phone's browser, 390 x 844, nothing remembered: `page = await phone.new_page()`."""
    async with open_window(browser, PHONE) as window:
        yield window


@pytest.fixture
async def desktop(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A desktop's browser, 1280 x 800, nothing remembered."""
    async with open_window(browser, DESKTOP) as window:
        yield window
