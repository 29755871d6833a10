"""`tanggap keys` gives, lists and revokes; a reporter can be erased by hand."""

import asyncio
import json
from uuid import UUID

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from services.intake.cli import commands, people
from services.intake.reporters import Unreadable, Vault, contact_of
from tests.support.databases import Databases
from tests.support.intake import FULL, LEAST, MASTER, Intake


@pytest.fixture
async def run(databases: Databases, monkeypatch: pytest.MonkeyPatch):
    """Run a command as an operator would, in a loop of its own."""
    monkeypatch.setenv("DATABASE_URL", await databases.dsn("intake"))

    async def invoke(*arguments: str, app: Typer = commands) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))

    return invoke


async def test_a_key_is_shown_once_and_works(run, intake: Intake):
    added = await run("add", "jaki")
    secret = added.stdout.strip()
    listed = await run("list")

    assert (added.exit_code, listed.exit_code) == (0, 0)
    assert secret.startswith("tgp_")
    assert secret[:12] in listed.stdout
    assert secret not in listed.stdout
    intake.secrets["jaki"] = secret
    assert (await intake.post(LEAST)).status_code == 201


async def test_scripts_get_json(run):
    added = json.loads((await run("add", "jaki", "--json")).stdout)
    listed = json.loads((await run("list", "--json")).stdout)
    revoked = json.loads((await run("revoke", "jaki", "--json")).stdout)

    assert added.keys() == {"app", "prefix", "key"}
    assert [(row["app"], row["prefix"], row["revoked_at"]) for row in listed] == [("jaki", added["prefix"], None)]
    assert revoked[0]["revoked_at"] is not None


async def test_what_nobody_is_called_is_told_in_one_line(run):
    result = await run("revoke", "nobody")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == ["no app and no key is called nobody: see `tanggap keys list`"]


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "tgp_x"])
async def test_an_app_has_a_name_that_can_be_shown(run, name: str):
    result = await run("add", name)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


async def test_a_database_that_does_not_answer_is_one_line(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://intake:secret@127.0.0.1:1/tanggap")
    result = await run("list")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "secret" not in result.stderr


async def test_missing_tables_are_told_with_what_to_do(run, databases: Databases, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", await databases.blank("intake"))
    result = await run("list")
    assert result.exit_code == 1
    assert "python -m services.intake migrate" in result.stderr


async def test_a_reporter_is_erased_by_the_complaints_number_or_id(run, intake: Intake):
    one = (await intake.post(FULL)).json()
    other = (await intake.post(FULL | {"client_request_id": "b"})).json()

    results = [await run("erase", name, app=people) for name in (one["number"], other["id"], one["id"], "JK0000000000")]

    assert [result.exit_code for result in results] == [0, 0, 0, 1]
    assert "erased before" in results[2].stdout
    async with intake.database.connection() as connection:
        for said in (one, other):
            with pytest.raises(Unreadable):
                await contact_of(connection, Vault(MASTER), UUID(said["id"]))
