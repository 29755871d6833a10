"""Schemas, golden samples and privacy: what is published stays readable, and says nothing of who reported."""

import copy
import json
import shutil
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from typer.testing import CliRunner

from tanggap.contracts import export
from tanggap.contracts.cli import commands
from tanggap.contracts.events import ALL, BY_TYPE, ComplaintAssigned, ComplaintSubmitted, SlaBreached, decoders
from tanggap.contracts.lifecycle import RULES, Status
from tests.support.lives import FOLDER, Life

GOLDEN = Path(__file__).parents[2] / "golden"
SAMPLES = sorted(GOLDEN.glob("*.json"))


# Maps, whose keys are the app's own: what is in them is a value, not a field.
MAPS = {("ComplaintSubmitted", "attributes")}


def schema_of(name):
    return json.loads((export.SCHEMAS / name).read_text(encoding="utf-8"))


def published_as(path):
    """The schema that a sample fits. What follows a plus tells the sample from the schema's first, which lacks later fields."""
    return f"{path.stem.partition('+')[0]}.json"


def nodes(value):
    """Every object within a JSON value that has fields."""
    if isinstance(value, dict):
        yield value
        for name, each in value.items():
            if not any(name == map_name for _, map_name in MAPS):
                yield from nodes(each)
    elif isinstance(value, list):
        for each in value:
            yield from nodes(each)


def within(written, sample):
    """What `written` says of all that `sample` has: what was added since is left out, at any depth."""
    if isinstance(sample, dict):
        return {name: within(written[name], each) for name, each in sample.items()}
    if isinstance(sample, list):
        return [within(one, each) for one, each in zip(written, sample, strict=True)]
    return written


# --- golden samples ---------------------------------------------------------------------------------------------------------------


def test_every_event_that_was_ever_published_has_a_golden_sample():
    assert {published_as(path) for path in SAMPLES} == {path.name for path in export.SCHEMAS.glob("*.json")}
    assert {export.file_name(model) for model in ALL} <= {published_as(path) for path in SAMPLES}


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.__name__)
def test_every_field_of_an_event_is_in_a_golden_sample(model):
    seen = set()
    for path in SAMPLES:
        if published_as(path) == export.file_name(model):
            seen |= {name for each in nodes(json.loads(path.read_bytes())) for name in each}
    assert {name for _, name in fields_of(model)} <= seen


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_golden_sample_fits_its_schema(path):
    validator = Draft202012Validator(schema_of(published_as(path)), format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert list(validator.iter_errors(json.loads(path.read_bytes()))) == []


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_golden_sample_can_be_read_and_says_the_same_when_written_again(path):
    sample = json.loads(path.read_bytes())
    event = decoders()[sample["type"]](path.read_bytes())
    written = json.loads(event.model_dump_json())
    assert within(written, sample) == sample
    assert (event.dataschema, str(event.subject)) == (export.file_name(type(event)), sample["complaint_id"])


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_an_old_reader_ignores_what_a_new_producer_adds_at_any_depth(path):
    sample = json.loads(path.read_bytes())
    plain = decoders()[sample["type"]](path.read_bytes())
    for each in list(nodes(sample)):
        each["added_later"] = {"by": "a newer release"}
    assert decoders()[sample["type"]](json.dumps(sample).encode()) == plain
    assert list(Draft202012Validator(schema_of(published_as(path))).iter_errors(sample)) == []


def test_a_producer_can_not_add_a_field_by_mistake():
    with pytest.raises(ValidationError, match="Extra inputs"):
        Life().event(SlaBreached, mood="bad")


def test_the_same_cause_makes_the_same_event_and_another_cause_another():
    one, again, other = (Life(), Life(), Life())
    other.event(SlaBreached)
    assert one.event(SlaBreached, 1).event_id == again.event(SlaBreached, 1).event_id
    assert one.event(SlaBreached, 1).event_id != Life().event(SlaBreached, 1).event_id


# --- privacy ----------------------------------------------------------------------------------------------------------------------

# Words of a person's identity, in English and Indonesian; and the two places where one of them means something else.
PERSONAL = ("reporter", "name", "nama", "phone", "telepon", "mobile", "email", "whatsapp", "nik", "contact", "person", "citizen")
MEANT = {("Unit", "name"), ("Unit", "code")}


def fields_of(model, seen=None):
    seen = set() if seen is None else seen
    for definition in [model.model_json_schema(), *model.model_json_schema().get("$defs", {}).values()]:
        for name in definition.get("properties", {}):
            seen.add((definition["title"], name))
    return seen


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.__name__)
def test_no_event_can_carry_a_reporters_identity(model):
    found = {(owner, name) for owner, name in fields_of(model) if any(word in name.lower().split("_") for word in PERSONAL)}
    assert found <= MEANT
    for definition in [model.model_json_schema(), *model.model_json_schema().get("$defs", {}).values()]:
        # No open mapping either, into which anything could be put; but the one that apps are told to keep it out of.
        assert definition.get("additionalProperties", False) is False
        for name, field in definition.get("properties", {}).items():
            opened = "additionalProperties" in field or "patternProperties" in field
            assert opened is ((definition["title"], name) in MAPS)


