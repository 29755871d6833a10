"""A reporter's identity is in intake's sealed table and nowhere else, and is gone when it is erased."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from prometheus_client import generate_latest

from services.intake.reporters import Unreadable, Vault, contact_of, erase
from services.intake.submission import Reporter
from tanggap.platform import logs
from tests.support.faults import LoggedFaults
from tests.support.intake import FULL, LEAST, MASTER, SITI, Intake

# More digits than a time of day in a log line has together, which would hold shorter ones by chance.
PLANTED = ("Nurbaya", "9988-7766", "99887766", "siti.nurbaya", "warga.example")
BAD_SITI = {
    "name": "Siti Nurbaya" * 40,
    "phone": "nol delapan 99887766",
    "email": "siti.nurbaya(at)warga.example",
    "nik": "31710099887766",
}


def clean(text: str) -> None:
    """Nothing that was planted is in `text`."""
    assert text
    assert not [planted for planted in PLANTED if planted in text]


@dataclass
class Written:
    """What the process's log says."""

    stream: io.StringIO

    def log(self) -> str:
        return self.stream.getvalue()


@pytest.fixture
def written() -> Iterator[Written]:
    """All that the process logs, as it is configured in production, at its most talkative."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure("intake", level="DEBUG")
    (ours,) = root.handlers
    assert isinstance(ours, logging.StreamHandler)
    stream = io.StringIO()
    ours.setStream(stream)
    # What counts swallowed errors goes on listening; pytest's own handlers format in ways that are not the service's.
    root.handlers += [handler for handler in handlers if isinstance(handler, LoggedFaults)]
    yield Written(stream)
    root.handlers[:] = handlers
    root.setLevel(level)


async def test_the_contact_is_stored_sealed_and_can_be_opened_with_the_master_key(intake: Intake):
    said = (await intake.post(FULL)).json()

    async with intake.database.connection() as connection:
        contact = await contact_of(connection, Vault(MASTER), UUID(said["id"]))
    assert contact == Reporter(**SITI)


async def test_no_table_holds_the_identity_in_clear(intake: Intake):
    await intake.post(FULL)
    tables = [row["tablename"] for row in await intake.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'intake'")]

    assert {"complaints", "outbox", "reporters", "reporter_keys"} <= set(tables)
    for table in tables:
        for row in await intake.rows(f"SELECT * FROM {table}"):
            clean(str(row))
            assert not any(planted.encode() in value for value in row.values() if isinstance(value, bytes) for planted in PLANTED)


async def test_no_event_read_figure_or_log_line_tells_the_identity(intake: Intake, written: Written):
    bad = [
        json.dumps(LEAST | {"reporter": BAD_SITI}).encode(),
        json.dumps(LEAST | {"reporter": [BAD_SITI]}).encode(),
        json.dumps(LEAST | {"reporter": SITI["name"] + SITI["phone"]}).encode(),
        json.dumps(FULL).encode()[:-1],
        json.dumps(FULL).replace('"name"', '"name":"Nurbaya","name"').encode(),
    ]
    said = (await intake.post(FULL)).json()
    answers = [await intake.post(body) for body in bad]
    answers += [
        await intake.post(FULL),
        await intake.post(FULL | {"reporter": {"name": "Nurbaya"}}),
        await intake.get(said["id"]),
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422, 400, 400, 200, 409, 200]
    for answer in answers:
        clean(answer.text + str(answer.headers))
    [row] = await intake.rows("SELECT payload FROM outbox")
    clean(row["payload"])
    clean(generate_latest().decode())
    logging.getLogger("services.intake").info("the log is listened to")
    log = written.log()
    assert "the log is listened to" in log
    clean(log)


async def test_a_failure_in_the_middle_of_a_request_tells_nothing(
    intake: Intake, written: Written, logged_faults, monkeypatch: pytest.MonkeyPatch
):
    logged_faults.expect("a request failed")

    def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("services.intake.acceptance.cut_at_number", broken)

    answer = await intake.post(FULL)

    assert answer.status_code == 500
    clean(answer.text)
    log = written.log()
    assert "broken on purpose" in log
    clean(log)


async def test_an_erased_reporter_can_not_be_read_again_and_the_complaint_stays(intake: Intake):
    said = (await intake.post(FULL)).json()
    complaint_id = UUID(said["id"])

    async with intake.database.connection() as connection:
        assert await erase(connection, complaint_id, intake.clock()) is True
        with pytest.raises(Unreadable):
            await contact_of(connection, Vault(MASTER), complaint_id)
        assert await erase(connection, complaint_id, intake.clock()) is False

    assert await intake.count("reporter_keys") == 0
    assert [row["contact"] for row in await intake.rows("SELECT contact FROM reporters")] == [None]
    assert (await intake.get(said["id"])).status_code == 200


async def test_without_its_key_a_copy_of_the_sealed_contact_is_worthless(intake: Intake):
    said = (await intake.post(FULL)).json()
    async with intake.database.connection() as connection:
        await connection.execute("DELETE FROM reporter_keys")
        with pytest.raises(Unreadable):
            await contact_of(connection, Vault(MASTER), UUID(said["id"]))


async def test_a_retry_after_the_erasure_is_still_the_same_complaint_and_stores_no_person(intake: Intake):
    said = (await intake.post(FULL)).json()
    async with intake.database.connection() as connection:
        await erase(connection, UUID(said["id"]), intake.clock())

    again = await intake.post(FULL)

    assert (again.status_code, again.json()) == (200, said)
    assert await intake.count("reporter_keys") == 0


async def test_a_complaint_without_a_reporter_stores_none(intake: Intake):
    said = (await intake.post(LEAST | {"reporter": {"name": " ", "phone": "", "email": None}})).json()

    assert await intake.count("reporters") == await intake.count("reporter_keys") == 0
    async with intake.database.connection() as connection:
        assert await contact_of(connection, Vault(MASTER), UUID(said["id"])) is None
        assert await erase(connection, UUID(said["id"]), intake.clock()) is False
