"""The officials' page in a real browser: on a phone, without JavaScript, by keyboard alone, for those who can't see well."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import uvicorn
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from tanggap.contracts.events import Actor, OfficialSeen
from tanggap.platform.database import Database
from tests.support.browser import DESKTOP, PHONE, open_browser, open_window
from tests.support.databases import Databases
from tests.support.mailbox import Mailbox
from tests.support.officials import GAMBIR, GAMBIR_DISTRICT, NOW, TOLD_ALL, Life, Office, jakarta

LURAH = Actor(role="lurah", unit=GAMBIR)
NOTE = "Lubang sudah ditambal pagi ini."


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A chromium."""
    async with open_browser() as made:
        yield made


@pytest.fixture
async def office(databases: Databases, mailbox: Mailbox) -> AsyncIterator[Office]:
    """The notifier's parts on a database of their own."""
    database = Database(await databases.dsn("notifier"), "notifier")
    await database.start()
    yield Office(database, jakarta(), mailbox)
    await database.stop()


@pytest.fixture
async def address(office: Office) -> AsyncIterator[str]:
    """Where the page is served."""
    line = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(office.page(), log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve([line]))
    yield f"http://127.0.0.1:{line.getsockname()[1]}"
    server.should_exit = True
    await serving
    line.close()


async def opened(office: Office, address: str, life: Life) -> str:
    await office.log(life)
    return address + await office.link(life)


async def wide(page: Page) -> int:
    """How much wider the page is than its window."""
    return await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


async def test_on_a_phone_without_javascript_a_report_is_taken_resolved_and_the_reader_told(
    browser: Browser, office: Office, address: str
):
    url = await opened(office, address, Life().submitted().assigned())
    async with open_window(browser, PHONE, java_script_enabled=False) as window:
        page = await window.new_page()
        await page.goto(url)
        await page.get_by_role("button", name="Terima laporan").click()
        assert await page.get_by_role("status").inner_text() != ""
        await page.get_by_text("Laporan sudah Anda terima").wait_for()
        # What comes next stands open.
        await page.get_by_label("Apa yang sudah dikerjakan?").fill("sudah")
        await page.get_by_role("button", name="Kirim: sudah selesai").click()
        await page.get_by_role("alert").get_by_text("Tulis sedikit lebih lengkap").click()
        field = page.get_by_label("Apa yang sudah dikerjakan?")
        assert await field.input_value() == "sudah"
        await field.fill(NOTE)
        await page.get_by_role("button", name="Kirim: sudah selesai").click()
        await page.get_by_text("Laporan sudah Anda selesaikan").wait_for()
        await page.reload()
        assert await page.get_by_role("button").count() == 0
    assert [event.type for event in await office.outbox()][-2:] == ["complaint.acknowledged", "complaint.resolved"]


async def test_the_first_screen_of_a_phone_says_what_until_when_and_where(browser: Browser, office: Office, address: str):
    url = await opened(office, address, Life().submitted().assigned())
    async with open_window(browser, PHONE) as window:
        page = await window.new_page()
        await page.goto(url)
        for words in ("JK2611240001", "Jalan rusak", "lagi", "Lubang besar di depan halte", "Jl. Medan Merdeka Barat"):
            box = await page.get_by_text(words).first.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= PHONE["height"], words


async def test_everything_is_reached_by_keyboard_alone(browser: Browser, office: Office, address: str):
    url = await opened(office, address, Life().submitted().assigned())
    async with open_window(browser, DESKTOP) as window:
        page = await window.new_page()
        await page.goto(url)
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.textContent") == "Lewati ke isi"
        for _ in range(20):
            await page.keyboard.press("Tab")
            if (await page.evaluate("document.activeElement.textContent")).strip() == "Tolak laporan":
                break
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await page.keyboard.type("Jalan ini milik pengembang perumahan.")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.get_by_text("Laporan sudah Anda tolak").wait_for()


@pytest.mark.parametrize("size", [PHONE, {"width": 320, "height": 640}, DESKTOP], ids=["phone", "small", "desktop"])
async def test_nothing_overflows_and_every_target_can_be_hit(
    browser: Browser, office: Office, address: str, size: dict[str, int]
):
    life = Life().submitted(
        description="Sampah " * 100 + "x" * 300, address="y" * 200, media=tuple(f"https://foto.example/{n}.jpg" for n in range(7))
    )
    url = await opened(office, address, life.assigned())
    async with open_window(browser, size) as window:
        page = await window.new_page()
        await page.goto(url)
        assert await wide(page) <= 0
        for target in await page.locator("button:visible, summary:visible, textarea:visible, a.button:visible").all():
            box = await target.bounding_box()
            assert box is not None
            assert box["height"] >= 44


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_axe_finds_nothing_serious(browser: Browser, office: Office, address: str, size: dict[str, int], scheme: str):
    new = Life().submitted().assigned(urgency="emergency")
    late = Life(received_at=NOW - timedelta(days=9)).submitted().assigned()
    ended = Life().submitted().assigned().acknowledged(LURAH).resolved(LURAH, NOTE).reopened()
    told = Life().submitted(category=None).assigned(decision=TOLD_ALL, also=(GAMBIR_DISTRICT,))
    urls = [await opened(office, address, life) for life in (new, late, ended, told)] + [f"{address}/c/x", f"{address}/"]
    urls.append(address + await office.link(told, GAMBIR_DISTRICT, "camat"))
    async with open_window(browser, size, color_scheme=scheme) as window:
        page = await window.new_page()
        for url in urls:
            await page.goto(url)
            assert await serious(page) == [], url
        await page.goto(urls[0])
        for summary in await page.locator("summary").all():
            await summary.click()
        await page.get_by_role("button", name="Kirim: tolak laporan").click()
        await page.get_by_text("Ada yang perlu diperbaiki").wait_for()
        assert await serious(page) == []


