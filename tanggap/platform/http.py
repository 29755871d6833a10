"""HTTP: faults as problem details, a bound on bodies, headers that browsers heed, a trace on every request.

`install(app)` sees to it that every answer that is not a success is `application/problem+json` (RFC 9457) and names every
fault of the request by a JSON pointer (RFC 6901), that no input makes a 5xx, and that PostgreSQL being away is a 503 with
`Retry-After` and not a 500. What the caller sent is never repeated: it may hold a person's data. A path that answers GET answers
HEAD too, and each says to OPTIONS, and in a 405, which methods it takes (RFC 9110 §9.3.2, §9.3.7 and §15.5.6).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from time import perf_counter
from typing import Annotated, Any, Literal, TypeVar

import asyncpg
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import AfterValidator, BaseModel, ValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from tanggap.platform import metrics, telemetry
from tanggap.platform.database import is_transient
from tanggap.platform.json_pointer import pointer
from tanggap.platform.logs import get_logger

log = get_logger(__name__)

MAX_BODY_BYTES = 1024 * 1024
"""Bodies above it are refused with 413."""

RETRY_AFTER_SECONDS = 2
"""What a caller is told to wait when PostgreSQL is away."""

PROBLEM_JSON = "application/problem+json"

M = TypeVar("M", bound=BaseModel)


_NUL = "must not contain the character U+0000"


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError(_NUL)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError("must not contain half of a surrogate pair") from None
    return value


Text = Annotated[str, AfterValidator(_storable)]
"""A string that PostgreSQL can keep: without U+0000, and whole Unicode. Python's own JSON reader lets both through."""


class Fault(BaseModel):
    """One thing that is wrong with a request. `pointer`: JSON pointer into the body, or `?name`, or a header's name."""

    pointer: str
    detail: str


class ProblemDetails(BaseModel):
    """The body of an answer that is not a success, for OpenAPI."""

    type: str
    title: str
    status: int
    detail: str | None = None
    instance: str | None = None
    errors: list[Fault] = []


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """An answer that is not a success: raise it anywhere below a request.

    `slug` names the kind of problem for programs (`/problems/<slug>`), `title` and `detail` for people, `errors` every fault as
    mappings with `pointer` and `detail`.
    """

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str | None = None,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {slug}: {detail or title}")
        self.status = status
        self.slug = slug
        self.title = title
        self.detail = detail
        self.errors = [dict(error) for error in errors]
        self.headers = dict(headers or {})

    def response(self, instance: str | None = None) -> JSONResponse:
        """The answer. `instance`: the path that was asked for."""
        body: dict[str, Any] = {"type": f"/problems/{self.slug}", "title": self.title, "status": self.status}
        if self.detail is not None:
            body["detail"] = self.detail
        if instance is not None:
            body["instance"] = instance
        if self.errors:
            body["errors"] = self.errors
        return JSONResponse(body, self.status, headers=self.headers, media_type=PROBLEM_JSON)


