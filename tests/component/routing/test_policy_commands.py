"""`tanggap policy activate`, `history`, `show` and `explain` on a real database, with routers that run beside them."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from services.routing.policy import cli as policy_cli
from services.routing.policy import file as policy_file
from services.routing.policy import store as policy_store
from services.routing.policy.cli import commands
from services.routing.policy.watch import PolicyWatch
from services.routing.router import Router
from tests.support.plumbing import eventually, running
from tests.support.policies import policy, rule
from tests.support.routing import DECIDED, JAKARTA, MONAS

BY = ("--by", "Siti Rahayu", "--why", "Rapat 24 November")


@pytest.fixture
def run(database, router, monkeypatch):
    """Run a command as an operator would, in a loop of its own."""
    monkeypatch.setenv("DATABASE_URL", database.dsn)
    monkeypatch.setenv("TANGGAP_CITY", str(JAKARTA))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(
        Router, "load", lambda _, **_more: Router(router.city, router.wards, router.policy, readers=router.readers)
    )

    async def invoke(*arguments):
        return await asyncio.to_thread(CliRunner().invoke, commands, list(arguments))

    return invoke


@pytest.fixture
def file(tmp_path, router):
    """A policy's file, and its version."""

    def write(name="trial", to="triage", when="{category: sampah, place: known}"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(policy(rule("rubbish", to=to, when=when)).replace("name: test-1", f"name: {name}"))
        return str(path), policy_file.version_of(name, path.read_bytes())

    return write


@pytest.fixture
def watched(router, database):
    """A router that watches, as processes do."""

    def make(name="one"):
        own = Router(router.city, router.wards, router.policy, lambda: DECIDED)
        return own, PolicyWatch(database, own, process=name)

    return make


async def test_activating_says_what_counted_until_now_and_which_processes_took_it(run, file, watched):
    (one, first), (other, second) = watched("one"), watched("other")
    path, version = file()
    async with running(first, second):
        await eventually(lambda: all("not looked" not in watch.check()[1] for watch in (first, second)))
        done = await run("activate", path, *BY)
        assert (done.exit_code, done.stderr) == (0, "")
        before, after, taken = done.stdout.splitlines()
        assert before == "until now: each service by its city’s own routing.yaml"
        assert re.fullmatch(
            rf"from now:  {re.escape(version)}, since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d WIB by Siti Rahayu: Rapat 24 November",
            after,
        )
        assert taken == "taken by 2 of 2 running processes"
        assert {one.policy.version, other.policy.version} == {version}
        again, later = file("later")
        done = await run("activate", again, *BY)
        assert done.stdout.startswith(f"until now: {version}, since ")
        assert {one.policy.version, other.policy.version} == {later}


async def test_where_no_process_runs_it_says_that_it_counts_from_their_next_start(run, file, watched):
    path, version = file()
    done = await run("activate", path, *BY)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "no routing service runs on this database now; it counts from their next start"
    own, watch = watched()
    await watch.ready()
    assert own.policy.version == version


async def test_a_process_that_refuses_is_named_with_the_reason_and_the_exit_code_says_so(
    run, file, database, router, poorer, logged_faults
):
    logged_faults.expect("an activated policy is refused")
    own = Router(poorer, router.wards, router.policy)
    watch = PolicyWatch(database, own, process="older-folder")
    async with running(watch):
        await eventually(lambda: "not looked" not in watch.check()[1])
        done = await run("activate", file()[0], *BY)
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == "taken by 0 of 1 running process"
    assert done.stderr.startswith("refused by older-folder: trial+")
    assert "category: sampah is unknown" in done.stderr
    assert own.policy is router.policy


async def test_a_process_that_says_nothing_is_told_of(run, file, watched, monkeypatch):
    monkeypatch.setattr(policy_cli, "PATIENCE_SECONDS", 0.2)
    _, watch = watched()

    async def stuck(_connection):
        await asyncio.Event().wait()

    watch.look = stuck
    stop = asyncio.Event()
    task = asyncio.create_task(watch.run(stop))
    try:

        async def listens():
            done = await run("activate", file(f"p{len(tried)}")[0], *BY)
            tried.append(done)
            return "of 1 running process" in done.stdout

        tried = []
        await eventually(listens)
        assert tried[-1].stderr.startswith("1 process said nothing for 0 s: see their /readyz")
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def at_once(database, *paths):
    """Activate each file by a process of its own, so that all have begun before any may write; its exit code and its lines."""
    environment = os.environ | {"DATABASE_URL": database.dsn, "TANGGAP_CITY": str(JAKARTA)}
    async with database.transaction() as connection:
        await policy_store.hold_others(connection)
        started = [
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", "from tanggap.platform.cli import main; main()", "policy", "activate", path, *BY),
                stdout=PIPE,
                stderr=STDOUT,
                env=environment,
            )
            for path in paths
        ]
        async with database.connection() as other:
            await eventually(lambda: waiting(other, len(paths)), 30)
    said = [(await one.communicate())[0].decode().splitlines() for one in started]
    return sorted((one.returncode, lines) for one, lines in zip(started, said, strict=True))


