from collections.abc import AsyncIterator

import pytest

from services.routing.consumer import Desk
from services.routing.router import Router
from tanggap.platform.database import Database
from tests.support.databases import Databases
from tests.support.routing import DECIDED, JAKARTA


@pytest.fixture(scope="session")
def router() -> Router:
    """Jakarta's router, with a clock that stands still."""
    return Router.load(JAKARTA, now=lambda: DECIDED)


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[Database]:
    """Routing's database."""
    own = Database(await databases.dsn("routing"), "routing")
    await own.start()
    yield own
    await own.stop()


@pytest.fixture
def desk(database: Database, router: Router) -> Desk:
    """What the consumer hands its batches to."""
    return Desk(database, router)
