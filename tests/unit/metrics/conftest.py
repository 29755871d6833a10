"""A city and a calendar, read once; complaints that begin at noon in Jakarta."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.metrics.fold import kota_finder
from tanggap.contracts import city as cities
from tests.support.metrics import Life

NOON = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def city():
    return cities.load(Path("cities/jakarta"))


@pytest.fixture(scope="session")
def kota_of(city):
    return kota_finder(city)


@pytest.fixture
def life(city):
    """Make a complaint received at noon."""

    def make(**more):
        return Life(city.calendar, NOON, **more)

    return make
