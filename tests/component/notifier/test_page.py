"""The officials' page: what it shows, what an act does, and what the second official is told."""

import asyncio
import re
from collections.abc import Iterable
from datetime import timedelta
from html import unescape
from uuid import UUID

import pytest
from httpx import AsyncClient, Response

from services.notifier.page import OfficialsPage
from tanggap.contracts.events import Actor, ComplaintAcknowledged, ComplaintRejected, ComplaintResolved, OfficialSeen
from tanggap.contracts.lifecycle import Status
from tanggap.platform.database import Database
from tests.support.officials import (
    FIRE_SERVICE,
    GAMBIR,
    GAMBIR_DISTRICT,
    LURAH,
    TOLD_ALL,
    Life,
    Office,
    official,
    read,
    with_officials,
)

LURAH_GAMBIR = Actor(role="lurah", unit=GAMBIR)
CAMAT_GAMBIR = Actor(role="camat", unit=GAMBIR_DISTRICT)
NOTE = "Lubang sudah ditambal pagi ini."


def form(page: Response, act: str, note: str = "") -> dict[str, str]:
    """The page's own form for an act, filled in."""
    for markup in re.findall(r"<form.*?</form>", page.text, re.DOTALL):
        fields = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', markup)}
        if fields.get("act") == act:
            return {**fields, **({"note": note} if note else {})}
    raise AssertionError(f"the page offers no {act}")


def words(page: Response) -> str:
    """What a reader reads."""
    body = page.text[page.text.index("<main") :]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


async def act(browser: AsyncClient, path: str, what: str, note: str = "") -> Response:
    return await browser.post(path, data=form(await browser.get(path), what, note))


def kinds(events: Iterable[object]) -> list[type]:
    return [type(event) for event in events]


async def two_offices(office: Office) -> tuple[Office, Life, str, str]:
    """A complaint whose link two offices have: the lurah's and, since a mailbox refused, the camat's."""
    both = (official(GAMBIR, "lurah", LURAH), official(GAMBIR, "sekretaris_kelurahan", "sekkel@jakarta.example"))
    office = Office(office.database, with_officials(office.city, {GAMBIR.code: both}), office.mailbox)
    office.mailbox.refuse = lambda recipient: "550 no" if recipient == LURAH else None
    life = Life().submitted().assigned()
    await office.log(life)
    async with office.at_work():
        await office.mailbox.wait_for(1)
        await office.until("SELECT count(*) FROM notifications WHERE state = 'sent'", 1)
    await office.rows("DELETE FROM outbox")
    return office, life, await office.link(life), await office.link(life, GAMBIR, "sekretaris_kelurahan")


