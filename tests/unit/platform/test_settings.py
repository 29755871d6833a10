"""Settings are checked at the start, and what is wrong is named."""

from typing import ClassVar

import pytest
from pydantic import Field

from tanggap.platform.settings import ServiceSettings, environment

SECRET = "hunter2-very-secret"


class Settings(ServiceSettings):
    service: ClassVar[str] = "intake"
    intake_reporter_key: str = Field(examples=["c2l4dGVlbi1ieXRlcw=="])


@pytest.fixture
def environ(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    good = {
        "DATABASE_URL": f"postgresql://intake:{SECRET}@db.example:5432/tanggap",
        "KAFKA_BOOTSTRAP_SERVERS": "a:9092, b:9093",
        "INTAKE_REPORTER_KEY": "k",
    }

    def put(**changes):
        for name, value in {**good, **changes}.items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)

    return put


def refused(capsys):
    with pytest.raises(SystemExit) as end:
        Settings.load()
    assert end.value.code == 2
    return capsys.readouterr().err.splitlines()


def test_a_whole_environment_is_taken(environ):
    environ(HTTP_PORT="8001", PUBLIC_URL="https://lapor.example/")

    settings = Settings.load()

    assert settings.bootstrap_servers == ["a:9092", "b:9093"]
    assert settings.base_url == "https://lapor.example"
    assert settings.consumer_params()["group_id"] == "intake"


def test_without_a_public_url_people_reach_it_where_it_listens(environ):
    environ(HTTP_PORT="8001")
    assert Settings.load().base_url == "http://127.0.0.1:8001"


def test_every_missing_variable_is_one_line_with_an_example_and_exit_2(environ, capsys):
    environ(DATABASE_URL=None, KAFKA_BOOTSTRAP_SERVERS=None, INTAKE_REPORTER_KEY=None)

    assert refused(capsys) == [
        "setting DATABASE_URL: is not set, for example DATABASE_URL=postgresql://intake:secret@localhost:5432/tanggap",
        "setting KAFKA_BOOTSTRAP_SERVERS: is not set, for example KAFKA_BOOTSTRAP_SERVERS=localhost:9092",
        "setting INTAKE_REPORTER_KEY: is not set, for example INTAKE_REPORTER_KEY=c2l4dGVlbi1ieXRlcw==",
    ]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("HTTP_PORT", "eighty", "valid integer"),
        ("HTTP_PORT", "70000", "less than or equal to 65535"),
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka", "'kafka' is not host:port"),
        ("DATABASE_URL", "mysql://x/y", "must begin with postgresql://"),
        ("DATABASE_URL", "postgresql://host", "names no database after the host"),
        ("LOG_LEVEL", "LOUD", "'DEBUG', 'INFO'"),
        ("DEAD_LETTER_LIMIT", "0", "greater than or equal to 1"),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_wrong(environ, capsys, name, value, says):
    environ(**{name: value})

    (line,) = refused(capsys)

    assert line.startswith(f"setting {name}: ")
    assert says in line


def test_an_empty_variable_counts_as_not_set(environ, capsys):
    environ(INTAKE_REPORTER_KEY="")
    assert refused(capsys)[0].startswith("setting INTAKE_REPORTER_KEY: is not set")


def test_a_secret_is_never_printed(environ, capsys):
    environ(DATABASE_URL=f"mysql://intake:{SECRET}@db/tanggap")
    assert SECRET not in "".join(refused(capsys))

    environ()
    settings = Settings.load()
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump()}"
    assert SECRET in settings.dsn


def test_a_command_without_its_variable_ends_the_same_way(monkeypatch, capsys):
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    with pytest.raises(SystemExit) as end:
        environment("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
    assert end.value.code == 2
    assert "KAFKA_BOOTSTRAP_SERVERS=localhost:9092" in capsys.readouterr().err


def test_brokers_are_asked_for_what_loses_nothing(environ):
    environ()
    settings = Settings.load()

    assert settings.consumer_params()["auto_offset_reset"] == "earliest"
    assert settings.producer_params()["acks"] == "all"
    assert settings.producer_params()["enable_idempotence"] is True
    assert settings.producer_params()["linger_ms"] == 0
