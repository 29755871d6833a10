"""The board in a real browser: at a phone's and a desk's width, light and dark, empty and full."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from axe_playwright_python.async_playwright import Axe

from services.metrics.app import make_app
from services.metrics.consumer import Folder
from services.metrics.fold import kota_finder
from tests.support.browser import DESKTOP, PHONE, open_window
from tests.support.metrics import Log
from tests.support.plumbing import eventually


@asynccontextmanager
async def serving(app) -> AsyncIterator[str]:
    """Serve `app` on a port of its own."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            await eventually(lambda: server.started)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@pytest.fixture
async def url(database, city):
    async with serving(make_app(database, city)) as address:
        yield address


@pytest.fixture
def fill(database, city, life):
    """A full city: every ward has complaints, one in four is late, and names are as long as they come."""

    async def filled():
        folder, log = Folder(database, city.calendar, kota_finder(city)), Log()
        slugs = list(city.categories)
        for number, ward in enumerate(city.wards()):
            complaint = life(30 + number % 5, number=f"JK261123{number:04}").submitted()
            agency = city.categories[slugs[number % len(slugs)]].agency
            unit = city.branch(agency, ward.code) if agency and number % 2 else ward.unit
            complaint.assigned(unit, category=slugs[number % len(slugs)], ward=ward.unit, coordinate=6, resolve=400)
            if number % 4:
                complaint.coordinated(1 + number % 3, unit)
            if number % 8 == 3:
                complaint.resolved(20)
            await folder.handle(log.batch(complaint.events))
        async with database.connection() as connection:
            await connection.execute("UPDATE partitions SET watermark = now()")

    return filled


async def opened(window, address):
    page = await window.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    await page.goto(address)
    await page.wait_for_load_state("networkidle")
    return page, said


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("content", ["empty", "full"])
async def test_the_board_fits_and_nobody_is_shut_out(browser, url, fill, size, scheme, content):
    if content == "full":
        await fill()
    async with open_window(browser, size, color_scheme=scheme) as window:
        page, said = await opened(window, f"{url}/?all=1")
        assert said == [], "neither the policy nor the script had to complain"
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing hangs over the edge"
        found = (await Axe().run(page)).response["violations"]
        assert [(one["id"], one["impact"]) for one in found if one["impact"] in ("serious", "critical")] == []
        small = await page.evaluate(
            """[...document.querySelectorAll('main a, main button, main input:not([type=hidden]), main summary')]
                .map((it) => [it.textContent.trim(), it.getBoundingClientRect().height])
                .filter(([words, height]) => height < 24)"""
        )
        assert small == [], "a thumb must hit it (WCAG 2.5.8)"


async def test_the_first_screen_of_a_phone_answers_whether_we_answer_and_who_is_late(phone, url, fill):
    await fill()
    page, _ = await opened(phone, url)
    for words in ("Tingkat respons", "Terlambat saat ini"):
        box = await page.locator("dl.figures dt", has_text=words).bounding_box()
        assert box["y"] + box["height"] < PHONE["height"]
    assert "laporan terlambat saat ini" in await page.locator(".lead").inner_text()


async def test_it_works_without_javascript_by_plain_links_and_a_form(browser, url, fill):
    await fill()
    async with open_window(browser, DESKTOP, java_script_enabled=False) as window:
        page, _ = await opened(window, url)
        await page.get_by_role("link", name="Tingkat respons").click()
        assert "sort=rate" in page.url
        await page.get_by_label("Cari unit").fill("gambir")
        await page.get_by_role("button", name="Cari").click()
        assert await page.locator("table.ranking tbody tr").count() == 1
        assert "sort=rate" in page.url, "finding keeps the order that was chosen"
        await page.get_by_role("link", name="English").click()
        assert await page.locator("html").get_attribute("lang") == "en"


async def test_the_keyboard_reaches_the_choices_in_reading_order(desktop, url, fill):
    await fill()
    page, _ = await opened(desktop, url)
    reached = []
    for _ in range(8):
        await page.keyboard.press("Tab")
        reached.append(await page.evaluate("document.activeElement.textContent.trim()"))
    assert reached == ["Lewati ke isi", "English", "Hari ini", "7 hari", "30 hari", "Semua", "Muat ulang", "Unduh CSV"]


async def test_the_board_refreshes_itself_and_keeps_what_the_reader_opened(desktop, url, fill):
    page = await desktop.new_page()
    await page.clock.install()
    await page.goto(url)
    assert "Belum ada laporan" in await page.locator("h1").inner_text()
    await page.locator("summary").click()
    await fill()
    await page.clock.fast_forward(31_000)
    await page.locator("h1", has_text="sudah dijawab").wait_for()
    assert await page.locator("details").get_attribute("open") is not None


async def test_a_board_that_can_not_refresh_says_that_its_figures_are_old(desktop, url, fill):
    page = await desktop.new_page()
    await page.clock.install()
    await page.goto(url)
    await page.route("**/*", lambda route: route.abort())
    await page.clock.fast_forward(31_000)
    await page.locator("#stale", has_text="yang terakhir diketahui").wait_for()
