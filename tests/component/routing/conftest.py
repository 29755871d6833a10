from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from services.routing.consumer import Desk
from services.routing.router import Router
from tanggap.contracts.city import City
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


@pytest.fixture
def poorer(router: Router) -> City:
    """A city that lacks a category, as one whose folder is older."""
    categories = {slug: one for slug, one in router.city.categories.items() if slug != "sampah"}
    return replace(router.city, categories=categories, version="older")
