"""The JSON API of upstream apps: hand a complaint in, and read where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import NoReturn
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.intake.acceptance import Acceptance, ClientKeyReused
from services.intake.figures import RECEIVED
from services.intake.keys import Keyring, Revoked, Unknown
from services.intake.openapi import GET_ANSWERS, GET_REQUEST, POST_ANSWERS, POST_PATH, POST_REQUEST, READ_PATH
from services.intake.reading import Accepted, ComplaintView, Reading
from services.intake.submission import Fault, Invalid, Malformed, Submission, parse
from tanggap.contracts.lifecycle import Stage
from tanggap.platform import telemetry
from tanggap.platform.clock import Now, utc_now
from tanggap.platform.http import Fault as NamedFault
from tanggap.platform.http import (
    Problem,
    invalid,
    is_json,
    malformed,
    of_status,
    wrong_media_type,
)

_REALM = 'Bearer realm="tanggap"'
_UUID_CHARACTERS = 36


def router(keyring: Keyring, acceptance: Acceptance, reading: Reading, *, now: Now = utc_now) -> APIRouter:
    """Make the routes."""
    api = APIRouter(tags=["complaints"])

    # FastAPI's own reading of bodies and dependencies costs a request a third of its time (`answer_plainly`), and names a fault less well.
    @api.post(POST_PATH, status_code=201, response_model=Accepted, responses=POST_ANSWERS, openapi_extra=POST_REQUEST)
    async def submit_complaint(request: Request) -> Response:
        """Hand in a complaint. It is stored for good before the answer comes; send it again until you have one.

        `client_request_id` is your own key of the complaint: sent again with the same body it gets the same answer (200
        instead of 201), with another body 409.
        """
        app = await _app(keyring, request)
        submission = _parsed(await _json(request), now)
        try:
            receipt = await acceptance.accept(app, submission, telemetry.current())
        except ClientKeyReused:
            raise Problem(
                409,
                "client-key-reused",
                "This client_request_id stands for another complaint",
                "You have sent another body under this client_request_id. If this is a new complaint give it a new one; "
                "if it is a retry send the body as it was.",
            ) from None
        answer = Accepted(
            id=receipt.complaint_id,
            number=receipt.number,
            stage=Stage.menunggu,
            received_at=receipt.received_at,
            warnings=[NamedFault(pointer=fault.pointer, detail=fault.detail) for fault in submission.warnings()],
        )
        return Response(
            answer.model_dump_json(),
            201 if receipt.created else 200,
            {"Location": f"{POST_PATH}/{receipt.complaint_id}"},
            "application/json",
        )

    @api.get(READ_PATH, response_model=ComplaintView, responses=GET_ANSWERS, openapi_extra=GET_REQUEST)
    async def read_complaint(request: Request) -> Response:
        """Where a complaint of yours stands: stage, unit, what is due when, and what happened.

        `ETag` and `If-None-Match` spare you the body while nothing has changed.
        """
        app = await _app(keyring, request)
        complaint_id = _uuid(request.path_params["complaint_id"])
        found = None if complaint_id is None else await reading.complaint(app, complaint_id)
        if found is None:
            raise of_status(404, "You have sent no complaint of this id.")
        body = found.model_dump_json().encode()
        headers = {"ETag": f'"{sha256(body).hexdigest()[:32]}"', "Cache-Control": "private, no-cache"}
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(None, 304, headers)
        return Response(body, 200, headers, "application/json")

    return api


async def _app(keyring: Keyring, request: Request) -> str:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        _unauthorized("Send your app's key in the header `Authorization: Bearer KEY`.", _REALM)
    try:
        return await keyring.app_of(secret.strip())
    except Unknown:
        _unauthorized("This key is not known here.", f'{_REALM}, error="invalid_token"')
    except Revoked:
        raise Problem(403, "key-revoked", "This key was revoked", "Ask the city's operators for a new one.") from None


def _unauthorized(detail: str, challenge: str) -> NoReturn:
    raise Problem(
        401, "unauthorized", "Who asks must say who they are", detail, headers={"WWW-Authenticate": challenge}
    ) from None


async def _json(request: Request) -> bytes:
    headers = request.headers
    if not is_json(headers.get("content-type")) or headers.get("content-encoding", "identity") != "identity":
        raise wrong_media_type()
    return await request.body()


def _parsed(body: bytes, now: Now) -> Submission:
    try:
        return parse(body, now())
    except Malformed as fault:
        RECEIVED.labels("malformed").inc()
        raise malformed(str(fault)) from None
    except Invalid as faults:
        RECEIVED.labels("invalid").inc()
        raise invalid([_named(fault) for fault in faults.faults]) from None


def _named(fault: Fault) -> Mapping[str, str]:
    return {"pointer": fault.pointer, "detail": fault.detail}


def _uuid(text: str) -> UUID | None:
    """The id that `text` is, in its plain form only."""
    try:
        return UUID(text) if len(text) == _UUID_CHARACTERS else None
    except ValueError:
        return None
