"""`tanggap contracts`: what an operator or a build asks of the published language and of a city's files."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Annotated, Final

import typer

from tanggap.contracts import city as cities
from tanggap.contracts import export as schemas
from tanggap.contracts.calendar_file import read_wanted
from tanggap.contracts.events import ALL
from tanggap.contracts.faults import CityFaults, Faults
from tanggap.contracts.lifecycle import RULES, TABLE, Status
from tanggap.contracts.public_holidays import HOLIDAYS

commands = typer.Typer(no_args_is_help=True, help="The published language: event schemas, the lifecycle, a city's files.")

_HERE: Final = Path(__file__).parent


@commands.command()
def export() -> None:
    """Write the JSON Schema of every event. A change that would break old readers or records is refused."""
    try:
        written = schemas.export()
    except schemas.Incompatible as error:
        for each in error.breaks:
            typer.echo(each, err=True)
        typer.echo("Nothing was written. Keep the fields as they were, or give the event a new version.", err=True)
        raise typer.Exit(1) from error
    typer.echo("\n".join(written) if written else "All schemas are as the models say.")


@commands.command()
def check(
    against: Annotated[
        str, typer.Option(metavar="COMMIT", help="Compare with the schemas of this commit too, such as the branch's base.")
    ] = "",
) -> None:
    """Fail if a schema differs from its model, or if a change would break old readers or records."""
    faults = schemas.faults()
    if against:
        faults += _faults_against(against)
    for each in faults:
        typer.echo(each, err=True)
    if faults:
        raise typer.Exit(1)
    typer.echo(f"{len(ALL)} events: schemas as the models say, nothing broken.")


def _faults_against(commit: str) -> list[str]:
    """What the schemas of `commit` had that those of the models break or lack."""
    models = {schemas.file_name(model): model for model in ALL}
    faults: list[str] = []
    for name in _git("ls-tree", "--name-only", commit, "schemas/").split():
        old = json.loads(_git("show", f"{commit}:./{name}"))
        model = models.get(Path(name).name)
        if model is not None:
            faults += [f"{Path(name).name}: {each} (as of {commit})" for each in schemas.incompatible(old, schemas.schema(model))]
        elif not (_HERE / name).exists():
            faults.append(f"{Path(name).name}: was published as of {commit} and is gone; records of it are on the log")
    return faults


def _git(*arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own words, and a commit that git itself judges
        ["git", *arguments],  # noqa: S607 - the git of whoever works here
        cwd=_HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        typer.echo(f"git {' '.join(arguments)}: {done.stderr.strip()}", err=True)
        raise typer.Exit(2)
    return done.stdout


@commands.command()
def table() -> None:
    """Print what each event does in each status: the lifecycle as a grid."""
    typer.echo("\t".join(("event", *Status)))
    for rule in RULES:
        typer.echo("\t".join((rule.event, *(str(TABLE.get((rule.event, status), "-")) for status in Status))))


@commands.command()
def city(folder: Annotated[Path, typer.Argument(help="A city's folder.")] = Path("cities/jakarta")) -> None:
    """Name every fault of a city's files, or say what the city has."""
    try:
        found = cities.load(folder)
    except cities.CityFaults as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    officials = sum(len(each) for each in found.roster.values())
    typer.echo(
        f"{found.name} {found.version}: {len(found.wards())} wards, {len(found.units)} units, {len(found.agencies)} agencies, "
        f"{len(found.categories)} categories, {officials} officials"
    )


@commands.command()
def holidays(folder: Annotated[Path, typer.Argument(help="A city's folder.")] = Path("cities/jakarta")) -> None:
    """Write the days off that calendar.yaml wants of the holidays package. The same version of the package makes the same bytes."""
    from tanggap.contracts import holiday_package  # noqa: PLC0415 - other commands start without the package

    faults = Faults()
    wanted = read_wanted(folder / "calendar.yaml", faults)
    if wanted is None or faults.found:
        typer.echo(str(CityFaults(faults.found)), err=True)
        raise typer.Exit(1)
    public = holiday_package.build(wanted)
    try:
        holiday_package.write(folder, public)
    except OSError as error:
        typer.echo(f"{folder / HOLIDAYS}: can't be written ({error.strerror}); nothing was changed", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{folder / HOLIDAYS}: {len(public.years)} years of {wanted.country}, by {public.package}")
