"""Intake on a database of the test's own."""

from collections.abc import AsyncIterator

import pytest

from tests.support.databases import Databases
from tests.support.intake import Intake, open_intake


@pytest.fixture
async def intake(databases: Databases) -> AsyncIterator[Intake]:
    """One process of intake, with an app called jaki."""
    async with open_intake(await databases.dsn("intake")) as opened:
        yield opened
