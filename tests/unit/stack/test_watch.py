import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from stack.programs import Program
from stack.watch import Part, Patience, Watch


class Told:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def doing(self, what: str) -> None:
        pass


def part(folder: Path, code: str) -> Part:
    program = Program("thing", [sys.executable, "-c", code], folder / "thing.log")

    async def launch() -> None:
        program.launch()

    return Part("thing", program, launch, wanted=True)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not holds():
            await asyncio.sleep(0.02)


@pytest.fixture
async def sleeper(tmp_path: Path) -> AsyncIterator[Part]:
    one = part(tmp_path, "import time; time.sleep(60)")
    one.program.launch()
    yield one
    one.program.kill()


async def test_a_killed_process_is_started_again_and_that_is_said(sleeper: Part) -> None:
    told, changes = Told(), []
    watch = Watch({"thing": sleeper}, told, lambda: changes.append(1), Patience())
    watch.begin()
    first = sleeper.program.pid
    sleeper.program.kill()
    await until(lambda: sleeper.program.pid not in {None, first} and bool(changes))
    await watch.end()
    assert "was ended by SIGKILL; it is started again" in told.lines[0]
    assert "is back" in told.lines[1]


async def test_one_that_is_not_wanted_stays_down(sleeper: Part) -> None:
    watch = Watch({"thing": sleeper}, Told(), lambda: None, Patience())
    sleeper.wanted = False
    sleeper.program.kill()
    watch.begin()
    await asyncio.sleep(0.5)
    await watch.end()
    assert sleeper.program.pid is None


async def test_one_that_dies_again_and_again_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    dying = part(tmp_path, "print('no such city', flush=True); raise SystemExit(3)")
    dying.program.launch()
    told = Told()
    watch = Watch({"thing": dying}, told, lambda: None, Patience(own_deaths=3))
    watch.begin()
    async with asyncio.timeout(15):
        why = await watch.gave_up
    assert "thing died 3 times within 60 s and ended by itself with exit code 3 in the end: giving up" in why
    assert "no such city" in why
    assert str(tmp_path / "thing.log") in why
    assert sum("it is started again" in line for line in told.lines) == 2
    assert "make room" not in why
    await watch.end()
    assert dying.program.pid is None


async def test_one_that_is_given_up_on_a_full_disk_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stack.watch.free_mebibytes", lambda _: 3)
    dying = part(tmp_path, "raise SystemExit(1)")
    dying.program.launch()
    watch = Watch({"thing": dying}, Told(), lambda: None, Patience(own_deaths=1))
    watch.begin()
    async with asyncio.timeout(15):
        why = await watch.gave_up
    assert why.splitlines()[-1] == f"Only 3 MB free in {tmp_path}: make room, then run again; what was accepted is kept."
    await watch.end()


async def test_five_kills_in_a_row_from_outside_are_not_its_own_fault(sleeper: Part) -> None:
    watch = Watch({"thing": sleeper}, Told(), lambda: None, Patience())
    watch.begin()
    for _ in range(6):
        killed = sleeper.program.pid
        assert killed is not None
        psutil.Process(killed).kill()
        await until(lambda killed=killed: sleeper.program.pid not in {None, killed})
    assert not watch.gave_up.done()
    await watch.end()
