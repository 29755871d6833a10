"""The pool against a real PostgreSQL that is stopped, killed and started again."""

import asyncio

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from stack.postgres import Postgres, provision
from tanggap.platform import http
from tanggap.platform.database import Database, is_transient, load_queries
from tests.support.plumbing import eventually
from tests.support.servers import open_folder


@pytest.fixture
async def database(databases):
    database = Database(await databases.blank("plumbing"), "plumbing")
    await database.start()
    yield database
    await database.stop()


@pytest.fixture(scope="module")
async def own_server():
    """A server that these tests may kill."""
    async with open_folder("postgres-killed") as folder:
        server = Postgres(folder, port=0, durable=False)
        await server.start()
        yield server
        await server.stop()


@pytest.fixture
async def own_dsn(own_server):
    return (await provision(own_server.dsn, {"plumbing": "secret"}))["plumbing"]


async def test_every_connection_sees_its_services_schema_only(database):
    async with database.connection() as connection:
        assert await connection.fetchval("SHOW search_path") == "plumbing"
        assert await connection.fetchval("SHOW application_name") == "tanggap-plumbing"


async def test_a_transaction_is_committed_or_rolled_back_as_a_whole(database):
    async with database.transaction() as connection:
        await connection.execute("CREATE TABLE things (id int)")
        await connection.execute("INSERT INTO things VALUES (1)")

    async def failing():
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO things VALUES (2)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await failing()

    async with database.connection() as connection:
        assert await connection.fetchval("SELECT array_agg(id) FROM things") == [1]


async def test_before_its_start_it_says_so():
    with pytest.raises(RuntimeError, match="not started"):
        _ = Database("postgresql://x/y", "plumbing").pool


async def test_queries_are_the_named_blocks_of_a_file(database, tmp_path):
    file = tmp_path / "queries.sql"
    file.write_text("-- name: double$\n-- Twice a number.\nSELECT :number::int * 2;\n", encoding="utf-8")
    queries = load_queries(file)

    async with database.connection() as connection:
        assert await queries.double(connection, number=21) == 42
        assert await connection.fetchval(queries.double.sql, 4) == 8


async def test_it_starts_while_postgresql_is_away_and_goes_on_when_it_comes(own_server, own_dsn):
    await own_server.stop()
    database = Database(own_dsn, "plumbing")
    await database.start()
    try:
        with pytest.raises((OSError, asyncpg.PostgresError)) as refused:
            await database.ping()
        assert is_transient(refused.value)

        await own_server.launch()

        await database.ping()
    finally:
        await database.stop()


async def test_a_restart_is_not_noticed_by_who_waits_a_moment(own_server, own_dsn):
    database = Database(own_dsn, "plumbing")
    await database.start()
    try:
        await database.ping()
        own_server.kill()
        await eventually(lambda: database.pool.get_size() == 0)
        work = asyncio.create_task(answer(database))
        await own_server.launch()
        assert await work == 42
    finally:
        await database.stop()


async def answer(database):
    async with database.connection() as connection:
        return await connection.fetchval("SELECT 42")


async def test_what_a_kill_cuts_off_is_trouble_that_passes(own_server, own_dsn):
    database = Database(own_dsn, "plumbing")
    await database.start()

    async def cut_off():
        async with database.transaction() as connection:
            await connection.execute("SELECT 1")
            own_server.kill()
            await connection.execute("SELECT pg_sleep(60)")

    try:
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)) as cut:
            await cut_off()
        assert is_transient(cut.value)
    finally:
        await database.stop()
        await own_server.launch()


async def test_a_request_while_postgresql_is_away_is_a_503_and_a_200_afterwards(own_server, own_dsn):
    database = Database(own_dsn, "plumbing")
    app = FastAPI()
    http.install(app)

    @app.get("/answer")
    async def get():
        return await answer(database)

    await database.start()
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            assert (await client.get("/answer")).status_code == 200
            await own_server.stop()
            response = await client.get("/answer")
            assert response.status_code == 503
            assert response.headers["content-type"] == "application/problem+json"
            assert response.headers["retry-after"]
            await own_server.launch()
            assert (await client.get("/answer")).json() == 42
    finally:
        await database.stop()


async def test_more_callers_than_connections_wait_their_turn(databases):
    database = Database(await databases.blank("plumbing"), "plumbing", max_size=2)
    await database.start()
    try:
        assert await asyncio.gather(*(answer(database) for _ in range(50))) == [42] * 50
    finally:
        await database.stop()


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
async def test_a_text_that_can_not_be_kept_makes_no_5xx(database, logged_faults, text):
    logged_faults.expect("refused by the database only")
    app = FastAPI()
    http.install(app)

    @app.get("/keep")
    async def keep():
        async with database.connection() as connection:
            await connection.fetchval("SELECT $1::text", text)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get("/keep")).status_code == 422
