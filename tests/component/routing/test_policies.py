"""Policies that are kept, activated and taken by running routers, on a real database."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from services.routing.consumer import Desk
from services.routing.figures import POLICIES_READ, POLICY_IN_USE, POLICY_REFUSED
from services.routing.policy import file as policy_file
from services.routing.policy import store as policy_store
from services.routing.policy import watch as policy_watch
from services.routing.policy.watch import SESSION, PolicyWatch
from services.routing.router import Router
from tanggap.platform.database import Database
from tests.component.routing.test_desk import read
from tests.support.plumbing import eventually, running
from tests.support.policies import policy, rule
from tests.support.routing import DECIDED, MONAS, submitted

SWITCH_SECONDS = 2.0


@pytest.fixture
def another(router):
    """A policy of another name: of one rule more, which sends rubbish to triage."""

    def make(name="trial", when="{category: sampah, place: known}"):
        text = policy(rule("rubbish", to="triage", when=when)).replace("name: test-1", f"name: {name}")
        return policy_file.parse(f"{name}.yaml", text.encode(), router.city)

    return make


@pytest.fixture
def activate(database):
    """Have a policy count."""

    async def run(made, by="Siti", why="a trial"):
        async with database.transaction() as connection:
            return await policy_store.activate(connection, made, by=by, why=why, city_version="c1")

    return run


@pytest.fixture
def fresh(router, database):
    """A router of its own for each call, as processes have, and the worker that watches for it."""

    def make(name="one", city=None):
        own = Router(city or router.city, router.wards, router.policy, lambda: DECIDED)
        return own, PolicyWatch(database, own, process=name)

    return make


async def look(database, watch):
    async with database.connection() as connection:
        await watch.look(connection)


async def fetch(database, statement, *values):
    async with database.connection() as connection:
        return await connection.fetch(statement, *values)


# Kept for good


async def test_an_activation_says_who_when_why_and_what_counted_before(database, activate, another):
    first, second = another("first"), another("second")
    one = await activate(first, by="Siti Rahayu", why="Rapat 24 November")
    other = await activate(second)
    assert (one.version, one.before, one.activated_by, one.why, one.city_version) == (
        first.version,
        None,
        "Siti Rahayu",
        "Rapat 24 November",
        "c1",
    )
    assert one.activated_at.utcoffset().total_seconds() == 0
    assert (other.version, other.before) == (second.version, first.version)
    assert other.activated_at > one.activated_at
    async with database.connection() as connection:
        assert [entry.activation for entry in await policy_store.history(connection)] == [other, one]
        assert await policy_store.text_of(connection, first.version) == first.raw
        assert await policy_store.text_of(connection, "gone+00000000") is None


async def test_a_policy_may_count_again_and_is_kept_once(database, activate, another):
    for made in (another("first"), another("second"), another("first")):
        await activate(made)
    assert (await fetch(database, "SELECT count(*) FROM policies"))[0][0] == 2
    async with database.connection() as connection:
        versions = [entry.activation.version.partition("+")[0] for entry in await policy_store.history(connection)]
    assert versions == ["first", "second", "first"]


async def test_another_text_under_a_version_that_is_kept_is_refused_and_nothing_is_activated(database, activate, another):
    await activate(another())
    with pytest.raises(policy_store.VersionClashError, match="give this one another name"):
        await activate(replace(another(), raw=b"another text"))
    assert (await fetch(database, "SELECT count(*) FROM activations"))[0][0] == 1


@pytest.mark.parametrize("table", ["policies", "activations", "policy_reports"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_what_is_kept_can_be_neither_changed_nor_deleted(database, activate, another, fresh, table, statement):
    await activate(another())
    await look(database, fresh()[1])
    column = {"policies": "sha256", "activations": "why", "policy_reports": "detail"}[table]
    with pytest.raises(asyncpg.RaiseError, match="is append-only"):
        await fetch(database, statement.format(table, column, column))
    assert (await fetch(database, f"SELECT count(*) FROM {table}"))[0][0] >= 1


async def test_activations_at_once_come_one_after_the_other_and_each_knows_the_one_before(database, activate, another):
    made = [another(f"p{number}") for number in range(8)]
    await asyncio.gather(*(activate(one) for one in made))
    async with database.connection() as connection:
        found = [entry.activation for entry in reversed(await policy_store.history(connection))]
    assert [one.before for one in found] == [None, *(one.version for one in found[:-1])]
    assert [one.id for one in found] == sorted(one.id for one in found)


# Taken by running routers


async def test_every_running_router_takes_a_new_policy_within_seconds_and_decisions_carry_its_version(
    database, activate, another, fresh
):
    (one, first), (other, second) = fresh("one"), fresh("other")
    complaint = submitted("sampah", MONAS)
    async with running(first, second):
        await eventually(lambda: all("not looked" not in watch.check()[1] for watch in (first, second)))
        assert one.decide(complaint).type == "complaint.assigned"
        for made in (another("first"), another("second")):
            await activate(made)
            await eventually(lambda made=made: {one.policy.version, other.policy.version} == {made.version}, SWITCH_SECONDS)
            for router in (one, other):
                decided = router.decide(complaint)
                assert decided.type == "complaint.triage_requested"
                assert decided.decision.policy_version == made.version
    async with database.connection() as connection:
        (entry, *_) = await policy_store.history(connection)
        assert (entry.taken, entry.refused) == (2, 0)
        reports = await policy_store.reports(connection, entry.activation.id)
    assert {(report.process, report.taken) for report in reports} == {("one", True), ("other", True)}


async def test_a_policy_is_taken_when_it_is_announced_not_only_when_it_is_looked_for(
    database, activate, another, fresh, monkeypatch
):
    monkeypatch.setattr(policy_watch, "LOOK_SECONDS", 3600.0)
    own, watch = fresh()
    async with running(watch):
        await eventually(lambda: "not looked" not in watch.check()[1])
        await activate(another())
        await eventually(lambda: own.policy.version.startswith("trial"), SWITCH_SECONDS)


async def test_a_policy_is_taken_also_where_its_announcement_was_lost(database, activate, another, fresh):
    own, watch = fresh()
    await fetch(database, "DROP TRIGGER activations_notify ON activations")
    async with running(watch):
        await activate(another())
        await eventually(lambda: own.policy.version.startswith("trial"), SWITCH_SECONDS)


async def test_a_policy_is_taken_also_after_the_connection_was_cut(databases, database, activate, another, fresh):
    own, watch = fresh()
    async with running(watch):
        await eventually(lambda: "not looked" not in watch.check()[1])
        admin = await asyncpg.connect(databases.admin_dsn(database.dsn))
        cut = await admin.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()",
            SESSION,
        )
        await admin.close()
        assert cut
        await activate(another())
        await eventually(lambda: own.policy.version.startswith("trial"), SWITCH_SECONDS + 2)


async def test_a_process_that_starts_decides_nothing_by_its_file_where_another_policy_counts(database, activate, another, fresh):
    await activate(another())
    own, watch = fresh()
    await Desk(database, own, watch.ready).handle(read([submitted("sampah", MONAS)]))
    (row,) = await fetch(database, "SELECT type, body FROM decisions")
    assert row["type"] == "complaint.triage_requested"
    assert f'"policy_version":"{another().version}"' in row["body"]


async def test_while_it_can_not_be_known_which_policy_counts_nothing_is_decided(database, fresh):
    own, _ = fresh()
    away = Database("postgresql://nobody@127.0.0.1:1/nothing", "routing")
    await away.start()
    watch = PolicyWatch(away, own)
    with pytest.raises(OSError, match="Connect call failed"):
        await Desk(database, own, watch.ready).handle(read([submitted("sampah", MONAS)]))
    await away.stop()
    assert await fetch(database, "SELECT * FROM decisions") == []
    assert "not looked yet" in watch.check()[1]


async def test_before_anything_was_activated_the_citys_own_policy_counts_and_is_kept_for_readers_of_decisions(
    database, router, fresh
):
    own, watch = fresh()
    await watch.ready()
    assert own.policy is router.policy
    async with database.connection() as connection:
        assert await policy_store.text_of(connection, router.policy.version) == router.policy.raw
        assert await policy_store.history(connection) == []


async def test_without_the_tables_the_citys_own_policy_counts(databases, router):
    database = Database(await databases.blank("routing"), "routing")
    await database.start()
    own = Router(router.city, router.wards, router.policy)
    watch = PolicyWatch(database, own)
    await watch.ready()
    assert own.policy is router.policy
    await database.stop()


async def test_the_citys_own_policy_can_be_activated_again_to_go_back(database, activate, another, router, fresh):
    own, watch = fresh()
    await activate(another())
    await look(database, watch)
    await activate(router.policy)
    await look(database, watch)
    assert own.policy is router.policy


# Refused


async def test_a_process_whose_city_can_not_take_a_policy_says_so_and_keeps_the_one_before_while_others_switch(
    database, activate, another, fresh, poorer, logged_faults
):
    logged_faults.expect("an activated policy is refused, the one before it stays in use")
    good, bad = another("good", "{category: pkl, place: known}"), another("bad")
    (one, first), (other, second) = fresh("one"), fresh("older", poorer)
    refused = POLICIES_READ.labels("refused")._value.get()
    for made in (good, bad):
        await activate(made)
        for watch in (first, second, second):
            await look(database, watch)
    assert (one.policy.version, other.policy.version) == (bad.version, good.version)
    ok, said = second.check()
    assert ok
    assert "category: sampah is unknown" in said
    assert "checked against the city c1, this is older" in said
    assert POLICIES_READ.labels("refused")._value.get() == refused + 1
    assert POLICY_REFUSED._value.get() == 1
    assert list(logged_faults.expected.values()) == [1]
    async with database.connection() as connection:
        entry = (await policy_store.history(connection))[0]
        assert (entry.taken, entry.refused) == (1, 1)
        (report,) = [one for one in await policy_store.reports(connection, entry.activation.id) if not one.taken]
    assert report.process == "older"
    assert "category: sampah is unknown" in report.detail


async def test_a_policy_is_read_once_though_it_is_looked_for_every_second(
    database, activate, another, fresh, poorer, logged_faults, monkeypatch
):
    logged_faults.expect("an activated policy is refused")
    await activate(another("bad"))
    texts = []
    up_to = policy_store.up_to

    async def counting(connection, most):
        texts.append(most)
        return await up_to(connection, most)

    monkeypatch.setattr(policy_store, "up_to", counting)
    _, watch = fresh("older", poorer)
    for _ in range(3):
        await look(database, watch)
    # The refused one, and that there is none before it.
    assert len(texts) == 2
    assert (await fetch(database, "SELECT count(*) FROM policy_reports"))[0][0] == 1


async def test_a_process_that_starts_where_the_last_policy_is_refused_takes_the_one_before_it(
    database, activate, another, fresh, poorer, logged_faults
):
    logged_faults.expect("an activated policy is refused")
    await activate(another("good", "{category: pkl, place: known}"))
    await activate(another("bad"))
    own, watch = fresh("older", poorer)
    await look(database, watch)
    assert own.policy.version.startswith("good+")


async def test_where_no_activated_policy_can_be_taken_the_citys_own_counts_and_a_later_one_that_fits_is_taken(
    database, activate, another, fresh, poorer, router, logged_faults
):
    logged_faults.expect("an activated policy is refused")
    await activate(another("bad"))
    own, watch = fresh("older", poorer)
    await look(database, watch)
    assert own.policy is router.policy
    await activate(another("good", "{category: pkl, place: known}"))
    await look(database, watch)
    assert own.policy.version.startswith("good+")
    assert POLICY_REFUSED._value.get() == 0
    assert "refused" not in watch.check()[1]


async def test_the_version_in_use_is_a_figure_and_stands_in_readyz_with_who_activated_it(database, activate, another, fresh):
    _, watch = fresh()
    made = another()
    await activate(made)
    await look(database, watch)
    versions = {sample.labels["version"]: sample.value for metric in POLICY_IN_USE.collect() for sample in metric.samples}
    assert versions[made.version] == 1
    ok, said = watch.check()
    assert ok
    assert said.startswith(f"version {made.version}, activated 20")
    assert said.endswith("UTC by Siti")
