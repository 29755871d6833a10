"""One line per fact; no reporter in it; Kafka's client is kept short."""

import io
import json
import logging

import pytest

from tanggap.platform import logs
from tanggap.platform.logs import KafkaOutage, about, get_logger


@pytest.fixture
def lines(monkeypatch):
    """What a configured process writes to stdout, one dict a line."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    others = [logging.getLogger(name) for name in ("aiokafka", "uvicorn.error")]
    levels = [logger.level for logger in others]
    stream = io.StringIO()
    monkeypatch.setattr("sys.stdout", stream)
    logs.configure("intake", level="INFO", form="json")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = before
    root.setLevel(level)
    for logger, old in zip(others, levels, strict=True):
        logger.setLevel(old)
    logs._through_stdlib([logs.structlog.contextvars.merge_contextvars])


def test_a_line_says_when_who_and_what(lines):
    get_logger("services.intake").info("accepted", number="JK2611240001")

    (line,) = lines()

    assert line["event"] == "accepted"
    assert line["number"] == "JK2611240001"
    assert (line["service"], line["level"], line["logger"]) == ("intake", "info", "services.intake")
    assert line["timestamp"].endswith("Z")


def test_the_standard_librarys_lines_look_the_same(lines):
    logging.getLogger("some.library").warning("%s of %s", 1, 2)
    assert lines()[0]["event"] == "1 of 2"
    assert lines()[0]["service"] == "intake"


def test_what_holds_for_a_while_is_on_every_line_of_the_while(lines):
    log = get_logger("x")
    with about(complaint_id="c-1"):
        log.info("inside")
        logging.getLogger("lib").info("inside too")
    log.info("outside")

    assert [line.get("complaint_id") for line in lines()] == ["c-1", "c-1", None]


@pytest.mark.parametrize("key", ["phone", "email", "reporter", "contact", "token", "password", "authorization"])
def test_what_could_name_a_reporter_is_struck_out(lines, key):
    get_logger("x").info("oops", **{key: "0812-3456-7890"})
    assert lines()[0][key] == "[struck out]"


def test_an_exception_stays_on_one_line(lines):
    try:
        _ = {}["street"]
    except KeyError:
        get_logger("x").exception("failed")
    (line,) = lines()
    assert "KeyError: 'street'" in line["exception"]


def test_below_the_level_nothing_is_written(lines):
    get_logger("x").debug("quiet")
    assert lines() == []


def record(name="aiokafka.conn", level=logging.ERROR, message="Unable connect to node %s"):
    return logging.LogRecord(name, level, "", 0, message, (1,), None)


@pytest.fixture
def clock(monkeypatch):
    moment = [1000.0]
    monkeypatch.setattr(logs.time, "monotonic", lambda: moment[0])
    return moment


def test_of_a_hundred_lines_in_an_outage_the_first_passes(clock):
    outage = KafkaOutage()
    assert [outage.filter(record()) for _ in range(100)] == [True] + [False] * 99
    assert outage.ongoing


def test_once_a_minute_one_passes_with_the_number_held_back(clock):
    outage = KafkaOutage()
    for _ in range(11):
        outage.filter(record())
    clock[0] += 60

    reminder = record()

    assert outage.filter(reminder)
    assert reminder.getMessage() == "Unable connect to node 1 (and 10 lines more since the trouble began)"
    assert not outage.filter(record())


def test_its_end_is_said_once_with_how_long_it_was(clock, caplog):
    outage = KafkaOutage()
    for _ in range(5):
        outage.filter(record())
    clock[0] += 7.5

    with caplog.at_level(logging.INFO):
        outage.over()
        outage.over()

    (said,) = caplog.records
    assert "Kafka answers again" in said.getMessage()
    assert "7.5" in said.getMessage()
    assert "4" in said.getMessage()
    assert outage.filter(record()), "the next outage is told again"


def test_others_lines_and_its_information_always_pass(clock):
    outage = KafkaOutage()
    outage.filter(record())
    assert outage.filter(record(name="tanggap.platform.relay"))
    assert outage.filter(record(level=logging.INFO))
