"""A policy is tried on the stored complaints of a real log, and switched in services that run."""

import asyncio
import csv
import os
import sys
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from httpx import ASGITransport, AsyncClient
from typer.testing import CliRunner

from services.routing.app import build
from services.routing.policy import file as policy_file
from services.routing.policy.cli import commands
from services.routing.router import Router
from services.routing.settings import Settings
from tanggap.contracts.events import ComplaintRated, decoders
from tanggap.platform import cloudevents
from tanggap.platform.clock import utc_now
from tests.support.plumbing import eventually, headers_of, read_all
from tests.support.policies import policy, rule
from tests.support.routing import JAKARTA, MONAS, PRAMUKA, SECRET, SECRETS, submitted

JAKARTA_NOW = str(JAKARTA / "routing.yaml")
MOVED = 40


@pytest.fixture(scope="session")
def router():
    return Router.load(JAKARTA)


@pytest.fixture
def run(kafka_bootstrap, monkeypatch):
    """Run `tanggap policy` as an operator would, in a loop of its own."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka_bootstrap)
    monkeypatch.setenv("TANGGAP_CITY", str(JAKARTA))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("DATABASE_URL", raising=False)

    async def invoke(*arguments):
        return await asyncio.to_thread(CliRunner().invoke, commands, list(arguments))

    return invoke


@pytest.fixture
def trial(tmp_path, router):
    """Jakarta's policy, but illegal vendors are Satpol PP's, and floods are told to the fire service too."""
    text = (JAKARTA / "routing.yaml").read_text()
    text = text.replace("name: jakarta-5", "name: trial").replace(
        "  - rule: ward-crew\n",
        "  - rule: vendors\n    when: {category: pkl}\n    to: branch\n    why: {id: uji coba, en: a trial}\n\n  - rule: ward-crew\n",
    )
    text += (
        "\n  - notice: floods\n    when: {category: banjir, place: known}\n    to: {branch: gulkarmat}\n"
        "    why: {id: uji coba, en: a trial}\n"
    )
    path = tmp_path / "trial.yaml"
    path.write_text(text)
    return str(path), policy_file.parse("trial.yaml", text.encode(), router.city)


@asynccontextmanager
async def writing(topics):
    """Writes records to the log, as a relay would."""
    async with AIOKafkaProducer(bootstrap_servers=topics.bootstrap, acks="all", enable_idempotence=True) as producer:

        async def write(event, body=None):
            await producer.send(
                topics.complaints,
                event.model_dump_json().encode() if body is None else body,
                str(event.complaint_id).encode(),
                headers=cloudevents.of(event, "tests"),
            )

        yield write


@pytest.fixture
async def log(topics):
    """Some hundred complaints among other events: of today, and one of two months ago; one twice; one that can't be read."""
    now = utc_now()
    today = [
        submitted(category, at, received_at=now - timedelta(hours=number % 5))
        for number in range(MOVED)
        for category, at in (("pkl", MONAS), ("sampah", PRAMUKA), ("banjir", MONAS), ("pju", None))
    ]
    old = submitted("pkl", MONAS, received_at=now - timedelta(days=60))
    async with writing(topics) as write:
        for one in (old, *today, today[0]):
            await write(one)
            await write(ComplaintRated.create(complaint_id=one.complaint_id, cause=uuid4(), occurred_at=now, stars=5))
        await write(submitted("pkl"), b'{"type": "complaint.submitted"}')
    return today


async def test_a_trial_tells_each_unit_what_it_would_lose_and_gain_and_lists_each_change(
    run, topics, log, trial, router, tmp_path
):
    path, new = trial
    changes = tmp_path / "changes.csv"
    done = await run("try", path, "--since", "30d", "--against", JAKARTA_NOW, "--topic", topics.complaints, "--csv", str(changes))
    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    assert f"{len(log)} complaints since " in said
    assert "1 record could not be read" in said
    assert f"now {router.policy.version} (from {JAKARTA_NOW})" in said
    assert f"then {new.version}" in said
    assert f"{2 * MOVED} complaints would change (50.0%): {MOVED} to another unit, {MOVED} with others told" in said
    assert f"at triage {MOVED} now, {MOVED} then" in said
    rows = {line.split("  ")[0].strip(): line.split()[-6:] for line in done.stdout.splitlines() if line}
    assert rows["Kelurahan Gambir"] == [str(MOVED), f"-{MOVED}", "·", "·", "·", "·"]
    assert rows["Satpol PP Jakarta Pusat"] == ["·", "·", f"+{MOVED}", str(MOVED), "·", "·"]
    assert rows["Suku Dinas Penanggulangan Kebakaran dan Penyelamatan Jakarta Pusat"] == ["·", "·", "·", "·", f"+{MOVED}", "·"]
    assert f"{MOVED} ward-crew → vendors" in said
    with changes.open(encoding="utf-8-sig", newline="") as file:
        listed = list(csv.DictReader(file))
    by_category = Counter(one["category"] for one in listed)
    assert by_category == {"pkl": MOVED, "banjir": MOVED}
    assert {one["complaint_id"] for one in listed} == {str(one.complaint_id) for one in log if one.category in {"pkl", "banjir"}}
    vendors = next(one for one in listed if one["category"] == "pkl")
    assert (vendors["unit_before"], vendors["unit_after"]) == ("31.71.01.1001", "satpol-pp.31.71")
    assert (vendors["rule_before"], vendors["rule_after"], vendors["place"]) == ("ward-crew", "vendors", "31.71.01.1001")
    flood = next(one for one in listed if one["category"] == "banjir")
    assert flood["unit_before"] == flood["unit_after"]
    assert set(flood["also_after"].split(";")) - set(flood["also_before"].split(";")) == {"sudin-gulkarmat.31.71"}
    assert said.endswith(f"{2 * MOVED} changes, one a line")


