"""`python -m stack`: run, demo, stop, reset, logs and what scripts need. `make help` lists the same.

What a few commands need (clients of Kafka and PostgreSQL, a resolver of jars) is imported by these, so that the rest answer at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import signal
import sys
import time
from base64 import b64encode
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import psutil
import stamina.instrumentation
import typer
from rich.console import Console
from rich.markup import escape

from stack.folder import ROOT, StackFolder
from stack.private import write_private
from stack.programs import end_at_once
from stack.reporter import Terminal
from stack.trouble import StackTrouble

if TYPE_CHECKING:
    from stack.journey import Journey
    from stack.local import LocalStack

_EXIT_TROUBLE = 1
_EXIT_INTERRUPTED = 130
_STOP_SECONDS = 40

commands = typer.Typer(no_args_is_help=True, add_completion=False, help="Tanggap on this one machine, without Docker.")
console = Console(highlight=False)

FolderOption = Annotated[Path, typer.Option("--folder", envvar="TANGGAP_STACK", help="Where data, logs and addresses are kept.")]
DEFAULT_FOLDER = ROOT / ".stack"


@commands.command()
def run(
    folder: FolderOption = DEFAULT_FOLDER,
    *,
    quiet: Annotated[bool, typer.Option("--no-journey", help="Don't send a complaint on its way at the start.")] = False,
) -> None:
    """Start everything, show one complaint's journey, and stay until Ctrl-C; data are kept."""
    sys.exit(_supervised(_run(folder, with_journey=not quiet, stay=True)))


@commands.command()
def demo(folder: FolderOption = DEFAULT_FOLDER) -> None:
    """The same, but end after the journey: exit code 0 only if every step of it held."""
    sys.exit(_supervised(_run(folder, with_journey=True, stay=False)))


@commands.command()
def stop(folder: FolderOption = DEFAULT_FOLDER) -> None:
    """Stop what runs, in order; data are kept."""
    place = StackFolder(folder)
    pid = place.holder()
    if pid is not None:
        with suppress(psutil.NoSuchProcess):
            supervisor = psutil.Process(pid)
            supervisor.terminate()
            console.print(f"Asked process {pid} to stop ...")
            deadline = time.monotonic() + _STOP_SECONDS
            while place.holder() == pid and time.monotonic() < deadline:
                time.sleep(0.1)
            if place.holder() == pid:
                console.print(f"[yellow]It did not within {_STOP_SECONDS} s; it is killed.[/yellow]")
                end_at_once(supervisor)
    left = place.end_left_over()
    console.print("Stopped; the data are kept." if pid is not None or left else "Nothing runs.")


@commands.command()
def reset(
    folder: FolderOption = DEFAULT_FOLDER,
    *,
    force: Annotated[bool, typer.Option("--force", help="Don't ask.")] = False,
) -> None:
    """Erase all data, logs and keys of this stack."""
    place = StackFolder(folder)
    if not place.path.exists():
        console.print("There is nothing to erase.")
        return
    if not force:
        if not sys.stdin.isatty():
            raise StackTrouble(f"This would erase {place.path}: say so with `make reset FORCE=1`.")
        typer.confirm(f"Erase all complaints, mails and logs in {place.path}?", abort=True)
    place.erase()
    console.print(f"Erased {place.path}.")


@commands.command()
def logs(
    names: Annotated[list[str] | None, typer.Argument(help="Services, or mail, kafka, postgres; none: all.")] = None,
    folder: FolderOption = DEFAULT_FOLDER,
    *,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", "-f", help="Go on until Ctrl-C.")] = True,
    lines: Annotated[int, typer.Option(min=0, help="How many old lines of each.")] = 20,
) -> None:
    """Show the logs, new lines as they come."""
    place = StackFolder(folder)
    paths = {path.stem: path for path in sorted(place.logs.glob("*.log")) if not names or path.stem in names}
    if not paths:
        raise StackTrouble(f"No log of {', '.join(names) if names else 'anything'} in {place.logs}.")
    offsets: dict[str, int] = {}
    with suppress(KeyboardInterrupt):
        while True:
            for name, path in paths.items():
                _show_new(name, path, offsets, lines)
            if not follow:
                break
            time.sleep(0.3)


