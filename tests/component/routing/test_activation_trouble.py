"""`tanggap policy activate` while the database goes away or refuses: what it says of the policy is true."""

import asyncio

import asyncpg
import pytest
from typer.testing import CliRunner

from services.routing.policy import cli as policy_cli
from services.routing.policy import file as policy_file
from services.routing.policy import store
from services.routing.policy.cli import commands
from services.routing.policy.given import trouble_in_words
from tests.support.policies import policy, rule
from tests.support.routing import JAKARTA

BY = ("--by", "Siti Rahayu", "--why", "Rapat 24 November")
BROKEN = [
    asyncpg.InterfaceError("cannot call Connection.fetch(): connection has been released back to the pool"),
    asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
    asyncpg.CannotConnectNowError("the database system is starting up"),
    ConnectionResetError(104, "Connection reset by peer"),
]


@pytest.fixture
def activate(database, monkeypatch, tmp_path):
    """Run the command; the version of the policy that it is given, and what came of it."""
    monkeypatch.setenv("DATABASE_URL", database.dsn)
    monkeypatch.setenv("TANGGAP_CITY", str(JAKARTA))
    path = tmp_path / "trial.yaml"
    path.write_text(policy(rule("rubbish", when="{category: sampah, place: known}")).replace("name: test-1", "name: trial"))
    version = policy_file.version_of("trial", path.read_bytes())

    async def run():
        return version, await asyncio.to_thread(CliRunner().invoke, commands, ["activate", str(path), *BY])

    return run


async def counting(database):
    async with database.connection() as connection:
        newest = await store.newest(connection)
        return None if newest is None else (await store.up_to(connection, newest))[0].version


@pytest.mark.parametrize("trouble", BROKEN)
async def test_a_database_that_goes_away_after_it_counts_is_told_beside_that_it_counts(activate, database, monkeypatch, trouble):
    async def away(*_):
        raise trouble

    monkeypatch.setattr(policy_cli.policy_store, "listening", away)
    version, done = await activate()
    assert done.exit_code == 0
    assert done.stdout.splitlines()[1].startswith(f"from now:  {version}, since ")
    (line,) = done.stderr.splitlines()
    assert line.startswith("routing's database does not answer: ")
    assert f"{version} counts, and what running processes make of it is not known" in line
    assert await counting(database) == version


@pytest.mark.parametrize("trouble", BROKEN)
async def test_a_database_that_goes_away_before_it_is_written_leaves_all_as_it_was(activate, database, monkeypatch, trouble):
    async def away(*_, **__):
        raise trouble

    monkeypatch.setattr(policy_cli.policy_store, "activate", away)
    _, done = await activate()
    assert (done.exit_code, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("routing's database does not answer: ")
    assert "not known" not in line
    assert await counting(database) is None


async def test_where_the_end_of_the_transaction_is_not_heard_of_it_says_that_it_may_count(activate, monkeypatch):
    async def unheard(self, extype, *rest):
        await left(self, extype, *rest)
        if extype is None:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    left = asyncpg.transaction.Transaction.__aexit__
    monkeypatch.setattr(asyncpg.transaction.Transaction, "__aexit__", unheard)
    version, done = await activate()
    assert (done.exit_code, done.stdout) == (1, "")
    assert f"so it is not known whether {version} counts now: see `tanggap policy history`" in done.stderr


async def test_a_database_that_refuses_to_write_is_said_to_refuse_and_nothing_counts(activate, database, monkeypatch):
    async def full(*_, **__):
        error = asyncpg.DiskFullError('could not extend file "base/5/1": No space left on device')
        error.hint = "Check free disk space."
        raise error

    monkeypatch.setattr(policy_cli.policy_store, "store", full)
    _, done = await activate()
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("routing's database refuses: ")
    assert "HINT" not in line
    assert await counting(database) is None


def test_an_address_that_is_none_is_told_as_it_is():
    assert "scheme" in trouble_in_words(asyncpg.ClientConfigurationError("invalid DSN: scheme is expected"))
