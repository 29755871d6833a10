"""The shared look: what a page may load, in which language it speaks, how long its files are kept."""

import gzip
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from fastapi import FastAPI, Request
from httpx import ASGITransport, AsyncClient
from jinja2 import TemplateNotFound, UndefinedError

from tanggap.platform import pages as look
from tanggap.platform.pages import Pages
from tanggap.platform.pages.render import negotiate

FOLDER = Path(look.__file__).parent
NOW = datetime(2026, 11, 24, 2, 5, tzinfo=UTC)
TEMPLATE = """{% extends "base.html" %}{% import "parts.html" as parts with context %}
{% block title %}Judul{% endblock %}
{% block main %}<h1>{{ _("Halo") }}</h1>{{ text }}
{{ parts.stage("proses") }}{{ parts.due(due, warn) }}
{% trans n=3 %}satu hal{% pluralize %}{{ n }} hal{% endtrans %}
{% endblock %}"""
ENGLISH = r"""
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n != 1);\n"

msgid "Halo"
msgstr "Hello"

msgid "satu hal"
msgid_plural "%(n)s hal"
msgstr[0] "one thing"
msgstr[1] "%(n)s things"
"""


@pytest.fixture
def made(tmp_path: Path) -> Pages:
    (tmp_path / "page.html").write_text(TEMPLATE)
    (tmp_path / "letter.txt").write_text("{{ text }}\n")
    (tmp_path / "en.po").write_text(ENGLISH)
    return Pages(tmp_path, tmp_path, now=lambda: NOW)


def values(**more):
    return {"text": "<b>", "due": NOW + timedelta(hours=2), "warn": None, **more}


@pytest.fixture
def browser(made: Pages) -> AsyncClient:
    app = FastAPI()
    made.mount(app)

    @app.get("/page")
    async def page(request: Request):
        return made.page(request, "page.html", **values())

    return AsyncClient(transport=ASGITransport(app), base_url="http://test.example")


def test_indonesian_is_the_texts_own_language_and_english_comes_from_the_catalogue(made: Pages):
    assert "<h1>Halo</h1>" in made.render("page.html", "id", **values())
    english = made.render("page.html", "en", **values())
    assert "<h1>Hello</h1>" in english
    assert "3 things" in english
    assert "in 2 hours" in english
    assert "In progress" in english


def test_what_people_wrote_is_escaped_in_a_page_and_left_alone_in_a_plain_text(made: Pages):
    assert "&lt;b&gt;" in made.render("page.html", "id", **values())
    assert made.render("letter.txt", "id", text="<b> & 'c'") == "<b> & 'c'\n"


def test_a_missing_value_or_template_is_an_error_and_never_an_empty_spot(made: Pages):
    with pytest.raises(UndefinedError):
        made.render("page.html", "id", due=NOW, warn=None)
    with pytest.raises(TemplateNotFound):
        made.render("nowhere.html", "id")
    with pytest.raises(KeyError):
        made.static("nowhere.css")


@pytest.mark.parametrize(
    ("due", "warn", "kind"),
    [(2, None, ""), (2, 1, ""), (2, -1, " due-soon"), (-1, -2, " due-late"), (-1, None, " due-late")],
)
def test_a_deadline_is_marked_when_it_warns_and_when_it_is_late(made: Pages, due, warn, kind):
    hour = timedelta(hours=1)
    page = made.render("page.html", "id", **values(due=NOW + due * hour, warn=None if warn is None else NOW + warn * hour))
    assert f'<span class="due{kind}">' in page


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "id"),
        ("en", "en"),
        ("en-US,en;q=0.9", "en"),
        ("id,en;q=0.9", "id"),
        ("fr,de", "id"),
        ("fr,en;q=0.1", "en"),
        ("en;q=0.5,id;q=0.6", "id"),
        ("in-ID,en;q=0.5", "id"),
        ("en;q=nonsense", "id"),
        ("en;q=0", "id"),
        (",;,=;q", "id"),
        ("EN-us", "en"),
        ("EN;Q=0.1, ID;Q=0.9", "id"),
        ("id;Q=0, en;Q=0.1", "en"),
    ],
)
def test_the_browsers_language_is_heeded(header, language):
    assert negotiate(header) == language


