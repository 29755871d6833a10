"""Policies that count, or did: kept in routing's database for good, with who had each count, from when, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.routing.policy.policy import Policy
from services.routing.queries import QUERIES
from tanggap.platform.database import Connection

CHANNEL = "routing_policy"
"""PostgreSQL's channel on which a new activation is announced."""


class VersionClashError(Exception):
    """Another policy bears the version already: the same name, and by chance or intent the same start of its sum."""

    def __init__(self, version: str) -> None:
        super().__init__(f"another policy is kept as {version}; give this one another name")


@dataclass(frozen=True, slots=True)
class Activation:
    """One activation. `before`: the version that was to count until then, None for the city's own.

    `city_version`: of the city that it was checked against.
    """

    id: int
    version: str
    before: str | None
    activated_at: datetime
    activated_by: str
    why: str
    city_version: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a process made of an activation. `detail`: why it refused; empty where it took it."""

    process: str
    reported_at: datetime
    taken: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the history: an activation, and how many processes took and refused it."""

    activation: Activation
    taken: int
    refused: int


async def store(connection: Connection, policy: Policy) -> None:
    """Keep a policy's text. Raises `VersionClashError` where another is kept under its version."""
    digest = hashlib.sha256(policy.raw).hexdigest()
    await QUERIES.store_policy(connection, version=policy.version, sha256=digest, body=policy.raw)
    kept = await QUERIES.policy(connection, version=policy.version)
    if kept["sha256"] != digest:
        raise VersionClashError(policy.version)


async def text_of(connection: Connection, version: str) -> bytes | None:
    """The text of a policy that is kept, to the byte; None where none bears the version."""
    kept = await QUERIES.policy(connection, version=version)
    return None if kept is None else bytes(kept["body"])


async def hold_others(connection: Connection) -> None:
    """Have other activations wait for the end of this transaction, so that what counts now is what this one puts an end to."""
    await QUERIES.lock_activations(connection)


async def activate(connection: Connection, policy: Policy, *, by: str, why: str, city_version: str) -> Activation:
    """Have a policy count from now on. Call within a transaction; running processes hear of it when it commits.

    Raises `VersionClashError`.
    """
    await hold_others(connection)
    await store(connection, policy)
    row = await QUERIES.activate(connection, version=policy.version, activated_by=by, why=why, city_version=city_version)
    return _activation(row)


async def newest(connection: Connection) -> int | None:
    """The id of the activation that counts; None before the first."""
    found: int | None = await QUERIES.newest_activation(connection)
    return found


async def up_to(connection: Connection, most: int) -> tuple[Activation, bytes] | None:
    """The last activation with an id of at most that, and its policy's text; None where there is none."""
    row = await QUERIES.activation_up_to(connection, id=most)
    return None if row is None else (_activation(row), bytes(row["body"]))


async def report(connection: Connection, activation: int, process: str, *, refused: str | None) -> None:
    """Note what a process made of an activation. `refused`: why it could not take it."""
    await QUERIES.report_policy(
        connection, activation_id=activation, process=process, taken=refused is None, detail=refused or ""
    )


async def reports(connection: Connection, activation: int) -> list[Report]:
    """What processes made of an activation so far."""
    rows = QUERIES.policy_reports(connection, activation_id=activation)
    return [Report(row["process"], row["reported_at"], row["taken"], row["detail"]) async for row in rows]


async def listening(connection: Connection, session: str) -> int:
    """How many processes watch for activations now: sessions of that name."""
    found: int = await QUERIES.listening(connection, session=session)
    return found


async def history(connection: Connection) -> Sequence[Entry]:
    """Every activation, the last one first."""
    return [Entry(_activation(row), row["taken"], row["refused"]) async for row in QUERIES.activations(connection)]


def _activation(row: Any) -> Activation:
    return Activation(
        row["id"],
        row["version"],
        row["before"],
        row["activated_at"],
        row["activated_by"],
        row["why"],
        row["city_version"],
    )
