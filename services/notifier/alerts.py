"""Who is told of a complaint: the unit's officials by preference, then those above, and never nobody in silence. Pure.

Units that a decision names beside the one that must act are informed: all their officials at once, of whom nothing is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from tanggap.contracts.city import City, Official
from tanggap.contracts.events import ComplaintAssigned, ComplaintTriageRequested, OfficialUnreachable, Unit, Urgency

# Namespace of notification ids (UUIDv5 of the natural key: cause, unit, address, channel; and the kind, for those who are informed).
_NAMESPACE = UUID("0b6f6a0c-7f43-5b0f-9b5e-6e6f74696679")

RANK: dict[Urgency, int] = {"emergency": 0, "high": 1, "normal": 2, "low": 3}
"""In which order alerts that wait are sent: an emergency overtakes a backlog."""

NOBODY = "none"
"""The role in `official.unreachable` where a unit has no official at all."""


class Kind(StrEnum):
    """What an alert asks for."""

    ASSIGNED = "assigned"
    TRIAGE = "triage"
    INFORMED = "informed"
    """Nothing: the unit is told of what another must do (tembusan)."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert to one official.

    `holder`: the unit that must act; another `unit` is told where that one can't be reached, or for its information.
    """

    id: UUID
    complaint_id: UUID
    cause: UUID
    kind: Kind
    rank: int
    holder: Unit
    unit: Unit
    role: str
    name: str
    address: str
    language: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done: alert `alert`, and tell the log of those who can't be reached. No alert: nobody is left."""

    alert: Alert | None
    unreachable: tuple[OfficialUnreachable, ...]


@dataclass(frozen=True, slots=True)
class Copies:
    """Who is informed, and the units among them that have nobody on the roster."""

    alerts: tuple[Alert, ...]
    unreachable: tuple[OfficialUnreachable, ...]


@dataclass(frozen=True, slots=True)
class _Call:
    """What the alerts of one cause have in common."""

    complaint_id: UUID
    cause: UUID
    kind: Kind
    rank: int
    holder: Unit


def first(event: ComplaintAssigned | ComplaintTriageRequested, city: City) -> Plan:
    """Plan the alert that `event` calls for: to the first official of its unit, or of the next unit above that has one."""
    kind = Kind.ASSIGNED if isinstance(event, ComplaintAssigned) else Kind.TRIAGE
    call = _Call(event.complaint_id, event.event_id, kind, RANK[event.urgency], event.unit)
    return _plan(call, list(_chain(event.unit, city)), event.occurred_at)


def copies(event: ComplaintAssigned | ComplaintTriageRequested, city: City) -> Copies:
    """Plan who is informed of `event`: every official of each unit in its `also`.

    No other unit stands in for one that can't be reached: the chain belongs to the unit that must act.
    """
    call = _Call(event.complaint_id, event.event_id, Kind.INFORMED, RANK[event.urgency], event.unit)
    informed: list[Alert] = []
    unreachable: list[OfficialUnreachable] = []
    for unit in dict.fromkeys(event.also):
        if unit.code == event.unit.code:
            continue
        officials = city.roster.get(unit.code, ())
        informed += [_alert(call, unit, official) for official in officials]
        if not officials:
            unreachable.append(_nobody(call, unit, event.occurred_at))
    return Copies(tuple(informed), tuple(unreachable))


def after(failed: Alert, city: City, at: datetime, reason: str) -> Plan:
    """Plan what follows when `failed` is given up: its official is unreachable, the next one in the chain is alerted.

    An address that was tried before is not tried again under another office's name. Nobody follows one who was only informed.
    """
    gone = OfficialUnreachable.create(
        complaint_id=failed.complaint_id,
        cause=failed.id,
        occurred_at=at,
        notification_id=failed.id,
        unit=failed.unit,
        role=failed.role,
        channel="email",
        reason=reason,
    )
    if failed.kind is Kind.INFORMED:
        return Plan(None, (gone,))
    call = _Call(failed.complaint_id, failed.cause, failed.kind, failed.rank, failed.holder)
    chain = list(_chain(failed.holder, city))
    failed_key = (failed.unit.code, failed.address)
    here = next(
        (index for index, (unit, official) in enumerate(chain) if official and (unit.code, official.email) == failed_key), None
    )
    if here is None:
        # The roster has changed since: begin where the failed official's unit stands, or anew.
        here = next((index for index, (unit, _) in enumerate(chain) if unit.code == failed.unit.code), 0) - 1
    tried = {official.email for _, official in chain[: here + 1] if official} | {failed.address}
    rest = [(unit, official) for unit, official in chain[here + 1 :] if official is None or official.email not in tried]
    plan = _plan(call, rest, at)
    return Plan(plan.alert, (gone, *plan.unreachable))


def notification_id(cause: UUID, unit_code: str, address: str, kind: Kind) -> UUID:
    """Give the id that the natural key makes: the same cause alerts the same official once, however often it is read.

    One who is informed can be alerted too, when the chain comes to them: that is another alert.
    """
    key = f"{cause}/{unit_code}/{address}/email"
    return uuid5(_NAMESPACE, f"{key}/{kind}" if kind is Kind.INFORMED else key)


def _plan(call: _Call, chain: list[tuple[Unit, Official | None]], at: datetime) -> Plan:
    unreachable: list[OfficialUnreachable] = []
    for unit, official in chain:
        if official is not None:
            return Plan(_alert(call, unit, official), tuple(unreachable))
        unreachable.append(_nobody(call, unit, at))
    return Plan(None, tuple(unreachable))


def _nobody(call: _Call, unit: Unit, at: datetime) -> OfficialUnreachable:
    return OfficialUnreachable.create(
        complaint_id=call.complaint_id,
        cause=f"{call.cause}/{unit.code}/{call.kind}" if call.kind is Kind.INFORMED else f"{call.cause}/{unit.code}",
        occurred_at=at,
        notification_id=notification_id(call.cause, unit.code, "", call.kind),
        unit=unit,
        role=NOBODY,
        channel="email",
        reason="the unit has nobody on its roster",
    )


def _alert(call: _Call, unit: Unit, official: Official) -> Alert:
    return Alert(
        id=notification_id(call.cause, unit.code, official.email, call.kind),
        complaint_id=call.complaint_id,
        cause=call.cause,
        kind=call.kind,
        rank=call.rank,
        holder=call.holder,
        unit=unit,
        role=official.role,
        name=official.name,
        address=official.email,
        language=official.language,
    )


def _chain(holder: Unit, city: City) -> Iterator[tuple[Unit, Official | None]]:
    """Everybody who may be told, in order: the holder's officials, those of each unit above, at last the triage desk.

    A unit without officials is there once, with null. The triage desk is the last resort for a unit that the city's files
    don't know: its chain would end where it begins.
    """
    seen: set[str] = set()
    unit: Unit | None = holder
    while unit is not None and unit.code not in seen:
        seen.add(unit.code)
        yield from _officials(unit, city)
        info = city.units.get(unit.code)
        above = city.units.get(info.parent_code) if info is not None and info.parent_code else None
        unit = None if above is None else above.unit
    if city.triage_unit.code not in seen:
        yield from _officials(city.triage_unit, city)


def _officials(unit: Unit, city: City) -> Iterator[tuple[Unit, Official | None]]:
    officials = city.roster.get(unit.code, ())
    for official in officials:
        yield unit, official
    if not officials:
        yield unit, None
