import pytest

from services.routing.policy import file as policy_file
from services.routing.wards import wards
from tanggap.contracts import city
from tests.support.routing import JAKARTA, TinyCity


@pytest.fixture(scope="session")
def jakarta():
    """Jakarta, as it is shipped."""
    return city.load(JAKARTA)


@pytest.fixture(scope="session")
def jakarta_wards():
    """Jakarta's own index."""
    return wards.load(JAKARTA)


@pytest.fixture(scope="session")
def jakarta_policy(jakarta):
    """Jakarta's own policy."""
    return policy_file.load(JAKARTA, jakarta)


@pytest.fixture
def tiny(tmp_path):
    """A city of four wards."""
    return TinyCity(tmp_path / "tiny")
