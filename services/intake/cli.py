"""`tanggap keys`: the keys of upstream apps. `DATABASE_URL` is intake's."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any, NoReturn, TypeVar
from uuid import UUID

import asyncpg
import typer

from services.intake import keys, reporters
from services.intake.queries import QUERIES
from tanggap.platform.clock import utc_now
from tanggap.platform.database import Connection, Database
from tanggap.platform.settings import environment

T = TypeVar("T")

MAX_APP_CHARACTERS = 64
EXIT_FAULT = 1

commands = typer.Typer(help="Keys of upstream apps.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="For scripts: one JSON value on stdout.")]


def _run(work: Callable[[Connection], Awaitable[T]]) -> T:
    """Do `work` on intake's database; trouble with it ends the command with one line."""
    dsn = environment("DATABASE_URL", "postgresql://intake:secret@localhost:5432/tanggap")

    async def run() -> T:
        database = Database(dsn, "intake", max_size=1)
        await database.start()
        try:
            async with database.connection() as connection:
                return await work(connection)
        finally:
            await database.stop()

    try:
        return asyncio.run(run())
    except asyncpg.UndefinedTableError:
        _refuse("intake's tables are missing: run `python -m services.intake migrate`")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as trouble:
        _refuse(f"the database does not answer: {str(trouble) or type(trouble).__name__}")


async def _all(rows: AsyncIterator[Any]) -> list[Any]:
    return [row async for row in rows]


def _refuse(line: str) -> NoReturn:
    sys.stderr.write(f"{line}\n")
    raise typer.Exit(EXIT_FAULT)


def _said(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


@commands.command()
def add(name: Annotated[str, typer.Argument(help="The app, as events will name it.")], *, as_json: Json = False) -> None:
    """Give the app NAME a key. It is shown this once. A second key for the same app lets it change keys without a gap."""
    app = name.strip()
    if not app or len(app) > MAX_APP_CHARACTERS or not app.isprintable():
        _refuse(f"an app's name has 1 to {MAX_APP_CHARACTERS} printable characters")
    if app.startswith(keys.MARK):
        _refuse(f"an app's name can't begin with {keys.MARK}: that is how keys begin")
    key = keys.generate()
    _run(lambda c: QUERIES.add_key(c, prefix=key.prefix, app=app, hash=key.hash, created_at=utc_now()))
    if as_json:
        _said({"app": app, "prefix": key.prefix, "key": key.secret})
    else:
        sys.stderr.write(f"The key of {app}. It is kept nowhere: hand it on now.\n")
        sys.stdout.write(f"{key.secret}\n")


@commands.command("list")
def list_(*, as_json: Json = False) -> None:
    """List the keys by the part that may be shown."""
    found = [_row(row) for row in _run(lambda c: _all(QUERIES.list_keys(c)))]
    if as_json:
        _said(found)
        return
    if not found:
        sys.stdout.write("no keys yet: tanggap keys add NAME\n")
    for row in found:
        state = f"revoked {row['revoked_at']}" if row["revoked_at"] else "good"
        sys.stdout.write(f"{row['prefix']}…  {row['app']:<24} since {row['created_at']}  {state}\n")


@commands.command()
def revoke(
    name: Annotated[str, typer.Argument(help="The app (all its keys), or one key by its first twelve characters.")],
    *,
    as_json: Json = False,
) -> None:
    """Revoke the keys of NAME. They stop working within seconds."""
    rows = _run(lambda c: _all(QUERIES.revoke_keys(c, name=name.strip(), revoked_at=utc_now())))
    if not rows:
        _refuse(f"no app and no key is called {name}: see `tanggap keys list`")
    found = [_row(row) for row in rows]
    if as_json:
        _said(found)
        return
    for row in found:
        sys.stdout.write(f"revoked {row['prefix']}… of {row['app']}\n")


def _row(row: Any) -> dict[str, Any]:
    revoked = row["revoked_at"]
    return {
        "app": row["app"],
        "prefix": row["prefix"],
        "created_at": row["created_at"].isoformat(timespec="seconds"),
        "revoked_at": None if revoked is None else revoked.isoformat(timespec="seconds"),
    }


people = typer.Typer(help="Reporters' contacts.", no_args_is_help=True)


@people.callback()
def _people() -> None:
    """Reporters' contacts."""


@people.command()
def erase(
    complaint: Annotated[str, typer.Argument(help="The complaint, by its id or its number.")], *, as_json: Json = False
) -> None:
    """Erase the reporter of a complaint for good. The complaint itself stays."""

    async def work(connection: Connection) -> tuple[UUID, bool] | None:
        found: UUID | None = await QUERIES.complaint_id_of(connection, name=complaint.strip())
        return None if found is None else (found, await reporters.erase(connection, found, utc_now()))

    done = _run(work)
    if done is None:
        _refuse(f"there is no complaint {complaint}")
    complaint_id, erased = done
    if as_json:
        _said({"complaint_id": str(complaint_id), "erased": erased})
    else:
        sys.stdout.write("the reporter is erased\n" if erased else "there was no reporter, or they were erased before\n")
