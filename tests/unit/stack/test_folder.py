import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from stack import folder as folders
from stack.folder import StackFolder
from stack.programs import Identity
from stack.trouble import StackTrouble


@pytest.fixture
def place(tmp_path: Path) -> StackFolder:
    return StackFolder(tmp_path / "stack")


def test_a_second_run_beside_the_first_is_refused_and_told_who_runs(place: StackFolder) -> None:
    with place.occupied():
        assert place.holder() == os.getpid()
        with pytest.raises(StackTrouble, match=rf"process {os.getpid()}\).*make stop"), StackFolder(place.path).occupied():
            pass
    assert place.holder() is None
    with place.occupied():
        pass


def test_what_is_remembered_is_added_to_and_private(place: StackFolder) -> None:
    with place.occupied():
        place.remember(demo_key="tgp_x")
        assert place.remember(ports={"intake": 8001}) == {"demo_key": "tgp_x", "ports": {"intake": 8001}}
    assert {path.name: path.stat().st_mode & 0o077 for path in place.path.iterdir()} == {"keep.json": 0, "lock": 0}


def test_half_written_memory_does_not_stop_a_start(place: StackFolder) -> None:
    with place.occupied():
        (place.path / "keep.json").write_text('{"demo_key": "tg')
        (place.path / "processes.json").write_text("")
        assert place.remember() == {}
        assert place.end_left_over() == []


def test_a_process_of_a_killed_run_is_ended_but_not_a_stranger_that_got_its_pid(
    place: StackFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_OWN_END_SECONDS", 0.1)
    left, stranger = (subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) for _ in range(2))
    try:
        started = {process.pid: psutil.Process(process.pid).create_time() for process in (left, stranger)}
        with place.occupied():
            place.record_processes(
                {
                    "intake": Identity(left.pid, started[left.pid]),
                    "routing": Identity(stranger.pid, started[stranger.pid] - 3600),
                    "metrics": None,
                }
            )
            assert place.end_left_over() == ["intake"]
            assert place.left_over() == {}
        assert left.wait(5) == -9
        assert stranger.poll() is None
    finally:
        for process in (left, stranger):
            process.kill()
            process.communicate()


def test_a_full_disk_is_said_before_anything_is_started(place: StackFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "free_mebibytes", lambda _: 12)
    with pytest.raises(StackTrouble, match=r"Only 12 MB free in .* needed"), place.occupied():
        pass


def test_data_are_not_erased_while_a_stack_runs_on_them(place: StackFolder) -> None:
    with place.occupied():
        place.remember(demo_key="kept")
        with pytest.raises(StackTrouble, match="make stop"):
            place.erase()
        assert place.remember() == {"demo_key": "kept"}
    place.erase()
    assert not place.path.exists()