async def test_what_a_trial_prints_and_writes_holds_nothing_that_a_citizen_wrote(run, topics, log, trial, tmp_path):
    changes = tmp_path / "changes.csv"
    done = await run("try", trial[0], "--against", JAKARTA_NOW, "--topic", topics.complaints, "--csv", str(changes))
    assert done.exit_code == 0
    for text in (done.output, changes.read_text(encoding="utf-8-sig")):
        assert len(text) > 100
        for word in (SECRET, *SECRETS):
            assert word not in text


async def test_a_trial_counts_what_was_received_since_the_moment_that_was_asked_for(run, topics, log, trial):
    async def complaints(since):
        done = await run("try", trial[0], "--since", since, "--against", JAKARTA_NOW, "--topic", topics.complaints)
        assert done.exit_code == 0, done.output
        return int(done.stdout.split()[0])

    assert await complaints("90m") == sum(utc_now() - one.received_at < timedelta(minutes=90) for one in log)
    assert await complaints("30d") == len(log)
    assert await complaints("90d") == len(log) + 1
    assert await complaints((utc_now() - timedelta(days=90)).date().isoformat()) == len(log) + 1


async def test_a_trial_on_a_log_without_complaints_says_that_nothing_would_change(run, topics, trial):
    done = await run("try", trial[0], "--against", JAKARTA_NOW, "--topic", topics.complaints)
    assert done.exit_code == 0
    assert "0 complaints would change: 0 to another unit" in " ".join(done.stdout.split())


async def test_a_trial_writes_nothing_to_the_log_and_joins_no_group(run, topics, log, trial):
    before = await read_all(topics.bootstrap, topics.complaints)
    await run("try", trial[0], "--against", JAKARTA_NOW, "--topic", topics.complaints)
    assert len(await read_all(topics.bootstrap, topics.complaints)) == len(before)


@pytest.mark.parametrize(
    ("topic", "csv_name", "said"),
    [("no-such-topic", None, "Kafka has no topic no-such-topic"), (None, "none/changes.csv", "No such file or directory")],
)
async def test_what_keeps_a_trial_from_going_is_one_line(run, topics, trial, tmp_path, topic, csv_name, said):
    more = ("--csv", str(tmp_path / csv_name)) if csv_name else ()
    done = await run("try", trial[0], "--against", JAKARTA_NOW, "--topic", topic or topics.complaints, *more)
    assert (done.exit_code, done.stdout) == (1, "")
    lines = [line for line in done.stderr.splitlines() if line.strip() and "records of the log" not in line]
    assert len(lines) == 1
    assert said in lines[0]


async def test_a_policy_that_is_activated_by_command_decides_the_next_complaint_in_every_service_that_runs(
    databases, topics, kafka_bootstrap, tmp_path
):
    settings = Settings(
        database_url=await databases.dsn("routing"),
        kafka_bootstrap_servers=kafka_bootstrap,
        tanggap_city=JAKARTA,
        kafka_session_timeout_seconds=6,
    )
    file = tmp_path / "trial.yaml"
    file.write_text(policy(rule("rubbish", to="triage", when="{category: sampah, place: known}")))

    async def decisions():
        readers = decoders()
        found = [(headers_of(record), record.value) for record in await read_all(kafka_bootstrap, topics.complaints)]
        return [readers[headers["ce_type"]](body) for headers, body in found if headers["ce_source"] == "/tanggap/routing"]

    async with AsyncExitStack() as stack:
        clients = []
        for _ in range(2):
            process = build(settings, topic=topics.complaints)
            await stack.enter_async_context(process.app.router.lifespan_context(process.app))
            transport = ASGITransport(process.app)
            clients.append(await stack.enter_async_context(AsyncClient(transport=transport, base_url="http://routing.example")))
        write = await stack.enter_async_context(writing(topics))

        async def policies():
            return [(await client.get("/readyz")).json()["checks"]["policy"]["detail"] for client in clients]

        async def all_looked():
            return all("not looked" not in said for said in await policies())

        await eventually(all_looked)
        before = [submitted("sampah", MONAS) for _ in range(6)]
        for one in before:
            await write(one)

        async def decided(count):
            found = await decisions()
            return found if len(found) == count else None

        assert {event.type for event in await eventually(lambda: decided(6))} == {"complaint.assigned"}
        command = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from tanggap.platform.cli import main; main()",
            *("policy", "activate", str(file), "--by", "Siti", "--why", "a trial"),
            env={**os.environ, "DATABASE_URL": settings.dsn, "TANGGAP_CITY": str(JAKARTA)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await command.communicate()
        assert command.returncode == 0, said.decode()
        assert said.decode().splitlines()[-1] == "taken by 2 of 2 running processes"
        for told in await policies():
            assert told.startswith("version test-1+")
            assert told.endswith("UTC by Siti")
        for one in [submitted("sampah", MONAS) for _ in range(6)]:
            await write(one)
        found = await eventually(lambda: decided(12))
        later = [event for event in found if event.complaint_id not in {one.complaint_id for one in before}]
        assert {event.type for event in later} == {"complaint.triage_requested"}
        assert {event.decision.policy_version for event in later} == {policy_file.version_of("test-1", file.read_bytes())}
