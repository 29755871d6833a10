"""What the log's reader writes: states, history, alerts and what nobody could be told."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from services.notifier import figures
from tanggap.contracts import lifecycle
from tanggap.contracts.city import Official
from tanggap.contracts.events import Actor, OfficialUnreachable, Unit
from tanggap.contracts.lifecycle import Status
from tests.support.officials import FIRE_SERVICE, GAMBIR, GAMBIR_DISTRICT, LURAH, Life, Office, official, read, with_officials

LURAH_GAMBIR = Actor(role="lurah", unit=GAMBIR)


async def test_an_assignment_alerts_the_first_official_of_the_unit_once(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    (alert,) = await office.alerts()
    assert (alert["address"], alert["role"], alert["unit_code"], alert["kind"], alert["state"]) == (
        LURAH,
        "lurah",
        GAMBIR.code,
        "assigned",
        "created",
    )
    assert (await office.state(life)).status is Status.assigned


async def test_records_read_again_change_nothing_and_alert_nobody_again(office: Office):
    life = Life().submitted().assigned().acknowledged(LURAH_GAMBIR)
    await office.log(life)
    before = [await office.rows(f"SELECT * FROM {table}") for table in ("complaints", "history", "notifications", "outbox")]
    await office.log(life)
    await office.desk.handle(read([*life.events, *life.events]))
    after = [await office.rows(f"SELECT * FROM {table}") for table in ("complaints", "history", "notifications", "outbox")]
    assert after == before


async def test_an_alert_is_once_even_where_the_state_was_lost_and_the_log_is_read_from_its_beginning(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    await office.rows("UPDATE complaints SET state = NULL")
    await office.log(life)
    assert len(await office.alerts()) == 1


async def test_a_triage_request_alerts_the_triage_desk(office: Office):
    await office.log(Life().submitted().triaged())
    (alert,) = await office.alerts()
    assert (alert["unit_code"], alert["kind"]) == (office.city.triage_unit.code, "triage")


async def test_a_second_assignment_to_another_unit_alerts_that_unit_too(office: Office):
    other = Unit(code="31.71.01.1002", name="Cideng")
    life = Life().submitted().assigned().assigned(other, cause="again")
    await office.log(life)
    assert {alert["unit_code"] for alert in await office.alerts()} == {GAMBIR.code, other.code}


async def test_a_unit_without_officials_is_told_as_unreachable_and_the_unit_above_is_alerted(office: Office):
    office = Office(office.database, with_officials(office.city, {GAMBIR.code: ()}), office.mailbox)
    await office.log(Life().submitted().assigned())
    (alert,) = await office.alerts()
    assert (alert["unit_code"], alert["role"], alert["holder_code"]) == (GAMBIR_DISTRICT.code, "camat", GAMBIR.code)
    (gone,) = await office.outbox()
    assert isinstance(gone, OfficialUnreachable)
    assert (gone.unit, gone.role) == (GAMBIR, "none")


async def test_where_nobody_is_left_the_log_is_told_of_each_unit_and_a_person_is_called(office: Office, logged_faults):
    logged_faults.expect("nobody is left to alert")
    office = Office(office.database, with_officials(office.city, dict.fromkeys(office.city.units, ())), office.mailbox)
    await office.log(Life().submitted().assigned())
    assert await office.alerts() == []
    assert [event.unit.code for event in await office.outbox()] == [
        GAMBIR.code,
        "31.71.01",
        "31.71",
        "31",
        office.city.triage_unit.code,
    ]


async def test_an_alert_and_the_state_that_calls_for_it_are_written_together_or_not_at_all(office: Office):
    life = Life().submitted().assigned()
    await office.rows("ALTER TABLE notifications ADD CONSTRAINT broken CHECK (false) NOT VALID")
    with pytest.raises(asyncpg.CheckViolationError):
        await office.log(life)
    assert await office.value("SELECT count(*) FROM complaints") == 0
    await office.rows("ALTER TABLE notifications DROP CONSTRAINT broken")
    await office.log(life)
    assert len(await office.alerts()) == 1


async def test_an_act_that_comes_back_from_the_log_is_no_longer_kept_apart(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    act = life.acknowledged(LURAH_GAMBIR).events[-1]
    await office.rows(
        "INSERT INTO acts (event_id, complaint_id, type, body) VALUES ($1, $2, $3, $4)",
        act.event_id,
        life.id,
        act.type,
        act.model_dump_json(),
    )
    await office.desk.handle(read([act]))
    assert await office.value("SELECT count(*) FROM acts") == 0
    assert (await office.state(life)).status is Status.acknowledged


async def test_an_act_that_the_log_overrules_stays_in_the_history_as_not_counting(office: Office):
    life = Life().submitted().assigned().merged().acknowledged(LURAH_GAMBIR)
    await office.log(life)
    rows = await office.rows("SELECT type, applied FROM history ORDER BY position")
    assert [(row["type"], row["applied"]) for row in rows][-2:] == [("complaint.merged", True), ("complaint.acknowledged", False)]


async def test_an_event_before_its_complaint_is_told_and_does_not_stop_the_others(office: Office, logged_faults):
    logged_faults.expect("an event came before its complaint")
    orphan, life = Life().submitted().assigned(), Life().submitted().assigned()
    await office.desk.handle(read([orphan.events[1], *life.events]))
    assert (await office.state(life)).status is Status.assigned
    assert await office.value("SELECT count(*) FROM complaints") == 1


async def test_two_readers_of_one_partition_at_once_lose_nothing_of_each_other(office: Office):
    life = Life().submitted().assigned().acknowledged(LURAH_GAMBIR)
    slow, fast = read(life.events[:1]), read(life.events)
    await asyncio.gather(*(office.desk.handle(batch) for batch in (slow, fast, slow, fast)))
    assert (await office.state(life)).status is Status.acknowledged
    assert len(await office.alerts()) == 1


async def test_a_reader_waits_for_whoever_is_changing_the_complaint_and_builds_on_what_they_wrote(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    taken = lifecycle.apply(await office.state(life), life.acknowledged(LURAH_GAMBIR).events[-1], office.city.calendar).complaint
    async with office.database.transaction() as connection:
        await connection.execute("SELECT FROM complaints WHERE id = $1 FOR UPDATE", life.id)
        reading = asyncio.create_task(office.desk.handle(read(Life(id=life.id).resolved(LURAH_GAMBIR).events)))
        done, _ = await asyncio.wait({reading}, timeout=0.5)
        assert not done
        await connection.execute("UPDATE complaints SET state = $2 WHERE id = $1", life.id, lifecycle.encode(taken))
    await reading
    state = await office.state(life)
    assert state.status is Status.resolved
    assert life.events[-1].event_id.hex in state.applied_ids, "what the other wrote is not lost"


async def test_no_reporters_identity_can_be_in_the_tables(office: Office):
    await office.log(Life().submitted().assigned())
    columns = await office.rows("SELECT column_name FROM information_schema.columns WHERE table_schema = 'notifier'")
    assert not {row["column_name"] for row in columns} & {"reporter", "phone", "contact", "reporter_id"}


async def test_of_two_officials_in_a_unit_only_the_first_is_alerted_at_first(office: Office):
    both = (official(GAMBIR, "lurah", "a@x.example"), official(GAMBIR, "sekretaris_kelurahan", "b@x.example"))
    office = Office(office.database, with_officials(office.city, {GAMBIR.code: both}), office.mailbox)
    await office.log(Life().submitted().assigned())
    assert [alert["address"] for alert in await office.alerts()] == ["a@x.example"]


def with_fire_service(office: Office, *officials: Official) -> Office:
    """The office in a city whose fire service has these officials."""
    return Office(office.database, with_officials(office.city, {FIRE_SERVICE.code: officials}), office.mailbox)


async def test_a_unit_told_beside_is_informed_once_however_often_the_record_is_read(office: Office):
    two = (official(FIRE_SERVICE, "kepala", "a@x.example"), official(FIRE_SERVICE, "wakil", "b@x.example"))
    office = with_fire_service(office, *two)
    life = Life().submitted().assigned(also=(FIRE_SERVICE,))
    await office.log(life)
    before = await office.alerts()
    assert {(alert["kind"], alert["address"], alert["holder_code"]) for alert in before} == {
        ("assigned", LURAH, GAMBIR.code),
        ("informed", "a@x.example", GAMBIR.code),
        ("informed", "b@x.example", GAMBIR.code),
    }
    await office.rows("UPDATE complaints SET state = NULL")
    await office.log(life)
    assert await office.alerts() == before
    assert await office.outbox() == []


async def test_a_unit_told_beside_that_has_nobody_is_told_as_unreachable_and_the_alert_goes_out_all_the_same(office: Office):
    office = with_fire_service(office)
    unreachable = figures.UNREACHABLE._value.get()
    untold = figures.UNTOLD._value.get()
    await office.log(Life().submitted().assigned(also=(FIRE_SERVICE,)))
    (alert,) = await office.alerts()
    assert (alert["kind"], alert["unit_code"]) == ("assigned", GAMBIR.code)
    (gone,) = await office.outbox()
    assert isinstance(gone, OfficialUnreachable)
    assert (gone.unit, gone.role) == (FIRE_SERVICE, "none")
    assert figures.UNREACHABLE._value.get() == unreachable + 1
    assert figures.UNTOLD._value.get() == untold, "the unit that must act has its alert"


async def test_a_camat_who_must_name_the_unit_is_alerted_by_a_request_for_triage(office: Office):
    await office.log(Life().submitted(location=None).triaged(GAMBIR_DISTRICT, problem="only_kecamatan"))
    (alert,) = await office.alerts()
    assert (alert["unit_code"], alert["role"], alert["kind"]) == (GAMBIR_DISTRICT.code, "camat", "triage")


async def test_the_trace_of_the_record_stays_with_the_alert(office: Office):
    trace = f"00-{uuid4().hex}-00f067aa0ba902b7-01"
    batch = [
        received.__class__(received.event, 0, 0, received.timestamp, trace)
        for received in read(Life().submitted().assigned().events)
    ]
    await office.desk.handle(batch)
    assert [alert["traceparent"] for alert in await office.alerts()] == [trace]
