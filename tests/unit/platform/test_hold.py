"""Holding in place: pauses that grow, an end on demand, and a limit."""

import asyncio
import time

import pytest

from tanggap.platform import hold
from tanggap.platform.errors import Fatal, Poison
from tanggap.platform.hold import Abandoned, Hold, pause_seconds
from tests.support.plumbing import eventually


@pytest.fixture
def no_pauses(monkeypatch):
    monkeypatch.setattr(hold, "FIRST_PAUSE_SECONDS", 0.0)


AWAY = ConnectionError("away")


def failing(times, error=AWAY):
    calls = []

    async def call():
        calls.append(None)
        if len(calls) <= times:
            raise error

    call.calls = calls
    return call


def test_pauses_double_from_a_tenth_of_a_second_up_to_five():
    assert [pause_seconds(attempt) for attempt in range(1, 10)] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5])
    assert pause_seconds(10_000) == 5


async def test_trouble_that_passes_is_tried_until_it_is_over(no_pauses):
    held = Hold()
    call = failing(7)

    await held.until_done(call, began=time.monotonic())

    assert len(call.calls) == 8
    assert held.why is None


async def test_the_reason_can_be_read_while_it_lasts_and_pauses_are_kept():
    held = Hold()
    call = failing(2)
    work = asyncio.create_task(held.until_done(call, began=time.monotonic()))
    began = time.monotonic()
    await eventually(lambda: held.why)
    assert held.why == "ConnectionError: away"

    await work

    assert time.monotonic() - began >= 0.3 - 0.01


@pytest.mark.parametrize("error", [Poison("bad"), Fatal("end"), KeyError("x")])
async def test_other_trouble_is_raised_at_once(error):
    call = failing(1, error)
    with pytest.raises(type(error)):
        await Hold().until_done(call, began=time.monotonic())
    assert len(call.calls) == 1


async def test_an_interruption_ends_it_within_a_pause(monkeypatch):
    monkeypatch.setattr(hold, "FIRST_PAUSE_SECONDS", 5.0)
    held = Hold()
    work = asyncio.create_task(held.until_done(failing(9), began=time.monotonic()))
    await eventually(lambda: held.why)
    began = time.monotonic()

    held.interrupt.set()

    with pytest.raises(Abandoned):
        await work
    assert time.monotonic() - began < 1


async def test_a_batch_that_was_held_past_the_limit_is_given_back_and_its_attempts_go_on_counting(no_pauses):
    held = Hold()
    long_ago = time.monotonic() - hold.LIMIT_SECONDS - 1

    for _ in range(2):
        with pytest.raises(Abandoned):
            await held.until_done(failing(1), began=long_ago)

    assert held._attempts == 2
    assert held.why is not None


def test_the_limit_is_well_under_what_kafka_allows():
    assert hold.LIMIT_SECONDS + hold.MAX_PAUSE_SECONDS < hold.MAX_POLL_INTERVAL_SECONDS
