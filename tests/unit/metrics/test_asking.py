"""Questions about the figures: what is wrong with one is said at once, parameter by parameter."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request

from services.metrics.asking import Asker, parameters
from services.metrics.figures import BEGINNING, END, Ask


@pytest.fixture
def ask(city):
    async def asked(*pairs, **given):
        query = urlencode([*pairs, *given.items()]).encode()
        request = Request({"type": "http", "query_string": query, "headers": [], "method": "GET", "path": "/v1/figures"})
        return (await Asker(city)(request)).ask()

    return asked


async def faults(asking):
    with pytest.raises(RequestValidationError) as refused:
        await asking
    return {fault["loc"][1]: fault["msg"] for fault in refused.value.errors()}


async def test_without_parameters_all_complaints_are_meant(ask):
    assert await ask() == Ask("all", BEGINNING, END, None, None)


async def test_a_period_a_unit_and_a_category_are_taken_as_given(ask):
    found = await ask(
        **{
            "group_by": "kota",
            "from": "2026-11-01T00:00:00+07:00",
            "to": "2026-12-01T00:00:00Z",
            "unit": "31.71.01.1001",
            "category": "pju",
        }
    )
    assert found == Ask(
        "kota", datetime(2026, 10, 31, 17, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC), unit="31.71.01.1001", category="pju"
    )


async def test_every_wrong_parameter_is_named_at_once(ask):
    found = await faults(
        ask(
            ("category", "pju"),
            ("category", "sampah"),
            **{"group_by": "ward", "from": "yesterday", "to": "2026-11-24T00:00:00", "unit": "31.99", "colour": "red"},
        )
    )
    assert set(found) == {"group_by", "from", "to", "unit", "category", "colour"}
    assert "with its zone" in found["from"]
    assert "with its zone" in found["to"]
    assert found["unit"] == "is not the code of a unit of this city"
    assert found["category"] == "is given more than once"


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-13-01T00:00:00Z", "", "\0", "1e9"]
)
async def test_a_moment_that_no_calendar_of_ours_holds_is_refused_not_crashed_on(ask, moment):
    assert set(await faults(ask(**{"from": moment}))) == {"from"}


async def test_a_period_that_ends_before_it_begins_is_refused(ask):
    found = await faults(ask(**{"from": "2026-11-24T00:00:00Z", "to": "2026-11-24T00:00:00Z"}))
    assert found == {"to": "must be after `from`"}


async def test_an_unknown_category_is_refused(ask):
    assert set(await faults(ask(category="'; DROP TABLE complaints; --"))) == {"category"}


def test_every_parameter_is_described_for_openapi():
    assert [one["name"] for one in parameters()] == ["group_by", "from", "to", "unit", "category"]
    assert all(one["description"] for one in parameters())
