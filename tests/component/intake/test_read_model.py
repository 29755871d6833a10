"""An app reads where its complaint stands as the log tells it; a record read twice changes nothing."""

from collections.abc import Sequence
from datetime import UTC, timedelta
from types import SimpleNamespace
from uuid import UUID

import asyncpg
import pytest

from services.intake.consumer import READ, ReadModel
from services.intake.queries import QUERIES
from tanggap.contracts import events, lifecycle
from tanggap.contracts.events import ComplaintSubmitted, Event
from tests.support.intake import FULL, LEAST, Intake
from tests.support.lives import jakarta
from tests.support.metrics import GAMBIR, GAMBIR_DISTRICT, PINANGSIA, Life, Log


async def begun(intake: Intake, name: str = "a-1", app: str = "jaki") -> Life:
    """A complaint that was posted, and its life as far as the log has it."""
    said = (await intake.post(FULL | {"client_request_id": name}, app=app)).json()
    [row] = await intake.rows("SELECT payload FROM outbox WHERE subject = $1", UUID(said["id"]))
    event = ComplaintSubmitted.model_validate_json(row["payload"])
    life = Life(jakarta().calendar, event.received_at, number=event.number, id=event.complaint_id)
    life.events.append(event)
    return life


async def read(intake: Intake, *events: Event) -> None:
    await ReadModel(intake.database, jakarta().calendar).handle(Log().batch(events))


async def stored(intake: Intake) -> tuple[list[dict], list[dict]]:
    """The read model; states as what they say, whatever the order of their keys."""
    states = await intake.rows("SELECT * FROM states ORDER BY complaint_id")
    return (
        [row | {"state": lifecycle.decode(row["state"])} for row in states],
        await intake.rows("SELECT * FROM history ORDER BY complaint_id, revision"),
    )


