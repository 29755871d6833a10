"""Who may not, or sends what can't be, is told why; and no input is our fault."""

import json
import string
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.intake.queries import QUERIES
from tests.support.intake import FULL, LEAST, Intake


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem details of a refusal, checked for form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert said["status"] == status
    assert said["type"].startswith("/problems/")
    assert said["title"]
    return said


async def test_without_a_good_key_nothing_is_read_or_written(intake: Intake):
    said = (await intake.post()).json()

    for header in (
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic amFraTpqYWtp",
        "Bearer tgp_nobody",
        "Bearer ÿ",
        "tgp_nobody",
        "Bearer \t ",
    ):
        headers = {} if header is None else {"Authorization": header.encode("latin-1")}
        for answer in (
            await intake.client.post("/v1/complaints", json=LEAST | {"client_request_id": "b"}, headers=headers),
            await intake.client.get(f"/v1/complaints/{said['id']}", headers=headers),
        ):
            problem(answer, 401)
            assert answer.headers["www-authenticate"].startswith("Bearer")
    assert await intake.count("complaints") == 1


async def test_faults_of_attributes_are_named_and_nothing_is_stored(intake: Intake):
    answer = await intake.post(LEAST | {"attributes": {"Besar": "x", "no_hp": "0812-3456", "angka": 3}})

    said = problem(answer, 422)
    assert {fault["pointer"] for fault in said["errors"]} == {"#/attributes/Besar", "#/attributes/no_hp", "#/attributes/angka"}
    assert "0812-3456" not in answer.text
    assert await intake.count("complaints") == await intake.count("outbox") == 0


async def test_a_key_with_the_right_beginning_only_is_refused(intake: Intake):
    good = await intake.key()
    await intake.post()

    answer = await intake.client.post(
        "/v1/complaints", json=LEAST, headers={"Authorization": f"Bearer {good[:-1]}{'a' if good[-1] != 'a' else 'b'}"}
    )

    problem(answer, 401)


async def test_a_new_key_is_good_at_once(intake: Intake):
    await intake.post()
    answer = await intake.post(app="a-new-app")
    assert answer.status_code == 201


async def test_a_body_that_is_no_json_is_400(intake: Intake):
    said = problem(await intake.post(b'{"client_request_id": '), 400)
    assert "JSON" in said["detail"]


async def test_a_body_of_another_kind_or_compressed_is_415(intake: Intake):
    for kind in ("application/x-www-form-urlencoded", "text/plain", "application/xml", "", "json"):
        problem(await intake.post(json.dumps(LEAST).encode(), Content_Type=kind), 415)
    problem(await intake.post(json.dumps(LEAST).encode(), Content_Encoding="gzip"), 415)


async def test_json_by_its_other_names_is_accepted(intake: Intake):
    for kind in ("application/json; charset=utf-8", "Application/JSON", "application/vnd.jaki+json"):
        body = LEAST | {"client_request_id": kind}
        assert (await intake.post(json.dumps(body).encode(), Content_Type=kind)).status_code == 201


async def test_a_body_that_is_too_large_is_413_announced_or_not(intake: Intake):
    large = json.dumps(LEAST | {"description": "x" * 300_000}).encode()

    async def in_pieces():
        for start in range(0, len(large), 10_000):
            yield large[start : start + 10_000]

    headers = {"Authorization": f"Bearer {await intake.key()}", "Content-Type": "application/json"}
    problem(await intake.post(large), 413)
    problem(await intake.client.post("/v1/complaints", content=in_pieces(), headers=headers), 413)


async def test_the_largest_lawful_body_is_accepted(intake: Intake):
    body = FULL | {
        "description": "😀" * 4000,
        "media": ["https://media.example/" + "a" * 2026] * 10,
        "address": "😀" * 500,
    }
    assert (await intake.post(json.dumps(body).encode())).status_code == 201


async def test_every_fault_is_named_with_its_place_and_its_mending(intake: Intake):
    said = problem(
        await intake.post(
            {
                "description": " ",
                "location": {"lat": 106.8, "lon": -6.2},
                "occurred_at": "2026-11-24T09:05:00",
                "media": ["ftp://a.example"],
                "reporter": {"email": "siti"},
                "umur": 30,
            }
        ),
        422,
    )

    assert {error["pointer"]: error["detail"].split(";")[0] for error in said["errors"]} == {
        "#/client_request_id": "is required",
        "#/description": "must not be empty or only blanks",
        "#/location/lat": "lat 106.8 is not between -90 and 90",
        "#/occurred_at": "has no time zone",
        "#/media/0": "must be a web address that starts with http:// or https://",
        "#/reporter/email": "must be an e-mail address, as in name@host.example",
        "#/umur": "is not a field of a complaint",
    }
    assert said["detail"] == "7 faults were found."
    assert await intake.count("complaints") == 0


