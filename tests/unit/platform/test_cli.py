"""A part that is broken takes no other with it."""

from dataclasses import dataclass

import typer
from typer.testing import CliRunner

from tanggap.platform import cli

good = typer.Typer()


@good.command()
def hello() -> None:
    """Say hello."""
    typer.echo("hello")


@good.command()
def bye() -> None:
    """Say goodbye."""
    typer.echo("bye")


@dataclass
class Found:
    """An entry point that gives what the test wants."""

    name: str
    given: object

    @property
    def value(self):
        return f"some.module:{self.name}"

    def load(self):
        if isinstance(self.given, Exception):
            raise self.given
        return self.given


def test_what_can_be_loaded_works_and_what_can_not_is_named_with_why():
    app, broken = cli.build(
        [
            Found("good", good),
            Found("gone", ModuleNotFoundError("No module named 'x'")),
            Found("odd", 7),
            Found("bad", SyntaxError("oops")),
        ]
    )

    assert broken == [
        "tanggap bad: not available: some.module:bad: SyntaxError: oops",
        "tanggap gone: not available: some.module:gone: ModuleNotFoundError: No module named 'x'",
        "tanggap odd: not available: some.module:odd: TypeError: is a int, not a typer.Typer",
    ]
    result = CliRunner().invoke(app, ["good", "hello"])
    assert (result.exit_code, result.output) == (0, "hello\n")


def test_with_a_single_part_its_name_is_still_needed():
    app, _ = cli.build([Found("good", good)])
    assert CliRunner().invoke(app, ["good", "bye"]).output == "bye\n"
    assert CliRunner().invoke(app, ["bye"]).exit_code != 0


def test_every_part_that_the_house_names_is_there():
    _, broken = cli.build()
    assert broken == []
