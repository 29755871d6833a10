"""`tanggap policy`: check a policy, see why a complaint goes where it goes, try another on the stored complaints, have it count.

`DATABASE_URL` is routing's; `try` reads the log as well (`KAFKA_BOOTSTRAP_SERVERS`).
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Final

import typer
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from services.routing.places import full_name
from services.routing.policy import file as policy_file
from services.routing.policy import given as policy_given
from services.routing.policy import store as policy_store
from services.routing.policy import trial as policy_trial
from services.routing.policy.explain import NO_APP, Language, Shown
from services.routing.policy.explain import explain as explained
from services.routing.policy.given import (
    EXIT_FAULT,
    TROUBLE,
    chosen_policy,
    named_policy,
    newest,
    on_database,
    read_city,
    refuse,
    text_of,
    trouble_in_words,
)
from services.routing.policy.policy import Policy
from services.routing.policy.store import Activation, Report
from services.routing.policy.trial import Changes, ChangesFault, Counts, LogTroubleError, Tally
from services.routing.policy.watch import SESSION
from services.routing.router import Router
from tanggap.contracts.city import City
from tanggap.platform.clock import utc_now
from tanggap.platform.connections import trouble_with
from tanggap.platform.database import Database
from tanggap.platform.settings import environment
from tanggap.platform.terminal import visible
from tanggap.platform.topics import COMPLAINTS

commands = typer.Typer(no_args_is_help=True, help="The routing policy: who must act on a complaint.")

JAKARTA: Final = Path("cities/jakarta")
NARROWEST, WIDEST = 80, 120
"""Columns of what is printed: readable in a small window, and not stretched in a large one."""
MOST_CHARACTERS: Final = 500
"""Of who activates a policy, and of why."""
PATIENCE_SECONDS: Final = 5.0
"""How long running processes are waited for after an activation; they take a second at most."""
NOBODY_SECONDS: Final = 2.0
"""How long it is looked whether any process runs: one whose connection broke off comes back within a second or so."""
_LOOK_SECONDS: Final = 0.1
MOST_UNITS: Final = 20
MOST_WAYS: Final = 8

CityFolder = Annotated[Path, typer.Option("--city", envvar="TANGGAP_CITY", help="The city's folder.")]
Json = Annotated[bool, typer.Option("--json", help="For scripts: one JSON value on stdout.")]


@commands.callback()
def _about() -> None:
    """The routing policy: who must act on a complaint."""
    # What goes on inside is no part of an answer.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


@commands.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="The policy; without it the city's own routing.yaml.")] = None,
    city: CityFolder = JAKARTA,
) -> None:
    """Name every fault of a policy with its line: what can't be read, never decides, or names nobody. Exit 1 if there is one."""
    path = file or city / policy_file.FILE
    found = policy_given.read_policy(path, read_city(city))
    told = f", {_count(len(found.notices), 'notice')}" if found.notices else ""
    typer.echo(f"{path}: {found.version}, {_count(len(found.rules), 'rule')}{told}; every complaint finds its unit")


@commands.command()
def explain(
    text: Annotated[str, typer.Argument(help="What the citizen writes.", show_default=False)],
    *,
    at: Annotated[str | None, typer.Option(metavar="LAT,LON", help="The point, degrees WGS 84.")] = None,
    address: Annotated[str | None, typer.Option(help="The address in words.")] = None,
    category: Annotated[str | None, typer.Option(help="The category, as the app names it.")] = None,
    app: Annotated[str, typer.Option(help="The app that sends it.")] = NO_APP,
    source: Annotated[str | None, typer.Option(help="Where the app has it from.")] = None,
    attribute: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="An attribute; may be given again.")] = None,
    when: Annotated[str | None, typer.Option(metavar="ISO", help="When it is received, local time; now if not given.")] = None,
    policy: Annotated[str | None, typer.Option(metavar="FILE|VERSION", help="Another policy than the one that counts.")] = None,
    lang: Annotated[Language, typer.Option(help="The language of the reason.")] = "en",
    everything: Annotated[
        bool, typer.Option("--all", help="Each rule and notice by itself, all that was given, and every version.")
    ] = False,
    city: CityFolder = JAKARTA,
) -> None:
    """Tell why a complaint of TEXT would go where it would go: the whole reasoning on one screen. Nothing is sent or kept.

    Rules that did not match for one and the same reason share a line; --all gives each its own.
    """
    place = None if at is None else policy_given.point(at)
    attributes = dict(policy_given.attribute(each) for each in attribute or ())
    router = policy_given.read_router(city)
    moment = utc_now() if when is None else policy_given.moment(when, "--when", router.city.tz)
    submitted = policy_given.submission(
        description=text,
        location=place,
        address=address,
        category=category,
        app=app,
        source=source,
        attributes=attributes,
        received_at=moment,
    )
    router.policy, policy_from = chosen_policy(policy, router)
    console = _console()
    console.print(explained(submitted, router, policy_from, Shown(lang, everything)))


