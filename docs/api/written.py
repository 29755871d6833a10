"""Which events a service writes, read from its source: every event that it makes, since what it makes it puts into its outbox.

Counted is every call of an event's class or of its `create`, and `TABLE[...].create` as all events in that table. An event whose
cause is the constant `"sample"` is made to try something out (a mail's text) and never published.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Final

from tanggap.contracts.events import ALL, Event

SAMPLE: Final = "sample"


def written(modules: Iterable[ModuleType]) -> tuple[type[Event], ...]:
    """The events that `modules` make, in the order of a complaint's life.

    Raises `ValueError` where a call of `create` can't be traced to what it makes.
    """
    made = {model for module in modules for model in _made(module)}
    return tuple(model for model in ALL if model in made)


def _made(module: ModuleType) -> Iterator[type[Event]]:
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Call) and not _is_sample(node):
            yield from _events_of(node, module)


def _is_sample(call: ast.Call) -> bool:
    return any(
        each.arg == "cause" and isinstance(each.value, ast.Constant) and each.value.value == SAMPLE for each in call.keywords
    )


def _events_of(call: ast.Call, module: ModuleType) -> Iterable[type[Event]]:
    match call.func:
        case ast.Name(name):
            return _events(vars(module).get(name))
        case ast.Attribute(ast.Name(name), "create") if name in vars(module):
            return _events(vars(module)[name])
        case ast.Attribute(ast.Subscript(ast.Name(name)), "create") if isinstance(table := vars(module).get(name), Mapping):
            return [model for each in table.values() for model in _events(each)]
        case ast.Attribute(ast.Attribute(ast.Name(name), attribute), "create") if name in vars(module):
            return _events(getattr(vars(module)[name], attribute, None))
        case ast.Attribute(_, "create") as unclear:
            where = f"{module.__name__}, line {call.lineno}"
            raise ValueError(
                f"{where}: what `{ast.unparse(unclear)}` makes can't be told from the source; "
                "name the event, or a table of events of this module"
            )
        case _:
            return ()


def _events(value: object) -> list[type[Event]]:
    return [value] if isinstance(value, type) and issubclass(value, Event) and value in ALL else []
