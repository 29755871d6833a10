"""Finds the services by their folders and builds each as it would run, on made-up settings, without network or database."""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

from docs.api.written import written
from tanggap.contracts.events import BY_TYPE, Event
from tanggap.platform.process import Process

ROOT: Final = Path(__file__).resolve().parents[2]

MADE_UP: Final = {
    "DATABASE_URL": "postgresql://nobody:nothing@localhost:5432/tanggap",
    "KAFKA_BOOTSTRAP_SERVERS": "localhost:9092",
    "TANGGAP_CITY": str(ROOT / "cities" / "jakarta"),
    "INTAKE_REPORTER_KEY": "A" * 43 + "=",
    "NOTIFIER_SMTP_URL": "smtp://localhost:1025",
    "NOTIFIER_MAIL_FROM": "Tanggap <tanggap@jakarta.example>",
    "NOTIFIER_LINK_SECRET": "0" * 64,
}
"""The only environment that a service sees while it is described: what it says must not hang on the machine."""


class Unknown(Exception):  # noqa: N818 - what could not be told from the code
    """Something about a service could not be told from its code."""


@dataclass(frozen=True)
class Service:
    """A service as its code says it is. `writes`: the events that it makes, in the order of a complaint's life."""

    name: str
    process: Process
    writes: tuple[type[Event], ...]

    @property
    def reads(self) -> tuple[type[Event], ...]:
        """The events that reach its handler, in the order of a complaint's life."""
        types = self.process.consumer.reads if self.process.consumer is not None else ()
        return tuple(model for name, model in BY_TYPE.items() if name in types)


def find(folder: Path = ROOT / "services") -> list[Service]:
    """Every service by name: each folder with an `app.py`. Raises `Unknown` where the code does not tell all."""
    return [_service(path.parent.name) for path in sorted(folder.glob("*/app.py"))]


def _service(name: str) -> Service:
    app = importlib.import_module(f"services.{name}.app")
    settings = importlib.import_module(f"services.{name}.settings").Settings
    try:
        with _environment():
            process: Process = app.build(settings.load())
    except SystemExit:
        raise Unknown(
            f"services/{name}: does not start on the made-up settings of docs/api/services.py; add what it needs"
        ) from None
    try:
        writes = written(_modules(name))
    except ValueError as fault:
        raise Unknown(str(fault)) from fault
    return Service(name, process, writes)


def _modules(name: str) -> Iterator[ModuleType]:
    package = importlib.import_module(f"services.{name}")
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        # Importing `__main__` would run the service; it makes nothing itself.
        if not found.name.endswith(".__main__"):
            yield importlib.import_module(found.name)


@contextmanager
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(MADE_UP)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
