"""A new ward index is taken while the service runs; a broken one is told once, and the old one stays."""

import asyncio
import logging
import os
import shutil
from types import SimpleNamespace

import pytest

from services.routing.figures import WARDS_READ
from services.routing.router import Router
from services.routing.wards import exact, wards
from services.routing.wards import watch as wards_watch
from services.routing.wards.watch import WardsWatch
from tests.support.boundaries import build, give_away
from tests.support.routing import DECIDED, JAKARTA, MONAS, square, submitted

UTARA = (-6.005, 106.805)
REFUSED = "the ward index on disk is refused"


@pytest.fixture
def city(tiny):
    """The tiny city with its index built."""
    build(tiny)
    return tiny


@pytest.fixture
def router(city):
    """As much of a router as is watched: its city's wards, and its index."""
    units = [SimpleNamespace(code=code, name=name) for code, name in city.names.items()]
    return SimpleNamespace(city=SimpleNamespace(wards=lambda: units), wards=wards.load(city.folder))


@pytest.fixture
async def watch(router, city):
    """A watch that has looked once."""
    made = WardsWatch(router, city.folder)
    await made.look()
    return made


@pytest.fixture
def counted():
    """How many indexes were taken and refused since the test began."""

    def now():
        return [WARDS_READ.labels(outcome)._value.get() for outcome in ("taken", "refused")]

    before = now()
    return lambda: tuple(int(later - earlier) for later, earlier in zip(now(), before, strict=True))


async def test_a_running_router_decides_by_the_new_index_without_a_restart(tmp_path, counted, caplog):
    caplog.set_level(logging.INFO)
    shutil.copytree(JAKARTA, tmp_path / "city")
    router = Router.load(tmp_path / "city", now=lambda: DECIDED)
    watch = WardsWatch(router, tmp_path / "city")
    before = router.decide(submitted("sampah", MONAS))
    assert before.ward.name == "Gambir"
    cideng = "31.71.01.1002"
    changed = give_away(tmp_path / "city", at=MONAS, to=cideng)
    await watch.look()
    after = router.decide(submitted("sampah", MONAS))
    assert (after.ward.code, after.decision.wards_version) == (cideng, changed.version)
    assert before.decision.wards_version != changed.version
    assert counted() == (1, 0)
    assert "a new ward index is in use" in caplog.text
    assert watch.check() == (True, f"version {changed.version}")


async def test_files_that_were_only_touched_change_nothing(watch, router, city, counted):
    index = router.wards
    os.utime(city.folder / wards.MANIFEST)
    await watch.look()
    assert router.wards is index
    assert counted() == (0, 0)


async def test_files_that_did_not_change_are_not_read_again(watch, monkeypatch):
    monkeypatch.setattr(wards_watch, "open_wards", lambda *_: pytest.fail("was read"))
    await watch.look()


async def test_a_change_between_the_start_and_the_first_look_is_seen(router, city):
    watch = WardsWatch(router, city.folder)
    changed = give_away(city.folder, at=UTARA, to="1.1.1.3")
    await watch.look()
    assert router.wards.version == changed.version


async def test_a_broken_index_is_told_once_and_the_old_one_stays(watch, router, city, counted, logged_faults, caplog):
    logged_faults.expect(REFUSED)
    index = router.wards
    path = city.folder / wards.INDEX
    whole = path.read_bytes()
    path.write_bytes(whole[:200])
    for _ in range(4):
        await watch.look()
    assert router.wards is index
    assert counted() == (0, 1)
    assert caplog.text.count(REFUSED) == 1
    fine, said = watch.check()
    assert fine
    assert said.startswith(f"version {index.version}; what is on disk now is refused: {city.folder}")
    # Another fault is told again; an index that is whole again ends it.
    path.write_bytes(whole[:100])
    for _ in range(3):
        await watch.look()
    assert counted() == (0, 2)
    path.write_bytes(whole)
    await watch.look()
    assert watch.check() == (True, f"version {index.version}")
    changed = give_away(city.folder, at=UTARA, to="1.1.1.3")
    await watch.look()
    assert router.wards.version == changed.version


