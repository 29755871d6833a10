"""The ticker: each deadline fires once, and never before the log is known to hold no answer."""

import asyncio
from datetime import timedelta

import pytest

from services.metrics import ticker
from services.metrics.ticker import CAUGHT_UP, MOST_AT_ONCE
from tests.support.metrics import GAMBIR, PINANGSIA

SECOND = timedelta(seconds=1)


async def test_a_warning_and_a_breach_fire_each_once_at_their_moment(board, life):
    complaint = life().submitted().assigned(GAMBIR, coordinate=10)
    await board.fold(complaint)
    assert await board.tick(complaint.at(8) - SECOND) == 0
    assert await board.tick(complaint.at(8)) == 1
    assert await board.tick(complaint.at(8) + SECOND) == 0
    assert await board.tick(complaint.at(10) + 90 * SECOND) == 1

    warned, breached = await board.fired()
    assert (warned.type, warned.clock, warned.due_at) == ("sla.warned", "coordinate", complaint.at(8))
    assert (breached.type, breached.clock, breached.due_at) == ("sla.breached", "coordinate", complaint.at(10))
    assert (breached.complaint_id, breached.unit, breached.minutes_late) == (complaint.id, GAMBIR, 1)


async def test_an_answer_in_time_lets_nothing_fire(board, life):
    complaint = life().submitted().assigned().resolved(1)
    await board.fold(complaint)
    assert await board.tick(complaint.at(1000)) == 0


async def test_a_reader_that_lags_accuses_nobody_until_it_knows_what_the_log_held_by_then(board, life):
    complaint = life().submitted().assigned(coordinate=10)
    await board.fold(complaint)
    await board.tick(complaint.at(1))
    late = complaint.at(20)
    # Read only up to just before the deadline: the answer may be on the log, further on.
    assert await board.tick(late, read_up_to=complaint.at(8) - SECOND) == 0
    assert await board.tick(late, read_up_to=complaint.at(8)) == 1
    await board.fold(complaint.resolved(9))
    assert await board.tick(late) == 0
    assert [event.type for event in await board.fired()] == ["sla.warned"]


async def test_a_reader_whose_clock_runs_ahead_of_ours_does_not_make_us_early(board, life):
    complaint = life().submitted().assigned(coordinate=10)
    await board.fold(complaint)
    assert await board.tick(complaint.at(8) - SECOND, read_up_to=complaint.at(9)) == 0


async def test_a_reader_that_just_started_fires_nothing_before_it_has_read_to_the_end_once(board, life):
    complaint = life().submitted().assigned(coordinate=10, respond=500)
    await board.fold(complaint)
    now = complaint.at(30)
    # A rebuild: far behind, past the deadline already; the deadline's own firing may come next on the log.
    assert await board.tick(now, read_up_to=complaint.at(12)) == 0
    await board.fold(complaint.breached("coordinate", 10, 12.1))
    assert await board.tick(now, read_up_to=now - CAUGHT_UP) == 0
    assert await board.fired() == []


async def test_a_partition_that_came_back_after_a_rebalance_counts_as_just_started(board, life):
    complaint = life().submitted().assigned(coordinate=10, respond=500)
    await board.fold(complaint)
    await board.tick(complaint.at(1))
    board.reading.moments = {1: None}
    await board.ticker.tick()
    board.reading.moments = {0: None}
    assert await board.tick(complaint.at(30), read_up_to=complaint.at(20)) == 0
    assert await board.tick(complaint.at(30)) == 2


@pytest.mark.parametrize("moments", [{}, {1: "now"}, {0: None}])
async def test_a_partition_that_is_read_elsewhere_or_of_which_nothing_is_known_is_left_alone(board, life, moments):
    complaint = life().submitted().assigned(coordinate=10)
    await board.fold(complaint)
    board.now = complaint.at(100)
    board.reading.moments = {number: board.now if moment else None for number, moment in moments.items()}
    assert await board.ticker.tick() == 0
    assert await board.fired() == []


