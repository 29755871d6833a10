"""Holding: trouble that passes is waited out in place, with a growing pause, until it is over or the wait is interrupted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tanggap.platform import metrics
from tanggap.platform.database import is_transient
from tanggap.platform.errors import Fatal, Poison
from tanggap.platform.logs import get_logger
from tanggap.platform.settings import MAX_POLL_INTERVAL_SECONDS

log = get_logger(__name__)

FIRST_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 5.0

LIMIT_SECONDS = MAX_POLL_INTERVAL_SECONDS / 2
"""A batch that was held for so long is given back and fetched again, so that Kafka sees that this consumer lives."""


class Abandoned(Exception):  # noqa: N818 - not an error: what was held is given back
    """The hold ended before the trouble did."""


def pause_seconds(attempt: int) -> float:
    """Pause after attempt 1, 2, 3...: 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, then 5 s."""
    return min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(attempt - 1, 10))


class Hold:
    """The hold of a consumer, which has one batch in hand at a time. Attempts are counted until one goes well."""

    def __init__(self) -> None:
        self.interrupt = asyncio.Event()
        """Set to end a hold: on stop, and while partitions are taken away."""
        self.why: str | None = None
        """The trouble that is waited out now."""
        self._since = 0.0
        self._attempts = 0

    @property
    def seconds(self) -> float:
        """How long it has lasted."""
        return time.monotonic() - self._since

    async def until_done(
        self, call: Callable[[], Awaitable[None]], *, began: float, passes: Callable[[Exception], bool] = is_transient
    ) -> None:
        """Call until it goes well, pausing after trouble for which `passes` is true.

        `began`: when the batch came (`time.monotonic`). Raises other trouble as it is, and `Abandoned` when interrupted or
        held past the limit.
        """
        while True:
            try:
                await call()
            except (Poison, Fatal, Abandoned):
                raise
            except Exception as trouble:
                if not passes(trouble):
                    raise
                await self._pause(trouble, began)
            else:
                if self.why is not None:
                    log.info("the batch goes on", after_seconds=round(self.seconds, 1), attempts=self._attempts + 1)
                    self.forget()
                return

    def forget(self) -> None:
        """Begin anew: the next trouble is the first."""
        self.why = None
        self._attempts = 0

    async def _pause(self, trouble: Exception, began: float) -> None:
        self._attempts += 1
        metrics.CONSUMER_HOLDS.inc()
        words = f"{type(trouble).__name__}: {trouble}".rstrip(": ")
        if self.why is None:
            self._since = time.monotonic()
            log.warning("a batch is held until trouble passes", why=words)
        self.why = words
        if time.monotonic() - began > LIMIT_SECONDS:
            raise Abandoned
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_seconds(self._attempts)):
                await self.interrupt.wait()
        if self.interrupt.is_set():
            raise Abandoned