def test_the_guard_would_see_a_reporters_field():
    spied = type("Spied", (ComplaintSubmitted,), {"__annotations__": {"reporter_phone": str}, "__module__": __name__})
    assert any("phone" in name.split("_") for _, name in fields_of(spied))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_no_golden_sample_holds_an_address_or_number_of_a_person(path):
    text = path.read_text(encoding="utf-8")
    assert "@" not in text
    assert "+62" not in text
    assert '"08' not in text


# --- attributes -------------------------------------------------------------------------------------------------------------------


def submitted_with(attributes):
    sample = json.loads((GOLDEN / "complaint.submitted.v1.json").read_bytes())
    return json.dumps({**sample, "attributes": attributes}).encode()


@pytest.mark.parametrize(
    "attributes",
    [
        {f"key-{number}": "" for number in range(33)},
        {"Upper": ""},
        {"with space": ""},
        {"": ""},
        {"k" * 65: ""},
        {"line\nbreak": ""},
        {"key": "v" * 501},
        {"key": 1},
        {"key": None},
        {"key": {}},
        [],
        None,
    ],
    ids=repr,
)
def test_attributes_past_their_bounds_are_refused_by_the_model_and_by_its_schema(attributes):
    body = submitted_with(attributes)
    with pytest.raises(ValidationError):
        decoders()["complaint.submitted"](body)
    schema = schema_of("complaint.submitted.v1.json")
    Draft202012Validator.check_schema(schema)
    assert list(Draft202012Validator(schema).iter_errors(json.loads(body))) != []


def test_attributes_at_their_bounds_are_taken():
    full = {f"{number:02}{'k' * 62}": "v" * 500 for number in range(31)} | {"a.b_c-9": ""}
    body = submitted_with(full)
    assert decoders()["complaint.submitted"](body).attributes == full
    assert list(Draft202012Validator(schema_of("complaint.submitted.v1.json")).iter_errors(json.loads(body))) == []


# --- compatibility ----------------------------------------------------------------------------------------------------------------


def test_the_committed_schemas_are_what_the_models_say():
    assert export.faults() == []


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.__name__)
def test_a_schema_is_compatible_with_itself(model):
    assert export.incompatible(export.schema(model), export.schema(model)) == []


def drop(schema, *path):
    for part in path[:-1]:
        schema = schema[part]
    del schema[path[-1]]


def put(schema, value, *path):
    for part in path[:-1]:
        schema = schema[part]
    schema[path[-1]] = value