@commands.command("try")
def try_(
    new: Annotated[str, typer.Argument(metavar="NEW", help="The policy to try: a file, or a version that is kept.")],
    *,
    since: Annotated[str, typer.Option(help="From when: 30d, 12h, or a day as 2026-11-01.")] = "30d",
    csv: Annotated[Path | None, typer.Option(help="Write each change into this file.")] = None,
    against: Annotated[
        str | None, typer.Option(metavar="FILE|VERSION", help="Compare with this policy instead of the one that counts.")
    ] = None,
    topic: Annotated[str, typer.Option(help="The log.")] = COMPLAINTS,
    city: CityFolder = JAKARTA,
) -> None:
    """Decide the stored complaints by the policy that counts and by NEW, and show what would change, by unit. Changes nothing."""
    if csv is not None and (_are_one_file(csv, new) or _are_one_file(csv, against)):
        refuse(f"--csv {csv}: is a policy that is tried, and would be lost; name another file")
    servers = environment("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
    router = policy_given.read_router(city)
    begins = policy_given.since(since.strip(), router.city.tz)
    trial, _ = chosen_policy(new, router)
    router.policy, policy_from = chosen_policy(against, router, needed="--against FILE")
    if trial.version == router.policy.version:
        refuse(f"{trial.version} is the policy that it would be compared with; nothing would change")
    read = policy_trial.Read([server.strip() for server in servers.split(",")], topic, begins)
    counts, started = Counts(), time.monotonic()
    try:
        with nullcontext() if csv is None else policy_trial.changes_in(csv) as changes:
            tally = asyncio.run(_trial(router, trial, changes, read, counts))
    except (LogTroubleError, ChangesFault) as trouble:
        refuse(str(trouble))
    except KafkaError as trouble:
        refuse(trouble_with(servers, trouble))
    except OSError as trouble:
        refuse(f"Kafka at {servers}: {trouble.strerror or trouble}")
    seconds = time.monotonic() - started
    console = _console()
    local = f"{begins.astimezone(router.city.tz):%Y-%m-%d %H:%M %Z}"
    console.print(f"{_count(tally.complaints, 'complaint')} since {local}, read and decided twice in {seconds:.1f} s")
    if counts.unreadable:
        console.print(f"{_count(counts.unreadable, 'record')} could not be read: see `tanggap dlq list`")
    console.print(f"now   {router.policy.version} ({policy_from})")
    console.print(f"then  {trial.version}")
    _show(console, tally, router.city)
    if csv is not None:
        console.print(f"\n{csv}: {_count(tally.changed, 'change')}, one a line")


@commands.command()
def activate(
    policy: Annotated[str, typer.Argument(metavar="FILE|VERSION", help="A file, or a version that is kept.")],
    by: Annotated[str, typer.Option(help="Who decides this.", show_default=False)],
    why: Annotated[str, typer.Option(help="Why, for those who read the history.", show_default=False)],
    city: CityFolder = JAKARTA,
) -> None:
    """Have a policy count from now on. It is checked against the city first; running services take it within a second or two.

    Exit 1 where it is refused, by the check or by a running service; also where it counts already, since who and why are not kept then.
    """
    said = {"--by": by.strip(), "--why": why.strip()}
    for option, value in said.items():
        if not value or len(value) > MOST_CHARACTERS or not value.isprintable():
            refuse(f"{option} must have 1 to {MOST_CHARACTERS} printable characters")
    whole = read_city(city)
    chosen = named_policy(policy, whole)
    on_database(lambda database: _activate(database, chosen, said["--by"], said["--why"], whole))


@commands.command()
def history(*, as_json: Json = False, city: CityFolder = JAKARTA) -> None:
    """List who had which policy count, from when and why, the last first, and how many processes took or refused it."""
    entries = on_database(_history)
    if as_json:
        found = [
            {
                "version": one.activation.version,
                "before": one.activation.before,
                "activated_at": one.activation.activated_at.isoformat(),
                "activated_by": one.activation.activated_by,
                "why": one.activation.why,
                "city_version": one.activation.city_version,
                "taken": one.taken,
                "refused": one.refused,
            }
            for one in entries
        ]
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    if not entries:
        typer.echo("nothing was activated yet: each service decides by its city's own routing.yaml")
        return
    tz = read_city(city).tz
    table = Table(box=None, pad_edge=False)
    for name in ("from", "policy", "by", "why", "taken", "refused"):
        table.add_column(name, justify="right" if name in {"taken", "refused"} else "left", overflow="fold")
    for one in entries:
        done = one.activation
        at = f"{done.activated_at.astimezone(tz):%Y-%m-%d %H:%M:%S %Z}"
        table.add_row(at, done.version, done.activated_by, done.why, str(one.taken), str(one.refused))
    _console().print(table)


@commands.command()
def show(version: Annotated[str, typer.Argument(help="As it stands in decisions and in the history.")]) -> None:
    """Print the text of a policy that counts or did, to the byte: also of one that is long gone from every disk."""
    raw = on_database(lambda database: text_of(database, version))
    if raw is None:
        refuse(f"no policy {version} is kept: see `tanggap policy history`")
    sys.stdout.buffer.write(raw)
    sys.stdout.flush()


# The log


async def _trial(router: Router, trial: Policy, changes: Changes | None, read: policy_trial.Read, counts: Counts) -> Tally:
    async with _progress() as told:
        return await policy_trial.run(policy_trial.read(read, counts, told), router, trial, changes)


@asynccontextmanager
async def _progress() -> AsyncIterator[policy_trial.Progress]:
    columns = (TextColumn("records of the log"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task("log", total=None)

    def told(done: int, total: int) -> None:
        # Not before there is something to tell: a bar that is shown and taken away again leaves a blank line.
        bar.start()
        bar.update(task, completed=done, total=total)

    try:
        yield told
    finally:
        bar.stop()


# The database


async def _history(database: Database) -> list[policy_store.Entry]:
    async with database.connection() as connection:
        return list(await policy_store.history(connection))


async def _activate(database: Database, policy: Policy, by: str, why: str, city: City) -> None:
    """Activate, and say so at once, since from then on it counts whatever comes; then wait for the processes that run."""
    written = False
    try:
        async with database.transaction() as connection:
            await policy_store.hold_others(connection)
            counting = await newest(connection)
            before = counting[0] if counting is not None else None
            if before is not None and before.version == policy.version:
                refuse(f"{_told(before, city)}: it counts already")
            done = await policy_store.activate(connection, policy, by=by, why=why, city_version=city.version)
            written = True
    except TROUBLE as trouble:
        if not written:
            raise
        refuse(
            f"{trouble_in_words(trouble)}, so it is not known whether {policy.version} counts now: see `tanggap policy history`"
        )
    try:
        typer.echo(f"until now: {_told(before, city) if before is not None else 'each service by its city’s own routing.yaml'}")
        typer.echo(f"from now:  {_told(done, city)}")
    except OSError as trouble:  # a full disk behind stdout
        refuse(f"{policy.version} counts from now, which can't be printed: {trouble.strerror or trouble}")
    try:
        running, reports, later = await _heard(database, done)
    except TROUBLE as trouble:
        typer.echo(
            f"{trouble_in_words(trouble)}; {policy.version} counts, and what running processes make of it is not known: "
            "see `tanggap policy history`, and their /readyz",
            err=True,
        )
        return
    if later is not None:
        typer.echo(f"by now:    {_told(later, city)}")
    _show_reports(running, reports, replaced=later is not None)


async def _heard(database: Database, done: Activation) -> tuple[int, list[Report], Activation | None]:
    """How many processes run, and what they say of an activation: once all have, or as long as they are waited for.

    Last the activation that has taken its place meanwhile, if one has: then nobody is waited for, since a process that had not
    looked before will never say anything of this one.
    """
    began, running = time.monotonic(), 0
    async with database.connection() as connection:
        while True:
            running = max(running, await policy_store.listening(connection, SESSION))
            reports = await policy_store.reports(connection, done.id)
            # One that has just lost its connection is back in a moment.
            patience = PATIENCE_SECONDS if running else NOBODY_SECONDS
            later = await newest(connection) if await policy_store.newest(connection) != done.id else None
            if later is not None:
                return running, reports, later[0]
            if (running and len(reports) >= running) or time.monotonic() - began >= patience:
                return running, reports, None
            await asyncio.sleep(_LOOK_SECONDS)


# What is shown


def _console() -> Console:
    """Stdout, 80 to 120 columns wide. What people wrote is never taken for markup."""
    width = min(WIDEST, max(NARROWEST, Console().width))
    return Console(width=width, markup=False, emoji=False, highlight=False)


def _show(console: Console, tally: Tally, city: City) -> None:
    share = f" ({tally.changed / tally.complaints:.1%})" if tally.complaints else ""
    console.print(
        f"\n{_count(tally.changed, 'complaint')} would change{share}: {tally.moved:,} to another unit, "
        f"{tally.told:,} with others told, {tally.recounted:,} counted as another category; "
        f"at triage {tally.triage_before:,} now, {tally.triage_after:,} then"
    )
    units = tally.by_change()
    if not units:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("unit", "has", "loses", "gains", "would have", "told more", "told less"):
        table.add_column(name, justify="left" if name == "unit" else "right", no_wrap=name != "unit", overflow="fold")
    for one in units[:MOST_UNITS]:
        figures = (one.has, -one.loses, one.gains, one.would_have, one.told_more, -one.told_less)
        signs = ("", "", "+", "", "+", "")
        table.add_row(
            full_name(city.units[one.unit.code]),
            *(f"{number:{sign},}" if number else "·" for number, sign in zip(figures, signs, strict=True)),
        )
    console.print(table)
    if len(units) > MOST_UNITS:
        console.print(f"and {len(units) - MOST_UNITS} units more")
    console.print("\nby rule")
    for (before, after), count in tally.ways.most_common(MOST_WAYS):
        console.print(f"  {count:>8,}  {before} → {after}")


def _show_reports(running: int, reports: list[Report], *, replaced: bool) -> None:
    """`replaced`: another policy counts by now, so that those who said nothing are not to blame."""
    refused = [report for report in reports if not report.taken]
    taken = len(reports) - len(refused)
    if not running and not reports and not replaced:
        typer.echo("no routing service runs on this database now; it counts from their next start")
        return
    if reports or not replaced:
        typer.echo(f"taken by {taken} of {_count(max(running, len(reports)), 'running process', 'es')}")
    for report in refused:
        # What was refused, and so may hold anything.
        detail = "\n".join(map(visible, report.detail.splitlines()))
        typer.echo(f"refused by {visible(report.process)}: {detail}", err=True)
    silent = running - len(reports)
    if silent > 0 and not replaced:
        typer.echo(f"{_count(silent, 'process', 'es')} said nothing for {PATIENCE_SECONDS:.0f} s: see their /readyz", err=True)
    if refused:
        raise typer.Exit(EXIT_FAULT)


def _told(activation: Activation, city: City) -> str:
    at = f"{activation.activated_at.astimezone(city.tz):%Y-%m-%d %H:%M:%S %Z}"
    return f"{activation.version}, since {at} by {activation.activated_by}: {activation.why}"


def _count(number: int, what: str, plural: str = "s") -> str:
    return f"{number:,} {what}{'' if number == 1 else plural}"


def _are_one_file(path: Path, named: str | None) -> bool:
    """Whether a path is the file of a policy that was named, however either is written."""
    try:
        return named is not None and path.samefile(named)
    except OSError:  # one of them is not there: the policy may be a version
        return False
