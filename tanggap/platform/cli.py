"""The `tanggap` command: each part of the house adds its own commands to it (entry points, group `tanggap.commands`)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import entry_points
from typing import Any, Protocol

import typer

GROUP = "tanggap.commands"


class Part(Protocol):
    """What is needed of an entry point."""

    @property
    def name(self) -> str:
        """The sub-command."""

    @property
    def value(self) -> str:
        """Where it is, module:object."""

    def load(self) -> Any:
        """Import it."""


def build(found: Iterable[Part] | None = None, asked: str = "") -> tuple[typer.Typer, list[str]]:
    """The command with all parts that can be loaded, and a line for each that can't: a broken one takes no other with it.

    `asked`: the sub-command that is called. Where a part has that name it alone is loaded, since another's libraries take seconds.
    """
    app = typer.Typer(name="tanggap", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
    # Without a callback a single part would become the whole command.
    app.callback(help="Tanggap: event-driven services through which a city answers its citizens.")(_nothing)
    broken = []
    parts: Sequence[Part] = [*(found if found is not None else entry_points(group=GROUP))]
    wanted = [point for point in parts if point.name == asked] or parts
    for point in sorted(wanted, key=lambda point: point.name):
        try:
            part = point.load()
            if not isinstance(part, typer.Typer):
                raise TypeError(f"is a {type(part).__name__}, not a typer.Typer")  # noqa: TRY301 - reported as the others are
        except Exception as fault:  # noqa: BLE001 - whatever a part raises at import
            broken.append(f"tanggap {point.name}: not available: {point.value}: {type(fault).__name__}: {fault}")
        else:
            app.add_typer(part, name=point.name)
    return app, broken


def _nothing() -> None:
    pass


def main() -> None:
    """Entry point of `tanggap`."""
    app, broken = build(asked=sys.argv[1] if len(sys.argv) > 1 else "")
    for line in broken:
        sys.stderr.write(line + "\n")
    app()
