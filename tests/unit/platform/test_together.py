"""Calls made at the same time are done in one go."""

import asyncio
from collections.abc import Sequence

import pytest

from tanggap.platform.together import Together


class Work:
    """Doubles numbers, batch by batch, when it is let."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.may = asyncio.Event()
        self.bad: set[int] = set()
        self.trouble: Exception | None = None

    async def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(items))
        await self.may.wait()
        if self.trouble is not None:
            raise self.trouble
        if self.bad & set(items):
            raise ValueError(f"{self.bad & set(items)} can't be doubled")
        return [2 * item for item in items]


async def test_a_lone_call_waits_for_nobody() -> None:
    work = Work()
    work.may.set()
    assert await Together(work)(21) == 42
    assert work.batches == [[21]]


async def test_what_comes_while_a_batch_is_under_way_goes_together_and_each_gets_its_own_answer() -> None:
    work = Work()
    together = Together(work, at_once=1)
    first = asyncio.create_task(together(0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(together(number)) for number in range(1, 10)]
    await asyncio.sleep(0)
    work.may.set()
    assert await asyncio.gather(first, *others) == [2 * number for number in range(10)]
    assert work.batches == [[0], list(range(1, 10))]


async def test_no_batch_is_larger_than_allowed() -> None:
    work = Work()
    work.may.set()
    together = Together(work, most=4, at_once=1)
    await asyncio.gather(*(together(number) for number in range(10)))
    assert [len(batch) for batch in work.batches] == [4, 4, 2]


async def test_only_the_caller_whose_item_is_at_fault_hears_of_it() -> None:
    work = Work()
    work.may.set()
    work.bad = {3}
    together = Together(work, at_once=1)
    answers = await asyncio.gather(*(together(number) for number in range(6)), return_exceptions=True)
    assert [answer for answer in answers if not isinstance(answer, Exception)] == [0, 2, 4, 8, 10]
    assert isinstance(answers[3], ValueError)


async def test_trouble_that_passes_is_told_to_every_caller_and_nothing_is_tried_again_behind_their_backs() -> None:
    work = Work()
    work.may.set()
    work.trouble = ConnectionError("gone")
    together = Together(work, at_once=1)
    answers = await asyncio.gather(*(together(number) for number in range(5)), return_exceptions=True)
    assert all(isinstance(answer, ConnectionError) for answer in answers)
    assert len(work.batches) == 1
    work.trouble = None
    assert await together(1) == 2


async def test_a_caller_that_goes_away_holds_up_nobody() -> None:
    work = Work()
    together = Together(work, at_once=1)
    callers = [asyncio.create_task(together(number)) for number in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    callers[1].cancel()
    work.may.set()
    assert await callers[0] == 0
    assert await callers[2] == 4
    with pytest.raises(asyncio.CancelledError):
        await callers[1]
