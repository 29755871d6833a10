"""One child process: started with a log, known by pid and start time, stopped with patience or killed at once."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from stack.trouble import from_os_error

_LAUNCHER = Path(__file__).with_name("launch.py")
_LOG_LIMIT_BYTES = 20 * 1024 * 1024
_POLL_SECONDS = 0.05
_GONE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Identity:
    """A process beyond mistake: pids are reused, a pid with its start time is not."""

    pid: int
    started: float  # seconds since the epoch, as the kernel tells it

    def find(self) -> psutil.Process | None:
        """Return the living process, or none if it ended (or only waits to be reaped)."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.started) > 1 or process.status() == psutil.STATUS_ZOMBIE:
                return None
        except psutil.NoSuchProcess:
            return None
        return process


@dataclass(slots=True)
class Program:
    """A program to run as a child of this process, any number of times, one at a time.

    `stop_signal` asks it to end in order (PostgreSQL's fast shutdown is SIGINT); `user` is (uid, gid) to run as.
    """

    name: str
    command: Sequence[str | Path]
    log: Path
    environment: Mapping[str, str] | None = None
    folder: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    user: tuple[int, int] | None = None
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def identity(self) -> Identity | None:
        """Pid and start time while it runs."""
        with contextlib.suppress(psutil.NoSuchProcess):
            if (pid := self.pid) is not None:
                return Identity(pid, psutil.Process(pid).create_time())
        return None

    @property
    def exit_code(self) -> int | None:
        """Code of the last run that ended (minus the signal's number if one killed it); none while it runs or before."""
        return self._process.poll() if self._process is not None else None

    def launch(self) -> None:
        """Start it; returns as soon as the process exists.

        It gets a session of its own, so that a Ctrl-C at the terminal reaches the supervisor alone, which then stops
        all in order. Raises StackTrouble if the log can't be written or the process can't be made.
        """
        if self.pid is not None:
            return
        uid, gid = self.user or (-1, -1)
        arguments = [int(self.stop_signal), os.getpid(), uid, gid, *self.command]
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT_BYTES:
                self.log.replace(self.log.with_suffix(".log.1"))
            with self.log.open("ab") as output:
                self._process = subprocess.Popen(
                    [sys.executable, "-IS", str(_LAUNCHER), *map(str, arguments)],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=dict(self.environment) if self.environment is not None else None,
                    cwd=self.folder,
                    start_new_session=True,
                )
        except OSError as error:
            raise from_os_error(error, f"starting {self.name}", self.log.parent) from error

    async def stop(self, grace_seconds: float) -> bool:
        """Ask it to end and wait; kill it after `grace_seconds`. True if it ended by itself."""
        if self.pid is None:
            return True
        self.signal(self.stop_signal)
        if await self.ended(grace_seconds):
            return True
        self.kill()
        return False

    async def ended(self, within_seconds: float) -> bool:
        """Wait until it is gone, at most so long; true if it is."""
        deadline = time.monotonic() + within_seconds
        while self.pid is not None:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(_POLL_SECONDS)
        return True

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens if it is gone."""
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """End it and its children at once by SIGKILL, and reap it."""
        # The one that runs now: a supervisor may have started the next before this one is reaped.
        process = self._process
        if process is None or process.poll() is not None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            end_at_once(psutil.Process(process.pid))
        process.wait()

    def tail(self, lines: int = 12) -> str:
        """Last lines of its log, for a person who must know why it ended."""
        with contextlib.suppress(FileNotFoundError):
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        return ""


def end_at_once(process: psutil.Process) -> None:
    """SIGKILL a process and all that came from it, the parent first so that it starts no more."""
    family = [process]
    with contextlib.suppress(psutil.NoSuchProcess):
        family += process.children(recursive=True)
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    deadline = time.monotonic() + _GONE_SECONDS
    while any(map(_alive, family)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _alive(process: psutil.Process) -> bool:
    try:
        return process.status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    except psutil.NoSuchProcess:
        return False
