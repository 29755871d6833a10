"""JSON Schemas of all events: made from the models, committed, and compared so that no change breaks a reader or an old record.

Two things must go on working when a model changes. *Old readers* meet new records: they ignore fields that they don't know, but a
field that they need must be there, with values that they know. *New readers* meet old records, which are on the log for ever: they
can't ask for a field that those lack, nor refuse a value that those have. What both allow is a new optional field, and little else;
any other change needs a new `version` of the event, whose schema is a file of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tanggap.contracts.events import ALL, Event

SCHEMAS: Final = Path(__file__).with_name("schemas")
"""Where the schemas are committed."""

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EXACT: Final = ("pattern", "format")

Schema = Mapping[str, Any]


def file_name(model: type[Event]) -> str:
    """The schema's file: `<type>.v<version>.json`, as `Event.dataschema` says."""
    return f"{model.model_fields['type'].default}.v{model.version}.json"


def schema(model: type[Event]) -> dict[str, Any]:
    """The JSON Schema that readers go by: open to fields that they don't know, as `events.decoders` is."""
    made: dict[str, Any] = model.model_json_schema(mode="validation")
    _open(made)
    # Every producer writes it; that it has a default is for Python's sake.
    made["required"] = [name for name in made["properties"] if name == "type" or name in made["required"]]
    return {"$schema": _DIALECT, "$id": file_name(model), **made}


def rendered(model: type[Event]) -> str:
    """The schema as it stands in its file."""
    return json.dumps(schema(model), indent=2, ensure_ascii=False) + "\n"


def _open(node: Any) -> None:
    if isinstance(node, dict):
        if node.get("additionalProperties") is False:
            del node["additionalProperties"]
        for each in node.values():
            _open(each)
    elif isinstance(node, list):
        for each in node:
            _open(each)


def incompatible(old: Schema, new: Schema) -> list[str]:
    """What an old reader, or an old record, could not take if `old` became `new`; empty where nothing breaks.

    Each line is `$.path: what changed: whom it breaks`.
    """
    return list(_compare(old, new, "$", old, new))


def _compare(old: Schema, new: Schema, path: str, old_root: Schema, new_root: Schema) -> Iterator[str]:
    olds, news = _alternatives(old, old_root), _alternatives(new, new_root)
    for kind, node in olds.items():
        if kind not in news:
            yield f"{path}: may no longer be {kind}: old records have it"
        else:
            yield from _same_kind(node, news[kind], path, old_root, new_root)
    for kind in news:
        if kind not in olds:
            yield f"{path}: may now be {kind}: old readers don't know it"


def _same_kind(old: Schema, new: Schema, path: str, old_root: Schema, new_root: Schema) -> Iterator[str]:
    yield from _values(old, new, path)
    yield from _bounds(old, new, path)
    if "properties" in old or "properties" in new:
        yield from _fields(old, new, path, old_root, new_root)
    if "items" in old and "items" in new:
        yield from _compare(old["items"], new["items"], f"{path}[]", old_root, new_root)
    elif "items" in old or "items" in new:
        yield f"{path}: its items changed form: old readers and records have the other"
    yield from _map(old, new, path, old_root, new_root)


def _map(old: Schema, new: Schema, path: str, old_root: Schema, new_root: Schema) -> Iterator[str]:
    """An object whose keys are the producer's own."""
    for name in ("propertyNames", "additionalProperties"):
        if name in old and name in new:
            yield from _compare(old[name], new[name], f"{path}{{{name}}}", old_root, new_root)
        elif name in old or name in new:
            yield f"{path}: its {name} changed form: old readers and records have the other"


def _values(old: Schema, new: Schema, path: str) -> Iterator[str]:
    before, after = _listed(old), _listed(new)
    if before is None and after is None:
        return
    if before is None:
        yield f"{path}: is now limited to {sorted(after or ())}: old records may have others"
    elif after is None:
        yield f"{path}: is no longer limited to {sorted(before)}: old readers don't know others"
    else:
        for value in sorted(before - after):
            yield f"{path}: may no longer be {value!r}: old records have it"
        for value in sorted(after - before):
            yield f"{path}: may now be {value!r}: old readers don't know it"


def _bounds(old: Schema, new: Schema, path: str) -> Iterator[str]:
    for names, sign in ((_LOWER, 1), (_UPPER, -1)):
        for name in names:
            before, after = old.get(name), new.get(name)
            if before == after:
                continue
            tighter = before is None or (after is not None and (after - before) * sign > 0)
            whom = "old records may break it" if tighter else "old readers hold to the old one"
            yield f"{path}: {name} was {before} and is {after}: {whom}"
    for name in _EXACT:
        if old.get(name) != new.get(name):
            yield f"{path}: {name} was {old.get(name)!r} and is {new.get(name)!r}: old readers and records have the other"


