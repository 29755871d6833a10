"""The notifier on its own database, with a provider in the test's loop."""

from collections.abc import AsyncIterator

import pytest

from tanggap.platform.database import Database
from tests.support.databases import Databases
from tests.support.mailbox import Mailbox, open_mailbox
from tests.support.officials import Office, jakarta


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    """A mail provider."""
    async with open_mailbox() as box:
        yield box


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[Database]:
    """The notifier's database."""
    own = Database(await databases.dsn("notifier"), "notifier")
    await own.start()
    yield own
    await own.stop()


@pytest.fixture
async def office(database: Database, mailbox: Mailbox) -> Office:
    """The notifier's parts; nothing runs yet."""
    return Office(database, jakarta(), mailbox)
