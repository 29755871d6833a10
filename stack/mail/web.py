"""The sink's pages and its JSON."""

import pathlib
from datetime import datetime
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel

from stack.mail.sink import Fault, MailSink
from tanggap.platform.pages import Pages

HERE = pathlib.Path(__file__).parent
_PAGE_SIZE = 50
_LARGEST = 2**62  # SQLite's integers end at 2**63

Number = Annotated[int, Path(ge=0, le=_LARGEST)]

# A mail is a stranger's page: no script, no form, no request to anywhere; its links open in a window of their own.
_SANDBOX = {
    "Content-Security-Policy": (
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
        "img-src data:; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class FaultChoice(BaseModel):
    """How the sink should fail from now on."""

    fault: Fault


def build(sink: MailSink) -> FastAPI:
    """Make the pages over a sink's mails."""
    app = FastAPI(title="Mail sink", docs_url=None, redoc_url=None, openapi_url=None)
    pages = Pages(HERE / "templates", HERE / "texts", static=HERE / "static")
    pages.mount(app)
    _add_control(app, sink)
    _add_data(app, sink)
    _add_pages(app, sink, pages)
    return app


def _add_control(app: FastAPI, sink: MailSink) -> None:
    @app.put("/fault")
    async def set_fault(choice: FaultChoice) -> dict[str, str]:
        sink.fault = choice.fault
        return {"fault": sink.fault}

    @app.get("/readyz")
    @app.get("/livez")
    async def ready() -> dict[str, Any]:
        return {"status": "ready", "checks": {"smtp": {"ok": True, "detail": sink.url}}}


def _add_data(app: FastAPI, sink: MailSink) -> None:
    @app.get("/messages.json")
    async def list_all(
        to: str = "",
        q: str = "",
        since: datetime | None = None,
        after: Annotated[int, Query(ge=0, le=_LARGEST)] = 0,
        limit: Annotated[int, Query(ge=1, le=100_000)] = 5000,
    ) -> JSONResponse:
        return JSONResponse([mail.as_json() for mail in sink.store.find(to=to, words=q, since=since, after=after, limit=limit)])

    @app.get("/messages/{number}.json")
    async def show_json(number: Number) -> JSONResponse:
        mail = sink.store.get(number)
        return JSONResponse(mail.as_json() if mail else {"detail": "no such mail"}, 200 if mail else 404)

    @app.get("/messages/{number}/html")
    async def show_html(number: Number) -> HTMLResponse:
        mail = sink.store.get(number)
        if mail is None:
            return HTMLResponse("", 404, _SANDBOX)
        return HTMLResponse(f'<base target="_blank">{mail.html}', headers=_SANDBOX)

    @app.get("/messages/{number}/raw")
    async def show_raw(number: Number) -> Response:
        raw = sink.store.raw(number)
        headers = {"X-Content-Type-Options": "nosniff"}
        return Response(raw or b"", 200 if raw else 404, headers, media_type="text/plain; charset=utf-8")


def _add_pages(app: FastAPI, sink: MailSink, pages: Pages) -> None:
    @app.get("/")
    async def show_all(
        request: Request,
        q: Annotated[str, Query(max_length=200)] = "",
        before: Annotated[int | None, Query(ge=1, le=_LARGEST)] = None,
    ) -> Response:
        count, mails = sink.store.newest(words=q.strip(), before=before, limit=_PAGE_SIZE)
        shown = [(mail, datetime.fromisoformat(mail.received_at)) for mail in mails]
        older = mails[-1].id if len(mails) == _PAGE_SIZE else None
        return pages.page(request, "mails.html", mails=shown, count=count, words=q.strip(), older=older, first=before is None)

    @app.get("/messages/{number}")
    async def show_one(request: Request, number: Number) -> Response:
        mail = sink.store.get(number)
        if mail is None:
            return pages.page(request, "absent.html", status=404)
        return pages.page(request, "mail.html", mail=mail, received_at=datetime.fromisoformat(mail.received_at))
