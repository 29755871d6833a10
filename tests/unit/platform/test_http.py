"""Every answer that is not a success is problem details, and no input makes a 5xx."""

import json
from typing import Annotated

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, FastAPI, HTTPException, Query, Request
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from pydantic import BaseModel, Field
from starlette.responses import HTMLResponse, Response, StreamingResponse

from tanggap.platform import http
from tanggap.platform.http import Problem, Text
from tanggap.platform.json_pointer import pointer

LIMIT = 2000


class Place(BaseModel):
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: float


class Thing(BaseModel):
    name: Text
    place: Place | None = None
    tags: list[str] = []


def make_routes():
    """Two methods of one path each, in a router of their own, as services have them."""
    routes = APIRouter()

    @routes.get("/both/{number}")
    @routes.post("/both/{number}")
    async def both(number: int) -> int:
        return number

    @routes.get("/own")
    async def own() -> Response:
        return Response(headers={"X-Asked": "GET"})

    @routes.head("/own")
    async def own_head() -> Response:
        return Response(headers={"X-Asked": "HEAD"})

    return routes


def make_app():
    app = FastAPI()
    http.install(app, max_body_bytes=LIMIT)

    @app.post("/idiomatic")
    async def idiomatic(thing: Thing) -> Thing:
        return thing

    @app.post("/fast")
    async def fast(request: Request) -> Thing:
        return await http.read_json(request, Thing)

    @app.get("/things/{number}")
    async def one(number: int, limit: Annotated[int, Query(ge=1)] = 5) -> int:
        return number * limit

    app.include_router(make_routes())

    @app.get("/raises/{what}")
    async def raises(what: str):
        raise {
            "problem": Problem(
                409,
                "taken",
                "Taken",
                "Someone was first.",
                errors=[{"pointer": "#/name", "detail": "is taken"}],
                headers={"X-By": "them"},
            ),
            "refused": ConnectionRefusedError(111, "refused"),
            "shutdown": asyncpg.AdminShutdownError("going down"),
            "closed": asyncpg.InterfaceError("connection is closed"),
            "cut": asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
            "nul": asyncpg.CharacterNotInRepertoireError("invalid byte sequence"),
            "surrogate": UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
            "bug": KeyError("secret-value"),
            "query": asyncpg.UndefinedTableError("no table"),
            "http": HTTPException(403, "Not you", {"X-Why": "you"}),
            "missing": HTTPException(404),
        }[what]

    @app.get("/page")
    async def page():
        return HTMLResponse("<p>hello", headers={"Content-Security-Policy": "default-src 'self'"})

    @app.get("/stream")
    async def stream():
        async def parts():
            yield b"a"
            yield b"b"

        return StreamingResponse(parts())

    return app


APP = make_app()


