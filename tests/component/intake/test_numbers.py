"""Numbers are the day's, one after the other, and nobody's twice: over midnight, between processes, after a restart."""

import asyncio
import re
from collections import Counter
from datetime import UTC, datetime

from tests.support.databases import Databases
from tests.support.intake import LEAST, Clock, Intake, open_intake

BEFORE_MIDNIGHT = datetime(2026, 11, 24, 16, 59, 59, tzinfo=UTC)
"""23:59:59 in Jakarta."""


async def numbers_of(intake: Intake, *keys: str) -> list[str]:
    answers = await asyncio.gather(*[intake.post(LEAST | {"client_request_id": key}) for key in keys])
    assert {answer.status_code for answer in answers} == {201}
    return sorted(answer.json()["number"] for answer in answers)


async def test_the_day_is_jakartas(intake: Intake):
    intake.clock.at = BEFORE_MIDNIGHT
    assert await numbers_of(intake, "a", "b") == ["JK2611240001", "JK2611240002"]
    intake.clock.move(seconds=1)
    assert await numbers_of(intake, "c") == ["JK2611250001"]


async def test_the_ten_thousandth_of_a_day_has_five_digits(intake: Intake):
    await numbers_of(intake, "a")
    await intake.rows("SELECT setval('numbers', (SELECT base FROM days) + 9998)")
    assert await numbers_of(intake, "b") == ["JK2611249999"]
    assert await numbers_of(intake, "c") == ["JK26112410000"]


async def test_a_process_that_is_started_again_counts_on(databases: Databases):
    dsn = await databases.dsn("intake")
    async with open_intake(dsn) as first:
        assert await numbers_of(first, "a") == ["JK2611240001"]
    async with open_intake(dsn) as second:
        second.secrets.clear()
        assert await numbers_of(second, "b") == ["JK2611240002"]


async def test_two_processes_that_open_a_day_at_once_agree_on_its_base(databases: Databases):
    dsn = await databases.dsn("intake")
    async with open_intake(dsn) as one, open_intake(dsn) as other:
        other.secrets["jaki"] = await one.key()
        found = await asyncio.gather(numbers_of(one, *"abcdef"), numbers_of(other, *"ghijkl"))

        assert await one.count("days") == 1
        counts = sorted(int(number[8:]) for numbers in found for number in numbers)
        assert len(set(counts)) == 12
        assert counts[0] >= 1


async def test_over_midnight_two_processes_give_no_number_twice_and_none_below_one(databases: Databases):
    dsn = await databases.dsn("intake")
    clocks = [Clock(BEFORE_MIDNIGHT), Clock(BEFORE_MIDNIGHT)]
    async with open_intake(dsn, clocks[0]) as one, open_intake(dsn, clocks[1]) as other:
        other.secrets["jaki"] = await one.key()

        async def send(process: Intake, name: str) -> list[str]:
            found = []
            for turn in range(40):
                found += await numbers_of(process, *[f"{name}-{turn}-{place}" for place in range(4)])
                if turn == 20:
                    process.clock.move(seconds=2)
            return found

        # The second process goes on numbering the old day while the first is in the new one: its clock is behind.
        early = asyncio.create_task(send(one, "one"))
        late = asyncio.create_task(send(other, "other"))
        numbers = await early + await late

    assert len(set(numbers)) == len(numbers) == 320
    assert all(re.fullmatch(r"JK26112[45]\d{4,5}", number) for number in numbers)
    assert all(int(number[8:]) >= 1 for number in numbers)
    assert Counter(number[:8] for number in numbers) == {"JK261124": 168, "JK261125": 152}


async def test_inserts_do_not_wait_for_each_other(intake: Intake):
    """A transaction that has taken a number and goes on for long holds nobody up."""
    await numbers_of(intake, "a")
    async with intake.database.transaction() as connection:
        await connection.execute("SELECT nextval('numbers')")
        await connection.execute("SELECT base FROM days FOR UPDATE")
        async with asyncio.timeout(5):
            assert await numbers_of(intake, "b") == ["JK2611240003"]
