"""A complaint's state as compact JSON, for a column of a service's own table: every fold reads and writes one, so it is quick.

What is empty is left out. The text is an object with the names of `Complaint`'s fields, so that SQL can look into it. A state
that an older or a newer release wrote can be read: missing fields take their defaults, unknown ones are kept as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from functools import lru_cache
from types import UnionType
from typing import Any, Final, get_args, get_type_hints
from uuid import UUID

from pydantic_core import from_json, to_json

from tanggap.contracts.complaint import Complaint, Status
from tanggap.contracts.events import Actor, Unit
from tanggap.contracts.sla_clocks import ClockState

# Objects are made without running `__init__`, and fields that the text lacks are left to the class, which holds their defaults:
# of thirty fields most are empty for most of a complaint's life. That halves the time of a fold.


def encode(complaint: Complaint) -> str:
    """The state as JSON. `decode` reads it back."""
    state: dict[str, Any] = {}
    for name, value in complaint.__dict__.items():
        if value:  # every default is empty: None, 0 or ()
            writer = _COMPLAINT_WRITERS.get(name)
            state[name] = value if writer is None else writer(value)
    return to_json(state).decode()


def decode(state: str) -> Complaint:
    """The state that `encode` wrote. Raises `ValueError` for anything else."""
    raw = from_json(state, cache_strings="keys")
    try:
        complaint = object.__new__(Complaint)
        values = complaint.__dict__
        for name, value in raw.items():
            reader = _COMPLAINT_READERS.get(name)
            values[name] = value if reader is None else reader(value)
        _lacks_nothing(complaint, _COMPLAINT_NEEDS)
    except (AttributeError, KeyError, TypeError) as error:
        msg = f"not a complaint's state: {error!r}"
        raise ValueError(msg) from error
    return complaint


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
    clock = object.__new__(ClockState)
    values = clock.__dict__
    for name, value in raw.items():
        values[name] = _moment(value) if name in _CLOCK_MOMENTS else value
    _lacks_nothing(clock, _CLOCK_NEEDS)
    return clock


def _lacks_nothing(made: object, needs: frozenset[str]) -> None:
    missing = needs - made.__dict__.keys()
    if missing:
        raise KeyError(*sorted(missing))


def _write_clock(clock: ClockState) -> Any:
    return {name: value for name, value in clock.__dict__.items() if value is not None}


def _read_clocks(raw: Any) -> tuple[ClockState, ...]:
    return tuple([_read_clock(each) for each in raw])


def _write_clocks(clocks: tuple[ClockState, ...]) -> Any:
    return [_write_clock(each) for each in clocks]


def _read_statuses(raw: Any) -> tuple[Status, ...]:
    return tuple(_STATUSES[each] for each in raw)


def _write_statuses(statuses: tuple[Status, ...]) -> Any:
    return [str(status) for status in statuses]


_moment: Final = datetime.fromisoformat
_STATUSES: Final[Mapping[str, Status]] = {str(status): status for status in Status}

_Turn = Callable[[Any], Any]

_READERS: Final[Mapping[Any, _Turn]] = {
    datetime: _moment,
    UUID: UUID,
    Status: _STATUSES.__getitem__,
    Unit: _read_unit,
    Actor: _read_actor,
    tuple[ClockState, ...]: _read_clocks,
    tuple[Status, ...]: _read_statuses,
    tuple[str, ...]: tuple,
}
"""How a field of that type is read; others are JSON's own."""

_WRITERS: Final[Mapping[Any, _Turn]] = {
    Status: str,
    Unit: _write_unit,
    Actor: _write_actor,
    tuple[ClockState, ...]: _write_clocks,
    tuple[Status, ...]: _write_statuses,
}
"""How a field of that type is written; `to_json` knows the others."""


def _by_field(model: type, table: Mapping[Any, _Turn]) -> Mapping[str, _Turn]:
    """For each field of a dataclass the entry of its type, or of `X` for `X | None`."""
    found: dict[str, _Turn] = {}
    for name, hint in get_type_hints(model).items():
        for kind in get_args(hint) if isinstance(hint, UnionType) else (hint,):
            if kind in table:
                found[name] = table[kind]
    return found


def _needs(model: type) -> frozenset[str]:
    return frozenset(field.name for field in fields(model) if field.default is MISSING)


_COMPLAINT_NEEDS: Final = _needs(Complaint)
_COMPLAINT_READERS: Final = _by_field(Complaint, _READERS)
_COMPLAINT_WRITERS: Final = _by_field(Complaint, _WRITERS)
_CLOCK_NEEDS: Final = _needs(ClockState)
_CLOCK_MOMENTS: Final = frozenset(_by_field(ClockState, _READERS))
