"""A part that is broken takes no other with it."""

import subprocess
import sys
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


def test_only_the_part_that_is_asked_for_is_loaded_and_all_where_none_has_that_name():
    parts = [Found("good", good), Found("gone", ModuleNotFoundError("No module named 'x'"))]
    app, broken = cli.build(parts, "good")
    assert (broken, CliRunner().invoke(app, ["good", "bye"]).output) == ([], "bye\n")
    assert len(cli.build(parts, "gone")[1]) == 1
    for other in ("", "--help", "god"):
        app, broken = cli.build(parts, other)
        assert len(broken) == 1
        assert "good" in CliRunner().invoke(app, ["--help"]).output


def test_a_command_of_one_part_does_without_the_libraries_of_the_others():
    asked = f"import sys; from tanggap.platform import cli; sys.argv[1:] = {['contracts', 'table']!r}; "
    after = (
        "import atexit; atexit.register(lambda: print({'aiokafka', 'asyncpg', 'fastapi', 'h3'} & sys.modules.keys())); cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", asked + after], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_every_part_that_the_house_names_is_there():
    _, broken = cli.build()
    assert broken == []