@pytest.fixture
async def client():
    transport = httpx.ASGITransport(APP, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def problem(response, status):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["type"].startswith("/problems/")
    assert body["title"]
    return body


BOTH = pytest.mark.parametrize("path", ["/idiomatic", "/fast"])


@BOTH
async def test_a_good_body_passes(client, path):
    response = await client.post(path, json={"name": "Jalan \\u0000 rusak", "place": {"lat": -6.1, "lon": 106.8}})
    assert response.status_code == 200
    assert response.json()["name"] == "Jalan \\u0000 rusak"


@BOTH
async def test_every_fault_is_named_by_its_pointer_and_no_value_is_repeated(client, path):
    body = problem(await client.post(path, json={"place": {"lat": 91, "lon": "0812-3456"}, "tags": ["a", 7]}), 422)

    assert {error["pointer"] for error in body["errors"]} == {"#/name", "#/place/lat", "#/place/lon", "#/tags/1"}
    assert "4 faults" in body["detail"]
    assert "0812-3456" not in json.dumps(body)


@BOTH
@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe", b'{"name": "a"', b"[1,]"])
async def test_what_is_not_json_is_a_400(client, path, content):
    response = await client.post(path, content=content, headers={"content-type": "application/json"})
    # An empty body is none: then it is the whole that is missing.
    assert response.status_code in ({400, 422} if not content else {400})
    problem(response, response.status_code)


@BOTH
async def test_another_media_type_is_a_415_that_says_which_is_wanted(client, path):
    response = await client.post(path, content=b"name=x", headers={"content-type": "application/x-www-form-urlencoded"})
    problem(response, 415)
    assert "application/json" in response.text


@BOTH
async def test_a_character_that_can_not_be_stored_is_the_callers_fault(client, path):
    body = problem(await client.post(path, content=b'{"name": "a\\u0000b"}', headers={"content-type": "application/json"}), 422)
    assert body["errors"] == [{"pointer": "#/name", "detail": "must not contain the character U+0000"}]


async def test_it_is_found_wherever_it_stands_if_the_body_is_read_the_fast_way(client):
    content = json.dumps({"name": "a", "tags": ["x", "y\0"], "extra": {"k/e\0y": 1, "deep": [{"z": "\0"}]}})
    body = problem(await client.post("/fast", content=content, headers={"content-type": "application/json"}), 422)
    assert [error["pointer"] for error in body["errors"]] == ["#/tags/1", "#/extra", "#/extra/deep/0/z"]


@BOTH
async def test_a_lone_surrogate_is_the_callers_fault(client, path):
    response = await client.post(path, content=b'{"name": "\\ud800"}', headers={"content-type": "application/json"})
    assert response.status_code in {400, 422}
    problem(response, response.status_code)


async def test_one_that_slipped_through_to_the_database_is_too(client, logged_faults):
    logged_faults.expect("refused by the database only")
    problem(await client.get("/raises/surrogate"), 422)


@BOTH
async def test_a_body_above_the_limit_is_a_413_by_its_announced_length(client, path):
    problem(await client.post(path, json={"name": "x" * LIMIT}), 413)


@BOTH
async def test_a_body_above_the_limit_is_a_413_when_it_comes_in_pieces(client, path):
    async def pieces():
        for _ in range(30):
            yield b" " * 100

    problem(await client.post(path, content=pieces(), headers={"content-type": "application/json"}), 413)


async def test_an_unknown_path_is_a_404_and_a_wrong_method_a_405_that_says_which_are_right(client):
    assert problem(await client.get("/nowhere"), 404)["instance"] == "/nowhere"
    response = await client.post("/things/1")
    problem(response, 405)
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_options_names_the_methods_of_all_routes_of_a_path_and_none_where_there_is_no_path(client):
    answer = await client.options("/both/1")
    assert (answer.status_code, answer.headers["allow"], answer.content) == (204, "GET, HEAD, OPTIONS, POST", b"")
    assert (await client.options("/fast")).headers["allow"] == "OPTIONS, POST"
    response = await client.put("/both/1")
    problem(response, 405)
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    problem(await client.options("/nowhere"), 404)


async def test_head_answers_as_get_does_without_the_body_is_counted_as_head_and_is_refused_where_there_is_no_get(client):
    def count():
        labels = {"method": "HEAD", "route": "/things/{number}", "status": "200"}
        return REGISTRY.get_sample_value("tanggap_http_requests_total", labels) or 0

    before = count()
    head, whole = await client.head("/things/3"), await client.get("/things/3")
    assert (head.status_code, head.headers, head.content) == (200, whole.headers, b"")
    assert count() == before + 1
    assert (await client.head("/things/seven")).status_code == 422
    assert (await client.head("/nowhere")).status_code == 404
    refused = await client.head("/fast")
    assert (refused.status_code, refused.headers["allow"]) == (405, "OPTIONS, POST")


async def test_an_endpoint_that_answers_head_itself_is_asked_and_not_the_one_for_get(client):
    assert (await client.head("/own")).headers["x-asked"] == "HEAD"
    assert (await client.get("/own")).headers["x-asked"] == "GET"


async def test_faults_in_path_and_query_are_named_too(client):
    body = problem(await client.get("/things/seven?limit=0"), 422)
    assert {error["pointer"] for error in body["errors"]} == {"path:number", "query:limit"}


async def test_a_raised_problem_is_the_answer_with_its_headers(client):
    response = await client.get("/raises/problem")
    body = problem(response, 409)
    assert body["type"] == "/problems/taken"
    assert body["errors"] == [{"pointer": "#/name", "detail": "is taken"}]
    assert response.headers["x-by"] == "them"


async def test_frameworks_own_errors_are_problems_too(client):
    response = await client.get("/raises/http")
    assert problem(response, 403)["detail"] == "Not you"
    assert response.headers["x-why"] == "you"
    assert "detail" not in problem(await client.get("/raises/missing"), 404)


@pytest.mark.parametrize("what", ["refused", "shutdown", "closed", "cut"])
async def test_a_database_that_is_away_is_a_503_that_says_when_to_come_again(client, what):
    response = await client.get(f"/raises/{what}")
    problem(response, 503)
    assert int(response.headers["retry-after"]) >= 1


async def test_a_value_that_only_the_database_refuses_is_a_422_and_is_written_down(client, logged_faults):
    logged_faults.expect("refused by the database only")
    problem(await client.get("/raises/nul"), 422)


@pytest.mark.parametrize("what", ["bug", "query"])
async def test_a_bug_is_a_500_that_tells_nothing_and_is_written_down(client, logged_faults, what):
    logged_faults.expect("a request failed")
    response = await client.get(f"/raises/{what}")
    problem(response, 500)
    assert "secret-value" not in response.text
    assert "no table" not in response.text


async def test_browsers_are_told_what_they_must_not_do_on_every_answer(client):
    for path in ("/things/1", "/nowhere", "/stream"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]
    assert (await client.get("/page")).headers["content-security-policy"] == "default-src 'self'"


async def test_a_stream_is_not_held_back(client):
    assert (await client.get("/stream")).text == "ab"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=60, deadline=None)