# (what is done to the schema of complaint.assigned, whom it breaks)
BREAKS = {
    "a field removed": (lambda s: drop(s, "properties", "agency"), "$.agency: was removed: old readers look for it"),
    "a needed field made optional": (
        lambda s: s["required"].remove("category"),
        "$.category: is no longer required: old readers need it",
    ),
    "a new field required": (
        lambda s: (put(s, {"type": "string"}, "properties", "mood"), s["required"].append("mood")),
        "$.mood: is new and required: old records lack it; give it a default",
    ),
    "a type changed": (
        lambda s: put(s, {"type": "integer"}, "properties", "category"),
        "$.category: may no longer be string: old records have it",
    ),
    "a type widened": (
        lambda s: put(s, {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "properties", "category"),
        "$.category: may now be integer: old readers don't know it",
    ),
    "made nullable": (
        lambda s: put(s, {"anyOf": [{"type": "string"}, {"type": "null"}]}, "properties", "category"),
        "$.category: may now be null: old readers don't know it",
    ),
    "no longer nullable": (
        lambda s: put(s, {"type": "string"}, "properties", "agency"),
        "$.agency: may no longer be null: old records have it",
    ),
    "an enum value removed": (
        lambda s: s["properties"]["urgency"]["enum"].remove("low"),
        "$.urgency: may no longer be 'low': old records have it",
    ),
    "an enum value added": (
        lambda s: s["properties"]["urgency"]["enum"].append("whenever"),
        "$.urgency: may now be 'whenever': old readers don't know it",
    ),
    "an enum opened": (
        lambda s: drop(s, "properties", "urgency", "enum"),
        "$.urgency: is no longer limited to ['emergency', 'high', 'low', 'normal']: old readers don't know others",
    ),
    "a value newly limited": (
        lambda s: put(s, ["jalan_rusak"], "properties", "category", "enum"),
        "$.category: is now limited to ['jalan_rusak']: old records may have others",
    ),
    "a bound tightened, deep within": (
        lambda s: put(s, 0.5, "$defs", "Decision", "properties", "confidence", "minimum"),
        "$.decision.confidence: minimum was 0 and is 0.5: old records may break it",
    ),
    "a bound loosened, deep within": (
        lambda s: put(s, 2, "$defs", "Decision", "properties", "confidence", "maximum"),
        "$.decision.confidence: maximum was 1 and is 2: old readers hold to the old one",
    ),
    "a field of a list's items removed": (
        lambda s: drop(s, "$defs", "ClockTerm", "properties", "basis"),
        "$.clocks[].basis: was removed: old readers look for it",
    ),
    "a format changed": (
        lambda s: drop(s, "properties", "occurred_at", "format"),
        "$.occurred_at: format was 'date-time' and is None: old readers and records have the other",
    ),
    "a default changed": (
        lambda s: put(s, "rules", "$defs", "Decision", "properties", "alternatives", "default"),
        "$.decision.alternatives: its default changed: old records that lack it would say something else",
    ),
}


@pytest.mark.parametrize(("break_it", "said"), BREAKS.values(), ids=list(BREAKS))
def test_a_change_that_breaks_a_reader_or_a_record_is_named(break_it, said):
    old = export.schema(ComplaintAssigned)
    new = copy.deepcopy(old)
    break_it(new)
    assert said in export.incompatible(old, new)


def test_a_change_of_what_a_map_may_hold_is_named():
    old = export.schema(ComplaintSubmitted)
    new = copy.deepcopy(old)
    put(new, 64, "properties", "attributes", "maxProperties")
    put(new, 100, "properties", "attributes", "additionalProperties", "maxLength")
    put(new, "^[a-z]+$", "properties", "attributes", "propertyNames", "pattern")
    found = "\n".join(export.incompatible(old, new))
    assert "$.attributes: maxProperties was 32 and is 64: old readers hold to the old one" in found
    assert "$.attributes{additionalProperties}: maxLength was 500 and is 100: old records may break it" in found
    assert "$.attributes{propertyNames}: pattern was " in found
    drop(new, "properties", "attributes", "propertyNames")
    assert "$.attributes: its propertyNames changed form" in "\n".join(export.incompatible(old, new))


def test_a_new_optional_field_is_compatible_at_any_depth():
    old = export.schema(ComplaintAssigned)
    new = copy.deepcopy(old)
    put(new, {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}, "properties", "mood")
    put(new, {"type": "string", "default": ""}, "$defs", "Unit", "properties", "kind")
    new["description"] = "Said better."
    assert export.incompatible(old, new) == []


# --- the commands -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The schemas, to do harm to; what a command writes or compares is there."""
    target = tmp_path / "schemas"
    shutil.copytree(export.SCHEMAS, target)
    monkeypatch.setattr(export.faults, "__defaults__", (target,))
    monkeypatch.setattr(export.export, "__defaults__", (target,))
    return target


def run(*arguments):
    return CliRunner().invoke(commands, list(arguments))


def tamper(folder, name, edit):
    schema = json.loads((folder / name).read_text(encoding="utf-8"))
    edit(schema)
    (folder / name).write_text(json.dumps(schema, indent=2), encoding="utf-8")


def test_check_passes_while_nothing_differs(folder):
    assert run("check").exit_code == 0
    assert "24 events" in run("check").output


def test_check_fails_on_a_schema_that_is_missing_and_export_writes_it(folder):
    (folder / "sla.breached.v1.json").unlink()
    assert run("check").exit_code == 1
    assert "sla.breached.v1.json: is missing" in run("check").output
    assert run("export").output.split() == ["sla.breached.v1.json"]
    assert run("check").exit_code == 0


def test_check_fails_on_a_schema_that_differs_compatibly_and_export_mends_it(folder):
    tamper(folder, "sla.breached.v1.json", lambda schema: put(schema, "Another word.", "description"))
    assert "differs from the model, compatibly" in run("check").output
    assert run("export").exit_code == 0
    assert run("check").exit_code == 0


def test_export_refuses_what_would_break_and_writes_nothing(folder):
    published = "sla.breached.v1.json"
    tamper(folder, published, lambda schema: put(schema, {"type": "string"}, "properties", "cause"))
    (folder / "complaint.rated.v1.json").unlink()
    before = (folder / published).read_text(encoding="utf-8")
    done = run("export")
    assert done.exit_code == 1
    assert "sla.breached.v1.json: $.cause: was removed: old readers look for it" in done.output
    assert (folder / published).read_text(encoding="utf-8") == before
    assert not (folder / "complaint.rated.v1.json").exists()
    assert "give the event a new version" in run("check").output


def test_check_fails_on_a_published_event_that_no_model_has_but_not_on_an_older_version(folder, monkeypatch):
    monkeypatch.setattr(SlaBreached, "version", 2)
    assert run("export").output.split() == ["sla.breached.v2.json"]
    assert run("check").exit_code == 0
    shutil.copy(folder / "sla.breached.v1.json", folder / "complaint.vanished.v1.json")
    assert "complaint.vanished.v1.json: no event has it, but the log may" in run("check").output


def test_check_fails_where_a_model_can_not_read_the_records_of_its_older_version(folder):
    tamper(
        folder, "complaint.triage_requested.v1.json", lambda schema: schema["properties"]["problem"]["enum"].append("bad_luck")
    )
    done = run("check")
    assert done.exit_code == 1
    assert "triage_requested.v1.json: $.problem: may no longer be 'bad_luck': old records have it; its records are" in done.output
    assert "unsure_category" not in done.output


def test_check_compares_with_a_commit_and_says_when_there_is_none():
    done = run("check", "--against", "no-such-commit")
    assert done.exit_code == 2
    assert "no-such-commit" in done.output


def test_the_table_can_be_printed():
    head, *rows = run("table").output.splitlines()
    assert head.split("\t") == ["event", *Status]
    assert [row.split("\t")[0] for row in rows] == [rule.event for rule in RULES] == list(BY_TYPE)
    assert rows[2].split("\t")[1:3] == ["assigned", "assigned"]


def test_a_citys_files_can_be_checked(tmp_path):
    assert "267 wards" in run("city", str(FOLDER)).output
    done = run("city", str(tmp_path))
    assert done.exit_code == 1
    assert "units.csv:1: the file is missing" in done.output
