import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from stack import programs
from stack.programs import Program

ROOT = Path(__file__).parents[3]
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
PARENT_AND_CHILD = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    " print(child.pid, flush=True); time.sleep(60)"
)


def wait_for_output(program: Program) -> str:
    deadline = time.monotonic() + 10
    while not (text := program.tail()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return text


async def test_it_ends_by_itself_when_asked_and_its_words_are_in_the_log(tmp_path: Path) -> None:
    program = Program(
        "thing", [sys.executable, "-c", "print('halo', flush=True); import time; time.sleep(60)"], tmp_path / "x.log"
    )
    program.launch()
    assert wait_for_output(program) == "halo"
    assert await program.stop(5)
    assert (program.pid, program.exit_code) == (None, -signal.SIGTERM)


async def test_one_that_will_not_end_is_killed_after_its_grace(tmp_path: Path) -> None:
    program = Program("thing", [sys.executable, "-c", STUBBORN], tmp_path / "x.log")
    program.launch()
    wait_for_output(program)
    assert not await program.stop(0.3)
    assert program.exit_code == -signal.SIGKILL


def test_a_kill_takes_the_children_too(tmp_path: Path) -> None:
    program = Program("thing", [sys.executable, "-c", PARENT_AND_CHILD], tmp_path / "x.log")
    program.launch()
    child = int(wait_for_output(program))
    program.kill()
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_it_ends_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from stack.programs import Program;"
        f" p = Program('thing', [sys.executable, '-c', 'import time; time.sleep(60)'], Path({str(tmp_path / 'x.log')!r}));"
        " p.launch(); print(p.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        orphan = psutil.Process(int(parent.stdout.readline()))
        # It must have become the program before its parent goes.
        deadline = time.monotonic() + 10
        while "launch.py" in " ".join(orphan.cmdline()) and time.monotonic() < deadline:
            time.sleep(0.02)
        parent.kill()
    gone, alive = psutil.wait_procs([orphan], timeout=5)
    assert gone or alive[0].status() == psutil.STATUS_ZOMBIE


def test_a_log_that_grew_too_long_is_put_aside_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "x.log"
    log.write_text("old " * 10)
    monkeypatch.setattr(programs, "_LOG_LIMIT_BYTES", 20)
    program = Program("thing", [sys.executable, "-c", "print('new', flush=True)"], log)
    program.launch()
    assert wait_for_output(program) == "new"
    program.kill()
    assert (tmp_path / "x.log.1").read_text().startswith("old")


@pytest.mark.timeout(20)
def test_a_kill_waits_for_the_one_it_killed_and_not_for_the_next_that_a_supervisor_has_started_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program("thing", [sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "x.log")
    program.launch()
    first = program.pid
    end_at_once = programs.end_at_once

    def ended_and_started_again(process: psutil.Process) -> None:
        end_at_once(process)
        program.launch()

    monkeypatch.setattr(programs, "end_at_once", ended_and_started_again)
    program.kill()
    assert program.pid not in {None, first}
    monkeypatch.undo()
    program.kill()
    assert program.pid is None
