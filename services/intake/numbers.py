"""Report numbers: the city's prefix + yymmdd + the complaint's count of its day, four digits, five from the ten-thousandth on.

The form was seen on real reports of Jakarta (JK2112210456). The day is the city's, by the moment of receipt.

A count is the next value of one sequence less the day's base, so two inserts never wait for each other and nothing is counted
twice. The base is the sequence's value when somebody first asked for that day, written and committed on its own *before* any
count of the day is taken; so every count is at least 1, whichever process takes it. A process that still numbers yesterday
while another has opened today takes values that both days skip: a gap, never a double. A rolled-back insert leaves a gap too.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from services.intake.queries import QUERIES
from tanggap.platform.database import Connection

_DAYS_REMEMBERED = 3


@dataclass(frozen=True, slots=True)
class Day:
    """What a number of one day is made of: `prefix` and the sequence's value at which its count is 0."""

    prefix: str
    base: int


class Numbers:
    """The days that this process has numbered. `tz`: the city's zone; `prefix`: what its numbers begin with."""

    def __init__(self, tz: tzinfo, prefix: str) -> None:
        self._tz = tz
        self._prefix = prefix
        self._days: dict[date, Day] = {}
        self._opening = asyncio.Lock()

    def known(self, moment: datetime) -> Day | None:
        """The day of `moment` in the city, if this process knows it; else `day` opens it."""
        return self._days.get(moment.astimezone(self._tz).date())

    async def day(self, connection: Connection, moment: datetime) -> Day:
        """The day of `moment` in the city; opens it if nobody has. `connection` must not be within a transaction."""
        return self.known(moment) or await self._open(connection, moment.astimezone(self._tz).date())

    async def _open(self, connection: Connection, date_there: date) -> Day:
        async with self._opening:
            if date_there not in self._days:
                await QUERIES.open_day(connection, day=date_there)
                base = await QUERIES.day_base(connection, day=date_there)
                self._days[date_there] = Day(f"{self._prefix}{date_there:%y%m%d}", base)
                for old in sorted(self._days)[:-_DAYS_REMEMBERED]:
                    del self._days[old]
            return self._days[date_there]
