"""`tanggap wards`: make the city's ward index from its boundaries, measure how right it is, compare two of them."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from services.routing.wards.diff import compare, move, open_index
from services.routing.wards.exact import ExactWards
from services.routing.wards.points_file import PointsFault, read_points
from services.routing.wards.report import Complaints, Report
from services.routing.wards.wards import INDEX, MANIFEST, Manifest, Wards, WardsFault, read
from tanggap.platform.terminal import visible

wards = typer.Typer(no_args_is_help=True, help="The index from a point to its ward.")

Boundary = Annotated[Path, typer.Argument(help="GeoJSON of the wards' boundaries, each with its code.", show_default=False)]
CityFolder = Annotated[Path, typer.Option("--city", envvar="TANGGAP_CITY", help="The city's folder.")]
Points = Annotated[int, typer.Option("--points", min=1_000, help="How many random points to ask for.")]
CodeProperty = Annotated[
    str | None,
    typer.Option(help="Property that holds a ward's code, such as KODE_DESA. Default: the one whose values are known codes."),
]
NameProperty = Annotated[
    str | None,
    typer.Option(help="Property that holds a ward's name; - to check no names. Default: the one whose values are known names."),
]
Side = Annotated[
    Path, typer.Argument(help=f"A city's folder, or a file {INDEX} with its manifest beside it.", show_default=False)
]

JAKARTA = Path("cities/jakarta")


@wards.callback()
def _about() -> None:
    """The index from a point to its ward."""


@wards.command()
def build(
    file: Boundary, city: CityFolder = JAKARTA, code_property: CodeProperty = None, name_property: NameProperty = None
) -> None:
    """Build the index from FILE and write it into the city's folder. The same FILE makes the same bytes.

    A service that runs with that folder takes the new index within a few seconds.
    """
    builder = _builder()
    try:
        recipe = builder.read_recipe(city)
        boundaries = builder.read_boundaries(file, city, recipe, code_property=code_property, name_property=name_property)
        found = boundaries.file
        names = f"names by {found.name_property}" if found.name_property else "names not checked"
        typer.echo(
            f"{file}: {len(boundaries.codes)} wards, all known (codes by {found.code_property}, {names}), no overlaps, no holes; "
            "building takes some 15 s ..."
        )
        manifest, index = builder.build(boundaries, recipe)
    except builder.BoundaryFaults as faults:
        raise _refusal(faults.faults) from faults
    try:
        builder.write(city, manifest, index)
    except OSError as error:
        raise _refusal([f"{city}: the index can't be written ({error})"]) from error
    typer.echo(f"{city / INDEX}: version {manifest.version}, {_cells(manifest)}, {len(index):,} bytes")
    typer.echo(f"{city / MANIFEST}: agrees with the boundaries on {manifest.agreement:.1%} of the land")


@wards.command()
def check(file: Boundary, city: CityFolder = JAKARTA, points: Points = 100_000) -> None:
    """Measure the city's index against the boundaries in FILE with random points of the land. Writes nothing."""
    builder = _builder()
    try:
        started = time.perf_counter()
        manifest, cells = read(city)
        index = Wards(manifest, cells)
        loaded = time.perf_counter() - started
        boundaries = builder.read_boundaries(file, city, builder.read_recipe(city))
    except builder.BoundaryFaults as faults:
        raise _refusal(faults.faults) from faults
    except WardsFault as fault:
        raise _refusal([str(fault)]) from fault
    typer.echo(f"version {manifest.version}, from {manifest.source.name}; {manifest.source.licence}")
    typer.echo(f"{manifest.wards} wards, {_cells(manifest)}; loaded in {loaded:.2f} s")
    _tell_measured(boundaries, index, points)
    if boundaries.sha256 != manifest.source_sha256:
        typer.echo(f"note: the index was not built from {file}, but from another version of the boundaries")
        return
    started = time.perf_counter()
    exact = ExactWards(manifest, cells, boundaries.file.shapes)
    typer.echo(f"with the boundaries at hand (ROUTING_BOUNDARIES), {time.perf_counter() - started:.2f} s more to load:")
    _tell_measured(boundaries, exact, points)


def _tell_measured(boundaries: Any, index: Wards, points: int) -> None:
    found = boundaries.measure(index, points)
    typer.echo(
        f"{found.points:,} random points of the land: {found.agreement:.2%} in the ward that the boundaries say, "
        f"{found.wrong:,} wrong (the nearest centre of gravity would have {found.nearest_centre:.1%})"
    )
    wrong = boundaries.wrong_at_borders(index, points)
    typer.echo(f"{points:,} random points within some 30 m of a border: {1 - wrong / points:.2%}, {wrong:,} wrong")
    typer.echo(f"the worst miss lies {found.worst_miss_m:.0f} m from the border")
    for border, (share, right) in found.by_border.items():
        typer.echo(f"  {border:12} {share:6.1%} of the land, {right:.2%} right with a phone's error of position")
    sample = [(lat, lon) for lat, lon, _ in boundaries.scatter(min(points, 20_000))]
    typer.echo(
        f"a look-up takes {_microseconds(index.ward, sample):.1f} us, "
        f"with the wards near by {_microseconds(index.find, sample):.1f} us"
    )


@wards.command()
def diff(
    old: Side,
    new: Side,
    points: Annotated[
        Path | None,
        typer.Option(help="CSV or JSON Lines of complaints, with columns of latitude and longitude.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,  # noqa: FBT002  # a flag of a command
) -> None:
    """Say which cells move from ward to ward between OLD and NEW, and how many of a file's complaints would."""
    try:
        before, after = open_index(old), open_index(new)
        complaints = None
        if points is not None:
            rows = list(read_points(points))
            located = [row.point for row in rows if row.point is not None]
            bad = [row for row in rows if row.wrong is not None]
            complaints = Complaints(str(points), len(rows), len(located), move(located, before, after), bad)
    except (WardsFault, PointsFault) as fault:
        raise _refusal([str(fault)]) from fault
    report = Report(before, after, compare(before, after), complaints, _names(old) | _names(new))
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2))
    else:
        for line in report.lines():
            typer.echo(line)


def _names(side: Path) -> dict[str, str]:
    """Names of the units beside an index, where there are any: a help for the reader, nothing depends on them."""
    try:
        with ((side if side.is_dir() else side.parent) / "units.csv").open(encoding="utf-8", newline="") as file:
            return {row["code"]: row["name"] for row in csv.DictReader(file)}
    except (OSError, KeyError, ValueError, csv.Error):
        return {}


def _builder() -> Any:
    """The builder's module, untyped: it needs shapely, which only those have who build."""
    try:
        from services.routing.wards import build as wards_build  # noqa: PLC0415  # a command that doesn't build must start without shapely
    except ModuleNotFoundError as error:
        raise _refusal(
            [f"this needs the package {error.name}, which the services run without: pip install 'tanggap[dev]'"]
        ) from error
    return wards_build


def _cells(manifest: Manifest) -> str:
    return ", ".join(f"{count:,} {kind} cells" for kind, count in manifest.cells.items())


def _refusal(faults: Sequence[str]) -> typer.Exit:
    for fault in faults:
        # Faults repeat names of a file that another office made.
        typer.echo(visible(fault), err=True)
    return typer.Exit(1)


def _microseconds(ask: Callable[[float, float], object], points: Sequence[tuple[float, float]]) -> float:
    started = time.perf_counter()
    for lat, lon in points:
        ask(lat, lon)
    return (time.perf_counter() - started) / len(points) * 1e6
