"""`tanggap dlq` without a Kafka: what is shown of records that anybody may have written."""

from typer.testing import CliRunner

from tanggap.platform import dead_letters, dlq
from tanggap.platform.dlq import DeadLetter, commands
from tanggap.platform.reader import Unreadable

EVIL = "a\x1b[31mb"


def test_a_terminal_obeys_nothing_in_a_dead_letter(monkeypatch):
    record = Unreadable(
        "complaints.dlq", 0, 7, "", key=EVIL.encode(), value=EVIL.encode(), headers=((dead_letters.REASON, EVIL.encode()),)
    )

    async def read(*_):
        return [DeadLetter(record, redriven=False)]

    monkeypatch.setattr(dlq, "read", read)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    for arguments in (["list"], ["show", "7"]):
        done = CliRunner().invoke(commands, arguments)
        assert done.exit_code == 0, done.output
        assert "a␛[31mb" in done.stdout
        assert "\x1b" not in done.stdout
    assert "a\\u001b[31mb" in CliRunner().invoke(commands, ["list", "--json"]).stdout


def test_a_kafka_that_is_away_is_one_line_in_words(monkeypatch):
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    done = CliRunner().invoke(commands, ["list"])
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1] == (
        "Kafka at 127.0.0.1:1 can't be reached: is it up, and is that its address (KAFKA_BOOTSTRAP_SERVERS)?"
    )
