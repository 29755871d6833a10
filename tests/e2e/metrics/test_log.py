"""From the log to the figures and back: real records, real commits, a recount that holds the service to account."""

import asyncio
import json

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from services.metrics import recount
from services.metrics.consumer import Folder
from services.metrics.fold import kota_finder
from services.metrics.ticker import Ticker
from tanggap.contracts import events
from tanggap.platform.consumer import Consumer
from tanggap.platform.outbox import Relay
from tests.support.metrics import PINANGSIA, interleaved
from tests.support.plumbing import eventually, publish, running


@pytest.fixture
def workers(settings, topics, database, city):
    """Consumer, ticker and relay, as the service wires them, on the test's own topics."""

    def make():
        consumer = Consumer(
            settings,
            topic=topics.complaints,
            group=topics.group,
            dead_letters=topics.dead_letters,
            decoders=events.decoders(),
            handle=Folder(database, city.calendar, kota_finder(city)).handle,
        )
        ticker = Ticker(database, consumer, seconds=settings.metrics_tick_seconds)
        return consumer, ticker, Relay(database, settings, topic=topics.complaints)

    return make


@pytest.fixture
def count(database):
    async def counted(what):
        async with database.connection() as connection:
            return await connection.fetchval(f"SELECT count(*) FROM {what}")

    return counted


def lives(life):
    """Answered in time, answered late, silent, in triage, ended."""
    return [
        life(5, number="JK1").submitted().assigned(coordinate=10).acknowledged(1),
        life(5, number="JK2").submitted().assigned(PINANGSIA, coordinate=2).coordinated(4, PINANGSIA),
        life(5, number="JK3").submitted().assigned(PINANGSIA, coordinate=2),
        life(5, number="JK4").submitted().triaged(budget=1),
        life(5, number="JK5").submitted().assigned().waiting(1).resumed(2).resolved(3),
    ]


async def test_the_log_becomes_figures_deadlines_fire_once_through_kills_and_a_recount_agrees(
    settings, topics, workers, count, life
):
    await publish(topics.bootstrap, topics.complaints, *interleaved(lives(life)))
    # JK3 and JK4 are silent past both marks; JK1 past neither.
    expected = 4
    async with running(*workers()):
        await eventually(lambda: _is(count("complaints"), 5))
        await eventually(lambda: _is(count("deadlines WHERE fired_at IS NOT NULL"), expected))
        await eventually(lambda: _is(count("outbox"), 0))
    # Started anew, with two of each at once: nothing fires again, and what fired comes back and is folded.
    async with running(*workers(), *workers()):
        await eventually(lambda: _is(count("complaints WHERE breaches = 1"), 3))
        await eventually(lambda: _is(count("partitions WHERE watermark > now() - interval '3 seconds'"), 3))
    assert await count("deadlines WHERE fired_at IS NOT NULL") == expected
    assert await count("outbox") == 0

    found = await recount.recount(settings, topics.complaints)
    assert found.differences == []
    report = json.loads(found.report())
    assert report["log"] == {"records": 5 + 5 + 1 + 1 + 3 + expected, "undecodable": 0, "complaints": 5}
    assert (report["total"]["received"], report["total"]["answered"], report["total"]["breaches"]) == (5, 3, 3)


async def test_a_recount_finds_whatever_was_changed_behind_the_logs_back(settings, topics, workers, count, database, life):
    await publish(topics.bootstrap, topics.complaints, *interleaved(lives(life)))
    consumer, _, _ = workers()
    async with running(consumer):
        await eventually(lambda: _is(count("complaints WHERE outcome = 'resolved'"), 1))
        await eventually(lambda: _is(count("complaints WHERE first_response_at IS NOT NULL"), 3))
    async with database.connection() as connection:
        await connection.execute("UPDATE complaints SET first_response_at = received_at WHERE number = 'JK3'")
        await connection.execute("DELETE FROM complaints WHERE number = 'JK5'")
    found = await recount.recount(settings, topics.complaints)
    what = {one["what"] for one in found.differences}
    assert {"all None: received", "all None: resolved", "category pju: received"} <= what
    assert any(one.endswith(" first_response_at") for one in what)


async def test_its_exit_code_says_whether_log_and_database_agree(settings, topics, workers, count, database, life, capsys):
    await publish(topics.bootstrap, topics.complaints, *life(1).submitted().events)
    consumer, _, _ = workers()
    async with running(consumer):
        await eventually(lambda: _is(count("complaints"), 1))

    assert await asyncio.to_thread(recount.main, settings, topics.complaints) == recount.EQUAL
    assert json.loads(capsys.readouterr().out)["equal"] is True

    async with database.connection() as connection:
        await connection.execute("UPDATE complaints SET stage = 'selesai'")
    assert await asyncio.to_thread(recount.main, settings, topics.complaints) == recount.DIFFERENT
    assert json.loads(capsys.readouterr().out)["difference_count"] == 1


async def test_a_log_whose_beginning_is_gone_can_not_be_recounted_and_says_so(settings, topics, workers, count, life):
    complaint = life(1).submitted()
    await publish(topics.bootstrap, topics.complaints, *complaint.events, partition=1)
    consumer, _, _ = workers()
    async with running(consumer):
        await eventually(lambda: _is(count("complaints"), 1))
    admin = AIOKafkaAdminClient(bootstrap_servers=topics.bootstrap)
    await admin.start()
    await admin.delete_records({TopicPartition(topics.complaints, 1): RecordsToDelete(before_offset=1)})
    await admin.close()
    with pytest.raises(recount.ImpossibleError, match="its beginning was deleted"):
        await recount.recount(settings, topics.complaints)


async def _is(counting, expected):
    return await counting == expected