async def test_the_link_in_the_mail_opens_the_complaint(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    async with office.at_work():
        (mail,) = await office.mailbox.wait_for(1)
    office.now += timedelta(hours=4)
    async with office.browser() as browser:
        page = await browser.get(mail.link)
    assert page.status_code == 200
    said = words(page)
    for expected in (
        "JK2611240001",
        "Jalan rusak, Kelurahan Gambir",
        "Lubang besar di depan halte",
        "Jl. Medan Merdeka Barat",
        "2 jam lagi",
        "Sel, 24 Nov 2026 15.05 WIB",
        "Menunggu",
        "Titik laporan berada di Kelurahan Gambir.",
        "Anda bertindak sebagai Lurah Gambir",
        "Warga mengirim laporan",
        "Diteruskan ke Kelurahan Gambir",
    ):
        assert expected in said
    assert 'href="https://foto.example/lubang.jpg"' in page.text
    assert "openstreetmap.org/?mlat=-6.175400&amp;mlon=106.827200" in page.text


async def test_the_page_speaks_english_when_asked_by_address_or_by_browser(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    path = await office.link(life)
    async with office.browser() as browser:
        by_address = await browser.get(f"{path}?lang=en")
        by_browser = await browser.get(path, headers={"Accept-Language": "en-GB,en;q=0.9,id;q=0.1"})
        neither = await browser.get(path, headers={"Accept-Language": "fr"})
        assert "Take this report to hand" in words(by_address)
        assert "Damaged road / pothole" in words(by_address)
        assert "The point of the report lies in Kelurahan Gambir." in words(by_address)
        assert "Take this report to hand" in words(by_browser)
        assert "Terima laporan" in words(neither)
        after = await browser.post(f"{path}?lang=en", data=form(by_address, "acknowledge"))
        assert "lang=en" in after.headers["location"]
        assert "You have taken this report to hand" in words(await browser.get(after.headers["location"]))


async def test_taking_a_report_to_hand_goes_to_the_log_and_the_reader_is_told_what_the_reporter_sees(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    path = await office.link(life)
    async with office.browser() as browser:
        answer = await act(browser, path, "acknowledge")
        assert answer.status_code == 303
        page = await browser.get(answer.headers["location"])
    assert "Laporan sudah Anda terima" in words(page)
    assert "Pelapor sekarang melihat: Menunggu" in words(page)
    assert "Lurah Gambir menerima laporan" in words(page)
    assert "Terima laporan" not in words(page)
    event = (await office.outbox())[-1]
    assert isinstance(event, ComplaintAcknowledged)
    assert (event.actor, event.complaint_id) == (LURAH_GAMBIR, life.id)


async def test_a_link_of_one_who_is_informed_shows_the_complaint_and_takes_no_act(office: Office):
    life = Life().submitted().assigned(also=(GAMBIR_DISTRICT,))
    await office.log(life)
    path, acting = await office.link(life, GAMBIR_DISTRICT, "camat"), await office.link(life)
    async with office.browser() as browser:
        page = await browser.get(path)
        said = words(page)
        for expected in (
            "Tembusan, untuk Anda ketahui",
            "Laporan ini tanggung jawab Kelurahan Gambir. Kantor Anda tidak perlu menjawab warga.",
            "Lubang besar di depan halte",
            "Titik laporan berada di Kelurahan Gambir.",
            "Batas waktu untuk Kelurahan Gambir",
            "dapat membaca laporan ini",
        ):
            assert expected in said
        assert "<form" not in page.text
        assert "Tindakan Anda" not in said
        assert "tidak dapat sampai" not in said, "nobody failed to be reached"
        refused = await browser.post(path, data=form(await browser.get(acting), "resolve", NOTE))
        assert refused.status_code == 403
        assert "Tautan ini hanya untuk membaca" in words(refused)
        english = words(await browser.get(f"{path}?lang=en"))
        assert "This report is the responsibility of Kelurahan Gambir. Your office need not answer the citizen." in english
        assert (await browser.post(f"{path}/seen")).status_code == 204
    (seen,) = await office.outbox()
    assert isinstance(seen, OfficialSeen)
    assert (seen.unit, seen.role) == (GAMBIR_DISTRICT, "camat")
    assert await office.value("SELECT count(*) FROM acts") == 0


async def test_the_page_says_how_the_unit_was_found_what_else_was_possible_and_what_contradicts(office: Office):
    life = Life().submitted(category=None).assigned(category="pohon_tumbang", decision=TOLD_ALL, also=(FIRE_SERVICE,))
    await office.log(life)
    path = await office.link(life)
    async with office.browser() as browser:
        page = await browser.get(path)
        said, english = words(page), words(await browser.get(f"{path}?lang=en"))
    for expected in (
        "Perlu dicermati Alamat menyebut Kelurahan Cideng, titiknya di Kelurahan Gambir.",
        "Tempat Dari titik di peta Keyakinan 86%",
        "Kategori Dari kata-kata laporan Keyakinan 93%",
        "Kata yang dikenali pohon tumbang, menimpa",
        "Kategori lain yang mungkin Pohon perlu dipangkas Jalan rusak",
        "Unit lain yang mungkin Kelurahan Cideng",
        f"Juga diberi tahu {FIRE_SERVICE.name}",
    ):
        assert expected in said, expected
    assert "Look closely The address names Kelurahan Cideng, the point lies in Kelurahan Gambir." in english
    assert "Category From the report's words Confidence 93%" in english
    assert '<details class="more">' in page.text, "it does not stand in the way of who must act"


async def test_where_the_unit_must_yet_be_named_what_else_is_possible_stands_open(office: Office):
    decision = TOLD_ALL.model_copy(update={"category_method": "none", "category_confidence": 0.41})
    life = Life().submitted(category=None).triaged(GAMBIR_DISTRICT, problem="unsure_category", ward=GAMBIR, decision=decision)
    await office.log(life)
    async with office.browser() as browser:
        page = await browser.get(await office.link(life, GAMBIR_DISTRICT, "camat"))
    assert '<details class="more" open>' in page.text
    said = words(page)
    assert "Tanpa kategori, Kelurahan Gambir" in said
    assert "Anda bertindak sebagai Camat Gambir" in said
    assert "Diteruskan ke Kecamatan Gambir untuk ditentukan unitnya" in said
    assert "Kategori Kata-kata laporan belum cukup jelas Yang paling mungkin: keyakinan 41%" in said
    assert "Kategori yang mungkin Pohon perlu dipangkas Jalan rusak Unit yang mungkin Kelurahan Cideng" in said
    assert "Terima laporan" in said


async def test_a_decision_that_says_no_more_than_its_reason_shows_no_empty_lines(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    async with office.browser() as browser:
        said = words(await browser.get(await office.link(life)))
    assert "Dari titik di peta Keyakinan 100%" in said
    for missing in ("Perlu dicermati", "Kata yang dikenali", "yang mungkin", "Juga diberi tahu"):
        assert missing not in said


async def test_resolving_needs_a_note_that_says_something_and_nothing_typed_is_lost(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    path = await office.link(life)
    async with office.browser() as browser:
        page = await browser.get(path)
        for note, fault in (
            ("", "Tulis apa yang sudah dikerjakan"),
            ("   ", "Tulis apa yang sudah dikerjakan"),
            ("sudah <b>", "Tulis sedikit lebih lengkap"),
            ("a" * 2001, "Tulis lebih ringkas"),
        ):
            answer = await browser.post(path, data={**form(page, "resolve"), "note": note})
            assert answer.status_code == 422
            summary = answer.text[answer.text.index('class="summary"') :]
            assert '<a href="#note-resolve">' + fault in summary
            field = re.search(r'<textarea id="note-resolve".*?</textarea>', answer.text, re.DOTALL)
            assert field is not None
            assert 'aria-invalid="true"' in field[0]
            assert unescape(field[0].split(">\n", 1)[1].removesuffix("</textarea>")) == note.strip()
            assert re.search(r"<details open>\s*<summary>\s*Selesaikan laporan", answer.text)
        assert [event for event in await office.outbox() if not isinstance(event, OfficialSeen)] == []
        answer = await act(browser, path, "resolve", NOTE)
        page = await browser.get(answer.headers["location"])
    assert "Laporan sudah Anda selesaikan" in words(page)
    assert NOTE in words(page)
    event = (await office.outbox())[-1]
    assert isinstance(event, ComplaintResolved)
    assert event.note == NOTE


async def test_rejecting_needs_a_reason(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    path = await office.link(life)
    async with office.browser() as browser:
        answer = await act(browser, path, "reject")
        assert answer.status_code == 422
        assert '<a href="#note-reject">Tulis mengapa laporan ini ditolak' in answer.text
        answer = await act(browser, path, "reject", "Jalan ini milik pengembang, mohon hubungi pengelola.")
        assert "Laporan sudah Anda tolak" in words(await browser.get(answer.headers["location"]))
    assert isinstance((await office.outbox())[-1], ComplaintRejected)


async def test_a_form_that_is_sent_twice_makes_one_event(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    path = await office.link(life)
    async with office.browser() as browser:
        sent = form(await browser.get(path), "resolve", NOTE)
        answers = await asyncio.gather(*(browser.post(path, data=sent) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert kinds(await office.outbox()).count(ComplaintResolved) == 1


async def test_a_form_sent_again_after_the_log_has_shown_its_act_makes_no_second_event(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    path = await office.link(life)
    async with office.browser() as browser:
        sent = form(await browser.get(path), "acknowledge")
        await browser.post(path, data=sent)
        await office.desk.handle(read([event for event in await office.outbox() if isinstance(event, ComplaintAcknowledged)]))
        assert await office.value("SELECT count(*) FROM acts") == 0
        assert (await browser.post(path, data=sent)).status_code == 303
    assert kinds(await office.outbox()).count(ComplaintAcknowledged) == 1


async def test_two_officials_at_once_one_acts_and_the_other_is_told_who_did_what_and_when(office: Office):
    office, _, first, second = await two_offices(office)
    async with office.browser() as browser:
        theirs = form(await browser.get(first), "resolve", NOTE)
        mine = form(await browser.get(second), "reject", "Bukan wilayah kami, mohon maaf.")
        answers = await asyncio.gather(browser.post(first, data=theirs), browser.post(second, data=mine))
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    told = words(next(answer for answer in answers if answer.status_code == 409))
    done = [event for event in await office.outbox() if not isinstance(event, OfficialSeen)]
    assert len(done) == 1
    if isinstance(done[0], ComplaintResolved):
        assert "Lurah Gambir sudah menyelesaikan laporan ini" in told
        assert NOTE in told
        assert "Bukan wilayah kami, mohon maaf." in told, "what the second typed is not lost"
    else:
        assert "Sekretaris Kelurahan Gambir sudah menolak laporan ini" in told
    assert "Sel, 24 Nov 2026 09.05 WIB" in told


async def test_the_second_who_takes_to_hand_is_told_of_the_first_with_the_page_as_it_now_stands(office: Office):
    office, _, first, second = await two_offices(office)
    async with office.browser() as browser:
        mine = form(await browser.get(second), "acknowledge")
        await act(browser, first, "acknowledge")
        office.now += timedelta(minutes=7)
        answer = await browser.post(second, data=mine)
    assert answer.status_code == 409
    assert "Lurah Gambir sudah menerima laporan ini" in words(answer)
    assert "7 menit yang lalu" in words(answer)
    assert "Tindakan Anda tidak dicatat" in words(answer)
    assert "Lurah Gambir menerima laporan" in words(answer)


async def test_an_act_that_is_still_possible_but_was_decided_without_the_firsts_is_asked_for_again_with_its_text(office: Office):
    office, _, first, second = await two_offices(office)
    async with office.browser() as browser:
        mine = form(await browser.get(second), "reject", "Bukan wilayah kami, mohon maaf.")
        await act(browser, first, "acknowledge")
        answer = await browser.post(second, data=mine)
        assert answer.status_code == 409
        assert "Lurah Gambir sudah menerima laporan ini" in words(answer)
        assert "baca dahulu, lalu kirim lagi bila masih perlu" in words(answer)
        assert "Bukan wilayah kami, mohon maaf.</textarea>" in answer.text
        again = {**form(answer, "reject"), "note": "Bukan wilayah kami, mohon maaf."}
        assert (await browser.post(second, data=again)).status_code == 303
    assert kinds(await office.outbox())[-1] is ComplaintRejected


async def test_what_the_log_does_between_reading_and_sending_is_told_too(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    path = await office.link(life)
    async with office.browser() as browser:
        mine = form(await browser.get(path), "acknowledge")
        await office.log(life.assigned(GAMBIR_DISTRICT, cause="moved"))
        answer = await browser.post(path, data=mine)
        assert answer.status_code == 409
        assert "Laporan ini sudah dipindahkan ke Kecamatan Gambir" in words(answer)
        assert "Laporan ini sekarang dipegang Kecamatan Gambir" in words(await browser.get(path))


async def test_an_act_counts_at_once_though_the_log_has_not_shown_it_yet(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    path = await office.link(life)
    async with office.browser() as browser:
        await act(browser, path, "acknowledge")
        assert (await office.state(life)).status is Status.assigned
        await act(browser, path, "resolve", NOTE)
        page = await browser.get(path)
        assert "Laporan ini sudah selesai" in words(page)
        before = words(page)
        acts = [event for event in await office.outbox() if not isinstance(event, OfficialSeen)]
        await office.desk.handle(read(acts))
        assert (await office.state(life)).status is Status.resolved
        assert words(await browser.get(path)) == before, "the page says the same when the log has shown the acts"


async def test_a_page_read_while_the_log_shows_an_act_has_it_once_and_not_never(office: Office, monkeypatch: pytest.MonkeyPatch):
    life = Life().submitted().assigned()
    await office.log(life)
    path = await office.link(life)
    original = OfficialsPage._case

    async def meanwhile(self, *args):
        await office.desk.handle(read([event for event in await office.outbox() if isinstance(event, ComplaintAcknowledged)]))
        return await original(self, *args)

    async with office.browser() as browser:
        await act(browser, path, "acknowledge")
        monkeypatch.setattr(OfficialsPage, "_case", meanwhile)
        page = await browser.get(path)
    assert await office.value("SELECT count(*) FROM acts") == 0, "the log showed it while the page was being read"
    assert words(page).count("Lurah Gambir menerima laporan") == 1
    assert "Terima laporan" not in words(page)


async def test_opening_a_link_changes_nothing_however_often_scanners_do_it(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    path = await office.link(life)
    tables = ("complaints", "history", "acts", "notifications", "attempts", "outbox")
    before = [await office.rows(f"SELECT * FROM {table}") for table in tables]
    async with office.browser() as browser:
        for _ in range(3):
            assert (await browser.get(path)).status_code == 200
            head = await browser.head(path)
            assert (head.status_code, head.content) == (200, b"")
            assert (await browser.get(f"{path}?done={UUID(int=7).hex}")).status_code == 200
            assert (await browser.get(f"{path}/seen")).status_code == 405
            assert (await browser.head(f"{path}/seen")).status_code == 405
    assert [await office.rows(f"SELECT * FROM {table}") for table in tables] == before


async def test_a_human_sign_is_told_as_seen_once(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    path = await office.link(life)
    async with office.browser() as browser:
        answers = await asyncio.gather(*(browser.post(f"{path}/seen") for _ in range(4)))
        assert {answer.status_code for answer in answers} == {204}
        await act(browser, path, "acknowledge")
    seen = [event for event in await office.outbox() if isinstance(event, OfficialSeen)]
    assert len(seen) == 1
    assert (seen[0].role, seen[0].unit, seen[0].channel) == ("lurah", GAMBIR, "email")


async def test_a_form_that_is_sent_is_a_human_sign(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    async with office.browser() as browser:
        await act(browser, await office.link(life), "acknowledge")
    assert kinds(await office.outbox()) == [OfficialSeen, ComplaintAcknowledged]


async def test_a_link_that_was_tampered_with_opens_nothing_and_says_so_in_plain_words(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    path = await office.link(life)
    async with office.browser() as browser:
        sent = form(await browser.get(path), "acknowledge")
        for wrong in (f"{path}x", path.replace(".", "-", 1), "/c/x", f"{path[:-3]}AAA", "/c/%00%F0%9F%98%80"):
            for answer in (await browser.get(wrong), await browser.post(wrong, data=sent), await browser.post(f"{wrong}/seen")):
                assert answer.status_code == 404
                assert "Tautan ini tidak berlaku" in words(answer)
                assert answer.headers["content-type"].startswith("text/html")
    assert await office.outbox() == []


async def test_a_link_that_has_expired_says_so(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    path = await office.link(life)
    office.links.lifetime = timedelta(seconds=-1)
    async with office.browser() as browser:
        answer = await browser.get(path)
    assert answer.status_code == 410
    assert "Tautan ini sudah kedaluwarsa" in words(answer)


async def test_a_link_sent_to_an_address_that_left_the_roster_opens_nothing(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    path = await office.link(life)
    new = with_officials(office.city, {GAMBIR.code: (official(GAMBIR, "lurah", "lurah.baru@jakarta.example"),)})
    office = Office(office.database, new, office.mailbox)
    async with office.browser() as browser:
        answer = await browser.get(path)
        assert answer.status_code == 410
        assert "tidak lagi terdaftar" in words(answer)
        assert (await browser.post(f"{path}/seen")).status_code == 410
    assert await office.outbox() == []


async def test_a_form_that_is_not_ours_is_refused_in_plain_words(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    path = await office.link(life)
    async with office.browser() as browser:
        good = form(await browser.get(path), "acknowledge")
        for sent in ({}, {**good, "act": "explode"}, {**good, "nonce": "1"}, {"act": "acknowledge"}):
            answer = await browser.post(path, data=sent)
            assert answer.status_code == 400
            assert "Kiriman tidak dapat dibaca" in words(answer)
        broken = await browser.post(path, content=b"--x\r\nbroken", headers={"content-type": "multipart/form-data; boundary=x"})
        assert broken.status_code == 400
        files = await browser.post(path, data=good, files={"note": ("a.txt", b"x")})
        assert files.status_code == 400
    assert await office.outbox() == []


async def test_a_note_with_markup_control_characters_and_emoji_is_kept_as_text(office: Office):
    life = Life().submitted(description="<script>alert(1)</script> & 'kutip'").assigned()
    await office.log(life)
    path = await office.link(life)
    async with office.browser() as browser:
        page = await browser.get(path)
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
        answer = await act(browser, path, "resolve", "Baris satu\r\nbaris dua \0 <img src=x> 😀")
        page = await browser.get(answer.headers["location"])
    assert "<img src=x>" not in page.text
    assert (await office.outbox())[-1].note == "Baris satu\nbaris dua  <img src=x> 😀"


async def test_a_photo_that_is_no_web_address_is_not_linked(office: Office):
    life = Life().submitted(media=("javascript:alert(1)", "https://foto.example/1.jpg")).assigned()
    await office.log(life)
    async with office.browser() as browser:
        page = await browser.get(await office.link(life))
    assert "javascript:" not in page.text
    assert "https://foto.example/1.jpg" in page.text


async def test_the_page_is_closed_to_strangers_and_leaks_its_address_nowhere(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    async with office.browser() as browser:
        page = await browser.get(await office.link(life))
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'self'")
    assert "unsafe" not in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert "style=" not in page.text
    assert not re.search(r"<script(?![^>]*src=)", page.text)
    assert not re.search(r"\son\w+=", page.text)
    hosts = set(re.findall(r'(?:src|href)="(?:https?:)?//([^/"]+)', page.text))
    assert hosts == {"foto.example", "www.openstreetmap.org"}


async def test_the_first_page_weighs_less_than_fifty_kilobytes(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    async with office.browser() as browser:
        page = await browser.get(await office.link(life))
        weight = len(page.content)
        assets = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
        assert len(assets) == 4
        for asset in assets:
            answer = await browser.get(asset)
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]
            weight += int(answer.headers.get("content-length", 0))
    assert weight < 50_000


async def test_a_reopened_report_can_be_acted_on_again_from_the_same_link(office: Office):
    life = Life().submitted().assigned().resolved(LURAH_GAMBIR).reopened()
    await office.log(life)
    path = await office.link(life)
    async with office.browser() as browser:
        page = await browser.get(path)
        assert "Laporan dibuka kembali" in words(page)
        assert "Masih berlubang." in words(page)
        assert (await act(browser, path, "resolve", "Ditambal ulang dengan aspal panas.")).status_code == 303


async def test_an_overruled_act_stands_in_the_history_as_not_counting(office: Office):
    life = Life().submitted().assigned().merged().acknowledged(LURAH_GAMBIR)
    await office.log(life)
    async with office.browser() as browser:
        page = await browser.get(await office.link(life))
    assert "Tidak berlaku" in words(page)
    assert "digabungkan dengan laporan lain" in words(page)
    assert "<form" not in page.text


async def test_someone_else_s_act_in_the_address_is_not_told_as_the_readers_own(office: Office):
    office, _, first, second = await two_offices(office)
    async with office.browser() as browser:
        answer = await act(browser, first, "acknowledge")
        query = answer.headers["location"].partition("?")[2]
        assert "Laporan sudah Anda terima" not in words(await browser.get(f"{second}?{query}"))


async def test_a_database_that_is_away_is_told_in_plain_words_and_keeps_what_was_typed(office: Office):
    life = Life().submitted().assigned()
    await office.log(life)
    path = await office.link(life)
    async with office.browser() as browser:
        sent = form(await browser.get(path), "resolve", NOTE)
    gone = Database("postgresql://nobody@127.0.0.1:1/tanggap", "notifier")
    await gone.start()
    try:
        away = Office(gone, office.city, office.mailbox)
        async with away.browser() as browser:
            answer = await browser.post(path, data=sent)
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "2"
            assert "Sistem sedang terganggu" in words(answer)
            assert f"{NOTE}</textarea>" in answer.text
            kept = form(answer, "resolve", NOTE)
            assert (await browser.get(path)).status_code == 503
    finally:
        await gone.stop()
    async with office.browser() as browser:
        assert kept["nonce"] == sent["nonce"], "sent again it is the same act"
        assert (await browser.post(path, data=kept)).status_code == 303


async def test_a_fault_of_ours_is_told_in_plain_words_and_its_address_is_not_logged(office: Office, logged_faults, caplog):
    logged_faults.expect("a page failed")
    life = Life().submitted().assigned()
    await office.log(life)
    path = await office.link(life)
    await office.rows("UPDATE complaints SET state = '{'")
    async with office.browser() as browser:
        answer = await browser.get(path)
    assert answer.status_code == 500
    assert "Ada yang rusak di pihak kami" in words(answer)
    assert path.removeprefix("/c/") not in caplog.text


async def test_the_bare_address_says_where_the_pages_are(office: Office):
    async with office.browser() as browser:
        answer = await browser.get("/")
        assert answer.status_code == 200
        assert "Setiap laporan dibuka dari tautan" in words(answer)
        assert (await browser.get("/nowhere")).status_code == 404


async def test_an_official_of_the_unit_above_may_act_for_a_unit_that_cannot_be_reached(office: Office):
    office = Office(office.database, with_officials(office.city, {GAMBIR.code: ()}), office.mailbox)
    life = Life().submitted().assigned()
    await office.log(life)
    path = await office.link(life, GAMBIR_DISTRICT, "camat")
    async with office.browser() as browser:
        page = await browser.get(path)
        assert "Peringatan kami tidak dapat sampai ke Kelurahan Gambir" in words(page)
        assert (await act(browser, path, "acknowledge")).status_code == 303
    event = (await office.outbox())[-1]
    assert isinstance(event, ComplaintAcknowledged)
    assert event.actor == CAMAT_GAMBIR