async def test_an_index_whose_manifest_comes_a_moment_later_is_not_told_of(watch, router, city, counted):
    old = (city.folder / wards.MANIFEST).read_bytes()
    changed = give_away(city.folder, at=UTARA, to="1.1.1.3")
    new = (city.folder / wards.MANIFEST).read_bytes()
    (city.folder / wards.MANIFEST).write_bytes(old)
    await watch.look()
    assert counted() == (0, 0)
    (city.folder / wards.MANIFEST).write_bytes(new)
    await watch.look()
    assert router.wards.version == changed.version
    assert counted() == (1, 0)


async def test_an_index_that_is_not_the_manifests_is_refused_when_it_stays_so(watch, city, counted, logged_faults):
    logged_faults.expect(REFUSED)
    old = (city.folder / wards.MANIFEST).read_bytes()
    give_away(city.folder, at=UTARA, to="1.1.1.3")
    (city.folder / wards.MANIFEST).write_bytes(old)
    await watch.look()
    await watch.look()
    assert counted() == (0, 1)
    assert "not the index that wards.manifest.json describes" in watch.check()[1]


@pytest.mark.parametrize("name", [wards.INDEX, wards.MANIFEST])
async def test_files_that_are_gone_are_told_and_the_index_stays(watch, router, city, counted, logged_faults, name):
    logged_faults.expect(REFUSED)
    index = router.wards
    (city.folder / name).unlink()
    for _ in range(3):
        await watch.look()
    assert router.wards is index
    assert counted() == (0, 1)


async def test_an_index_of_other_wards_than_the_citys_is_refused(watch, router, city, counted, logged_faults):
    logged_faults.expect(REFUSED)
    index = router.wards
    city.names["1.1.1.5"] = "Barat"
    city.shapes["1.1.1.5"] = square(106.79, -6.02, 106.80, -6.00)
    city.write_units()
    build(city)
    await watch.look()
    await watch.look()
    assert router.wards is index
    assert counted() == (0, 1)
    assert "has 1.1.1.5, not in units.csv" in watch.check()[1]


async def test_whatever_goes_wrong_in_reading_the_watch_goes_on(watch, router, city, monkeypatch, logged_faults):
    logged_faults.expect(REFUSED)
    give_away(city.folder, at=UTARA, to="1.1.1.3")
    monkeypatch.setattr(wards_watch, "open_wards", lambda *_: 1 / 0)
    await watch.look()
    await watch.look()
    assert "ZeroDivisionError" in watch.check()[1]


async def test_with_the_boundaries_the_pair_changes_together(router, city, counted, logged_faults):
    logged_faults.expect(REFUSED)
    router.wards = exact.open_wards(city.folder, city.file, city.names)
    watch = WardsWatch(router, city.folder, city.file)
    await watch.look()
    before = router.wards.version
    assert before.endswith("+exact")
    city.shapes["1.1.1.4"] = square(106.805, -5.990, 106.807, -5.987)
    city.write()
    await watch.look()
    await watch.look()
    assert router.wards.version == before
    assert "not the file that the index was built from" in watch.check()[1]
    build(city)
    await watch.look()
    assert router.wards.version != before
    assert router.wards.version.endswith("+exact")
    assert counted() == (1, 1)


async def test_the_worker_looks_again_and_again_until_it_is_stopped(router, city, monkeypatch):
    monkeypatch.setattr(wards_watch, "LOOK_SECONDS", 0.001)
    watch, stop = WardsWatch(router, city.folder), asyncio.Event()
    looks = []
    look = watch.look

    async def counting():
        await look()
        looks.append(router.wards.version)
        if len(looks) == 2:
            give_away(city.folder, at=UTARA, to="1.1.1.3")
        if looks[0] != looks[-1]:
            stop.set()

    monkeypatch.setattr(watch, "look", counting)
    async with asyncio.timeout(30):
        await watch.run(stop)
    assert len(looks) == 3
    assert watch.name == "wards"
