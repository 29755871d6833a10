"""Time is asked for, never taken: whatever needs it takes `now: Now`, and tests hand in their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Now = Callable[[], datetime]
"""A clock: returns the present moment, aware, UTC."""


def utc_now() -> datetime:
    """The machine's clock, aware, UTC."""
    return datetime.now(UTC)
