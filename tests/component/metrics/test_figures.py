"""The figures: counted from rows, each as it is defined, and equal to a count made apart from the SQL."""

import random
from datetime import timedelta

import pytest

from services.metrics import figures
from services.metrics.figures import GROUPINGS, QUERIES, Ask, Figures
from services.metrics.fold import facts, kota_finder
from services.metrics.recount import count
from tanggap.contracts import lifecycle
from tests.support.metrics import GAMBIR, PINANGSIA

HOUR = 3600.0


@pytest.fixture
def ask(database):
    async def read(**ask):
        async with database.connection() as connection:
            return await figures.read(connection, Ask(**ask))

    return read


@pytest.fixture
async def small_city(board, life):
    """Seven complaints at noon, looked at ten hours later."""
    lives = [
        life(number="JK1").submitted().assigned(GAMBIR).acknowledged(1).resolved(3),
        life(number="JK2").submitted().assigned(GAMBIR).acknowledged(3),
        life(number="JK3").submitted().assigned(GAMBIR),
        life(number="JK4").submitted().assigned(GAMBIR, category="jalan_rusak", coordinate=20).rejected(2),
        life(number="JK5").submitted().assigned(PINANGSIA, category="jalan_rusak", coordinate=20).acknowledged(8),
        life(number="JK6").submitted().triaged(),
        life(number="JK7").submitted(),
    ]
    await board.fold(*lives)
    await board.tick(lives[0].at(10))
    return lives


async def test_each_figure_is_what_its_definition_says(small_city, ask):
    table = await ask()
    assert table.as_of == small_city[0].at(10)
    assert table.total == Figures(
        received=7, answered=4, first_response_p50=2.5 * HOUR, first_response_p90=pytest.approx(6.5 * HOUR), open=5, overdue=3, triage=1,
        resolved=1, rejected=1, merged=0, breaches=0,
    )  # fmt: skip
    assert table.total.response_rate == pytest.approx(4 / 7)
    assert table.groups == ()


async def test_what_ran_out_counts_as_a_breach_when_it_comes_back_from_the_log(small_city, board, ask):
    await board.folder.handle(board.log.batch(await board.fired()))
    # JK2 and JK3 coordinate, JK6 coordinate.
    assert (await ask()).total.breaches == 3


async def test_figures_by_unit_kota_and_category(small_city, ask):
    by_unit = {group.code: group for group in (await ask(group_by="unit")).groups}
    assert {code: (group.name, group.figures.received) for code, group in by_unit.items()} == {
        GAMBIR.code: ("Gambir", 4),
        PINANGSIA.code: ("Pinangsia", 1),
        "triase": ("Meja Triase CRM Jakarta", 1),
        None: (None, 1),
    }
    assert by_unit[GAMBIR.code].figures.first_response_p50 == 2 * HOUR
    assert by_unit[GAMBIR.code].figures.overdue == 2
    by_kota = {group.code: group.figures.received for group in (await ask(group_by="kota")).groups}
    assert by_kota == {"31.71": 4, "31.73": 1, None: 2}
    by_category = {group.code: group.figures.answered for group in (await ask(group_by="category")).groups}
    assert by_category == {"pju": 2, "jalan_rusak": 2, None: 0}


async def test_a_period_holds_its_beginning_and_not_its_end(small_city, ask):
    noon = small_city[0].at(0)
    assert (await ask(received_from=noon, received_to=noon + timedelta(microseconds=1))).total.received == 7
    assert (await ask(received_to=noon)).total == figures.NOTHING


async def test_filters_narrow_what_is_counted(small_city, ask):
    assert (await ask(unit=GAMBIR.code)).total.received == 4
    assert (await ask(unit=GAMBIR.code, category="jalan_rusak")).total.rejected == 1


async def test_nothing_received_has_no_rate_and_no_median(board, ask):
    table = await ask(group_by="unit")
    assert (table.as_of, table.total, table.groups) == (None, figures.NOTHING, ())
    assert table.total.response_rate is None


async def test_while_it_is_not_known_how_far_the_log_is_read_nothing_is_called_overdue(board, life, ask, database):
    await board.fold(life().submitted().assigned(coordinate=0.1))
    table = await ask()
    assert (table.as_of, table.total.received, table.total.overdue) == (None, 1, 0)
    async with database.connection() as connection:
        assert [row async for row in QUERIES.overdue(connection, as_of=table.as_of, most=None)] == []


async def test_the_whole_is_as_old_as_its_slowest_partition(board, life, ask, database):
    board.reading.moments[1] = life().at(1)
    await board.tick(life().at(5))
    assert (await ask()).as_of == life().at(1)


async def test_whatever_happened_the_sql_counts_what_python_counts(board, life, ask, city):
    dice = random.Random(7)
    lives = []
    for number in range(120):
        each = life(number=f"JK{number}").submitted()
        each.received_at -= timedelta(hours=dice.uniform(0, 100))
        if dice.random() < 0.9:
            unit = dice.choice(city.wards()).unit
            each.assigned(unit, category=dice.choice(list(city.categories)), coordinate=dice.uniform(1, 40))
        elif dice.random() < 0.7:
            each.triaged()
        hour = 0.0
        for _ in range(dice.randrange(6)):
            hour += dice.uniform(0, 20)
            act = dice.choice(["acknowledged", "waiting", "resumed", "resolved", "rejected", "reopened", "notified"])
            getattr(each, act)(hour)
        lives.append(each)
    await board.fold(*lives)
    as_of = life().at(90)
    await board.tick(as_of)
    await board.folder.handle(board.log.batch(await board.fired()))
    fired = await board.fired()
    kota_of = kota_finder(city)
    rows = []
    for each in lives:
        events = [*each.events, *(event for event in fired if event.complaint_id == each.id)]
        rows.append(facts(lifecycle.fold(events, city.calendar), 0, kota_of))
    for group_by in GROUPINGS:
        table = await ask(group_by=group_by)
        counted = count(rows, group_by, as_of)
        held = {group.code: group.figures for group in table.groups} if group_by != "all" else {None: table.total}
        assert held.keys() == counted.keys()
        for code, found in held.items():
            for name in Figures.__slots__:
                assert getattr(found, name) == pytest.approx(getattr(counted[code], name)), (group_by, code, name)
        each = table.total
        assert each.received == each.open + each.resolved + each.rejected + each.merged == 120
        assert each.overdue > 0
        assert each.breaches > 0
