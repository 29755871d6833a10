"""A complaint's state as compact JSON, for a column of a service's own table: every fold reads and writes one, so it is quick.

What is empty is left out. The text is an object with the names of `Complaint`'s fields, so that SQL can look into it. A state that an
older or a newer release wrote can be read: missing fields take their defaults, unknown ones are ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, get_type_hints
from uuid import UUID

from pydantic_core import from_json, to_json

from tanggap.contracts.clocks import ClockState
from tanggap.contracts.complaint import Complaint, Status
from tanggap.contracts.events import Actor, Unit


def encode(complaint: Complaint) -> str:
    """The state as JSON. `decode` reads it back."""
    state: dict[str, Any] = {}
    values = complaint.__dict__
    for name, empty, writer in _COMPLAINT_WRITERS:
        value = values[name]
        if value != empty:
            state[name] = value if writer is None else writer(value)
    return to_json(state).decode()


def decode(state: str) -> Complaint:
    """The state that `encode` wrote. Raises `ValueError` for anything else."""
    try:
        raw = from_json(state, cache_strings="keys")
        return _made(Complaint, _COMPLAINT_EMPTY, _COMPLAINT_READERS, _COMPLAINT_NEEDS, raw)
    except (AttributeError, KeyError, TypeError) as error:
        msg = f"not a complaint's state: {error!r}"
        raise ValueError(msg) from error


@lru_cache(maxsize=4096)
def _unit(code: str, name: str) -> Unit:
    """One object for each unit of a city: they are frozen, and making one is dear."""
    return Unit(code=code, name=name)


@lru_cache(maxsize=4096)
def _actor(role: str, code: str, name: str) -> Actor:
    return Actor(role=role, unit=_unit(code, name))


def _read_unit(raw: Any) -> Unit:
    return _unit(raw["code"], raw["name"])


def _write_unit(unit: Unit) -> Any:
    return {"code": unit.code, "name": unit.name}


def _read_actor(raw: Any) -> Actor:
    return _actor(raw["role"], raw["unit"]["code"], raw["unit"]["name"])


def _write_actor(actor: Actor) -> Any:
    return {"role": actor.role, "unit": _write_unit(actor.unit)}


def _read_clock(raw: Any) -> ClockState:
    return _made(ClockState, _CLOCK_EMPTY, _CLOCK_READERS, _CLOCK_NEEDS, raw)


def _write_clock(clock: ClockState) -> Any:
    return {name: value for name, value in clock.__dict__.items() if value is not None}


def _read_clocks(raw: Any) -> tuple[ClockState, ...]:
    return tuple([_read_clock(each) for each in raw])


def _write_clocks(clocks: tuple[ClockState, ...]) -> Any:
    return [_write_clock(each) for each in clocks]


def _read_statuses(raw: Any) -> tuple[Status, ...]:
    return tuple(Status(each) for each in raw)


_Reader = Callable[[Any], Any]

_READERS: Final[Mapping[Any, _Reader]] = {
    datetime: datetime.fromisoformat,
    UUID: UUID,
    Status: Status._value2member_map_.__getitem__,
    Unit: _read_unit,
    Actor: _read_actor,
    tuple[ClockState, ...]: _read_clocks,
    tuple[Status, ...]: _read_statuses,
    tuple[str, ...]: tuple,
}
"""How a field of that type is read; others are JSON's own."""

_WRITERS: Final[Mapping[Any, _Reader]] = {Unit: _write_unit, Actor: _write_actor, tuple[ClockState, ...]: _write_clocks}
"""How a field of that type is written; `to_json` knows the others."""


def _by_field(model: type, table: Mapping[Any, _Reader]) -> dict[str, _Reader | None]:
    """For each field of a dataclass the entry of its type (`X` for `X | None`)."""
    hints = get_type_hints(model)
    return {
        field.name: next((table[part] for part in (hints[field.name], *getattr(hints[field.name], "__args__", ())) if part in table), None)
        for field in fields(model)
    }


def _empty(model: type) -> dict[str, Any]:
    return {field.name: field.default for field in fields(model) if field.default is not MISSING}


def _made(model: Any, empty: Mapping[str, Any], readers: Mapping[str, _Reader | None], needs: frozenset[str], raw: Any) -> Any:
    """A dataclass from JSON's values, without running its `__init__` over thirty fields."""
    new = object.__new__(model)
    values = new.__dict__
    values.update(empty)
    for name, value in raw.items():
        if name in readers:
            reader = readers[name]
            values[name] = value if reader is None else reader(value)
    if not needs <= raw.keys():
        msg = f"it lacks {', '.join(sorted(needs - raw.keys()))}"
        raise TypeError(msg)
    return new


_COMPLAINT_EMPTY: Final = _empty(Complaint)
_COMPLAINT_NEEDS: Final = frozenset(field.name for field in fields(Complaint)) - _COMPLAINT_EMPTY.keys()
_COMPLAINT_READERS: Final = _by_field(Complaint, _READERS)
_COMPLAINT_WRITERS: Final = tuple((name, _COMPLAINT_EMPTY.get(name), writer) for name, writer in _by_field(Complaint, _WRITERS).items())
_CLOCK_EMPTY: Final = _empty(ClockState)
_CLOCK_NEEDS: Final = frozenset(field.name for field in fields(ClockState)) - _CLOCK_EMPTY.keys()
_CLOCK_READERS: Final = _by_field(ClockState, _READERS)
