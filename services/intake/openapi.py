"""The published description of the JSON API.

FastAPI makes it from annotations; this API does without most of them (they would cost each request), so the parts are given here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from services.intake.reading import Accepted
from services.intake.submission import Submission
from tanggap.platform.http import PROBLEM_JSON, ProblemDetails

POST_PATH = "/v1/complaints"
READ_PATH = "/v1/complaints/{complaint_id}"


def application() -> FastAPI:
    """Make an app that describes this API; the routes are added to it."""
    app = FastAPI(
        title="Tanggap intake",
        summary="Upstream apps hand in citizens' complaints here, and read where they stand.",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirected POST is sent twice, and a path with dots in it somewhere else
    )

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            description = get_openapi(title=app.title, summary=app.summary, version=app.version, routes=app.routes)
            _, parts = models_json_schema(
                [(Submission, "validation"), (ProblemDetails, "serialization")], ref_template="#/components/schemas/{model}"
            )
            components = description.setdefault("components", {})
            components.setdefault("schemas", {}).update(parts["$defs"])
            components["securitySchemes"] = {
                "key": {"type": "http", "scheme": "bearer", "description": "The app's key, `tgp_...`, as the city gave it."}
            }
            app.openapi_schema = description
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way of changing the description
    return app


def _problem(description: str, example: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": description,
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}, "example": example}},
    }
    if headers:
        answer["headers"] = {name: {"description": said, "schema": {"type": "string"}} for name, said in headers.items()}
    return answer


_ID = "6f1c8a52-3c1b-4d8f-9a55-0f4f2f6f0d11"
_UNIT = {"code": "31.71.01.1001", "name": "Gambir"}

_ACCEPTED_EXAMPLE = {
    "id": _ID,
    "number": "JK2611240001",
    "stage": "menunggu",
    "received_at": "2026-11-24T02:05:03.120000Z",
    "warnings": [],
}
_POST_EXAMPLE = {
    "client_request_id": "jaki-2026-000123",
    "description": "Lampu jalan mati di depan Stasiun Gambir sejak tadi malam",
    "category": "pju",
    "location": {"lat": -6.1767, "lon": 106.8306},
    "address": "Jl. Medan Merdeka Timur No. 1",
    "occurred_at": "2026-11-24T09:05:00+07:00",
    "media": ["https://media.jaki.example/foto/1.jpg"],
    "source": "android",
    "attributes": {"status_lahan": "aset provinsi"},
    "reporter": {"name": "Siti", "phone": "+62 812 0000 0000", "email": "siti@warga.example"},
}
_VIEW_EXAMPLE = {
    "id": _ID,
    "number": "JK2611240001",
    "client_request_id": "jaki-2026-000123",
    "stage": "proses",
    "category": "pju",
    "unit": _UNIT,
    "with_unit": {"code": "sudin-bina-marga.31.71", "name": "Suku Dinas Bina Marga Jakarta Pusat"},
    "due": {
        "next": {"clock": "resolution", "due_at": "2026-12-01T02:05:03.120000Z"},
        "clocks": [
            {"clock": "coordinate", "due_at": "2026-11-24T08:05:03.120000Z", "standing": "met"},
            {"clock": "resolution", "due_at": "2026-12-01T02:05:03.120000Z", "standing": "running"},
        ],
    },
    "description": _POST_EXAMPLE["description"],
    "location": _POST_EXAMPLE["location"],
    "address": _POST_EXAMPLE["address"],
    "media": _POST_EXAMPLE["media"],
    "attributes": _POST_EXAMPLE["attributes"],
    "source": "android",
    "occurred_at": "2026-11-24T02:05:00Z",
    "received_at": "2026-11-24T02:05:03.120000Z",
    "updated_at": "2026-11-24T04:00:00Z",
    "history": [
        {
            "at": "2026-11-24T02:05:03.120000Z",
            "type": "complaint.submitted",
            "stage": "menunggu",
            "unit": None,
            "role": None,
            "note": None,
        },
        {
            "at": "2026-11-24T04:00:00Z",
            "type": "complaint.progressed",
            "stage": "proses",
            "unit": _UNIT,
            "role": "lurah",
            "note": "Petugas sudah di lokasi.",
        },
    ],
}


def _example(slug: str, status: int, title: str, detail: str, path: str = POST_PATH, **more: Any) -> dict[str, Any]:
    return {"type": f"/problems/{slug}", "title": title, "status": status, "detail": detail, "instance": path, **more}


_COMMON_ANSWERS: dict[int | str, dict[str, Any]] = {
    401: _problem(
        "No key, or one that is not known.",
        _example("unauthorized", 401, "Who asks must say who they are", "This key is not known here."),
        {"WWW-Authenticate": "How to say who asks."},
    ),
    403: _problem(
        "The key was revoked.",
        _example("key-revoked", 403, "This key was revoked", "Ask the city's operators for a new one."),
    ),
    503: _problem(
        "Not available at the moment. Nothing is known to be stored: send the same again.",
        _example(
            "unavailable", 503, "Not available at the moment", "The database does not answer. Nothing was stored; try again."
        ),
        {"Retry-After": "Seconds to wait."},
    ),
}
_LOCATION = {"Location": {"description": "Where the complaint is read.", "schema": {"type": "string"}}}
POST_ANSWERS: dict[int | str, dict[str, Any]] = {
    201: {
        "description": "Accepted, and stored for good.",
        "headers": _LOCATION,
        "content": {"application/json": {"example": _ACCEPTED_EXAMPLE}},
    },
    200: {
        "description": "Accepted before: the same answer again.",
        "model": Accepted,
        "headers": _LOCATION,
        "content": {"application/json": {"example": _ACCEPTED_EXAMPLE}},
    },
    400: _problem(
        "Not JSON, or a key given twice.",
        _example("malformed", 400, "The request can't be read", "The body is not valid JSON: expected value at line 1 column 1."),
    ),
    409: _problem(
        "The `client_request_id` stands for another complaint.",
        _example(
            "client-key-reused",
            409,
            "This client_request_id stands for another complaint",
            "You have sent another body under this client_request_id. If this is a new complaint give it a new one; "
            "if it is a retry send the body as it was.",
        ),
    ),
    413: _problem("More than 256 KiB.", _example("too-large", 413, "Too large", "A body may have at most 262144 bytes.")),
    415: _problem(
        "Not `application/json`, or compressed.",
        _example("unsupported-media-type", 415, "Not this media type", "Send the body as application/json."),
    ),
    422: _problem(
        "JSON, but not a complaint. Every fault is named.",
        _example(
            "invalid",
            422,
            "The request does not fit",
            "2 faults were found.",
            errors=[
                {
                    "pointer": "#/location/lat",
                    "detail": "lat 106.8 is not between -90 and 90; lat and lon look swapped: send lat -6.2, lon 106.8",
                },
                {
                    "pointer": "#/occurred_at",
                    "detail": "has no time zone; end it with Z or an offset, as in 2026-11-24T09:05:00+07:00",
                },
            ],
        ),
    ),
    **_COMMON_ANSWERS,
}
POST_REQUEST = {
    "security": [{"key": []}],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Submission"}, "example": _POST_EXAMPLE}},
    },
}
GET_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The complaint.",
        "headers": {"ETag": {"description": "Changes with the body.", "schema": {"type": "string"}}},
        "content": {"application/json": {"example": _VIEW_EXAMPLE}},
    },
    304: {"description": "As the `If-None-Match` says it was."},
    404: _problem(
        "No complaint of yours has this id.",
        _example("not-found", 404, "Not found", "You have sent no complaint of this id.", f"{POST_PATH}/{_ID}"),
    ),
    **_COMMON_ANSWERS,
}
GET_REQUEST = {
    "security": [{"key": []}],
    "parameters": [
        {
            "name": "complaint_id",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "format": "uuid"},
            "example": _ID,
        },
        {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}},
    ],
}
