"""`tanggap wards`: make the city's ward index from its boundaries, and measure how right it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from services.routing.wards import INDEX, MANIFEST, Manifest, WardsFault, load

wards = typer.Typer(no_args_is_help=True, help="The index from a point to its ward.")

Boundary = Annotated[Path, typer.Argument(help="GeoJSON of the wards' boundaries, each with its code.", show_default=False)]
CityFolder = Annotated[Path, typer.Option("--city", envvar="TANGGAP_CITY", help="The city's folder.")]
Points = Annotated[int, typer.Option("--points", min=1_000, help="How many random points to ask for.")]

JAKARTA = Path("cities/jakarta")


@wards.callback()
def _about() -> None:
    """The index from a point to its ward."""


@wards.command()
def build(file: Boundary, city: CityFolder = JAKARTA) -> None:
    """Build the index from FILE and write it into the city's folder. The same FILE makes the same bytes."""
    builder = _builder()
    try:
        recipe, boundaries = builder.read_recipe(city), builder.read_boundaries(file, city)
        typer.echo(f"{file}: {len(boundaries.codes)} wards, all known, no overlaps, no holes; building takes some 10 s ...")
        manifest, index = builder.build(boundaries, recipe)
    except builder.BoundaryFaults as faults:
        raise _refusal(faults.faults) from faults
    builder.write(city, manifest, index)
    typer.echo(f"{city / INDEX}: version {manifest.version}, {_cells(manifest)}, {len(index):,} bytes")
    typer.echo(f"{city / MANIFEST}: agrees with the boundaries on {manifest.agreement:.1%} of the land")


@wards.command()
def check(file: Boundary, city: CityFolder = JAKARTA, points: Points = 100_000) -> None:
    """Measure the city's index against the boundaries in FILE with random points of the land. Writes nothing."""
    builder = _builder()
    try:
        boundaries = builder.read_boundaries(file, city)
        started = time.perf_counter()
        index = load(city)
        loaded = time.perf_counter() - started
    except builder.BoundaryFaults as faults:
        raise _refusal(faults.faults) from faults
    except WardsFault as fault:
        raise _refusal([str(fault)]) from fault
    manifest = index.manifest
    if boundaries.sha256 != manifest.source_sha256:
        typer.echo(f"note: the index was not built from {file}, but from another version of the boundaries")
    found = boundaries.measure(index, points)
    typer.echo(f"version {manifest.version}, from {manifest.source.name}; {manifest.source.licence}")
    typer.echo(f"{manifest.wards} wards, {_cells(manifest)}; loaded in {loaded:.2f} s")
    typer.echo(
        f"{found.points:,} random points of the land: {found.agreement:.2%} in the ward that the boundaries say "
        f"(the nearest centre of gravity would have {found.nearest_centre:.1%})"
    )
    typer.echo(f"the worst miss lies {found.worst_miss_m:.0f} m from the border")
    for border, (share, right) in found.by_border.items():
        typer.echo(f"  {border:12} {share:6.1%} of the land, {right:.2%} right with a phone's error of position")
    sample = [(lat, lon) for lat, lon, _ in boundaries.scatter(min(points, 20_000))]
    typer.echo(
        f"a look-up takes {_microseconds(index.ward, sample):.1f} us, "
        f"with the wards near by {_microseconds(index.find, sample):.1f} us"
    )


def _builder() -> Any:
    """The builder's module, untyped: it needs shapely, which only those have who build."""
    try:
        from services.routing import wards_build  # noqa: PLC0415  # a command that doesn't build must start without shapely
    except ModuleNotFoundError as error:
        raise _refusal(
            [f"this needs the package {error.name}, which the services run without: pip install 'tanggap[dev]'"]
        ) from error
    return wards_build


def _cells(manifest: Manifest) -> str:
    return ", ".join(f"{count:,} {kind} cells" for kind, count in manifest.cells.items())


def _refusal(faults: Sequence[str]) -> typer.Exit:
    for fault in faults:
        typer.echo(fault, err=True)
    return typer.Exit(1)


def _microseconds(ask: Callable[[float, float], object], points: Sequence[tuple[float, float]]) -> float:
    started = time.perf_counter()
    for lat, lon in points:
        ask(lat, lon)
    return (time.perf_counter() - started) / len(points) * 1e6
