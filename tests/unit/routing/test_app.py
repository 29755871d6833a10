"""A city that can't be read keeps the service from starting, in words."""

import shutil

import pytest

from services.routing.app import build
from services.routing.settings import Settings
from tests.support.routing import JAKARTA


@pytest.fixture
def start(tmp_path, capsys):
    """Start the service with a copy of Jakarta's folder that was spoilt; returns what it says."""

    def run(spoil, **more):
        folder = tmp_path / "city"
        shutil.copytree(JAKARTA, folder)
        spoil(folder)
        settings = Settings(
            database_url="postgresql://a@127.0.0.1:1/x", kafka_bootstrap_servers="127.0.0.1:1", tanggap_city=folder, **more
        )
        with pytest.raises(SystemExit) as ended:
            build(settings)
        assert ended.value.code == 2
        return capsys.readouterr().err.splitlines()

    return run


def replace(name, old, new):
    def spoil(folder):
        path = folder / name
        path.write_text(path.read_text().replace(old, new))

    return spoil


def test_every_fault_of_the_policy_is_a_line(start):
    lines = start(replace("routing.yaml", "to: branch", "to: brunch"))
    assert len(lines) == 2
    assert all("TANGGAP_CITY: routing.yaml:" in line and "to: brunch is unknown" in line for line in lines)


def test_a_fault_of_another_file_of_the_city_is_a_line(start):
    (line,) = start(replace("categories.csv", "bina-marga,no,high,6,168,jalan", "binamarga,no,high,6,168,jalan"))
    assert "categories.csv:2: " in line


def test_a_missing_ward_index_is_a_line_that_says_what_to_do(start):
    (line,) = start(lambda folder: (folder / "wards.index.gz").unlink())
    assert "tanggap wards build FILE" in line


def test_boundaries_that_can_not_be_used_are_a_line_with_the_settings_name(start, tmp_path):
    (line,) = start(lambda _: None, routing_boundaries=tmp_path / "none.geojson")
    assert line.startswith(f"setting ROUTING_BOUNDARIES: {tmp_path}/none.geojson: can't be read")
    (tmp_path / "other.geojson").write_text("{}")
    shutil.rmtree(tmp_path / "city")
    (line,) = start(lambda _: None, routing_boundaries=tmp_path / "other.geojson")
    assert "not the file that the index was built from" in line


async def test_no_batch_is_decided_before_it_is_known_which_policy_counts():
    settings = Settings(database_url="postgresql://a@127.0.0.1:1/x", kafka_bootstrap_servers="127.0.0.1:1", tanggap_city=JAKARTA)
    process = build(settings)
    await process.database.start()
    with pytest.raises(OSError, match="Connect call failed"):
        await process.consumer._handle([])
    await process.database.stop()
    (watch,) = [one.worker for one in process._workers if one.worker.name == "policy"]
    assert "not looked yet" in watch.check()[1]
