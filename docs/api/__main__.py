"""`python -m docs.api` writes the descriptions of every service; `--check` fails where one differs from what the code says."""

from pathlib import Path
from typing import Annotated

import typer

from docs.api import services
from docs.api.documents import differing, documents, write

_HERE = Path(__file__).parent
_MEND = "write it anew with `make specs`, and look at what changed: others build on it"


def main(*, check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 where a file differs.")] = False) -> None:
    """Describe every service's HTTP (OpenAPI) and events (AsyncAPI)."""
    try:
        made = documents(services.find())
    except services.Unknown as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(1) from fault
    names = differing(made, _HERE)
    if not check:
        write(made, _HERE)
        typer.echo("\n".join(names) if names else f"{len(made)} descriptions are as the code says.")
    elif names:
        for name in names:
            typer.echo(
                f"docs/api/{name}: {'differs from the code' if name in made else 'describes no service'}; {_MEND}", err=True
            )
        raise typer.Exit(1)
    else:
        typer.echo(f"{len(made)} descriptions, as the code says.")


if __name__ == "__main__":
    typer.run(main)
