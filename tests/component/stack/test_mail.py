import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx
import pytest
import uvicorn
from playwright.async_api import Browser, BrowserContext

from services.notifier import alerts
from services.notifier.links import Links
from services.notifier.mail import Composer
from stack.mail.sink import Fault, MailSink
from stack.mail.web import build
from stack.ports import free_port
from stack.programs import Program
from tanggap.contracts import lifecycle
from tests.support.browser import DESKTOP, PHONE, open_window
from tests.support.officials import FOLDER, LINK_LIFETIME, SECRET, SENDER, TOLD_ALL, Life, jakarta

ROOT = Path(__file__).parents[3]
LINK = "http://127.0.0.1:8003/c/abc.def-1_2?lang=id&x=1"


def mail(to: str = "lurah.gambir@jakarta.example", number: int = 1) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Tanggap Jakarta <tanggap@jakarta.example>"
    message["To"] = to
    message["Subject"] = f"Laporan baru: “lubang” di jalan, nomor {number}"
    message["Message-ID"] = f"<{number}@jakarta.example>"
    message.set_content(f"Yth. Lurah,\n\nBuka {LINK}.\n")
    message.add_alternative(
        f"<p>Yth. Lurah, <a href='{LINK.replace('&', '&amp;')}'>Buka</a></p><script>document.title = 'ran'</script>",
        subtype="html",
    )
    return message


@pytest.fixture
async def sink(tmp_path: Path) -> AsyncIterator[MailSink]:
    async with MailSink(tmp_path / "mail") as opened:
        yield opened


async def send(sink: MailSink, message: EmailMessage, timeout: float = 10) -> None:  # noqa: ASYNC109 - SMTP's own
    await aiosmtplib.send(message, hostname="127.0.0.1", port=sink.port, timeout=timeout)


async def test_a_mail_comes_back_with_all_that_was_in_it(sink: MailSink) -> None:
    await send(sink, mail())
    (kept,) = sink.messages()
    assert kept.sender == "tanggap@jakarta.example"
    assert kept.to == ("lurah.gambir@jakarta.example",)
    assert kept.subject == "Laporan baru: “lubang” di jalan, nomor 1"
    assert kept.message_id == "<1@jakarta.example>"
    assert kept.links == (LINK,)
    assert kept.text.startswith("Yth. Lurah")


async def test_on_a_full_disk_a_mail_is_put_off_and_not_refused_for_good(sink: MailSink) -> None:
    database = sink.store._database
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")
    large = mail()
    large.add_attachment(bytes(64 * 1024), maintype="application", subtype="octet-stream")
    with pytest.raises(
        aiosmtplib.SMTPDataError, match=r"4\.3\.1 Can't be kept at the moment: database or disk is full"
    ) as put_off:
        await send(sink, large)
    assert put_off.value.code == 452
    assert sink.messages() == []
    database.execute("PRAGMA max_page_count = 1000000")
    await send(sink, large)
    assert len(sink.messages()) == 1


async def test_mails_are_found_by_recipient_words_moment_and_number(sink: MailSink) -> None:
    for number in range(1, 4):
        await send(sink, mail(f"lurah{number % 2}@jakarta.example", number))
    transport = httpx.ASGITransport(build(sink))
    async with httpx.AsyncClient(transport=transport, base_url="http://mail") as client:

        async def found(**asked: object) -> list[int]:
            return [one["id"] for one in (await client.get("/messages.json", params=asked)).json()]

        assert await found() == [1, 2, 3]
        assert await found(to="LURAH1@jakarta.example") == [1, 3]
        assert await found(q="nomor 2") == [2]
        assert await found(after=2) == [3]
        assert await found(limit=1) == [1]
        second = (await client.get("/messages/2.json")).json()
        assert await found(since=second["received_at"]) == [2, 3]
        assert second["from"] == "tanggap@jakarta.example"


@pytest.mark.parametrize(("fault", "code"), [(Fault.DEFER, 451), (Fault.REFUSE, 550)])
async def test_a_sink_in_trouble_says_so_and_keeps_nothing(sink: MailSink, fault: Fault, code: int) -> None:
    sink.fault = fault
    with pytest.raises(aiosmtplib.SMTPResponseException) as refusal:
        await send(sink, mail())
    assert refusal.value.code == code
    assert sink.messages() == []
    sink.fault = Fault.NONE
    await send(sink, mail())
    assert len(sink.messages()) == 1


async def test_a_hanging_sink_keeps_the_sender_waiting(sink: MailSink) -> None:
    sink.fault = Fault.HANG
    with pytest.raises((aiosmtplib.SMTPException, TimeoutError)):
        await send(sink, mail(), timeout=0.5)
    assert sink.messages() == []


async def test_a_mail_may_be_taken_though_its_sender_never_learns(sink: MailSink) -> None:
    sink.fault = Fault.LOSE_ANSWER
    with pytest.raises(aiosmtplib.SMTPException):
        await send(sink, mail())
    assert len(sink.messages()) == 1


