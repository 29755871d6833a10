"""`tanggap dlq`: look at the records that could not be handled, and send them round again."""

from __future__ import annotations

import typer

commands = typer.Typer(no_args_is_help=True, help="The dead-letter topic: list, show, redrive.")
