import asyncpg
import pytest

from stack.postgres import provision, provision_given
from stack.trouble import StackTrouble
from tests.support.databases import Databases


async def test_no_service_may_read_write_or_even_look_into_anothers_schema(postgres_dsn: str) -> None:
    names = {"database": "provision_one", "prefix": "provision_"}
    dsns = await provision(postgres_dsn, {"intake": "a /@:b", "routing": "c"}, **names)
    try:
        intake, routing = [await asyncpg.connect(dsns[name]) for name in ("intake", "routing")]
        await intake.execute("CREATE TABLE complaints (n int)")
        assert await intake.fetchval("SELECT 'complaints'::regclass::oid = 'intake.complaints'::regclass::oid")
        for statement in (
            "SELECT * FROM intake.complaints",
            "CREATE TABLE intake.mine (n int)",
            "CREATE TABLE public.mine (n int)",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await routing.execute(statement)
        await intake.close()
        await routing.close()
    finally:
        await _drop(postgres_dsn, "provision_one", ["provision_intake", "provision_routing"])


async def test_a_second_start_finds_all_as_it_was_and_a_new_password_counts(postgres_dsn: str) -> None:
    names = {"database": "provision_two", "prefix": "provision_"}
    try:
        first = await provision(postgres_dsn, {"intake": "old"}, **names)
        connection = await asyncpg.connect(first["intake"])
        await connection.execute("CREATE TABLE kept (n int)")
        await connection.close()
        second = await provision(postgres_dsn, {"intake": "new"}, **names)
        connection = await asyncpg.connect(second["intake"])
        assert await connection.fetchval("SELECT count(*) FROM kept") == 0
        await connection.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(first["intake"])
    finally:
        await _drop(postgres_dsn, "provision_two", ["provision_intake"])


async def test_services_share_a_given_role_that_may_make_no_roles_and_a_person_is_told(databases: Databases) -> None:
    dsn = await databases.blank("fresh")
    admin = await asyncpg.connect(databases.admin_dsn(dsn))
    role = await admin.fetchval("SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'fresh'")
    database = await admin.fetchval("SELECT current_database()")
    await admin.execute(f'GRANT CREATE ON DATABASE "{database}" TO {role}')
    await admin.close()
    dsns, note = await provision_given(dsn, {"intake": "unused", "routing": "unused"})
    assert dsns == {"intake": dsn, "routing": dsn}
    assert "may not make roles" in note
    connection = await asyncpg.connect(dsn)
    assert await connection.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname IN ('intake', 'routing')") == 2
    await connection.close()


async def test_a_server_that_is_not_there_is_one_line_without_the_password() -> None:
    with pytest.raises(StackTrouble, match=r"127\.0\.0\.1:9/tanggap, which DATABASE_URL names") as trouble:
        await provision_given("postgresql://me:secret@127.0.0.1:9/tanggap", {"intake": "x"})
    assert "secret" not in str(trouble.value)


@pytest.mark.parametrize(
    "place", ["me:secret@127.0.0.1:abc/tanggap", "me:secret@127.0.0.1:99999/tanggap", "me:secret/1@127.0.0.1/t"]
)
async def test_a_port_that_can_not_be_is_one_line_without_the_password(place: str) -> None:
    with pytest.raises(StackTrouble, match=r"^DATABASE_URL names no port from 1 to 65535") as trouble:
        await provision_given(f"postgresql://{place}", {"intake": "x"})
    assert "secret" not in str(trouble.value)


async def _drop(admin_dsn: str, database: str, roles: list[str]) -> None:
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
    for role in roles:
        await admin.execute(f"DROP ROLE IF EXISTS {role}")
    await admin.close()
