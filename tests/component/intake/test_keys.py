"""Keys: given once, known at once, gone within seconds; and no request asks the database about its key."""

import asyncio

import pytest

from services.intake import keys
from services.intake.keys import Keyring, Revoked, Unknown
from services.intake.queries import QUERIES
from tests.support.databases import Databases
from tests.support.intake import Intake


class Readings:
    """A keyring's clock, and how often it read all keys."""

    def __init__(self, intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1000.0
        self.count = 0
        self.keyring = Keyring(intake.database, seconds=self.tick)
        real = QUERIES.list_keys

        def counted(connection):
            self.count += 1
            return real(connection)

        monkeypatch.setattr("services.intake.keys.QUERIES", type("Queries", (), {"list_keys": staticmethod(counted)}))

    def tick(self) -> float:
        self.seconds += 1e-6
        return self.seconds


@pytest.fixture
def readings(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> Readings:
    return Readings(intake, monkeypatch)


async def revoke(intake: Intake, name: str) -> list[str]:
    async with intake.database.connection() as connection:
        return [row["prefix"] async for row in QUERIES.revoke_keys(connection, name=name, revoked_at=intake.clock())]


async def test_a_known_key_costs_no_query(intake: Intake, readings: Readings):
    secret = await intake.key()
    for _ in range(50):
        assert await readings.keyring.app_of(secret) == "jaki"
    assert readings.count == 1


async def test_many_at_once_read_the_keys_once(intake: Intake, readings: Readings):
    secret = await intake.key()
    assert set(await asyncio.gather(*[readings.keyring.app_of(secret) for _ in range(50)])) == {"jaki"}
    assert readings.count == 1


async def test_a_revoked_key_works_for_three_seconds_at_most(intake: Intake, readings: Readings):
    secret = await intake.key()
    await readings.keyring.app_of(secret)
    await revoke(intake, "jaki")

    readings.seconds += 3.1

    with pytest.raises(Revoked):
        await readings.keyring.app_of(secret)


async def test_a_key_that_is_given_now_is_good_now(intake: Intake, readings: Readings):
    await readings.keyring.app_of(await intake.key("jaki"))
    readings.seconds += 0.1
    assert await readings.keyring.app_of(await intake.key("qlue")) == "qlue"


async def test_a_key_that_nobody_has_is_unknown(intake: Intake, readings: Readings):
    good = await intake.key()
    for secret in ("", "tgp_", "x", keys.generate().secret, good[:12], good + "x", good.swapcase(), "tgp_\udcff"):
        with pytest.raises(Unknown):
            await readings.keyring.app_of(secret)


async def test_a_flood_of_made_up_keys_is_a_query_or_two(intake: Intake, readings: Readings):
    await readings.keyring.app_of(await intake.key())
    before = readings.count

    found = await asyncio.gather(*[readings.keyring.app_of(keys.generate().secret) for _ in range(200)], return_exceptions=True)

    assert {type(each) for each in found} == {Unknown}
    # All came before the first reading began, or share the one after it.
    assert readings.count - before <= 2


async def test_one_key_of_an_app_can_be_revoked_while_the_other_goes_on(databases: Databases, intake: Intake, readings: Readings):
    old = await intake.key("jaki")
    intake.secrets.clear()
    new = await intake.key("jaki")

    assert await revoke(intake, old[:12]) == [old[:12]]

    with pytest.raises(Revoked):
        await readings.keyring.app_of(old)
    assert await readings.keyring.app_of(new) == "jaki"


async def test_the_table_of_keys_holds_no_key(intake: Intake):
    secret = await intake.key()
    [row] = await intake.rows("SELECT * FROM keys")
    assert secret not in str(row)
    assert secret.encode() not in row["hash"]
    assert row["prefix"] == secret[:12]