@given(
    content=st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()),
    kind=st.sampled_from(["application/json", "text/plain", ""]),
)
@pytest.mark.parametrize("path", ["/idiomatic", "/fast"])
async def test_no_body_makes_a_5xx(content, kind, path):
    transport = httpx.ASGITransport(APP, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.post(path, content=content, headers={"content-type": kind} if kind else {})
    assert response.status_code < 500


@pytest.mark.parametrize(
    "target",
    [
        "/things/%00",
        "/things/%ff%fe",
        "/things/1?limit=%00",
        "/%2e%2e/%2e%2e",
        "/things/" + "9" * 5000,
        "/things/1?" + "a=1&" * 500,
    ],
)
async def test_no_path_or_query_makes_a_5xx(client, target):
    assert (await client.get(target)).status_code < 500


def test_pointers_escape_as_the_standard_says():
    assert pointer(["a/b", "c~d", 0]) == "#/a~1b/c~0d/0"
    assert pointer([]) == "#"


async def test_an_endpoint_that_answers_plainly_is_described_counted_and_its_faults_are_problems_all_the_same():
    app, routes = FastAPI(), APIRouter()

    @routes.post("/plain")
    async def plain(request: Request) -> Response:
        raise http.of_status(409, "taken")

    http.install(app)
    app.include_router(routes)
    http.answer_plainly(app, routes, "/plain", "POST")
    before = REGISTRY.get_sample_value("tanggap_http_requests_total", {"method": "POST", "route": "/plain", "status": "409"}) or 0

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        problem(await client.post("/plain"), 409)
        problem(await client.get("/plain"), 405)

    assert type(app.routes[0]).__name__ == "_PlainRoute"
    assert "post" in app.openapi()["paths"]["/plain"]
    after = REGISTRY.get_sample_value("tanggap_http_requests_total", {"method": "POST", "route": "/plain", "status": "409"})
    assert after == before + 1


def test_an_endpoint_that_is_not_there_cannot_answer_plainly():
    with pytest.raises(LookupError, match="no route PUT /nowhere"):
        http.answer_plainly(FastAPI(), APIRouter(), "/nowhere", "PUT")