def unavailable(detail: str = "The database does not answer. Nothing was stored; try again.") -> Problem:
    """503 with `Retry-After`."""
    return Problem(503, "unavailable", "Not available at the moment", detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def faults(error: ValidationError | RequestValidationError, prefix: Sequence[int | str] = ()) -> list[dict[str, str]]:
    """Every fault of a validation error, as `pointer` and `detail`; never the value that was sent."""
    found = []
    for fault in error.errors():
        location = (*prefix, *fault["loc"])
        detail = str(fault["msg"]).removeprefix("Value error, ")
        match location:
            case ("query" | "header" | "cookie" | "path" as where, *rest) if rest and isinstance(error, RequestValidationError):
                place = f"{where}:{rest[0]}"
            case ("body", *rest) if isinstance(error, RequestValidationError):
                place = pointer(rest)
            case _:
                place = pointer(location)
        found.append({"pointer": place, "detail": detail})
    return found


def invalid(errors: Sequence[Mapping[str, str]]) -> Problem:
    """422 that names every fault."""
    count = len(errors)
    detail = "One fault was found." if count == 1 else f"{count} faults were found."
    return Problem(422, "invalid", "The request does not fit", detail, errors=errors)


def malformed(detail: str = "The body is not JSON.") -> Problem:
    """400: what was sent can't be read at all."""
    return Problem(400, "malformed", "The request can't be read", detail)


def wrong_media_type() -> Problem:
    """415: the body is not `application/json`."""
    return Problem(
        415,
        "unsupported-media-type",
        "Not this media type",
        "Send the body as application/json.",
        headers={"Accept": "application/json"},
    )


def is_json(content_type: str | None) -> bool:
    """Is it `application/json` or `application/*+json`?"""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


async def read_json(request: Request, model: type[M]) -> M:
    """The body as `model`, faster than FastAPI's own way and with the same answers.

    Raises `Problem`: 415 for another media type, 400 for what is not JSON, 422 with every fault for what does not fit or holds
    the character U+0000, which PostgreSQL can't keep.
    """
    if not is_json(request.headers.get("content-type")):
        raise wrong_media_type()
    body = await request.body()
    try:
        value = model.model_validate_json(body)
    except ValidationError as error:
        if any(fault["type"] == "json_invalid" for fault in error.errors(include_url=False, include_context=False)):
            raise malformed() from error
        found = faults(error)
        raise invalid([*found, *(one for one in _nul_faults(body) if one not in found)]) from error
    if nul := _nul_faults(body):
        raise invalid(nul)
    return value


def _nul_faults(body: bytes) -> list[dict[str, str]]:
    """Where the body holds U+0000. Only its escaped form can stand in JSON, so the bytes are asked first."""
    if b"\\u0000" not in body:
        return []
    return [{"pointer": pointer(place), "detail": _NUL} for place in _nuls(json.loads(body), ())]


def _nuls(value: Any, place: tuple[int | str, ...]) -> Iterable[tuple[int | str, ...]]:
    match value:
        case str():
            if "\0" in value:
                yield place
        case dict():
            for key, part in value.items():
                if "\0" in key:
                    yield place
                yield from _nuls(part, (*place, key))
        case list():
            for index, part in enumerate(value):
                yield from _nuls(part, (*place, index))
        case _:
            pass


def install(app: FastAPI, *, max_body_bytes: int = MAX_BODY_BYTES) -> None:
    """Give `app` the problem answers, the bound on bodies, the headers, the trace and the figures of its requests."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    for kind in (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, UnicodeEncodeError):
        app.add_exception_handler(kind, _on_trouble)
    app.add_exception_handler(Exception, _on_bug)
    # The one added last is the outermost: it sees every answer, a refused body's too.
    app.add_middleware(_Head)
    app.add_middleware(_BodyLimit, max_bytes=max_body_bytes)
    app.add_middleware(_Watch)


class _PlainRoute(Route):
    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        return match, {**child, "route": self}


def answer_plainly(app: FastAPI, router: APIRouter, path: str, method: str) -> None:
    """Let an endpoint of `router` answer without FastAPI's dependencies and validation; its route there only describes it.

    For an endpoint that takes the request as its one parameter and answers with a response. Raises `LookupError` where there is none.
    """
    for found in router.routes:
        if isinstance(found, APIRoute) and found.path == path and method in (found.methods or ()):
            app.router.routes.insert(0, _PlainRoute(path, found.endpoint, methods=[method], include_in_schema=False))
            return
    raise LookupError(f"no route {method} {path}")


_TITLES = {
    400: ("malformed", "The request can't be read"),
    401: ("unauthorized", "Who asks must say who they are"),
    403: ("forbidden", "Not allowed"),
    404: ("not-found", "Not found"),
    405: ("method-not-allowed", "Not this method"),
    406: ("not-acceptable", "Not in this form"),
    409: ("conflict", "Against what is already there"),
    413: ("too-large", "Too large"),
    415: ("unsupported-media-type", "Not this media type"),
    422: ("invalid", "The request does not fit"),
    429: ("too-many", "Too many requests"),
    503: ("unavailable", "Not available at the moment"),
}


def of_status(status: int, detail: str | None = None, headers: Mapping[str, str] | None = None) -> Problem:
    """The usual problem of a status."""
    slug, title = _TITLES.get(status, (f"status-{status}", HTTPStatus(status).phrase))
    return Problem(status, slug, title, detail, headers=headers)


async def _on_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)  # noqa: S101 - Starlette hands over the class it was registered for
    return problem.response(request.url.path)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    detail = error.detail if error.detail != HTTPStatus(error.status_code).phrase else None
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # The router knows of the first route of this path alone.
        headers = {**(headers or {}), "Allow": ", ".join(_methods_of(request.scope))}
        if request.method == "OPTIONS":
            return Response(None, HTTPStatus.NO_CONTENT, headers)
    return of_status(error.status_code, detail, headers).response(request.url.path)


def _methods_of(scope: Scope) -> list[str]:
    """The methods that a path takes, by all its routes and by what `install` adds to them."""
    taken = _taken(scope)
    return sorted(taken | {"OPTIONS"} | ({"HEAD"} if "GET" in taken else set()))


def _taken(scope: Scope) -> set[str]:
    """The methods for which a path has a route."""
    routes = scope["app"].router.routes
    return {method for method in _METHODS if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)}


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    found = error.errors()
    if any(fault["type"] == "json_invalid" for fault in found):
        return malformed().response(request.url.path)
    whole_body = any(tuple(fault["loc"]) == ("body",) for fault in found)
    if whole_body and not is_json(request.headers.get("content-type")) and await request.body():
        return wrong_media_type().response(request.url.path)
    return invalid(faults(error)).response(request.url.path)


async def _on_trouble(request: Request, error: Exception) -> Response:
    if is_transient(error):
        log.warning("a request could not be served", path=request.url.path, why=f"{type(error).__name__}: {error}")
        return unavailable().response(request.url.path)
    if isinstance(error, asyncpg.DataError | UnicodeEncodeError):
        # A value that the database can't keep (U+0000, half a surrogate pair) is the caller's fault, though a check of ours
        # should have named it: the line is there so that one is added.
        log.error("a value was refused by the database only", path=request.url.path, why=type(error).__name__)
        return invalid([{"pointer": "#", "detail": "holds a value that can't be stored"}]).response(request.url.path)
    return await _on_bug(request, error)


async def _on_bug(request: Request, error: Exception) -> Response:
    log.error("a request failed", path=request.url.path, exc_info=error)
    return Problem(500, "internal", "Our fault", "It was written down and will be looked at.").response(request.url.path)


class _BodyLimit:
    """Refuses bodies above a size: by their announced length at once, otherwise as soon as too much has come."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        if not announced.isdigit():
            await self._count(scope, receive, send)
        elif int(announced) > self.max_bytes:
            await self._refuse(scope, receive, send)
        else:
            # The server hands over no more than was announced.
            await self.app(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        came = 0
        started = False

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > self.max_bytes:
                raise _TooLargeError
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            # A framework that caught our exception answers with what it made of it: a 400, not a 413.
            if started or came <= self.max_bytes:
                started = True
                await send(message)

        try:
            await self.app(scope, counted, watched)
        except _TooLargeError:
            if started:
                raise
        if came > self.max_bytes and not started:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = of_status(413, f"A body may have at most {self.max_bytes} bytes.", {"Connection": "close"})
        await problem.response(scope["path"])(scope, receive, send)


class _TooLargeError(Exception):
    pass


class _Head:
    """Answers HEAD as GET, without the body, where the path has no answer of its own: monitors ask so whether a service is there."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        taken = _taken(scope)
        if "HEAD" in taken or "GET" not in taken:
            await self.app(scope, receive, send)
            return

        async def bare(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        asked = {**scope, "method": "GET"}
        await self.app(asked, receive, bare)
        scope["route"] = asked.get("route")  # for whoever counts


_SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    # For answers that are not pages; pages bring their own.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""As ASGI carries them, names in lower case; what an answer has of its own stays."""

_SILENT = frozenset({"/livez", "/readyz", "/metrics"})
"""Asked every few seconds by machines: neither traced nor counted."""


class _Watch:
    """Puts every request into a trace, every answer into the figures, and the security headers on it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                there = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in _SECURITY_HEADERS if pair[0] not in there)]
            await send(message)

        if scope["path"] in _SILENT:
            await self.app(scope, receive, answer)
            return
        method = scope["method"] if scope["method"] in _METHODS else "other"
        with telemetry.continued(
            Headers(scope=scope).get("traceparent"), f"{method} {scope['path']}", telemetry.SpanKind.SERVER
        ) as span:
            try:
                await self.app(scope, receive, answer)
            finally:
                # Set by the router: the pattern, so that ids don't make a series each.
                route = getattr(scope.get("route"), "path", "none")
                metrics.HTTP_REQUESTS.labels(method, route, str(status)).inc()
                metrics.HTTP_SECONDS.labels(route).observe(perf_counter() - began)
                if span is not None:
                    span.update_name(f"{method} {route}")
                    span.set_attributes({"http.request.method": method, "http.route": route, "http.response.status_code": status})
                    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                        span.set_status(telemetry.StatusCode.ERROR)


_METHODS: frozenset[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]] = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
)