async def test_two_tickers_at_once_fire_each_deadline_once(board, life):
    lives = [life(number=f"JK{n}").submitted().assigned(coordinate=1) for n in range(MOST_AT_ONCE // 2 + 50)]
    await board.fold(*lives)
    board.now = lives[0].at(2)
    board.reading.moments[0] = board.now
    others = [board.another_ticker() for _ in range(3)]
    counts = await asyncio.gather(*(each.tick() for each in (board.ticker, *others)))
    fired = await board.fired()
    assert len({event.event_id for event in fired}) == len(fired) == sum(counts) == 2 * len(lives)


async def test_a_firing_that_breaks_off_has_not_fired_and_fires_whole_the_next_time(board, life, rows, monkeypatch):
    complaint = life().submitted().assigned(coordinate=10)
    await board.fold(complaint)

    async def killed(*_):
        raise ConnectionResetError("killed between mark and event")

    with monkeypatch.context() as patch:
        patch.setattr(ticker.outbox, "add", killed)
        with pytest.raises(ConnectionResetError):
            await board.tick(complaint.at(11))
    assert await board.fired() == []
    assert {row["fired_at"] for row in await rows("deadlines")} == {None}
    assert await board.tick(complaint.at(11)) == 2
    assert len(await board.fired()) == 2


async def test_what_fired_comes_back_from_the_log_and_is_folded_like_any_event(board, life, rows):
    complaint = life().submitted().assigned(coordinate=10)
    await board.fold(complaint)
    await board.tick(complaint.at(11))
    await board.folder.handle(board.log.batch(await board.fired()))
    [row] = await rows("complaints")
    assert (row["breaches"], row["overdue_clock"], row["overdue_from"]) == (1, "coordinate", complaint.at(10))
    assert await board.tick(complaint.at(12)) == 0


async def test_a_deadline_that_fired_never_fires_again_wherever_a_pause_or_a_reopening_moves_it(board, life):
    complaint = life().submitted().assigned(coordinate=1, respond=1, resolve=10)
    await board.fold(complaint)
    await board.tick(complaint.at(8))
    before = len(await board.fired())
    # Before the firing has come back from the log: only the mark in the database knows of it.
    await board.fold(complaint.waiting(8.1).resumed(30))
    assert await board.tick(complaint.at(31)) == 0
    await board.fold(complaint.resolved(31.5).reopened(50))
    assert await board.tick(complaint.at(60)) == 1
    fired = await board.fired()
    assert len({event.event_id for event in fired}) == len(fired) == before + 1


async def test_the_breach_names_the_unit_that_has_it_when_it_fires(board, life):
    complaint = life().submitted().assigned(GAMBIR, coordinate=10).assigned(PINANGSIA, hours=9)
    await board.fold(complaint)
    await board.tick(complaint.at(11))
    assert {event.unit for event in await board.fired()} == {PINANGSIA}


async def test_the_triage_desk_has_a_clock_too(board, life):
    complaint = life().submitted().triaged(budget=2)
    await board.fold(complaint)
    await board.tick(complaint.at(3))
    assert [(event.type, event.unit.code) for event in await board.fired()] == [
        ("sla.warned", "triase"),
        ("sla.breached", "triase"),
    ]


async def test_a_tick_notes_how_far_the_log_is_read_and_never_takes_it_back(board, life, rows):
    noon = life().at(0)
    await board.tick(noon)
    await board.tick(noon + SECOND, read_up_to=noon - SECOND)
    assert [row["watermark"] for row in await rows("partitions")] == [noon]


async def test_a_database_that_is_away_stops_no_ticker(board, monkeypatch):
    stop = asyncio.Event()
    ticks = 0

    async def tick():
        nonlocal ticks
        ticks += 1
        if ticks > 2:
            stop.set()
        raise ConnectionRefusedError

    board.ticker._seconds = 0.001
    monkeypatch.setattr(board.ticker, "tick", tick)
    await board.ticker.run(stop)
    assert ticks == 3
