"""The folder `.stack`: who runs from it, what it must remember, and what scripts may read."""

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from stack.ports import free_port
from stack.private import write_private
from stack.programs import Identity, end_at_once
from stack.trouble import StackTrouble, free_mebibytes, from_os_error

ROOT = Path(__file__).resolve().parents[1]
"""The repository's folder."""

_FIRST_START_MEBIBYTES = 150  # fresh data take 50; the rest is room to work
_OWN_END_SECONDS = 8.0  # what lost its parent ends by itself within moments on Linux


class StackFolder:
    """Layout: `logs/NAME.log`, `kafka/`, `postgres/`, `mail/` (data), `stack.json` (for scripts), `keep.json` (secrets and
    ports that outlive a run), `processes.json` (pid and start time of each process), `lock`. All but logs are private.
    """  # noqa: D205 - the layout is the summary

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.logs = self.path / "logs"
        self.stack_json = self.path / "stack.json"
        self._lock = self.path / "lock"
        self._keep = self.path / "keep.json"
        self._processes = self.path / "processes.json"

    @contextlib.contextmanager
    def occupied(self) -> Iterator[None]:
        """Hold the folder for this process alone; raises StackTrouble, naming the holder, if another has it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            free = free_mebibytes(self.path)
            if free < _FIRST_START_MEBIBYTES:
                raise StackTrouble(f"Only {free} MB free in {self.path}, {_FIRST_START_MEBIBYTES} MB needed: make room first.")
            handle = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise from_os_error(error, "opening the stack's folder", self.path) from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackTrouble(
                    f"A stack already runs from {self.path} (process {self.holder() or 'unknown'}): "
                    "use it as stack.json there says, or end it with `make stop`."
                ) from None
            os.truncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
            yield
        finally:
            os.close(handle)

    def holder(self) -> int | None:
        """Return the pid of the process that holds the folder now, or none."""
        try:
            with self._lock.open("r+", encoding="utf-8") as handle:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return int(handle.read().strip() or 0) or None
        except (OSError, ValueError):
            pass
        return None

    def remember(self, **values: Any) -> dict[str, Any]:
        """Add to what outlives a run, and return all of it."""
        kept: dict[str, Any] = {}
        with contextlib.suppress(FileNotFoundError, ValueError):
            kept = json.loads(self._keep.read_text(encoding="utf-8"))
        if values:
            kept |= values
            self._write(self._keep, kept)
        return kept

    def record_processes(self, processes: Mapping[str, Identity | None]) -> None:
        """Write down who runs, so that a start after a SIGKILL of the supervisor finds what it left."""
        alive = {name: {"pid": one.pid, "started": one.started} for name, one in processes.items() if one is not None}
        self._write(self._processes, alive)

    def left_over(self) -> dict[str, psutil.Process]:
        """Return the processes of an earlier run that live on though their supervisor is gone."""
        with contextlib.suppress(FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
            recorded = json.loads(self._processes.read_text(encoding="utf-8"))
            found = {name: Identity(one["pid"], one["started"]).find() for name, one in recorded.items()}
            return {name: process for name, process in found.items() if process is not None}
        return {}

    def end_left_over(self) -> list[str]:
        """End what an earlier run left; each gets some seconds to end by itself, as it was told to when its parent died."""
        left = self.left_over()
        deadline = time.monotonic() + _OWN_END_SECONDS
        while self.left_over() and time.monotonic() < deadline:
            time.sleep(0.1)
        for process in self.left_over().values():
            end_at_once(process)
        return sorted(left)

    def publish(self, facts: Mapping[str, Any]) -> None:
        """Write stack.json, whole or not at all; it holds passwords, so only this user may read it."""
        self._write(self.stack_json, facts)

    def erase(self) -> None:
        """Remove all data, logs and memory; raises StackTrouble while a stack runs from here."""
        if (pid := self.holder()) is not None:
            raise StackTrouble(f"The stack runs (process {pid}): end it with `make stop` first.")
        self.end_left_over()
        try:
            shutil.rmtree(self.path)
        except OSError as error:
            raise from_os_error(error, "erasing", self.path) from error

    def _write(self, path: Path, content: Mapping[str, Any]) -> None:
        try:
            write_private(path, json.dumps(content, indent=2) + "\n")
        except OSError as error:
            raise from_os_error(error, f"writing {path.name}", self.path) from error


def choose_ports(wanted: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """Give each name a free port: the one of the run before, else the wanted one, else the next that nobody wants.

    The same port as before matters: links in mails that were sent lead to it. A wanted 0 takes any.
    """
    given: dict[str, int] = {}
    for name, port in wanted.items():
        avoid = {*given.values(), *(other for key, other in wanted.items() if key != name and other)}
        given[name] = free_port(before.get(name, port), avoid)
    return given
