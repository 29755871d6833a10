"""What the notifier must be told, and how it says what is wrong."""

import pytest

from services.notifier.settings import Settings

GOOD = {
    "DATABASE_URL": "postgresql://notifier:pw@localhost:5432/tanggap",
    "KAFKA_BOOTSTRAP_SERVERS": "localhost:9092",
    "NOTIFIER_SMTP_URL": "smtp://localhost:1025",
    "NOTIFIER_MAIL_FROM": "Tanggap Jakarta <tanggap@jakarta.example>",
    "NOTIFIER_LINK_SECRET": "0123456789abcdef0123456789abcdef",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_the_usual_environment_is_read(environment):
    made = Settings.load()
    assert (made.smtp.host, made.smtp.port, made.smtp.tls, made.smtp.username) == ("localhost", 1025, False, None)
    assert (made.sender.display_name, made.sender.addr_spec) == ("Tanggap Jakarta", "tanggap@jakarta.example")
    assert made.notifier_lease_seconds == 60


def test_a_provider_with_a_name_and_a_password_is_understood(environment):
    environment.setenv("NOTIFIER_SMTP_URL", "smtps://user%40x:p%3Aw@mail.example")
    server = Settings.load().smtp
    assert (server.username, server.password, server.tls, server.port) == ("user@x", "p:w", True, 465)
    assert "p:w" not in repr(server)


def test_an_attempt_always_ends_before_its_lease(environment):
    environment.setenv("NOTIFIER_LEASE_SECONDS", "5")
    made = Settings.load()
    assert made.attempt_seconds <= 3 < made.notifier_lease_seconds


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("NOTIFIER_SMTP_URL", "http://localhost", "must begin with smtp:// or smtps://"),
        ("NOTIFIER_SMTP_URL", "smtp://", "names no host"),
        ("NOTIFIER_SMTP_URL", "smtp://host:notaport", "has a port that is no number"),
        ("NOTIFIER_MAIL_FROM", "nobody", "is no mail address"),
        ("NOTIFIER_MAIL_FROM", "a@b@c", "is no mail address"),
        ("NOTIFIER_LINK_SECRET", "short", "is shorter than 32 characters"),
        ("NOTIFIER_LINK_DAYS", "0", "greater than or equal to 1"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(environment, capsys, name, value, wrong):
    environment.setenv(name, value)
    with pytest.raises(SystemExit) as end:
        Settings.load()
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert name in said
    assert wrong in said
