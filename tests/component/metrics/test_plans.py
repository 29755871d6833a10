"""The indexes do what they are there for: hot questions touch what they ask for, not the whole city's past."""

import json

import pytest

from services.metrics.figures import BEGINNING, END, QUERIES

FILL = """
INSERT INTO complaints SELECT gen_random_uuid(), n % 12, 'JK' || n, 'assigned', 'menunggu', '31.71.01.1001', 'Gambir', '31.71', 'pju',
    now() - n * interval '10 minutes', now(), now() - n * interval '9 minutes', CASE WHEN n % 50 <> 0 THEN now() END,
    CASE WHEN n % 50 <> 0 THEN 'resolved' ELSE 'open' END, now() + (n % 400 - 100) * interval '1 hour', 'resolution', 0
FROM generate_series(1, 12000) AS n;
INSERT INTO deadlines SELECT complaint_id, 'resolution', kind, partition, now() + random() * interval '30 days',
    CASE WHEN outcome = 'resolved' THEN now() END
FROM complaints, unnest(ARRAY['warn', 'breach']) AS kind;
ANALYZE complaints;
ANALYZE deadlines;
"""


@pytest.fixture
async def plan(database):
    async with database.connection() as connection:
        await connection.execute(FILL)

    async def explained(query, *arguments):
        async with database.connection() as connection:
            return await connection.fetchval(f"EXPLAIN (FORMAT JSON) {query.sql}", *arguments)

    return explained


def nodes(plan):
    """Index and table scans of a plan."""
    waiting, found = [json.loads(plan)[0]["Plan"]], []
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        found.append((node["Node Type"], node.get("Relation Name"), node.get("Index Name")))
    return found


async def test_a_days_figures_read_a_days_rows(plan, database):
    async with database.connection() as connection:
        yesterday = await connection.fetchval("SELECT now() - interval '1 day'")
    scanned = nodes(await plan(QUERIES.figures, "unit", yesterday, END, None, None))
    assert "complaints_received" in {index for _, _, index in scanned}
    assert ("Seq Scan", "complaints", None) not in scanned


async def test_all_times_figures_read_the_table_once(plan):
    scanned = nodes(await plan(QUERIES.figures, "unit", BEGINNING, END, None, None))
    assert sum(table == "complaints" for _, table, _ in scanned) == 1


async def test_what_is_overdue_is_found_among_the_open_ones_only(plan, database):
    async with database.connection() as connection:
        now = await connection.fetchval("SELECT now()")
    for query, arguments in ((QUERIES.overdue, (now, 10)), (QUERIES.overdue_by_unit, (now,))):
        assert "complaints_overdue" in {index for _, _, index in nodes(await plan(query, *arguments))}


async def test_a_tick_looks_at_live_deadlines_only(plan, database):
    async with database.connection() as connection:
        now = await connection.fetchval("SELECT now()")
    scanned = nodes(await plan(QUERIES.claim_due, list(range(12)), [now] * 12, 500))
    assert "deadlines_live" in {index for _, _, index in scanned}
    assert ("Seq Scan", "deadlines", None) not in scanned