async def test_a_complaint_shows_its_unit_its_clocks_and_its_history(intake: Intake):
    life = (await begun(intake)).assigned(category="lampu-jalan").acknowledged(1).coordinated(2, PINANGSIA)

    await read(intake, *life.events)

    said = (await intake.get(str(life.id))).json()
    assert said["stage"] == "koordinasi"
    assert said["unit"] == {"code": GAMBIR.code, "name": "Gambir"}
    assert said["with_unit"] == {"code": PINANGSIA.code, "name": "Pinangsia"}
    assert said["due"]["next"] == {
        "clock": "resolution",
        "due_at": (life.received_at + timedelta(days=7)).astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
    assert {clock["clock"]: clock["standing"] for clock in said["due"]["clocks"]} == {
        "coordinate": "met",
        "first_response": "met",
        "resolution": "running",
    }
    assert [(line["type"], line["stage"], line["role"]) for line in said["history"]] == [
        ("complaint.submitted", "menunggu", None),
        ("complaint.assigned", "menunggu", None),
        ("complaint.acknowledged", "menunggu", "lurah"),
        ("complaint.coordinated", "koordinasi", "lurah"),
    ]
    assert said["history"][1]["note"] == "alasan"
    assert said["updated_at"] == said["history"][-1]["at"] == "2026-11-24T04:05:00Z"


async def test_attributes_are_read_as_they_were_sent_by_the_app_that_sent_them(intake: Intake):
    with_them = (await intake.post(FULL)).json()["id"]
    without = (await intake.post(LEAST | {"client_request_id": "a-2"})).json()["id"]

    assert (await intake.get(with_them)).json()["attributes"] == {"status_lahan": "aset provinsi", "form.version": "3"}
    assert (await intake.get(without)).json()["attributes"] == {}
    assert (await intake.get(with_them, app="qlue")).status_code == 404


async def test_the_first_event_need_not_be_read_back(intake: Intake):
    """Intake made it: the row says the same, and the second event finds it in its place."""
    life = (await begun(intake)).assigned().acknowledged(1)
    await read(intake, *life.events)
    whole = await stored(intake)
    await intake.rows("TRUNCATE states, history")

    await read(intake, *life.events[1:])

    assert await stored(intake) == whole
    assert "complaint.submitted" not in events.decoders(*READ)


async def test_a_complaint_that_waits_for_a_camat_to_name_its_unit_is_with_the_kecamatan(intake: Intake):
    life = (await begun(intake)).triaged(unit=GAMBIR_DISTRICT, ward=GAMBIR)

    await read(intake, *life.events)

    said = (await intake.get(str(life.id))).json()
    assert (said["stage"], said["unit"]) == ("menunggu", {"code": "31.71.01", "name": "Gambir"})
    assert said["history"][-1]["type"] == "complaint.triage_requested"
    assert said["history"][-1]["unit"] == {"code": "31.71.01", "name": "Gambir"}
    assert said["due"]["next"]["clock"] == "coordinate"


async def test_an_ended_complaint_says_how_it_ended_and_why(intake: Intake):
    done, refused = await begun(intake, "a"), await begun(intake, "b")
    await read(intake, *done.assigned().resolved(1).events, *refused.assigned().rejected(1).events)

    one, other = (await intake.get(str(done.id))).json(), (await intake.get(str(refused.id))).json()

    assert (one["stage"], one["history"][-1]["note"]) == ("selesai", "Lampu sudah diganti")
    assert (other["stage"], other["history"][-1]["note"]) == ("ditolak", "Bukan wilayah kami")
    assert one["due"]["next"] is other["due"]["next"] is None


async def test_a_batch_read_again_whole_or_in_part_changes_nothing(intake: Intake):
    lives = [(await begun(intake, name)).assigned().notified(0.1).acknowledged(1).resolved(2) for name in "abc"]
    events = [event for life in lives for event in life.events]
    await read(intake, *events)
    before = await stored(intake)

    for again in (events, events[:3], events[5:], list(reversed(events))):
        await read(intake, *again)

    assert await stored(intake) == before
    assert len(before[1]) == 15


async def test_however_the_log_is_cut_into_batches_the_outcome_is_the_same(intake: Intake):
    lives = [(await begun(intake, name)).assigned().notified(0.1).waiting(1).resumed(2).resolved(3).reopened(4) for name in "ab"]
    mixed: Sequence[Event] = [event for pair in zip(*[life.events for life in lives], strict=True) for event in pair]
    await read(intake, *mixed)
    whole = await stored(intake)
    await intake.rows("TRUNCATE states, history")

    for event in mixed:
        await read(intake, event)

    assert await stored(intake) == whole


async def test_a_reader_that_lags_behind_does_not_take_a_complaint_back(intake: Intake, monkeypatch: pytest.MonkeyPatch):
    """A partition went to another reader while a batch was in hand: what the late one then writes is older, and loses."""
    life = (await begun(intake)).assigned().resolved(1)
    calendar = jakarta().calendar
    await read(intake, *life.events)
    newer = await stored(intake)

    async def read_before_the_other_wrote(*_args: object, **_kwargs: object):
        for row in ():
            yield row

    late = SimpleNamespace(known_of=read_before_the_other_wrote, store_fold=QUERIES.store_fold)
    monkeypatch.setattr("services.intake.consumer.QUERIES", late)
    await ReadModel(intake.database, calendar).handle(Log().batch(life.events[:2]))

    assert await stored(intake) == newer


async def test_a_failure_in_the_middle_of_a_batch_stores_none_of_it(intake: Intake):
    life = (await begun(intake)).assigned()
    await intake.rows("ALTER TABLE history ADD CHECK (type <> 'complaint.assigned')")

    with pytest.raises(asyncpg.CheckViolationError):
        await read(intake, *life.events)

    assert await stored(intake) == ([], [])


async def test_an_app_reads_only_its_own_complaints_also_when_they_have_moved(intake: Intake):
    life = (await begun(intake, app="jaki")).assigned()
    await read(intake, *life.events)
    assert (await intake.get(str(life.id), app="qlue")).status_code == 404
    assert (await intake.get(str(life.id), app="jaki")).status_code == 200


async def test_the_tag_changes_with_the_complaint(intake: Intake):
    life = await begun(intake)
    await read(intake, *life.events)
    before = (await intake.get(str(life.id))).headers["etag"]
    await read(intake, *life.assigned().events)

    answer = await intake.get(str(life.id), If_None_Match=before)

    assert answer.status_code == 200
    assert answer.headers["etag"] != before


async def test_an_answer_to_a_repeated_post_stays_the_receipt_that_it_was(intake: Intake):
    said = (await intake.post(LEAST)).json()
    [row] = await intake.rows("SELECT payload FROM outbox")
    event = ComplaintSubmitted.model_validate_json(row["payload"])
    life = Life(jakarta().calendar, event.received_at, number=event.number, id=event.complaint_id)
    life.events.append(event)
    await read(intake, *life.assigned().resolved(1).events)
    assert (await intake.post(LEAST)).json() == said
