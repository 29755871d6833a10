"""GET /v1/decisions/{complaint_id}: why a complaint came to a unit."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
from httpx import ASGITransport, AsyncClient

from services.routing.app import make_app
from services.routing.consumer import Desk
from services.routing.router import Router
from tanggap.contracts.events import decoders
from tests.component.routing.test_desk import read
from tests.support.routing import DECIDED, JATINEGARA_STATION, MONAS, SECRETS, submitted

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture
async def client(database):
    async with AsyncClient(transport=ASGITransport(make_app(database)), base_url="http://routing.example") as client:
        yield client


async def test_an_assignment_says_who_why_how_and_by_which_versions(client, desk, router):
    complaint = submitted("sampah", JATINEGARA_STATION)
    await desk.handle(read([complaint]))
    answer = await client.get(f"/v1/decisions/{complaint.complaint_id}")
    assert answer.status_code == 200
    found = answer.json()
    decided = router.decide(complaint)
    assert found.pop("reason_text") == decided.decision.reason.id
    assert found.pop("clocks") == [clock.model_dump(mode="json") for clock in decided.clocks]
    assert found == {
        "complaint_id": str(complaint.complaint_id),
        "decided_at": "2026-11-24T02:05:01Z",
        "outcome": "assigned",
        "unit": {"code": "31.75.03.1004", "name": "Rawa Bunga"},
        "ward": {"code": "31.75.03.1004", "name": "Rawa Bunga"},
        "problem": None,
        "category": "sampah",
        "agency": "lingkungan-hidup",
        "urgency": "normal",
        "method": "point",
        "confidence": router.wards.manifest.confidence.within_25_m,
        "rule": "ward-crew",
        "alternatives": [{"code": "31.75.01.1001", "name": "Pisangan Baru"}],
        "reason": {"id": decided.decision.reason.id, "en": decided.decision.reason.en},
        "policy_version": router.policy.version,
        "wards_version": router.wards.version,
        "category_method": decided.decision.category_method,
        "category_confidence": decided.decision.category_confidence,
        "category_words": [],
        "other_categories": [],
        "conflicts": [],
        "also": [],
        "classifier_version": decided.decision.classifier_version,
        "gazetteer_version": decided.decision.gazetteer_version,
        "history": [],
    }


async def test_triage_says_which_problem_and_names_the_desk(client, desk):
    complaint = submitted("pju", None)
    await desk.handle(read([complaint]))
    found = (await client.get(f"/v1/decisions/{complaint.complaint_id}")).json()
    assert (found["outcome"], found["problem"], found["unit"]["code"]) == ("triage", "no_point", "triase")
    assert (found["ward"], found["agency"], found["category"]) == (None, None, "pju")


async def told(client, database, sample):
    """What is read of a decision as it was published, with all that one can say."""
    event = decoders()[sample.name.partition(".v")[0]](sample.read_bytes())
    complaint = submitted(complaint_id=event.complaint_id)
    await Desk(database, SimpleNamespace(decide_all=lambda _: [event])).handle(read([complaint]))
    return event, (await client.get(f"/v1/decisions/{event.complaint_id}")).json()


@pytest.mark.parametrize(
    "name", ["complaint.assigned.v1+full.json", "complaint.triage_requested.v2.json", "complaint.triage_requested.v2+full.json"]
)
async def test_a_decision_shows_how_the_category_was_found_and_what_speaks_against_it(client, database, name):
    event, found = await told(client, database, GOLDEN / name)
    said = event.decision.model_dump(mode="json")
    assert {key: found[key] for key in said} == said
    assert [key for key, value in said.items() if not value] == ["alternatives"]
    assert found["ward"] == {"code": "31.71.01.1001", "name": "Gambir"}
    assert found["also"] == [unit.model_dump() for unit in event.also]


@pytest.mark.parametrize("name", ["complaint.assigned.v1.json", "complaint.triage_requested.v1.json"])
async def test_a_decision_from_before_such_things_were_told_can_still_be_read(client, database, name):
    _, found = await told(client, database, GOLDEN / name)
    assert found["category_method"] is found["category_confidence"] is found["classifier_version"] is None
    assert found["category_words"] == found["other_categories"] == found["conflicts"] == found["also"] == []


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        (None, "id"),
        ("", "id"),
        ("en", "en"),
        ("en-US,en;q=0.9,id;q=0.5", "en"),
        ("EN-us", "en"),
        ("ID;Q=0.2, EN;Q=0.7", "en"),
        ("id-ID,id;q=0.9,en;q=0.8", "id"),
        ("id;q=0.2, en;q=0.7", "en"),
        ("fr, de", "id"),
        ("en;q=0", "id"),
        (";;;q=x,,*", "id"),
    ],
)
async def test_the_language_that_is_asked_for_picks_the_reasons_text(client, desk, asked, language):
    complaint = submitted("sampah")
    await desk.handle(read([complaint]))
    headers = {} if asked is None else {"Accept-Language": asked}
    answer = await client.get(f"/v1/decisions/{complaint.complaint_id}", headers=headers)
    assert answer.json()["reason_text"] == answer.json()["reason"][language]
    assert answer.headers["Vary"] == "Accept-Language"


async def test_the_decision_that_stands_comes_first_and_those_before_it_are_its_history(client, database, router):
    complaint = submitted("potholes")
    await Desk(database, router).handle(read([complaint]))
    later = Router(router.city, router.wards, router.policy, lambda: DECIDED + timedelta(hours=1))
    again = complaint.model_copy(update={"event_id": uuid4(), "category": "jalan_rusak"})
    await Desk(database, later).handle(read([again]))
    found = (await client.get(f"/v1/decisions/{complaint.complaint_id}")).json()
    assert found["outcome"] == "assigned"
    assert found["decided_at"] == "2026-11-24T03:05:01Z"
    assert [(one["outcome"], one["problem"]) for one in found["history"]] == [("triage", "unknown_category")]


@pytest.mark.parametrize("complaint_id", ["0b7a4c52-3f0e-4f57-9d7e-5b8f3c1a9e64", "JK2611240001", "not-a-uuid", "%00"])
async def test_a_complaint_without_a_decision_is_a_problem_404(client, complaint_id):
    answer = await client.get(f"/v1/decisions/{complaint_id}")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/not-found"


async def test_other_methods_are_refused(client):
    answer = await client.post(f"/v1/decisions/{uuid4()}", json={})
    assert answer.status_code == 405
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_head_and_options_answer_as_http_has_it(client, desk):
    complaint = submitted("sampah")
    await desk.handle(read([complaint]))
    path = f"/v1/decisions/{complaint.complaint_id}"
    head, whole = await client.head(path), await client.get(path)
    assert (head.status_code, head.headers) == (200, whole.headers)
    assert (await client.head(f"/v1/decisions/{uuid4()}")).status_code == 404
    options = await client.options(path)
    assert (options.status_code, options.headers["allow"], options.content) == (204, "GET, HEAD, OPTIONS", b"")


@pytest.mark.parametrize("category", ["sampah", "Budi Santoso 081234567890"])
async def test_reading_needs_no_key_and_shows_nothing_that_the_citizen_wrote(client, desk, category):
    complaint = submitted(category, MONAS)
    await desk.handle(read([complaint]))
    text = (await client.get(f"/v1/decisions/{complaint.complaint_id}")).text
    for word in (*SECRETS, "Budi Santoso", "081234567890", "-6.17539", "106.82715", complaint.number, complaint.app):
        assert word not in text
