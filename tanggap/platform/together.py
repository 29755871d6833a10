"""Calls that are made at the same time, done in one go: one statement and one commit for all instead of one for each.

Under load a commit costs more than the row it commits. While one batch is on its way the next gathers, so a lone call waits for
nobody and a thousand at once share some dozens of commits (group commit).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from tanggap.platform.database import is_transient

A = TypeVar("A")
R = TypeVar("R")


class Together(Generic[A, R]):
    """Make one call of many: `answer = await together(item)`.

    `work` gets at most `most` items, in the order of the calls, and returns their answers in that order. At most `at_once`
    calls of `work` run at the same time. Where `work` raises trouble that passes, every caller of that batch gets it; where it
    raises anything else the items are tried one by one, so that only the caller whose item is at fault hears of it. A caller
    that is cancelled does not take its item back: it may be done or not, as with any call whose answer was lost.
    """

    def __init__(self, work: Callable[[Sequence[A]], Awaitable[Sequence[R]]], *, most: int = 64, at_once: int = 2) -> None:
        self._work = work
        self._most = most
        self._at_once = at_once
        self._waiting: deque[tuple[A, asyncio.Future[R]]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def __call__(self, item: A) -> R:
        """Do `item` with whatever else is waiting; its answer, or what its work raised."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if len(self._running) < self._at_once:
            task = asyncio.create_task(self._run())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await answer

    async def _run(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            await self._do(batch)

    async def _do(self, batch: Sequence[tuple[A, asyncio.Future[R]]]) -> None:
        answers: Sequence[R | Exception]
        try:
            answers = await self._work([item for item, _ in batch])
        except Exception as trouble:  # noqa: BLE001 - it is the callers', not ours
            if len(batch) > 1 and not is_transient(trouble):
                for one in batch:
                    await self._do([one])
                return
            answers = [trouble] * len(batch)
        for (_, waiting), answer in zip(batch, answers, strict=True):
            _settle(waiting, answer)


def _settle(waiting: asyncio.Future[R], answer: R | Exception) -> None:
    if waiting.done():  # its caller went away
        return
    if isinstance(answer, Exception):
        waiting.set_exception(answer)
    else:
        waiting.set_result(answer)
