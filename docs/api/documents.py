"""The description files: two for each service, `<service>.openapi.json` and `<service>.asyncapi.json`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from docs.api import asyncapi
from docs.api.services import Service


def documents(found: Iterable[Service]) -> dict[str, str]:
    """Each file's text by its name. The same code gives the same text."""
    made: dict[str, str] = {}
    for service in found:
        made[f"{service.name}.openapi.json"] = _rendered(service.process.app.openapi())
        made[f"{service.name}.asyncapi.json"] = _rendered(asyncapi.document(service))
    return made


def _rendered(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def differing(made: Mapping[str, str], folder: Path) -> list[str]:
    """Names of the files in `folder` that are missing, differ from `made`, or describe no service any more."""
    present = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in made.keys() | present.keys() if made.get(name) != present.get(name))


def write(made: Mapping[str, str], folder: Path) -> None:
    """Make the files of `folder` those of `made`."""
    for name in differing(made, folder):
        if name in made:
            (folder / name).write_text(made[name], encoding="utf-8")
        else:
            (folder / name).unlink()