async def waiting(connection, sessions):
    """Whether so many sessions wait for their turn to activate."""
    statement = "SELECT count(*) FROM pg_locks WHERE relation = 'activations'::regclass AND NOT granted"
    return await connection.fetchval(statement) == sessions


async def test_of_two_activations_at_once_the_later_says_that_it_puts_an_end_to_the_earlier(run, file, database):
    (code, one), (other_code, other) = await at_once(database, file("one")[0], file("other")[0])
    later, earlier = json.loads((await run("history", "--json")).stdout)
    assert (code, other_code, later["before"]) == (0, 0, earlier["version"])
    first, second = sorted((one[0], other[0]))
    assert first == "until now: each service by its city’s own routing.yaml"
    assert second.startswith(f"until now: {earlier['version']}, since ")


async def test_of_two_activations_at_once_of_the_same_policy_one_is_told_that_it_counts_already(run, file, database):
    path, version = file()
    (code, _), (refused, lines) = await at_once(database, path, path)
    assert (code, refused, len(json.loads((await run("history", "--json")).stdout))) == (0, 1, 1)
    (line,) = lines
    assert line.startswith(f"{version}, since ")
    assert line.endswith(": Rapat 24 November: it counts already")


async def test_an_activation_that_another_takes_the_place_of_says_so_and_blames_nobody_for_silence(
    run, file, router, monkeypatch
):
    path, version = file()
    text = policy(rule("rubbish", when="{category: sampah, place: known}")).replace("name: test-1", "name: other")
    other = policy_file.parse("other.yaml", text.encode(), router.city)

    async def one_runs_and_another_policy_comes(connection, _session):
        async with connection.transaction():
            await policy_store.activate(connection, other, by="Budi", why="y", city_version="c1")
        return 1

    monkeypatch.setattr(policy_cli.policy_store, "listening", one_runs_and_another_policy_comes)
    done = await run("activate", path, *BY)
    assert (done.exit_code, done.stderr) == (0, "")
    _, after, now = done.stdout.splitlines()
    assert after.startswith(f"from now:  {version}, since ")
    assert re.fullmatch(rf"by now:    {re.escape(other.version)}, since .* by Budi: y", now)


async def test_a_policy_that_the_city_can_not_take_is_refused_with_every_fault_and_nothing_is_kept(run, file):
    path, _ = file(when="{category: [sampah, Pkl]}", to="ward")
    done = await run("activate", path, *BY)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [f"{path}:4: category: Pkl is unknown; did you mean pkl?"]
    assert json.loads((await run("history", "--json")).stdout) == []


@pytest.mark.parametrize(
    "given",
    [
        ("--by", " ", "--why", "x"),
        ("--by", "x", "--why", "\n"),
        ("--by", "x" * 501, "--why", "x"),
        ("--by", "a\x1bb", "--why", "x"),
    ],
)
async def test_who_and_why_must_be_said_in_words_that_can_be_shown(run, file, given):
    done = await run("activate", file()[0], *given)
    assert done.exit_code == 1
    assert "must have 1 to 500 printable characters" in done.stderr


