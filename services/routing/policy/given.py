"""What a command of `tanggap policy` was given, read and checked: a city, a policy, a complaint, a moment. A fault ends the command."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar
from uuid import uuid4

import asyncpg
import typer
from pydantic import ValidationError

from services.routing.policy import file as policy_file
from services.routing.policy import store as policy_store
from services.routing.policy.policy import Policy
from services.routing.policy.store import Activation, VersionClashError
from services.routing.router import Router
from services.routing.wards.exact import BoundariesFault
from services.routing.wards.wards import WardsFault
from tanggap.contracts import city as cities
from tanggap.contracts.city import City
from tanggap.contracts.events import ATTRIBUTE_KEY, ComplaintSubmitted, Point
from tanggap.contracts.faults import CityFaults
from tanggap.contracts.sla_clocks import CEILING, FLOOR
from tanggap.contracts.sources import is_there
from tanggap.platform.clock import utc_now
from tanggap.platform.database import Connection, Database
from tanggap.platform.settings import environment
from tanggap.platform.terminal import visible

T = TypeVar("T")

EXIT_FAULT: Final = 1
_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes"}


def refuse(line: str) -> NoReturn:
    """End the command with a line on stderr, exit 1."""
    refuse_all((line,))


def refuse_all(lines: Iterable[object]) -> NoReturn:
    """End the command with these lines on stderr, exit 1."""
    for line in lines:
        # A fault repeats what stands in a file or an argument, which anybody may have written.
        sys.stderr.write(f"{visible(str(line))}\n")
    raise typer.Exit(EXIT_FAULT)


def read_city(folder: Path) -> City:
    """The city of a folder."""
    try:
        return cities.load(folder)
    except CityFaults as faults:
        refuse_all(faults.faults)


def read_router(folder: Path) -> Router:
    """The router of a city's folder, with the city's own policy; exact at borders where the services are (`ROUTING_BOUNDARIES`)."""
    boundaries = os.environ.get("ROUTING_BOUNDARIES", "").strip()
    try:
        return Router.load(folder, boundaries=Path(boundaries) if boundaries else None)
    except CityFaults as faults:
        refuse_all(faults.faults)
    except (WardsFault, BoundariesFault) as fault:
        refuse(str(fault))


def read_policy(path: Path, city: City) -> Policy:
    """The policy of a file."""
    try:
        return policy_file.parse(str(path), policy_file.read(path, str(path)), city)
    except CityFaults as faults:
        refuse_all(faults.faults)


def named_policy(given: str, city: City) -> Policy:
    """The policy of a file, or that is kept under a version."""
    path = Path(given)
    # A file's name has a dot or a folder; a version, or the name that it begins with, has neither.
    if not is_there(path) and ("+" in given or policy_file.is_name(given)):
        return _kept_policy(given, city)
    return read_policy(path, city)


def _kept_policy(given: str, city: City) -> Policy:
    if not os.environ.get("DATABASE_URL", "").strip():
        refuse(f"{given} is no file; whether a policy of that version is kept can't be looked up, since DATABASE_URL is not set")
    raw = on_database(lambda database: text_of(database, given))
    if raw is None:
        refuse(f"{given} is no file, and no policy of that version is kept: see `tanggap policy history`")
    return _parse(given, raw, city)


def _parse(version: str, raw: bytes, city: City) -> Policy:
    try:
        return policy_file.parse(version, raw, city)
    except CityFaults as faults:
        refuse_all([*faults.faults, f"{version} is kept, but this city ({city.version}) can't take it"])


def chosen_policy(given: str | None, router: Router, needed: str | None = None) -> tuple[Policy, str]:
    """The policy that was asked for, else the one that counts, and where it is from.

    `needed`: without a database to ask, this option must be given; else the city's own is taken.
    """
    if given is not None:
        return named_policy(given, router.city), f"from {given}"
    if not os.environ.get("DATABASE_URL", "").strip():
        if needed is not None:
            refuse(f"DATABASE_URL is not set, so which policy counts is not known: set it to routing's database, or say {needed}")
        return (
            router.policy,
            f"the city's own {policy_file.FILE} (DATABASE_URL is not set: another may count)",
        )
    found = on_database(_counting)
    if found is None:
        return router.policy, f"the city's own {policy_file.FILE}; none was activated"
    activation, raw = found
    local = f"{activation.activated_at.astimezone(router.city.tz):%Y-%m-%d %H:%M %Z}"
    return _parse(activation.version, raw, router.city), f"activated {local} by {activation.activated_by}"


def submission(*, received_at: datetime, **given: Any) -> ComplaintSubmitted:
    """A complaint as an app would send it, which stands nowhere."""
    complaint_id = uuid4()
    # As intake does: blanks at either end are taken away, and a field that then is empty counts as not sent.
    given["description"] = given["description"].strip()
    given["attributes"] = {key: value.strip() for key, value in given["attributes"].items()}
    for field in ("address", "category", "source"):
        given[field] = (given[field] or "").strip() or None
    try:
        return ComplaintSubmitted.create(
            complaint_id=complaint_id,
            cause="explain",
            occurred_at=received_at,
            number="-",
            client_request_id="-",
            received_at=received_at,
            **given,
        )
    except ValidationError as error:
        refuse_all(f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors())


def point(given: str) -> Point:
    """A point, from LAT,LON."""
    found = _point(given)
    if found is None:
        first, _, second = given.partition(",")
        swapped = f"{second.strip()},{first.strip()}"
        hint = f"; the two look swapped, did you mean {swapped}?" if _point(swapped) is not None else ""
        refuse(f"--at must be LAT,LON in degrees, as -6.1754,106.8272, not {given!r}{hint}")
    return found


def _point(given: str) -> Point | None:
    try:
        lat, lon = (float(part) for part in given.split(","))
        return Point(lat=lat, lon=lon)
    except ValueError:
        return None


def attribute(given: str) -> tuple[str, str]:
    """An attribute, from KEY=VALUE."""
    key, separator, value = given.partition("=")
    if not separator or not key:
        refuse(f"--attribute must be KEY=VALUE, not {given!r}")
    if not re.fullmatch(ATTRIBUTE_KEY, key):
        refuse(f"--attribute: {key!r} can't be a key; keys are 1 to 64 small letters, digits, _, . and -")
    return key, value


def moment(given: str, option: str, tz: tzinfo) -> datetime:
    """A moment; without a zone it is local."""
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        refuse(f"{option} must be a moment as 2026-11-24T09:05, not {given!r}")
    found = found if found.tzinfo is not None else found.replace(tzinfo=tz)
    if not FLOOR.year <= found.year < CEILING.year:
        refuse(f"{option} must lie between the years {FLOOR.year} and {CEILING.year}, not {given!r}")
    return found


def since(given: str, tz: tzinfo) -> datetime:
    """From when: so long ago, a local day's beginning, or a moment."""
    now = utc_now()
    ago = re.fullmatch(r"(\d{1,5})([dhm])", given)
    try:
        # Python 3.11 reads a day alone as its midnight, and local it is.
        found = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}) if ago is not None else datetime.fromisoformat(given)
    except ValueError:
        refuse(f"--since must be so long ago, as 30d, 12h or 90m, or a day, as 2026-11-01, not {given!r}")
    found = found if found.tzinfo is not None else found.replace(tzinfo=tz)
    if found.year < FLOOR.year:
        return FLOOR
    if found > now:
        refuse(f"--since {given} is in the future")
    return found


