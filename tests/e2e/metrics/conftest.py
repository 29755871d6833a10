"""The service on a real broker and a real PostgreSQL, with topics and a database of each test's own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.metrics.settings import Settings
from tanggap.contracts import city as cities
from tanggap.platform.database import Database
from tests.support.metrics import Life


@pytest.fixture(scope="session")
def city():
    return cities.load(Path("cities/jakarta"))


@pytest.fixture
def life(city):
    """Make a complaint received so many hours ago."""

    def make(hours_ago=1.0, **more):
        return Life(city.calendar, datetime.now(UTC) - timedelta(hours=hours_ago), **more)

    return make


@pytest.fixture
async def settings(databases, topics):
    return Settings(
        database_url=await databases.dsn("metrics"),
        kafka_bootstrap_servers=topics.bootstrap,
        kafka_session_timeout_seconds=6,
        metrics_tick_seconds=0.05,
    )


@pytest.fixture
async def database(settings):
    opened = Database(settings.dsn, "metrics")
    await opened.start()
    yield opened
    await opened.stop()
