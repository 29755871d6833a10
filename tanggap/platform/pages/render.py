"""Pages from templates: Jinja2 with autoescape, gettext through Babel, and the headers that keep a page closed to strangers."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from fastapi import FastAPI
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from tanggap.platform.pages import wording
from tanggap.platform.pages.static_files import StaticFiles

Language = Literal["id", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
DEFAULT_LANGUAGE: Language = "id"

HERE = Path(__file__).parent
JAKARTA = ZoneInfo("Asia/Jakarta")

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    # A page's address may carry a signed token: no other site may learn it from us, and no cache may keep the page.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Pages:
    """The pages of one service.

    `templates`: the service's own Jinja2 templates; `base.html` and `parts.html` come from the shared look. `catalogues`: a
    folder with `<language>.po`, msgids in Indonesian; null where the service has no words to translate. `static`: a folder of
    the service's own static files, beside the shared ones. `tz`: the city's zone, Jakarta's if not given. Templates ending in
    `.txt` are not escaped; all others are. A missing template, value or static file raises when the page is rendered, never an
    empty spot.
    """

    def __init__(
        self,
        templates: Path,
        catalogues: Path | None = None,
        *,
        static: Path | None = None,
        tz: tzinfo = JAKARTA,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._now = now
        self._tz = tz
        self._static = StaticFiles(HERE / "static", *(() if static is None else (static,)))
        loader = ChoiceLoader([FileSystemLoader(templates), FileSystemLoader(HERE / "templates")])
        self._environments = {lang: self._environment(loader, lang, catalogues) for lang in LANGUAGES}

    def render(self, name: str, lang: Language, **values: object) -> str:
        """Render the template `name` in `lang`. `switch` and `chosen` are what `page` gives; needless outside a request."""
        return self._environments[lang].get_template(name).render(**{"lang": lang, "switch": {}, "chosen": "", **values})

    def page(
        self, request: Request, name: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: object
    ) -> HTMLResponse:
        """Render the template `name` as an answer to `request`, in its language and with the security headers.

        The template also gets `switch` (this page's address in each language, its other parameters kept) and `chosen` (`?lang=..`
        where the reader chose a language, else nothing), so that links and forms can keep the choice without a cookie.
        """
        lang = self.language(request)
        chosen = f"?{urlencode({'lang': lang})}" if request.query_params.get("lang") in LANGUAGES else ""
        others = [(key, value) for key, value in request.query_params.multi_items() if key != "lang"]
        switch = {other: f"{request.url.path}?{urlencode([*others, ('lang', other)])}" for other in LANGUAGES}
        body = self.render(name, lang, switch=switch, chosen=chosen, **values)
        return HTMLResponse(body, status, {**HEADERS, "Content-Language": lang, "Vary": "Accept-Language", **(headers or {})})

    def language(self, request: Request) -> Language:
        """Find the reader's language: `?lang=` if it names one that we have, else the best of Accept-Language."""
        asked = request.query_params.get("lang")
        for lang in LANGUAGES:
            if asked == lang:
                return lang
        return negotiate(request.headers.get("accept-language", ""))

    def mount(self, app: FastAPI) -> None:
        """Serve the static files under `/static/` of `app`."""
        app.router.routes.append(Route("/static/{name}", self._static.serve, methods=["GET", "HEAD"]))

    def static(self, name: str) -> str:
        """Give the path of a static file, with its content's hash."""
        return self._static.url(name)

    def _environment(self, loader: ChoiceLoader, lang: Language, catalogues: Path | None) -> Environment:
        environment = Environment(
            loader=loader,
            autoescape=select_autoescape(disabled_extensions=("txt",), default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            extensions=["jinja2.ext.i18n"],
        )
        translations = _translations(lang, HERE / "texts", *(() if catalogues is None else (catalogues,)))
        environment.install_gettext_callables(  # type: ignore[attr-defined]  # the i18n extension adds it
            translations.ugettext, translations.ungettext, newstyle=True
        )
        locale, tz, now, gettext = Locale(lang), self._tz, self._now, translations.ugettext

        def when(at: datetime) -> str:
            return wording.when(at, locale, tz)

        def day(at: datetime) -> str:
            return wording.day(at, locale, tz)

        def clock_time(at: datetime) -> str:
            return wording.clock_time(at, locale, tz)

        def until(at: datetime) -> str:
            return wording.until(at, now(), locale, gettext)

        def ago(at: datetime) -> str:
            return wording.ago(at, now(), locale, gettext)

        def duration(span: timedelta | float) -> str:
            return wording.duration(span, locale)

        def number(value: float, digits: int = 1) -> str:
            return wording.number(value, locale, digits)

        def percent(share: float, digits: int = 0) -> str:
            return wording.percent(share, locale, digits)

        def iso(at: datetime) -> str:
            return at.astimezone(UTC).isoformat(timespec="seconds")

        filters: dict[str, Callable[..., Any]] = {
            "when": when,
            "day": day,
            "clock_time": clock_time,
            "until": until,
            "ago": ago,
            "duration": duration,
            "number": number,
            "percent": percent,
            "iso": iso,
        }
        environment.filters.update(filters)
        environment.tests["past"] = lambda at: at <= now()
        environment.globals.update(static=self.static, languages=LANGUAGES)
        return environment


def negotiate(accept_language: str) -> Language:
    """Choose among our languages by an Accept-Language header (RFC 9110 §12.5.4); Indonesian where it names none of them.

    `in` is what some old phones still send for Indonesian (ISO 639 before 1989).
    """
    best: Language = DEFAULT_LANGUAGE
    best_weight = 0.0
    for part in accept_language.split(","):
        tag, _, parameter = part.strip().partition(";")
        primary = tag.strip().lower().partition("-")[0]
        primary = "id" if primary == "in" else primary
        weight = _weight(parameter)
        for lang in LANGUAGES:
            if primary == lang and weight > best_weight:
                best, best_weight = lang, weight
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def _translations(lang: Language, *folders: Path) -> Translations:
    merged = Translations()
    for folder in folders:
        path = folder / f"{lang}.po"
        if not path.exists():
            continue  # the msgid is the Indonesian text, so Indonesian needs no catalogue
        with path.open("rb") as source:
            catalogue = read_po(source, locale=lang)
        compiled = io.BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        merged.merge(Translations(compiled))
    return merged