def on_database(work: Callable[[Database], Awaitable[T]]) -> T:
    """Do `work` on routing's database; trouble with it ends the command with one line."""
    dsn = environment("DATABASE_URL", "postgresql://routing:secret@localhost:5432/tanggap")

    async def run() -> T:
        database = Database(dsn, "routing", max_size=1)
        await database.start()
        try:
            return await work(database)
        except asyncpg.UndefinedTableError:
            # Another service's address leads to the same server, and migrating as its role would make the tables in the wrong hands.
            async with database.connection() as connection:
                role = await connection.fetchval("SELECT current_user")
            refuse(
                f"the role {role}, as which DATABASE_URL comes, sees no tables of routing: DATABASE_URL must be routing's own, "
                "not another service's; where it is, make them by `python -m services.routing migrate`"
            )
        finally:
            await database.stop()

    try:
        return asyncio.run(run())
    except VersionClashError as clash:
        refuse(str(clash))
    except (*TROUBLE, ValueError) as trouble:
        refuse(trouble_in_words(trouble))


TROUBLE: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What a database that is away, goes away or refuses raises."""


def trouble_in_words(trouble: Exception) -> str:
    """One line of what is wrong with the database."""
    if isinstance(trouble, asyncpg.PostgresError):
        said = trouble.as_dict().get("message", "") or type(trouble).__name__  # its text ends in lines of hints
        away = (trouble.sqlstate or "").startswith(_AWAY)
        return f"routing's database {'does not answer' if away else 'refuses'}: {said}"
    if isinstance(trouble, asyncpg.InterfaceError | asyncpg.InternalClientError) and not isinstance(
        trouble, asyncpg.ClientConfigurationError
    ):
        return "routing's database does not answer: the connection to it broke off"
    return f"routing's database does not answer: {str(trouble) or type(trouble).__name__}"


_AWAY: Final = ("08", "57P", "28", "3D")
"""Classes of PostgreSQL's codes (SQLSTATE) of a server that starts, stops or lets nobody in."""


async def text_of(database: Database, version: str) -> bytes | None:
    """The text of a policy that is kept."""
    async with database.connection() as connection:
        return await policy_store.text_of(connection, version)


async def _counting(database: Database) -> tuple[Activation, bytes] | None:
    async with database.connection() as connection:
        return await newest(connection)


async def newest(connection: Connection) -> tuple[Activation, bytes] | None:
    """The activation that counts, and its text; None before the first."""
    newest = await policy_store.newest(connection)
    return None if newest is None else await policy_store.up_to(connection, newest)