@commands.command()
def get(
    path: Annotated[str, typer.Argument(help="A name in stack.json, with dots: intake, demo_key, dsn.routing, pids.kafka.")],
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Print one fact of the running stack, for scripts."""
    place = StackFolder(folder)
    try:
        found: Any = json.loads(place.stack_json.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StackTrouble("No stack runs: start it with `make run`.") from None
    for name in path.split("."):
        if not isinstance(found, dict) or name not in found:
            raise StackTrouble(f"stack.json has no {path}; it has: {', '.join(found) if isinstance(found, dict) else found}.")
        found = found[name]
    print(json.dumps(found) if isinstance(found, dict | list) else found)


@commands.command("lock-jars")
def lock_jars() -> None:
    """Resolve Kafka's jars anew from stack/jgo.toml and write their sums to stack/jgo.lock.toml."""
    from stack import jars  # noqa: PLC0415

    with console.status("Resolving Kafka's jars"):
        jars.lock_anew()
    console.print(f"Wrote {jars.LOCK.relative_to(ROOT)}: look at what changed before you commit it.")


@commands.command("compose-secrets")
def compose_secrets(file: Annotated[Path, typer.Argument()] = ROOT / ".env") -> None:
    """Write fresh secrets for docker compose, once: a file that exists is only completed."""
    wanted = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    present = file.read_text(encoding="utf-8") if file.exists() else ""
    missing = sorted(wanted - set(re.findall(r"^(\w+)=", present, re.MULTILINE)))
    if missing:
        fresh = {name: _secret_for(name) for name in missing}
        write_private(file, present + "".join(f"{name}={value}\n" for name, value in fresh.items()))
        console.print(f"Wrote {len(missing)} fresh secrets to {file.name}; keep it, it opens the data.")


def _secret_for(name: str) -> str:
    """Make 32 bytes in base64 for a key of encryption; a password goes into a URL, so letters and digits only."""
    return b64encode(secrets.token_bytes(32)).decode() if name.endswith("_KEY") else secrets.token_hex(24)


def main() -> None:
    """Run the command; trouble is told in one line, not as a traceback."""
    # A download that is tried again is no news; one that fails is told.
    stamina.instrumentation.set_on_retry_hooks(())
    try:
        commands()
    except StackTrouble as trouble:
        Console(stderr=True, highlight=False).print(f"[red]{escape(str(trouble))}[/red]", soft_wrap=True)
        sys.exit(_EXIT_TROUBLE)


def _supervised(work: Coroutine[Any, Any, int]) -> int:
    """Run until done; the first Ctrl-C (or SIGTERM, or a closed terminal) stops in order, the second at once."""

    async def run_it() -> int:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()

        def interrupt() -> None:
            if task.cancelling():
                console.print("[yellow]Stopping at once.[/yellow]")
                for child in psutil.Process().children():
                    end_at_once(child)
                os._exit(_EXIT_INTERRUPTED)
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, interrupt)
        try:
            return await task
        except asyncio.CancelledError:
            return _EXIT_INTERRUPTED

    return asyncio.run(run_it())


async def _run(folder: Path, *, with_journey: bool, stay: bool) -> int:
    from stack import journey  # noqa: PLC0415
    from stack.local import PORTS, LocalStack  # noqa: PLC0415

    reporter = Terminal(console)
    stack = LocalStack(
        folder,
        ports=PORTS,
        kafka=os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or None,
        database=os.environ.get("DATABASE_URL") or None,
        reporter=reporter,
    )
    began = time.monotonic()
    try:
        await stack.start()
    finally:
        reporter.doing("")
    console.print(f"[green]Ready[/green] after {time.monotonic() - began:.1f} s.")
    try:
        travelled = await journey.travel(stack, console) if with_journey else None
        if not stay:
            return 0 if travelled else _EXIT_TROUBLE
        _show_addresses(stack, travelled)
        console.print("Ctrl-C stops everything; the data are kept.")
        return await _stay(stack)
    finally:
        console.print("Stopping ...")
        await stack.stop()
        console.print("Stopped; the data are kept.")


async def _stay(stack: LocalStack) -> int:
    with suppress(asyncio.CancelledError):
        why = await stack.gave_up()
        console.print(f"[red]{escape(why)}[/red]", soft_wrap=True)
        return _EXIT_TROUBLE
    # Ctrl-C is how a run is meant to end.
    return 0


def _show_addresses(stack: LocalStack, travelled: Journey | None) -> None:
    found = stack.addresses
    rows = {
        "Complaints come in": f"{found.intake}/v1/complaints",
        "  as described by": f"{found.intake}/openapi.json",
        "Figures, who is late": f"{found.metrics}/",
        "Mails to officials": f"{found.mail}/",
    }
    if travelled:
        rows |= {
            "This complaint": f"{found.intake}/v1/complaints/{travelled.id}",
            "  why this unit": f"{found.routing}/v1/decisions/{travelled.id}",
            "  its page": travelled.link,
        }
    rows |= {
        "Kafka": found.kafka,
        "For scripts": str(stack.folder.stack_json),
        "Logs": str(stack.folder.logs),
    }
    for name, value in rows.items():
        # Not folded: an address is to be opened with a click.
        console.print(f"[bold]{name:<22}[/bold] [cyan]{escape(value)}[/cyan]", soft_wrap=True)
    console.print()


def _show_new(name: str, path: Path, offsets: dict[str, int], lines: int) -> None:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return
    if name not in offsets:
        text = path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:] if lines else []
        offsets[name] = size
    else:
        if size < offsets[name]:
            offsets[name] = 0  # it was put away and begun anew
        with path.open("rb") as file:
            file.seek(offsets[name])
            fresh = file.read()
        whole, _, _ = fresh.rpartition(b"\n")
        if not whole:
            return
        offsets[name] += len(whole) + 1
        text = whole.decode("utf-8", "replace").splitlines()
    for line in text:
        print(f"{name:>9} | {line}", flush=True)
