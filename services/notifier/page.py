"""The officials' page, over HTTP: opens a complaint by its link, takes an act, and tells the second what the first did.

What counts as *seen*. Mail scanners open every link in a mail before its reader does, and some run the page's scripts. So
`GET` and `HEAD` change nothing. `official.seen` needs a human sign: a form that was sent, or the small request that the page's
script makes at the first touch, key or scroll. A reader without JavaScript who only looks is thus not told as seen: too few is
the error we can live with, since a false "seen" would hide a silent official.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import FastAPI, Request
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from services.notifier import acts, figures
from services.notifier.acts import Act, Form
from services.notifier.alerts import Kind
from services.notifier.links import Link, LinkError, Links
from services.notifier.openapi import ACT, OPEN, SEEN
from services.notifier.queries import QUERIES
from services.notifier.view import Case, Reader, View
from tanggap.contracts import lifecycle
from tanggap.contracts.city import City
from tanggap.contracts.events import (
    BY_TYPE,
    Actor,
    ComplaintAssigned,
    ComplaintSubmitted,
    ComplaintTriageRequested,
    Event,
    OfficialSeen,
    Unit,
)
from tanggap.platform import outbox, telemetry
from tanggap.platform.clock import Now, utc_now
from tanggap.platform.database import Connection, Database, is_transient
from tanggap.platform.http import RETRY_AFTER_SECONDS
from tanggap.platform.logs import about, get_logger
from tanggap.platform.pages import HEADERS, Pages

log = get_logger(__name__)

# No search engine may keep an address that lets its holder act.
PRIVATE = {"X-Robots-Tag": "noindex, nofollow"}


class OfficialsPage:
    """The routes `/`, `/c/{token}` and `/c/{token}/seen`. A link of one who is only informed shows, and takes no act."""

    def __init__(self, database: Database, city: City, links: Links, pages: Pages, *, now: Now = utc_now) -> None:
        self._database = database
        self._city = city
        self._links = links
        self._pages = pages
        self._now = now
        self._view = View(city)

    def install(self, app: FastAPI) -> None:
        """Add the routes and the static files to `app`."""
        self._pages.mount(app)
        app.add_api_route("/", self._home, methods=["GET", "HEAD"], include_in_schema=False)
        app.add_api_route("/c/{token}", self._open, methods=["GET"], **OPEN)
        app.add_api_route("/c/{token}", self._open, methods=["HEAD"], include_in_schema=False)
        app.add_api_route("/c/{token}", self._act, methods=["POST"], **ACT)
        app.add_api_route("/c/{token}/seen", self._seen, methods=["POST"], **SEEN)

    async def _home(self, request: Request) -> Response:
        return self._pages.page(request, "home.html", city=self._city.name)

    async def _open(self, request: Request) -> Response:
        """Show the complaint. Changes nothing, whoever asks."""

        async def work(link: Link) -> Response:
            # One snapshot: between two statements the log's reader may move an act from one table to the other.
            async with (
                self._database.connection() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                reader = await self._reader(connection, link)
                row = None if reader is None else await QUERIES.complaint(connection, link.complaint_id)
                case = None if row is None else await self._case(connection, link.complaint_id, row)
            if reader is None or case is None:
                return self._problem(request, "retired", 410)
            return self._page(request, case, reader, done=request.query_params.get("done"))

        return await self._answer(request, work)

    async def _act(self, request: Request) -> Response:
        """Take an act; afterwards the reader is sent to the page as it then stands."""
        try:
            form = _read(await request.form(max_files=0, max_fields=20))
        except HTTPException:
            form = None

        async def work(link: Link) -> Response:
            if form is None:
                return self._problem(request, "unreadable", 400)
            async with self._database.transaction() as connection:
                reader = await self._reader(connection, link)
                # Locks the complaint: acts on it, and the log's own events for it, come one after another.
                row = None if reader is None else await QUERIES.lock_complaint(connection, link.complaint_id)
                case = None if row is None else await self._case(connection, link.complaint_id, row)
                if reader is None or case is None:
                    return self._problem(request, "retired", 410)
                if reader.informed:
                    figures.ACTS.labels(form.act.value, "refused").inc()
                    return self._problem(request, "informed", 403)
                fault = acts.faults(form.act, form.note)
                if fault is not None:
                    figures.ACTS.labels(form.act.value, "invalid").inc()
                    return self._page(request, case, reader, status=422, form=form, fault=fault)
                verdict = acts.judge(case.complaint, form, reader.actor, self._city.calendar, self._now())
                await self._mark_seen(connection, reader)
                if verdict.outcome == "done":
                    event = verdict.event
                    await QUERIES.add_act(connection, event.event_id, event.complaint_id, event.type, event.model_dump_json())
                    await outbox.add(connection, [event], telemetry.current())
            figures.ACTS.labels(form.act.value, verdict.outcome).inc()
            if verdict.outcome in {"overtaken", "late"}:
                return self._page(request, case, reader, status=409, form=form, verdict=verdict)
            log.info("an official acted", act=form.act.value, outcome=verdict.outcome, unit=reader.actor.unit.code)
            query = {"done": verdict.event.event_id.hex}
            if chosen := request.query_params.get("lang"):
                query["lang"] = chosen
            return RedirectResponse(f"{request.url.path}?{urlencode(query)}", 303, {**HEADERS, **PRIVATE})

        return await self._answer(request, work, form)

    async def _seen(self, request: Request) -> Response:
        """A human sign from the page's script."""

        async def work(link: Link) -> Response:
            async with self._database.transaction() as connection:
                reader = await self._reader(connection, link)
                if reader is None:
                    return Response(status_code=410)
                await self._mark_seen(connection, reader)
            return Response(status_code=204)

        return await self._answer(request, work)

    async def _answer(self, request: Request, work: Callable[[Link], Awaitable[Response]], form: Form | None = None) -> Response:
        """Read the link, do the work, and answer trouble with a page in plain words: who reads it is no program.

        The address is kept out of log lines: whoever has it can act.
        """
        try:
            link = self._links.read(request.path_params["token"])
        except LinkError as wrong:
            return self._problem(request, "expired", 410) if wrong.expired else self._problem(request, "unknown", 404)
        with about(complaint_id=str(link.complaint_id)):
            try:
                return await work(link)
            except Exception as trouble:
                if is_transient(trouble):
                    log.warning("a page could not be shown", why=f"{type(trouble).__name__}: {trouble}")
                    retry = {"Retry-After": str(RETRY_AFTER_SECONDS)}
                    return self._problem(request, "away", 503, retry, again=form)
                log.exception("a page failed")
                return self._problem(request, "broken", 500, again=form)

    async def _reader(self, connection: Connection, link: Link) -> Reader | None:
        """Find who a link was sent to; null where the alert is gone or its address is no longer that office's."""
        row = await QUERIES.opened_by(connection, link.notification_id)
        if row is None or row["complaint_id"] != link.complaint_id:
            return None
        roster = self._city.roster.get(row["unit_code"], ())
        if not any(official.role == row["role"] and official.email == row["address"] for official in roster):
            return None
        return Reader(
            notification_id=link.notification_id,
            complaint_id=link.complaint_id,
            actor=Actor(role=row["role"], unit=Unit(code=row["unit_code"], name=row["unit_name"])),
            called_for=Unit(code=row["holder_code"], name=row["holder_name"]),
            informed=row["kind"] == Kind.INFORMED,
        )

    async def _case(self, connection: Connection, complaint_id: UUID, row: Any) -> Case:
        unseen = [_event(act) for act in await _rows(QUERIES.acts_unseen(connection, complaint_id))]
        told = await _rows(QUERIES.history_of(connection, complaint_id))
        logged = lifecycle.decode(row["state"])
        complaint = acts.effective(logged, unseen, self._city.calendar)
        past = [(_event(event), bool(event["applied"])) for event in told]
        past += [(act, act.event_id.hex in complaint.applied_ids) for act in unseen]
        return Case(
            complaint=complaint,
            report=ComplaintSubmitted.model_validate_json(row["submitted"], extra="ignore"),
            decided=next(
                (event for event, _ in reversed(past) if isinstance(event, ComplaintAssigned | ComplaintTriageRequested)), None
            ),
            past=past,
        )

    async def _mark_seen(self, connection: Connection, reader: Reader) -> None:
        """Tell the log, once for each alert, that its official has seen the complaint."""
        if await QUERIES.mark_seen(connection, reader.notification_id):
            event = OfficialSeen.create(
                complaint_id=reader.complaint_id,
                cause=reader.notification_id,
                occurred_at=self._now(),
                notification_id=reader.notification_id,
                unit=reader.actor.unit,
                role=reader.actor.role,
                channel="email",
            )
            await outbox.add(connection, [event], telemetry.current())

    def _page(self, request: Request, case: Case, reader: Reader, *, status: int = 200, **more: Any) -> Response:
        lang = self._pages.language(request)
        values = self._view.values(case, reader, lang, self._now(), **more)
        return self._pages.page(request, "complaint.html", status=status, headers=PRIVATE, here=request.url.path, **values)

    def _problem(
        self, request: Request, kind: str, status: int, headers: dict[str, str] | None = None, *, again: Form | None = None
    ) -> Response:
        return self._pages.page(
            request,
            "problem.html",
            status=status,
            headers={**PRIVATE, **(headers or {})},
            city=self._city.name,
            kind=kind,
            here=request.url.path,
            again=again,
        )


def _read(data: FormData) -> Form | None:
    """Read the form; null where it is not one of ours."""
    values = {key: value for key, value in data.items() if isinstance(value, str)}
    try:
        act, nonce = Act(values.get("act", "")), UUID(values.get("nonce", ""))
    except ValueError:
        return None
    # Browsers send lines with CRLF; U+0000 can't be kept by PostgreSQL and says nothing to anybody.
    note = values.get("note", "").replace("\r\n", "\n").replace("\0", "").strip()
    return Form(act, note, nonce, values.get("as_of", ""))


def _event(row: Any) -> Event:
    return BY_TYPE[row["type"]].model_validate_json(row["body"], extra="ignore")


async def _rows(rows: Any) -> Sequence[Any]:
    """Collect what aiosql gives: an asynchronous generator or an awaitable list, by its kind of query."""
    if hasattr(rows, "__aiter__"):
        return [row async for row in rows]
    found: Sequence[Any] = await rows
    return found
