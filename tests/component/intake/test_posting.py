"""A complaint that is answered is stored: once, whole, and with the event that tells of it."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tanggap.contracts.events import ComplaintSubmitted, Point
from tests.support.databases import Databases
from tests.support.intake import FULL, LEAST, Intake, open_intake


async def test_an_accepted_complaint_has_a_number_a_stage_and_a_place(intake: Intake):
    answer = await intake.post(FULL)

    assert answer.status_code == 201
    said = answer.json()
    assert said.keys() == {"id", "number", "stage", "received_at", "warnings"}
    assert said["number"] == "JK2611240001"
    assert said["stage"] == "menunggu"
    assert said["received_at"] == "2026-11-24T02:05:00Z"
    assert said["warnings"] == []
    assert answer.headers["location"] == f"/v1/complaints/{UUID(said['id'])}"


async def test_the_event_is_stored_with_the_complaint_and_says_all_but_the_reporter(intake: Intake):
    said = (await intake.post(FULL, traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")).json()

    [row] = await intake.rows("SELECT * FROM outbox")
    event = ComplaintSubmitted.model_validate_json(row["payload"])
    assert event == ComplaintSubmitted.create(
        complaint_id=UUID(said["id"]),
        cause="a-1",
        occurred_at=intake.clock(),
        number=said["number"],
        app="jaki",
        client_request_id="a-1",
        source="android",
        category="lampu-jalan",
        description=FULL["description"],
        location=Point(lat=-6.1767, lon=106.8306),
        address=FULL["address"],
        media=tuple(FULL["media"]),
        reported_at=datetime(2026, 11, 24, 2, 0, tzinfo=UTC),
        received_at=intake.clock(),
        attributes=FULL["attributes"],
    )
    assert (row["event_id"], row["subject"], row["type"]) == (event.event_id, event.subject, event.type)
    assert (row["occurred_at"], row["dataschema"]) == (event.occurred_at, event.dataschema)


async def test_the_trace_of_the_request_goes_on_in_the_event(intake: Intake):
    await intake.post(traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    [row] = await intake.rows("SELECT traceparent FROM outbox")
    assert row["traceparent"].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"


async def test_a_broken_trace_is_replaced_and_stops_nothing(intake: Intake):
    assert (await intake.post(traceparent="00-xyz\x01")).status_code == 201
    [row] = await intake.rows("SELECT traceparent FROM outbox")
    assert row["traceparent"].startswith("00-")
    assert "xyz" not in row["traceparent"]


async def test_a_text_that_looks_like_the_number_s_place_is_left_alone(intake: Intake):
    text = '","number":"NUMBER" NUMBER'
    body = {"client_request_id": text, "description": text, "address": text, "source": "NUMBER"}

    said = (await intake.post(body, app='"number":"NUMBER"')).json()

    [row] = await intake.rows("SELECT payload FROM outbox")
    event = ComplaintSubmitted.model_validate_json(row["payload"])
    assert (event.number, event.description, event.client_request_id) == (said["number"], text, text)


async def test_the_same_body_again_gets_the_same_answer(intake: Intake):
    first = await intake.post(FULL)
    intake.clock.move(hours=30)
    again = await intake.post(json.dumps(FULL, indent=4).encode())

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert await intake.count("complaints") == await intake.count("outbox") == 1


async def test_a_retry_burns_no_number(intake: Intake):
    for _ in range(3):
        await intake.post()
    assert (await intake.post(LEAST | {"client_request_id": "a-2"})).json()["number"] == "JK2611240002"


CHANGES: tuple[dict[str, Any], ...] = (
    {"description": "Lain"},
    {"location": {"lat": -6.2, "lon": 106.8}},
    {"reporter": None},
    {"reporter": {"name": "Orang lain"}},
)


async def test_another_body_under_the_same_key_is_a_conflict_that_says_so(intake: Intake):
    await intake.post(FULL)

    for change in CHANGES:
        answer = await intake.post(FULL | change)

        assert answer.status_code == 409
        assert answer.headers["content-type"] == "application/problem+json"
        assert "client_request_id" in answer.json()["detail"]
    assert await intake.count("complaints") == 1


async def test_a_reporter_added_later_is_a_conflict(intake: Intake):
    await intake.post(LEAST)
    assert (await intake.post(LEAST | {"reporter": {"name": "Siti"}})).status_code == 409


async def test_two_apps_may_use_the_same_client_key(intake: Intake):
    one, other = await intake.post(app="jaki"), await intake.post(LEAST | {"description": "Lain"}, app="qlue")

    assert (one.status_code, other.status_code) == (201, 201)
    assert one.json()["id"] != other.json()["id"]


async def test_many_at_once_under_one_key_make_one_complaint(databases: Databases):
    dsn = await databases.dsn("intake")
    async with open_intake(dsn) as one, open_intake(dsn) as other:
        other.secrets["jaki"] = await one.key()
        answers = await asyncio.gather(*[process.post(FULL) for _ in range(20) for process in (one, other)])

        assert sorted(answer.status_code for answer in answers) == [200] * 39 + [201]
        assert len({answer.text for answer in answers}) == 1
        assert await one.count("complaints") == await one.count("outbox") == await one.count("reporters") == 1


async def test_many_at_once_with_different_bodies_make_one_complaint_and_conflicts(intake: Intake):
    answers = await asyncio.gather(*[intake.post(LEAST | {"description": f"Teks {number}"}) for number in range(20)])

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    assert await intake.count("complaints") == 1


async def test_no_place_known_is_accepted_with_a_warning(intake: Intake):
    answer = await intake.post(LEAST | {"location": {"lat": 0, "lon": 0}})

    assert answer.status_code == 201
    assert [warning["pointer"] for warning in answer.json()["warnings"]] == ["#/location"]
    [row] = await intake.rows("SELECT lat, lon FROM complaints")
    assert row == {"lat": None, "lon": None}


async def test_every_script_is_read_back_as_it_was_sent(intake: Intake):
    for text in ("😀🚧", "الطريق مكسور", "ꦗꦭꦤ꧀", "a\r\nb\tc", "<b>&amp;</b>\u2028.", '"\\u0041\\'):
        said = (await intake.post({"client_request_id": text, "description": text, "address": text})).json()

        found = (await intake.get(said["id"])).json()
        assert (found["client_request_id"], found["description"], found["address"]) == (text, text, text)
        [row] = await intake.rows("SELECT payload FROM outbox ORDER BY id DESC LIMIT 1")
        assert json.loads(row["payload"])["description"] == text


async def test_a_complaint_can_be_read_the_moment_it_is_answered(intake: Intake):
    said = (await intake.post(FULL)).json()

    answer = await intake.get(said["id"])

    assert answer.status_code == 200
    assert answer.json() == {
        **{name: said[name] for name in ("id", "number", "stage", "received_at")},
        "client_request_id": "a-1",
        "category": "lampu-jalan",
        "unit": None,
        "with_unit": None,
        "due": {"next": None, "clocks": []},
        "description": FULL["description"],
        "location": FULL["location"],
        "address": FULL["address"],
        "media": FULL["media"],
        "attributes": FULL["attributes"],
        "source": "android",
        "occurred_at": "2026-11-24T02:00:00Z",
        "updated_at": said["received_at"],
        "history": [
            {
                "at": said["received_at"],
                "type": "complaint.submitted",
                "stage": "menunggu",
                "unit": None,
                "role": None,
                "note": None,
            }
        ],
    }


async def test_what_comes_at_once_is_stored_in_a_few_commits_and_each_gets_its_own_answer(intake: Intake):
    answers = await asyncio.gather(*(intake.post(LEAST | {"client_request_id": f"at-once-{number}"}) for number in range(60)))

    assert {answer.status_code for answer in answers} == {201}
    stored = {
        str(row["id"]): row for row in await intake.rows("SELECT id, client_request_id, number, xmin::text FROM complaints")
    }
    for number, answer in enumerate(answers):
        assert stored[answer.json()["id"]]["client_request_id"] == f"at-once-{number}"
        assert stored[answer.json()["id"]]["number"] == answer.json()["number"]
    assert len({row["number"] for row in stored.values()}) == 60
    assert len({row["xmin"] for row in stored.values()}) < 20
    assert await intake.count("outbox") == 60