async def test_what_counts_already_is_not_activated_again(run, file):
    path, version = file()
    await run("activate", path, *BY)
    done = await run("activate", path, *BY)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{version}, since ")
    assert done.stderr.endswith("it counts already\n")
    assert len(json.loads((await run("history", "--json")).stdout)) == 1


async def test_the_history_names_the_last_first_and_goes_back_by_version_when_the_file_is_gone(run, file, tmp_path):
    path, first = file("first")
    await run("activate", path, *BY)
    await run("activate", file("second")[0], "--by", "Budi", "--why", "trial [bold]")
    (tmp_path / "first.yaml").unlink()
    done = await run("activate", first, "--by", "Siti", "--why", "back")
    assert done.exit_code == 0
    listed = json.loads((await run("history", "--json")).stdout)
    assert [(one["version"].partition("+")[0], one["activated_by"], one["why"]) for one in listed] == [
        ("first", "Siti", "back"),
        ("second", "Budi", "trial [bold]"),
        ("first", "Siti Rahayu", "Rapat 24 November"),
    ]
    assert listed[0]["before"] == listed[1]["version"]
    table = (await run("history")).stdout.splitlines()
    assert len(table) == 4
    moment = datetime.fromisoformat(listed[0]["activated_at"]).astimezone(ZoneInfo("Asia/Jakarta"))
    assert table[1].startswith(f"{moment:%Y-%m-%d %H:%M:%S} WIB ")
    assert table[1].split() == [*table[1].split()[:3], first, "Siti", "back", "0", "0"]
    assert "trial [bold]" in table[2]


async def test_an_empty_history_says_what_counts(run):
    done = await run("history")
    assert done.stdout == "nothing was activated yet: each service decides by its city's own routing.yaml\n"


async def test_the_text_of_a_policy_is_shown_to_the_byte_also_of_the_citys_own(run, file, tmp_path, watched, router):
    path, version = file()
    await run("activate", path, *BY)
    assert (await run("show", version)).stdout_bytes == (tmp_path / "trial.yaml").read_bytes()
    await watched()[1].ready()
    assert (await run("show", router.policy.version)).stdout_bytes == router.policy.raw
    done = await run("show", "gone+00000000")
    assert (done.exit_code, done.stderr) == (1, "no policy gone+00000000 is kept: see `tanggap policy history`\n")


async def test_explain_asks_the_policy_that_counts_and_says_since_when(run, file):
    await run("activate", file(to="{triage: ward}")[0], *BY)
    done = await run("explain", "Sampah menumpuk", "--category", "sampah", "--at", f"{MONAS[0]},{MONAS[1]}")
    said = " ".join(done.stdout.split())
    assert done.exit_code == 0
    assert re.search(r"Policy trial\+[0-9a-f]{8}, activated [^ ]+ [^ ]+ WIB by Siti Rahayu", said)
    assert "to: {triage: ward}" in said
    assert "Kelurahan Gambir (31.71.01.1001)" in said


@pytest.mark.parametrize("arguments", [("history",), ("show", "a+1"), ("explain", "Sampah"), ("activate", "FILE", *BY)])
@pytest.mark.parametrize("dsn", ["postgresql://nobody@127.0.0.1:1/none", "mysql://x", "postgresql://x:@@@:y/z"])
async def test_a_database_that_does_not_answer_is_one_line(run, file, monkeypatch, arguments, dsn):
    monkeypatch.setenv("DATABASE_URL", dsn)
    done = await run(*(file()[0] if word == "FILE" else word for word in arguments))
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("routing's database does not answer: ")


async def test_without_the_tables_it_names_the_role_that_sees_none_and_how_to_make_them(run, databases, monkeypatch):
    dsn = await databases.blank("routing")
    monkeypatch.setenv("DATABASE_URL", dsn)
    done = await run("history")
    assert done.exit_code == 1
    assert done.stderr == (
        f"the role {urlsplit(dsn).username}, as which DATABASE_URL comes, sees no tables of routing: DATABASE_URL must be routing's own, "
        "not another service's; where it is, make them by `python -m services.routing migrate`\n"
    )
