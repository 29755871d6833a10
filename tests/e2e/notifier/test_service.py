"""The whole service: from a record on the log to a mail, from the mail's link to an act on the log."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from html import unescape

import asyncpg
from aiokafka import AIOKafkaProducer
from httpx import ASGITransport, AsyncClient

from services.notifier.app import build
from services.notifier.settings import Settings
from tanggap.contracts.events import ComplaintAcknowledged, Event, decoders
from tanggap.contracts.lifecycle import Status, decode
from tanggap.platform import cloudevents
from tests.support.mailbox import Mailbox
from tests.support.officials import LURAH, SECRET, SENDER, Life
from tests.support.plumbing import eventually, headers_of, read_all
from tests.support.topics import Topics


@asynccontextmanager
async def running(settings: Settings, topic: str) -> AsyncIterator[AsyncClient]:
    """The service in this loop, as its process runs it, with a client of its pages."""
    process = build(settings, topic=topic)
    async with (
        process.app.router.lifespan_context(process.app),
        AsyncClient(transport=ASGITransport(process.app), base_url="http://notifier.example") as client,
    ):
        yield client


async def publish(topics: Topics, *lives: Life) -> None:
    """Write lives to the log, as the relays of intake and routing would."""
    async with AIOKafkaProducer(bootstrap_servers=topics.bootstrap, acks="all", enable_idempotence=True) as producer:
        for life in lives:
            for event in life.events:
                await producer.send(
                    topics.complaints,
                    event.model_dump_json().encode(),
                    str(event.complaint_id).encode(),
                    headers=cloudevents.of(event, "tests"),
                )


async def log_of(topics: Topics) -> list[Event]:
    """The log as it stands, each event once (a relay that is killed may publish a row twice, under the same id)."""
    read_by = decoders()
    records = await read_all(topics.bootstrap, topics.complaints)
    events = [read_by[headers_of(record)["ce_type"]](record.value) for record in records]
    return list({event.event_id: event for event in events}.values())


async def _when_told(topics: Topics, count: int) -> list[Event] | None:
    events = await log_of(topics)
    return events if len(events) == count else None


async def test_a_complaint_reaches_its_lurah_and_the_answer_reaches_the_log(
    settings: Callable[..., Settings], topics: Topics, mailbox: Mailbox
):
    life = Life().submitted().assigned()
    await publish(topics, life)
    async with running(settings(), topics.complaints) as client:
        (mail,) = await mailbox.wait_for(1, 60)
        assert mail.recipient == LURAH
        page = await client.get(mail.link)
        assert page.status_code == 200
        fields = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', page.text)[:3]}
        assert fields["act"] == "acknowledge"
        assert (await client.post(mail.link, data=fields)).status_code == 303
        # The alert's fate is told by another transaction than the acts: it may come before, between or after them.
        told = await eventually(lambda: _when_told(topics, 5))
        assert [event.type for event in told if event.type != "official.notified"] == [
            "complaint.submitted",
            "complaint.assigned",
            "official.seen",
            "complaint.acknowledged",
        ]
        act = next(event for event in told if event.type == "complaint.acknowledged")
        assert isinstance(act, ComplaintAcknowledged)
        assert act.actor.role == "lurah"
        # The act comes back to its own service, which then no longer keeps it apart.
        connection = await asyncpg.connect(settings().dsn, server_settings={"search_path": "notifier"})
        try:
            async with asyncio.timeout(30):
                while await connection.fetchval("SELECT count(*) FROM acts"):
                    await asyncio.sleep(0.02)
            state = decode(await connection.fetchval("SELECT state FROM complaints"))
        finally:
            await connection.close()
        assert state.status is Status.acknowledged
        assert "Terima laporan" not in (await client.get(mail.link)).text


async def test_a_service_that_starts_again_mails_nobody_twice(
    settings: Callable[..., Settings], topics: Topics, mailbox: Mailbox
):
    await publish(topics, *(Life().submitted().assigned() for _ in range(20)))
    async with running(settings(), topics.complaints):
        await mailbox.wait_for(20, 60)
    marker = Life().submitted().assigned()
    await publish(topics, marker)
    async with running(settings(), topics.complaints):
        await mailbox.wait_for(21, 60)
    assert len({mail.message["Message-ID"] for mail in mailbox.mails}) == len(mailbox.mails) == 21


async def test_it_is_ready_and_shows_its_figures(settings: Callable[..., Settings], topics: Topics, mailbox: Mailbox):
    await publish(topics, Life().submitted().assigned())
    async with running(settings(), topics.complaints) as client:
        await mailbox.wait_for(1, 60)
        async with asyncio.timeout(30):
            while (answer := await client.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.05)
        assert {"database", "consumer", "relay", "postman"} <= answer.json()["checks"].keys()
        figures = (await client.get("/metrics")).text
    for name in ("attempts_total", "resends_total", "backlog_alerts", "provider_up", "alert_seconds_count"):
        assert f"tanggap_notifier_{name}" in figures


async def test_a_process_killed_in_the_middle_loses_no_alert_and_every_second_copy_is_marked(
    settings: Callable[..., Settings], topics: Topics, mailbox: Mailbox
):
    count = 150
    lives = [Life().submitted().assigned() for _ in range(count)]
    environment = {
        **os.environ,
        "DATABASE_URL": settings().dsn,
        "KAFKA_BOOTSTRAP_SERVERS": topics.bootstrap,
        "NOTIFIER_SMTP_URL": f"smtp://{mailbox.host}:{mailbox.port}",
        "NOTIFIER_MAIL_FROM": str(SENDER),
        "NOTIFIER_LINK_SECRET": SECRET,
        "NOTIFIER_LEASE_SECONDS": "2",
        "KAFKA_SESSION_TIMEOUT_SECONDS": "6",
        "HTTP_PORT": "0",
    }
    await publish(topics, *lives)
    program = (
        "import sys; from functools import partial; from services.notifier.app import MIGRATIONS, build; "
        "from services.notifier.settings import Settings; from tanggap.platform.process import main; "
        "topic = sys.argv.pop(); main(Settings, partial(build, topic=topic), MIGRATIONS)"
    )
    for kill_at in (40, 90, None):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, topics.complaints, env=environment, stdout=asyncio.subprocess.DEVNULL
        )
        try:
            if kill_at is not None:
                await mailbox.wait_for(kill_at, 90)
            else:
                await eventually(lambda: len({mail.message["Message-ID"] for mail in mailbox.mails}) == count, 60)
                told = await eventually(lambda: _when_told(topics, 3 * count), 60)
                assert len([event for event in told if event.type == "official.notified"]) == count
        finally:
            process.send_signal(signal.SIGTERM if kill_at is None else signal.SIGKILL)
            await asyncio.wait_for(process.wait(), 20)
    connection = await asyncpg.connect(settings().dsn, server_settings={"search_path": "notifier"})
    try:
        states = {
            row["state"]: row["count"]
            for row in await connection.fetch("SELECT state, count(*) FROM notifications GROUP BY state")
        }
        marked = await connection.fetchval("SELECT count(*) FROM attempts WHERE resend")
    finally:
        await connection.close()
    assert states == {"sent": count}
    copies = len(mailbox.mails) - count
    assert 0 <= copies <= marked, "each second copy is an attempt that says so"
    assert marked <= 16, "at most what was on its way at the two kills"
