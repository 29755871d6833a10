"""The service's parts on a real PostgreSQL, with a database of each test's own and a clock that the test sets."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.metrics.consumer import Folder
from services.metrics.fold import kota_finder
from services.metrics.ticker import Ticker
from tanggap.contracts import city as cities
from tanggap.contracts import events
from tanggap.platform.database import Database
from tests.support.metrics import Life, Log

NOON = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def city():
    return cities.load(Path("cities/jakarta"))


@pytest.fixture
def life(city):
    def make(**more):
        return Life(city.calendar, NOON, **more)

    return make


@pytest.fixture
async def database(databases):
    opened = Database(await databases.dsn("metrics"), "metrics")
    await opened.start()
    yield opened
    await opened.stop()


@pytest.fixture
def folder(database, city):
    return Folder(database, city.calendar, kota_finder(city))


@pytest.fixture
def rows(database):
    """Read a table; `xmin` tells which transaction wrote a row last."""

    async def read(table):
        async with database.connection() as connection:
            return [
                dict(row) for row in await connection.fetch(f"SELECT xmin::text::bigint AS xmin, * FROM {table} ORDER BY 2, 3, 4")
            ]

    return read


class Reading:
    """What the ticker asks of the consumer: which partitions are read here, and up to which moment."""

    def __init__(self):
        self.moments = {0: None}

    def assigned(self):
        return frozenset(self.moments)

    def watermark(self, partition):
        return self.moments.get(partition)


class Board:
    """A log that is folded as it grows, and a ticker beside it; `now` is the test's clock."""

    def __init__(self, database, folder):
        self.database = database
        self.folder = folder
        self.log = Log()
        self.reading = Reading()
        self.now = NOON
        self.ticker = self.another_ticker()

    def another_ticker(self, reading=None):
        return Ticker(self.database, reading or self.reading, now=lambda: self.now)

    async def fold(self, *lives):
        """Fold the events of `lives` that are not on the log yet."""
        for life in lives:
            done = getattr(life, "folded", 0)
            await self.folder.handle(self.log.batch(life.events[done:]))
            life.folded = len(life.events)

    async def tick(self, at, *, read_up_to="now"):
        """Look for deadlines at a moment, with the log read up to another (the same if not given)."""
        self.now = at
        self.reading.moments[0] = at if read_up_to == "now" else read_up_to
        return await self.ticker.tick()

    async def fired(self):
        """Events that wait in the outbox, decoded as a reader of the log would."""
        decoders = events.decoders()
        async with self.database.connection() as connection:
            found = await connection.fetch("SELECT type, payload FROM outbox ORDER BY id")
        return [decoders[row["type"]](row["payload"].encode()) for row in found]


@pytest.fixture
def board(database, folder):
    return Board(database, folder)