async def serious(page: Page) -> list[str]:
    found = (await Axe().run(page)).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found if each["impact"] in {"serious", "critical"}]


async def test_only_a_touch_or_a_scroll_is_told_as_seen_and_the_page_breaks_no_rule_of_its_own(
    browser: Browser, office: Office, address: str
):
    url = await opened(office, address, Life().submitted().assigned())
    async with open_window(browser, PHONE) as window:
        page = await window.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(url)
        # A script that pretends to scroll, as some scanners do, is no reader.
        await page.evaluate("dispatchEvent(new Event('scroll')); document.dispatchEvent(new Event('keydown', {bubbles: true}))")
        await page.reload(wait_until="networkidle")
        assert await office.outbox() == []
        async with page.expect_response(lambda response: response.url.endswith("/seen")) as answer:
            await page.touchscreen.tap(200, 300)
        assert (await answer.value).status == 204
        assert complaints == []
    assert [type(event) for event in await office.outbox()] == [OfficialSeen]


async def test_two_phones_at_once_and_the_second_reads_what_the_first_did(browser: Browser, office: Office, address: str):
    url = await opened(office, address, Life().submitted().assigned())
    async with open_window(browser, PHONE) as first, open_window(browser, PHONE) as second:
        one, two = await first.new_page(), await second.new_page()
        await one.goto(url)
        await two.goto(url)
        await two.get_by_text("Tolak laporan", exact=True).click()
        await two.get_by_label("Mengapa laporan ini ditolak?").fill("Bukan wilayah kami, mohon maaf.")
        await one.get_by_text("Selesaikan laporan", exact=True).click()
        await one.get_by_label("Apa yang sudah dikerjakan?").fill(NOTE)
        await one.get_by_role("button", name="Kirim: sudah selesai").click()
        await one.get_by_text("Laporan sudah Anda selesaikan").wait_for()
        await two.get_by_role("button", name="Kirim: tolak laporan").click()
        told = await two.get_by_role("alert").inner_text()
    assert "Lurah Gambir sudah menyelesaikan laporan ini" in told
    assert NOTE in told
    assert "Bukan wilayah kami, mohon maaf." in told


async def test_how_it_was_decided_folds_out_and_a_contradiction_stands_in_sight(browser: Browser, office: Office, address: str):
    url = await opened(office, address, Life().submitted(category=None).assigned(decision=TOLD_ALL, also=(GAMBIR_DISTRICT,)))
    async with open_window(browser, PHONE) as window:
        page = await window.new_page()
        await page.goto(url)
        assert await page.get_by_text("Alamat menyebut Kelurahan Cideng").is_visible()
        assert not await page.get_by_text("Keyakinan 93%").is_visible()
        await page.get_by_text("Bagaimana ini ditentukan").click()
        await page.get_by_text("Keyakinan 93%").wait_for()
        assert await wide(page) <= 0
        assert await serious(page) == []


async def test_one_who_is_informed_reads_on_the_first_screen_who_is_responsible_and_is_asked_nothing(
    browser: Browser, office: Office, address: str
):
    life = Life().submitted().assigned(also=(GAMBIR_DISTRICT,))
    await office.log(life)
    async with open_window(browser, PHONE) as window:
        page = await window.new_page()
        await page.goto(address + await office.link(life, GAMBIR_DISTRICT, "camat"))
        for words in (
            "Tembusan, untuk Anda ketahui",
            "Laporan ini tanggung jawab Kelurahan Gambir",
            "Lubang besar di depan halte",
        ):
            box = await page.get_by_text(words).first.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= PHONE["height"], words
        assert await page.get_by_role("button").count() == 0
        assert await page.locator("textarea").count() == 0


async def test_the_page_can_be_read_at_twice_its_size(browser: Browser, office: Office, address: str):
    url = await opened(office, address, Life().submitted().assigned())
    # Zoom of 200 % on 1280 px is a window of 640 px.
    async with open_window(browser, {"width": 640, "height": 400}) as window:
        page = await window.new_page()
        await page.goto(url)
        assert await wide(page) <= 0


async def test_the_mail_shows_without_overflow_on_a_phone(browser: Browser, office: Office):
    await office.log(Life().submitted(description="z" * 200, address="y" * 200).assigned(urgency="emergency"))
    async with office.at_work():
        (mail,) = await office.mailbox.wait_for(1)
    async with open_window(browser, PHONE) as window:
        page = await window.new_page()
        await page.set_content(mail.html)
        assert await wide(page) <= 0
        assert await page.get_by_role("link", name="Buka dan tanggapi").count() == 1
        assert await serious(page) == []