async def test_a_mail_that_nobody_can_decode_is_kept_and_shown_all_the_same(sink: MailSink) -> None:
    broken = (
        b"From: a@b.example\r\nSubject: =?x-nothing?B?AAAA?=\r\nContent-Type: text/plain; charset=x-nothing\r\n\r\n\xff\xfe bau"
    )
    await aiosmtplib.send(broken, sender="a@b.example", recipients=["c@d.example"], hostname="127.0.0.1", port=sink.port)
    (kept,) = sink.messages()
    assert "bau" in kept.text
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build(sink)), base_url="http://mail") as client:
        assert (await client.get("/messages/1")).status_code == 200
        assert (await client.get("/messages/1/raw")).content.startswith(b"From: a@b.example")


async def test_every_acknowledged_mail_outlives_a_kill(tmp_path: Path) -> None:
    ports = {"SMTP_PORT": str(free_port()), "HTTP_PORT": str(free_port()), "MAIL_FOLDER": str(tmp_path / "mail")}
    program = Program("mail", [sys.executable, "-m", "stack.mail"], tmp_path / "mail.log", environment=ports, folder=ROOT)
    url = f"http://127.0.0.1:{ports['HTTP_PORT']}"
    acknowledged: list[str] = []

    async def post(first: int) -> None:
        message = mail(number=first)
        while True:
            await aiosmtplib.send(message, hostname="127.0.0.1", port=int(ports["SMTP_PORT"]), timeout=5)
            acknowledged.append(message["Message-ID"])
            message = mail(number=first + len(acknowledged) * 10)

    program.launch()
    await answer(f"{url}/readyz")
    senders = [asyncio.create_task(post(number)) for number in range(4)]
    async with asyncio.timeout(30):
        while len(acknowledged) < 100:
            await asyncio.sleep(0.01)
    program.kill()
    assert program.exit_code == -signal.SIGKILL
    await asyncio.gather(*senders, return_exceptions=True)
    program.launch()
    kept = json.loads(await answer(f"{url}/messages.json"))
    assert await program.stop(10)
    missing = set(acknowledged) - {one["message_id"] for one in kept}
    assert not missing


async def answer(url: str) -> str:
    async with asyncio.timeout(20), httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                return (await client.get(url)).raise_for_status().text
            except httpx.TransportError:
                await asyncio.sleep(0.05)


@pytest.fixture
async def shown(tmp_path: Path) -> AsyncIterator[str]:
    """The address of a sink's pages with three mails in it."""
    ports = {"SMTP_PORT": str(free_port()), "HTTP_PORT": str(free_port()), "MAIL_FOLDER": str(tmp_path / "mail")}
    program = Program("mail", [sys.executable, "-m", "stack.mail"], tmp_path / "mail.log", environment=ports, folder=ROOT)
    program.launch()
    url = f"http://127.0.0.1:{ports['HTTP_PORT']}"
    await answer(f"{url}/readyz")
    for number in range(3):
        await aiosmtplib.send(mail(number=number), hostname="127.0.0.1", port=int(ports["SMTP_PORT"]))
    yield url
    await program.stop(10)


async def test_a_mail_is_found_and_read_on_a_phone_and_its_script_never_runs(shown: str, phone: BrowserContext) -> None:
    page = await phone.new_page()
    await page.goto(shown)
    assert await page.locator("tbody tr").count() == 3
    await page.get_by_role("searchbox").fill("nomor 2")
    await page.get_by_role("button", name="Cari").click()
    assert await page.locator("tbody tr").count() == 1
    await page.get_by_role("link", name="Laporan baru").click()
    assert await page.get_by_role("link", name=LINK).get_attribute("href") == LINK
    body = page.frame_locator("iframe")
    await body.get_by_text("Yth. Lurah").wait_for()
    assert (await page.title()).startswith("Laporan baru")
    assert await body.locator("html").evaluate("() => document.title") == ""
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_an_alert_is_seen_whole_on_the_page_and_may_be_opened_by_itself(sink: MailSink, browser: Browser, size) -> None:
    life = Life().submitted(description="Lubang besar di depan halte, motor sering jatuh. " * 6).assigned(decision=TOLD_ALL)
    alert = alerts.first(life.events[-1], jakarta()).alert
    composer = Composer(FOLDER / "texts" / "mail", jakarta(), Links(SECRET, LINK_LIFETIME, "http://n.example"), SENDER)
    complaint = lifecycle.fold(life.events, jakarta().calendar)
    made = composer.compose(alert, complaint, *(event.model_dump_json() for event in life.events))
    await aiosmtplib.send(made, sender="a@b.example", recipients=["c@d.example"], hostname="127.0.0.1", port=sink.port)
    server = uvicorn.Server(uvicorn.Config(build(sink), port=free_port(), log_config=None))
    serving = asyncio.create_task(server.serve())
    url = f"http://127.0.0.1:{server.config.port}"
    await answer(f"{url}/readyz")
    async with open_window(browser, size) as window:
        page = await window.new_page()
        await page.goto(f"{url}/messages/1")
        body = page.frame_locator("iframe").locator("html")
        await body.get_by_role("link", name="Buka dan tanggapi").wait_for()
        assert await body.evaluate("html => html.scrollHeight <= innerHeight && html.scrollWidth <= innerWidth")
        async with window.expect_page() as opened:
            await page.get_by_role("link", name="Buka surat ini tersendiri").click()
        await (await opened.value).get_by_role("link", name="Buka dan tanggapi").wait_for()
    server.should_exit = True
    await serving
