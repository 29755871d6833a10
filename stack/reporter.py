"""What a person is told while things start: lines that stay, and what is being done right now."""

from typing import Protocol

from rich.console import Console
from rich.status import Status
from typing_extensions import override


class Reporter(Protocol):
    """Takes what there is to tell."""

    def say(self, line: str) -> None:
        """Tell something that stays on the screen; rich's markup counts."""

    def doing(self, what: str) -> None:
        """Tell what is being done now; an empty text when it is done."""


class Silent(Reporter):
    """Tells nobody: for tests and scripts."""

    @override
    def say(self, line: str) -> None:
        pass

    @override
    def doing(self, what: str) -> None:
        pass


class Terminal(Reporter):
    """A spinner on a terminal; plain lines in a pipe or a log."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._status: Status | None = None
        self._last = ""

    @override
    def say(self, line: str) -> None:
        self.console.print(line)

    @override
    def doing(self, what: str) -> None:
        if not self.console.is_terminal:
            if what and what != self._last:
                self.console.print(f"[dim]{what} ...[/dim]")
            self._last = what
        elif not what:
            if self._status is not None:
                self._status.stop()
                self._status = None
        elif self._status is None:
            self._status = self.console.status(what)
            self._status.start()
        else:
            self._status.update(what)