def _fields(old: Schema, new: Schema, path: str, old_root: Schema, new_root: Schema) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    needed_before, needed_after = set(old.get("required", ())), set(new.get("required", ()))
    for name, node in before.items():
        if name not in after:
            yield f"{path}.{name}: was removed: old readers look for it"
            continue
        if name in needed_before - needed_after:
            yield f"{path}.{name}: is no longer required: old readers need it"
        if name in needed_after - needed_before:
            yield f"{path}.{name}: is now required: old records may lack it"
        if name not in needed_before and node.get("default") != after[name].get("default"):
            yield f"{path}.{name}: its default changed: old records that lack it would say something else"
        yield from _compare(node, after[name], f"{path}.{name}", old_root, new_root)
    for name in after:
        if name not in before and name in needed_after:
            yield f"{path}.{name}: is new and required: old records lack it; give it a default"


def _alternatives(node: Schema, root: Schema) -> dict[str, Schema]:
    """The forms that a value may have, by JSON type, with references followed."""
    while "$ref" in node:
        found: Any = root
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    forms: dict[str, Schema] = {}
    for each in node.get("anyOf", ()):
        for kind, form in _alternatives(each, root).items():
            forms[kind if kind not in forms else f"another {kind}"] = form
    return forms or {str(node.get("type", "anything")): node}


def _listed(node: Schema) -> frozenset[Any] | None:
    if "const" in node:
        return frozenset({node["const"]})
    return frozenset(node["enum"]) if "enum" in node else None


def faults(folder: Path = SCHEMAS) -> list[str]:
    """What differs between the models and the schemas of `folder`: `file: what is wrong and how to mend it`."""
    found: list[str] = []
    for model in ALL:
        found += _unreadable(model, folder)
        path = folder / file_name(model)
        if not path.exists():
            found.append(f"{path.name}: is missing; write it with `tanggap contracts export`")
            continue
        text = path.read_text(encoding="utf-8")
        breaks = incompatible(json.loads(text), schema(model))
        found += [f"{path.name}: {each}; keep the field as it was, or give the event a new version" for each in breaks]
        if not breaks and text != rendered(model):
            found.append(f"{path.name}: differs from the model, compatibly; write it anew with `tanggap contracts export`")
    return found + [f"{path.name}: no event has it, but the log may; bring the event back" for path in _orphans(folder)]


def _unreadable(model: type[Event], folder: Path) -> list[str]:
    """What of the records of older versions, which are on the log, the model would refuse or read wrongly."""
    found: list[str] = []
    for version in range(1, model.version):
        name = f"{model.model_fields['type'].default}.v{version}.json"
        text = _on_disk(folder / name)
        breaks = [] if text is None else incompatible(json.loads(text), schema(model))
        found += [f"{name}: {each}; its records are on the log" for each in breaks if "old records" in each]
    return found


def _orphans(folder: Path) -> list[Path]:
    """Schemas of types that no model has any more. An older version of a type that there is stays: its records are on the log."""
    types = {model.model_fields["type"].default: model.version for model in ALL}
    orphans: list[Path] = []
    for path in sorted(folder.glob("*.json")):
        event_type, _, version = path.stem.rpartition(".v")
        if not version.isdigit() or int(version) > types.get(event_type, 0):
            orphans.append(path)
    return orphans


def export(folder: Path = SCHEMAS) -> list[str]:
    """Write what is missing or differs, unless anything would break: then nothing is written.

    Returns the names of the files written. Raises `Incompatible`.
    """
    changed = [model for model in ALL if _on_disk(folder / file_name(model)) != rendered(model)]
    breaks = [
        f"{file_name(model)}: {each}"
        for model in changed
        if (before := _on_disk(folder / file_name(model))) is not None
        for each in incompatible(json.loads(before), schema(model))
    ]
    if breaks:
        raise Incompatible(breaks)
    folder.mkdir(parents=True, exist_ok=True)
    for model in changed:
        (folder / file_name(model)).write_text(rendered(model), encoding="utf-8")
    return [file_name(model) for model in changed]


def _on_disk(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


class Incompatible(Exception):  # noqa: N818 - it names changes, each of which may be meant
    """Changes that old readers or old records can't take; `breaks` names them."""

    def __init__(self, breaks: list[str]) -> None:
        self.breaks = tuple(breaks)
        super().__init__("\n".join(breaks))
