"""The supervisor: sees that a process died, says so, starts it again, and gives up when that helps no more."""

import asyncio
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from stack.programs import Program
from stack.reporter import Reporter
from stack.trouble import StackTrouble, free_mebibytes

_LOOK_SECONDS = 0.1
_FROM_OUTSIDE = {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT}
_TAIL_LINES = 6
_FULL_MEBIBYTES = 32  # PostgreSQL alone takes 16 MiB at once, for each file of its log


@dataclass(frozen=True, slots=True)
class Patience:
    """How many deaths within `seconds` are too many: of its own doing, or of any kind (somebody may kill it for a test)."""

    own_deaths: int = 5
    deaths: int = 20
    seconds: float = 60


@dataclass(slots=True)
class Part:
    """A process that must run. `launch` starts it and returns when it is ready; StackTrouble if it doesn't get so."""

    name: str
    program: Program
    launch: Callable[[], Awaitable[None]]
    wanted: bool = False  # it should run now
    launching: asyncio.Lock = field(default_factory=asyncio.Lock)
    died_at: deque[tuple[float, bool]] = field(default_factory=deque)  # moment, and whether of its own doing


class Watch:
    """Keeps the parts running from `begin` to `end`. `gave_up` is done when one can't be kept: its text says which and why."""

    def __init__(self, parts: Mapping[str, Part], reporter: Reporter, changed: Callable[[], None], patience: Patience) -> None:
        self._reporter = reporter
        self._changed = changed
        self._patience = patience
        self._parts = parts
        self._task: asyncio.Task[None] | None = None
        self._restarts: set[asyncio.Task[None]] = set()
        self.gave_up: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def begin(self) -> None:
        """Start looking."""
        self._task = asyncio.create_task(self._look(), name="stack-watch")

    async def end(self) -> None:
        """Stop looking; what runs goes on running."""
        tasks: Sequence[asyncio.Task[None]] = [task for task in (self._task, *self._restarts) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.gave_up.cancel()

    async def _look(self) -> None:
        while True:
            for part in list(self._parts.values()):
                if part.wanted and not part.launching.locked() and part.program.pid is None:
                    task = asyncio.create_task(self._bring_back(part), name=f"stack-restart-{part.name}")
                    self._restarts.add(task)
                    task.add_done_callback(self._restarts.discard)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _bring_back(self, part: Part) -> None:
        async with part.launching:
            if not part.wanted or part.program.pid is not None:
                return
            code = part.program.exit_code
            died = time.monotonic()
            own_deaths = self._count(part, died, own=code not in _FROM_OUTSIDE)
            if own_deaths >= self._patience.own_deaths or len(part.died_at) >= self._patience.deaths:
                self._give_up(part)
                return
            self._reporter.say(f"[yellow]{part.name} {ending(code)}; it is started again.[/yellow]")
            # What ends by its own fault mostly needs something else to mend first.
            await asyncio.sleep(min(5.0, 0.25 * 2**own_deaths) if own_deaths else 0)
            if not part.wanted:
                return
            try:
                await part.launch()
            except StackTrouble as trouble:
                # If it died again, the next look finds it; if it lives but isn't ready, a person must know.
                if part.program.pid is not None:
                    self._reporter.say(f"[red]{trouble}[/red]")
                return
            self._changed()
            self._reporter.say(f"[green]{part.name} is back[/green] after {time.monotonic() - died:.1f} s.")

    def _count(self, part: Part, died: float, *, own: bool) -> int:
        """Note a death; return how many within the time of patience were of the part's own doing."""
        part.died_at.append((died, own))
        while died - part.died_at[0][0] > self._patience.seconds:
            part.died_at.popleft()
        return sum(own for _, own in part.died_at)

    def _give_up(self, part: Part) -> None:
        part.wanted = False
        program = part.program
        text = (
            f"{part.name} died {len(part.died_at)} times within {self._patience.seconds:.0f} s and {ending(program.exit_code)} "
            f"in the end: giving up. Its log is {program.log}; its last lines:\n{program.tail(_TAIL_LINES)}"
        )
        # The commonest cause, which a log's last lines seldom show.
        if (free := free_mebibytes(program.log.parent)) < _FULL_MEBIBYTES:
            text += f"\nOnly {free} MB free in {program.log.parent}: make room, then run again; what was accepted is kept."
        with suppress(asyncio.InvalidStateError):
            self.gave_up.set_result(text)


def ending(code: int | None) -> str:
    """Say in words how a process ended."""
    if code is None:
        return "is gone"
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended by itself with exit code {code}"
