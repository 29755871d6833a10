"""A setting or a city that can't be used keeps the service from starting, in words; the description of its API is whole."""

import base64
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from services.intake.app import build, make_app
from services.intake.numbers import Numbers
from services.intake.settings import Settings
from services.intake.submission import parse
from tanggap.platform.database import Database
from tests.support.intake import FULL, JAKARTA, MASTER
from tests.support.lives import FOLDER

ENVIRONMENT = {
    "DATABASE_URL": "postgresql://intake:secret@127.0.0.1:1/tanggap",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "INTAKE_REPORTER_KEY": base64.b64encode(MASTER).decode(),
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def refused(capsys: pytest.CaptureFixture[str]) -> list[str]:
    with pytest.raises(SystemExit) as ended:
        Settings.load()
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()


def test_a_master_key_is_needed_and_how_to_make_one_is_said(environment, capsys):
    environment.delenv("INTAKE_REPORTER_KEY")
    [line] = refused(capsys)
    assert "INTAKE_REPORTER_KEY: is not set" in line
    assert "base64" in line


def test_a_bad_master_key_is_refused_and_not_shown(environment, capsys):
    environment.setenv("INTAKE_REPORTER_KEY", base64.b64encode(b"too short").decode())
    [line] = refused(capsys)
    assert "INTAKE_REPORTER_KEY: holds 9 bytes, not 32" in line
    assert base64.b64encode(b"too short").decode() not in line


def test_the_settings_show_no_secret(environment):
    printed = repr(Settings.load())
    assert ENVIRONMENT["INTAKE_REPORTER_KEY"] not in printed
    assert "secret" not in printed


def test_a_city_that_can_not_be_read_is_told_in_lines(environment, tmp_path: Path, capsys):
    folder = tmp_path / "city"
    shutil.copytree(FOLDER, folder)
    (folder / "city.yaml").write_text("name: Jakarta\n")
    environment.setenv("TANGGAP_CITY", str(folder))

    with pytest.raises(SystemExit) as ended:
        build(Settings.load())

    assert ended.value.code == 2
    assert any("TANGGAP_CITY: city.yaml" in line for line in capsys.readouterr().err.splitlines())


def test_it_is_in_service_while_kafka_is_away_since_it_goes_on_accepting(environment):
    assert not build(Settings.load()).needs_kafka


@pytest.fixture
def description() -> dict[str, Any]:
    database = Database("postgresql://nobody@127.0.0.1:1/nothing", "intake")
    return make_app(database, Numbers(JAKARTA, "JK"), MASTER).openapi()


def operations(description: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in description["paths"].values() for operation in path.values()]


def test_every_answer_is_described_and_every_refusal_is_problem_details(description: dict[str, Any]):
    post = description["paths"]["/v1/complaints"]["post"]
    get = description["paths"]["/v1/complaints/{complaint_id}"]["get"]

    assert post["responses"].keys() == {"200", "201", "400", "401", "403", "409", "413", "415", "422", "503"}
    assert get["responses"].keys() == {"200", "304", "401", "403", "404", "503"}
    for operation in operations(description):
        assert operation["security"] == [{"key": []}]
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"]


def test_every_reference_leads_somewhere_and_every_example_fits_its_schema(description: dict[str, Any]):
    checked = 0

    def check(part: dict[str, Any]) -> None:
        nonlocal checked
        for content in part.get("content", {}).values():
            schema = {**content["schema"], "components": description["components"]}
            jsonschema.Draft202012Validator(schema).validate(content["example"])
            checked += 1

    for operation in operations(description):
        check(operation.get("requestBody", {}))
        for answer in operation["responses"].values():
            check(answer)
    assert checked == 16


def test_the_example_in_the_description_would_be_accepted(description: dict[str, Any]):
    content = description["paths"]["/v1/complaints"]["post"]["requestBody"]["content"]["application/json"]
    body = jsonschema.Draft202012Validator({**content["schema"], "components": description["components"]})
    body.validate(FULL)
    assert not body.is_valid(FULL | {"colour": "red"})
    assert parse(str(content["example"]).replace("'", '"').encode(), datetime(2026, 11, 24, 3, tzinfo=UTC)).point is not None
