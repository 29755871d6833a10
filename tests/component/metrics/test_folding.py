"""The consumer's handler: what it writes, and that reading again writes nothing."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import asyncpg
import pytest

from services.metrics import consumer
from services.metrics.consumer import Folder
from services.metrics.fold import kota_finder
from tanggap.contracts import lifecycle
from tanggap.platform.database import Database, is_transient
from tests.support.metrics import GAMBIR, Log, interleaved

TABLES = ("complaints", "states", "deadlines", "partitions")


async def everything(rows):
    return {table: await rows(table) for table in TABLES}


async def test_a_batch_becomes_one_row_for_each_complaint_with_its_deadlines(folder, rows, life, city):
    first = life(number="JK1").submitted().assigned().acknowledged(2)
    second = life(number="JK2").submitted()
    await folder.handle(Log().batch(interleaved([first, second])))

    [one, two] = sorted(await rows("complaints"), key=lambda row: row["number"])
    assert (one["unit_code"], one["unit_name"], one["kota"], one["status"]) == (GAMBIR.code, "Gambir", "31.71", "acknowledged")
    assert one["first_response_at"] == first.at(2)
    assert (two["status"], two["unit_code"], two["overdue_from"]) == ("submitted", None, None)
    assert {(row["clock"], row["kind"]): row["due_at"] for row in await rows("deadlines")} == {
        ("coordinate", "warn"): first.at(4.8),
        ("coordinate", "breach"): first.at(6),
        ("resolution", "warn"): first.at(134.4),
        ("resolution", "breach"): first.at(168),
    }
    states = {row["complaint_id"]: lifecycle.decode(row["state"]) for row in await rows("states")}
    assert states == {each.id: lifecycle.fold(each.events, city.calendar) for each in (first, second)}
    assert [(row["partition"], row["position"]) for row in await rows("partitions")] == [(0, 4)]


async def test_neither_the_complaints_text_nor_who_sent_it_is_kept(folder, rows, life):
    await folder.handle(Log().batch(life().submitted(description="Saya Budi, 0812-3456").assigned().events))
    kept = str(await everything(rows))
    assert "Budi" not in kept
    assert "0812-3456" not in kept


async def test_the_same_batch_again_writes_no_row(folder, rows, life):
    batch = Log().batch(life().submitted().assigned().acknowledged(2).waiting(3).events)
    await folder.handle(batch)
    before = await everything(rows)
    await folder.handle(batch)
    after = await everything(rows)
    # The position is written with each batch; it says the same.
    assert [row["position"] for row in after.pop("partitions")] == [row["position"] for row in before.pop("partitions")]
    assert after == before


async def test_a_part_of_the_log_read_again_after_more_of_it_changes_nothing(folder, rows, life):
    complaint = life().submitted().assigned().waiting(2).resumed(5).resolved(8)
    batch = Log().batch(complaint.events)
    for event in batch:
        await folder.handle([event])
    before = await everything(rows)
    await folder.handle(batch[:3])
    after = await everything(rows)
    assert {table: after[table] for table in ("complaints", "states", "deadlines")} == {
        table: before[table] for table in ("complaints", "states", "deadlines")
    }
    assert [row["position"] for row in after["partitions"]] == [5]


async def test_deadlines_stop_pause_and_move_with_the_state(board, rows, life):
    async def live():
        return {(row["clock"], row["kind"]): row["due_at"] for row in await rows("deadlines") if row["fired_at"] is None}

    complaint = life().submitted().assigned(resolve=100)
    await board.fold(complaint)
    assert len(await live()) == 6
    await board.fold(complaint.waiting(2))
    assert await live() == {}
    await board.fold(complaint.resumed(12))
    assert await live() == {("resolution", "warn"): complaint.at(90), ("resolution", "breach"): complaint.at(110)}
    await board.fold(complaint.resolved(20))
    assert await live() == {}
    await board.fold(complaint.reopened(30))
    assert await live() == {("resolution", "warn"): complaint.at(100), ("resolution", "breach"): complaint.at(120)}


async def test_rows_states_deadlines_and_position_are_written_together_or_not_at_all(folder, rows, life, monkeypatch):
    complaint = life().submitted()
    log = Log()
    await folder.handle(log.batch(complaint.events))
    before = await everything(rows)

    columns = consumer._columns

    def broken(*given):
        return {**columns(*given), "started_kinds": ["nonsense"] * 6}

    monkeypatch.setattr(consumer, "_columns", broken)
    with pytest.raises(asyncpg.CheckViolationError):
        await folder.handle(log.batch(complaint.assigned().events[-1:]))
    assert await everything(rows) == before


async def test_a_reader_that_a_rebalance_has_overtaken_can_not_write_an_older_state_over_a_newer(
    database, folder, rows, life, city, monkeypatch
):
    complaint = life().submitted().assigned()
    log = Log()
    await folder.handle(log.batch(complaint.events))
    acknowledged = log.batch(complaint.acknowledged(1).events[-1:])
    resolved = log.batch(complaint.resolved(2).events[-1:])
    fold = consumer.fold

    async def read_on():
        other = Database(database.dsn, "metrics")
        await other.start()
        await Folder(other, city.calendar, kota_finder(city)).handle([*acknowledged, *resolved])
        await other.stop()

    def slow(*batch):
        # Between this reader's look at the states and its save, another folds further.
        monkeypatch.setattr(consumer, "fold", fold)
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, read_on()).result()
        return fold(*batch)

    monkeypatch.setattr(consumer, "fold", slow)
    with pytest.raises(asyncpg.SerializationError) as overtaken:
        await folder.handle(acknowledged)
    assert is_transient(overtaken.value), "the consumer must hold the batch and fold it again, not dead-letter it"
    [row] = await rows("complaints")
    assert row["status"] == "resolved"

    await folder.handle(acknowledged)
    [row] = await rows("complaints")
    assert row["status"] == "resolved"


async def test_two_readers_of_one_batch_at_once_leave_what_one_would(database, folder, rows, life, city):
    lives = [life(number=f"JK{n}").submitted().assigned().acknowledged(1 + n / 10) for n in range(40)]
    batch = Log().batch(interleaved(lives))
    other = Folder(database, city.calendar, kota_finder(city))

    async def until_done(reader):
        # As the consumer does with trouble that passes.
        while True:
            try:
                return await reader.handle(batch)
            except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
                continue

    await asyncio.gather(until_done(folder), until_done(other))
    assert {row["status"] for row in await rows("complaints")} == {"acknowledged"}
    states = {row["complaint_id"]: lifecycle.decode(row["state"]) for row in await rows("states")}
    assert states == {each.id: lifecycle.fold(each.events, city.calendar) for each in lives}
    assert len(await rows("deadlines")) == 40 * 4


async def test_a_first_response_is_counted_by_when_it_was_made_not_by_when_it_was_read(board, rows, life):
    complaint = life().submitted().assigned()
    await board.fold(complaint)
    await board.fold(complaint.acknowledged(2))
    [row] = await rows("complaints")
    assert row["first_response_at"] - row["received_at"] == timedelta(hours=2)