NOBODYS = ("1", "x" * 36, "00000000-0000-0000-0000-00000000000g", "%00", "..%2f", "%ff", "%F0%9F%98%80", str(uuid4()))


async def test_an_id_that_is_none_or_nobodys_is_404(intake: Intake):
    for name in NOBODYS:
        problem(await intake.get(name), 404)


async def test_another_apps_complaint_is_404(intake: Intake):
    said = (await intake.post(app="jaki")).json()
    problem(await intake.get(said["id"], app="qlue"), 404)


async def test_paths_and_methods_that_are_not_there_are_problems_too(intake: Intake):
    problem(await intake.client.get("/v1/nothing"), 404)
    answer = await intake.client.put("/v1/complaints", json=LEAST)
    problem(answer, 405)
    assert "POST" in answer.headers["allow"]
    problem(await intake.client.delete("/v1/complaints/6f1c8a52-3c1b-4d8f-9a55-0f4f2f6f0d11"), 405)


async def test_options_say_what_may_be_done(intake: Intake):
    answer = await intake.client.options("/v1/complaints")
    assert (answer.status_code, answer.headers["allow"]) == (204, "OPTIONS, POST")
    answer = await intake.client.options("/v1/complaints/6f1c8a52-3c1b-4d8f-9a55-0f4f2f6f0d11")
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


async def test_head_answers_as_get_does(intake: Intake):
    said = (await intake.post()).json()
    headers = {"Authorization": f"Bearer {await intake.key()}"}
    answer = await intake.client.head(f"/v1/complaints/{said['id']}", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["etag"]


async def test_what_has_not_changed_is_not_sent_again(intake: Intake):
    said = (await intake.post()).json()
    first = await intake.get(said["id"])

    again = await intake.get(said["id"], If_None_Match=first.headers["etag"])
    other = await intake.get(said["id"], If_None_Match='"another"')

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert other.status_code == 200


async def test_a_revoked_key_is_403_within_seconds(intake: Intake, monkeypatch: pytest.MonkeyPatch):
    await intake.post()
    async with intake.database.connection() as connection:
        revoked = [row async for row in QUERIES.revoke_keys(connection, name="jaki", revoked_at=intake.clock())]
    assert len(revoked) == 1
    # The moment that a key may outlive its revocation is over for this process.
    monkeypatch.setattr("services.intake.keys.MAX_AGE_SECONDS", 0.0)

    said = problem(await intake.post(LEAST | {"client_request_id": "b"}), 403)

    assert "revoked" in said["title"]
    assert await intake.count("complaints") == 1


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
TEXT = st.text(alphabet=st.characters(exclude_categories=()), min_size=1, max_size=40)
NEARLY = st.fixed_dictionaries(
    {"client_request_id": TEXT, "description": TEXT},
    optional={
        "category": TEXT | st.none(),
        "location": st.fixed_dictionaries({"lat": st.floats(-90, 90) | ANYTHING, "lon": st.floats(-180, 180) | ANYTHING}),
        "address": TEXT,
        "occurred_at": st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()) | TEXT,
        "media": st.lists(TEXT.map("https://a.example/".__add__), max_size=3),
        "source": TEXT,
        "reporter": st.dictionaries(st.sampled_from(["name", "phone", "email"]), TEXT | st.none()),
    },
)
BODIES = st.one_of(
    st.binary(max_size=200),
    ANYTHING.map(json.dumps).map(str.encode),
    NEARLY.map(json.dumps).map(str.encode),
    NEARLY.map(lambda body: json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.integers(1, 50_000).map(lambda depth: b'{"description":' + b"[" * depth),
    st.integers(1, 6000).map(lambda digits: b'{"location":{"lat":' + b"9" * digits + b',"lon":1}}'),
)
HEADERS = st.dictionaries(
    st.sampled_from(["Traceparent", "If-None-Match", "Content-Encoding", "Accept", "X-Forwarded-For", "Range"]),
    st.text(string.printable.strip(), max_size=60),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES, headers=HEADERS)
async def test_no_body_makes_a_fault_of_ours(intake: Intake, body: bytes, headers: dict[str, str]):
    answer = await intake.post(body, **headers)

    assert answer.status_code < 500
    if answer.status_code == 201:
        assert (await intake.get(answer.json()["id"])).status_code in {200, 304}
    elif answer.status_code != 200:
        problem(answer, answer.status_code)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    method=st.sampled_from(["GET", "POST", "HEAD", "PATCH", "TRACE"]),
)
async def test_no_path_makes_a_fault_of_ours(intake: Intake, path: str, method: str):
    headers = {"Authorization": f"Bearer {await intake.key()}"}
    request = httpx.Request(method, f"http://intake/v1/complaints/{quote(path, safe='/')}", headers=headers)
    assert (await intake.client.send(request)).status_code < 500