async def test_the_address_decides_the_language_before_the_browser_does(browser: AsyncClient):
    assert "Hello" in (await browser.get("/page?lang=en")).text
    assert "Halo" in (await browser.get("/page?lang=id", headers={"Accept-Language": "en"})).text
    assert "Halo" in (await browser.get("/page?lang=xx")).text
    answer = await browser.get("/page", headers={"Accept-Language": "en"})
    assert answer.headers["content-language"] == "en"


async def test_the_link_to_the_other_language_keeps_the_other_parameters(browser: AsyncClient):
    page = (await browser.get("/page?group_by=unit&x=%26%22&lang=en")).text
    assert 'href="/page?group_by=unit&amp;x=%26%22&amp;lang=id"' in page


async def test_a_page_may_load_nothing_from_elsewhere_and_run_nothing_inline(browser: AsyncClient):
    answer = await browser.get("/page")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert {"frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} <= set(policy.split("; "))
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"style=|<style|<script(?![^>]*src)", answer.text)


async def test_a_static_file_is_kept_for_ever_under_its_hash_and_asked_for_again_without_it(browser: AsyncClient, made: Pages):
    hashed = await browser.get(made.static("style.css"))
    plain = await browser.get("/static/style.css")
    outdated = await browser.get("/static/style.0123456789ab.css")
    assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["cache-control"] == outdated.headers["cache-control"] == "no-cache"
    assert hashed.text == plain.text == outdated.text
    assert hashed.headers["content-type"] == "text/css; charset=utf-8"
    assert hashed.headers["content-encoding"] == "gzip"
    again = await browser.get("/static/style.css", headers={"If-None-Match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    raw = await browser.get("/static/style.css", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in raw.headers


@pytest.mark.parametrize("name", ["nothing.css", "..%2f..%2frender.py", ".", "style"])
async def test_only_what_is_there_is_served(browser: AsyncClient, name):
    assert (await browser.get(f"/static/{name}")).status_code == 404


async def test_the_typeface_is_fetched_once_by_one_name(browser: AsyncClient, made: Pages):
    style = (await browser.get(made.static("style.css"))).text
    assert f'url("{made.static("plus-jakarta-sans.woff2")}")' in style
    assert f'href="{made.static("plus-jakarta-sans.woff2")}"' in (await browser.get("/page")).text
    font = await browser.get(made.static("plus-jakarta-sans.woff2"))
    assert font.headers["content-type"] == "font/woff2"


def test_a_services_own_file_is_served_beside_the_shared_ones(tmp_path: Path):
    (tmp_path / "board.js").write_text("export {}\n")
    assert re.fullmatch(r"/static/board\.[0-9a-f]{12}\.js", Pages(tmp_path, static=tmp_path).static("board.js"))


def test_stylesheet_typeface_and_frame_together_are_small():
    style = len(gzip.compress((FOLDER / "static" / "style.css").read_bytes()))
    font = (FOLDER / "static" / "plus-jakarta-sans.woff2").stat().st_size
    assert style + font < 32_000


def test_the_typeface_comes_with_its_licence():
    assert "SIL OPEN FONT LICENSE Version 1.1" in (FOLDER / "static" / "plus-jakarta-sans.OFL.txt").read_text()


def test_every_word_of_the_shared_look_has_its_english():
    used = {message for _, _, message, _, _ in extract_from_dir(FOLDER / "templates", [("**.html", "jinja2")])}
    in_code = set(re.findall(r'gettext\("([^"]+)"\)', (FOLDER / "wording.py").read_text()))
    with (FOLDER / "texts" / "en.po").open("rb") as source:
        english = {message.id for message in read_po(source) if message.id and message.string}
    assert english == used | in_code


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_pair_of_colours_that_meets_can_be_read(scheme):
    style = (FOLDER / "static" / "style.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[scheme]))
    for text, ground in (
        ("ink", "ground"),
        ("ink", "surface"),
        ("quiet", "ground"),
        ("quiet", "surface"),
        ("accent", "ground"),
        ("accent", "surface"),
        ("on-accent", "accent"),
        ("on-accent", "accent-strong"),
        ("accent-strong", "accent-soft"),
        ("ink", "accent-soft"),
        ("ink", "amber-soft"),
        ("amber", "amber-soft"),
        ("amber", "ground"),
        ("ink", "red-soft"),
        ("red", "red-soft"),
        ("red-strong", "red-soft"),
        ("red", "ground"),
        ("slate", "slate-soft"),
        ("ink", "slate-soft"),
    ):
        assert _contrast(colours[text], colours[ground]) >= 4.5, f"{text} on {ground}"
