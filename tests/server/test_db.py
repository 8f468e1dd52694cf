"""The database at start-up: who may log in, what a missing one says, migrations at once."""

import asyncio
import sys

import psycopg
import pytest
from langgraph.checkpoint.serde import _msgpack
from pydantic import SecretStr

from server import db
from server.embedded import Server
from server.settings import Settings
from tools.errors import Misconfigured, Unavailable

_MIGRATE = "import asyncio, sys; from server import db; asyncio.run(db.migrate(sys.argv[1]))"


async def test_a_superuser_is_refused_at_start_up(server: Server, template: str) -> None:
    with pytest.raises(Misconfigured, match=r"'postgres' is a superuser .* log in as the role .*\.$"):
        async with db.open_pool(server.admin_conninfo(), min_size=1, max_size=1):
            pytest.fail("a superuser got in")
    with pytest.raises(Misconfigured, match="superuser"):
        await db.migrate(server.admin_conninfo())


@pytest.mark.parametrize(("role", "attribute"), [("sly", "BYPASSRLS"), ("slyer", "IN ROLE postgres")])
async def test_a_login_that_could_see_every_customer_is_refused(
    server: Server, role: str, attribute: str
) -> None:
    async with await psycopg.AsyncConnection.connect(server.admin_conninfo(), autocommit=True) as admin:
        await admin.execute(f"CREATE ROLE {role} LOGIN {attribute}")
        try:
            # The socket lets in the two roles of the installation only: so be the sly one by name.
            await admin.execute(f"SET SESSION AUTHORIZATION {role}")
            with pytest.raises(Misconfigured, match="bypasses row-level security"):
                await db.assert_safe_login(admin)
        finally:
            await admin.execute("RESET SESSION AUTHORIZATION")
            await admin.execute(f"DROP ROLE {role}")


async def test_a_login_that_cannot_be_narrowed_to_a_customer_is_refused(server: Server) -> None:
    async with await psycopg.AsyncConnection.connect(server.admin_conninfo(), autocommit=True) as admin:
        await admin.execute("CREATE ROLE plain LOGIN")
        try:
            await admin.execute("SET SESSION AUTHORIZATION plain")
            with pytest.raises(Misconfigured, match="may not take the role 'dunwell_agent'"):
                await db.assert_safe_login(admin)
        finally:
            await admin.execute("RESET SESSION AUTHORIZATION")
            await admin.execute("DROP ROLE plain")


async def test_tests_themselves_log_in_as_the_application(conn: db.Connection) -> None:
    await db.assert_safe_login(conn)
    cursor = await conn.execute("SELECT session_user::text, current_user::text")
    assert await cursor.fetchone() == ("dunwell", "dunwell")


async def test_a_missing_database_is_one_clear_sentence_without_the_password(server: Server) -> None:
    for conninfo, said in (
        (
            server.app_conninfo("nowhere"),
            'database "nowhere" does not exist; a database administrator creates it',
        ),
        ("host=/nonexistent user=dunwell dbname=dunwell", "No such file or directory"),
        ("postgresql://dunwell:hush-hush@127.0.0.1:1/dunwell", "Connection refused"),
    ):
        with pytest.raises(Unavailable) as refused:
            async with db.open_pool(conninfo, min_size=1, max_size=1):
                pytest.fail("there is no such database")
        assert said in str(refused.value)
        assert "\n" not in str(refused.value)
        assert "hush-hush" not in str(refused.value)


def test_the_settings_decide_where_to_log_in(server: Server) -> None:
    assert db.locate(Settings(data_dir=server.data_dir)) == server.app_conninfo()
    given = db.locate(Settings(database_url=SecretStr("postgresql://dunwell:x@db.example/dunwell")))
    assert "host=db.example" in given
    with pytest.raises(Misconfigured, match="DUNWELL_DATABASE_URL cannot be read"):
        db.locate(Settings(database_url=SecretStr("mysql://somewhere/else?what")))


async def test_migrations_at_once_wait_for_each_other_and_all_succeed(server: Server, template: str) -> None:
    name = "migrated_at_once"
    await asyncio.to_thread(server.create_database, name)
    async with db.connect(server.app_conninfo(name)) as connection:
        assert not await db.is_current(connection)

        command = [sys.executable, "-c", _MIGRATE, server.app_conninfo(name)]
        started = [await asyncio.create_subprocess_exec(*command) for _ in range(3)]

        assert [await one.wait() for one in started] == [0, 0, 0]
        assert await db.is_current(connection)


async def test_a_migrated_database_is_current_and_stays_so(database: str) -> None:
    await db.migrate(database)
    async with db.connect(database) as connection:
        assert await db.is_current(connection)
        await connection.execute("UPDATE alembic_version SET version_num = '0000'")
        assert not await db.is_current(connection)


def test_checkpoints_may_only_hold_plain_json() -> None:
    assert _msgpack.STRICT_MSGPACK_ENABLED


async def test_what_one_test_writes_no_other_test_sees(conn: db.Connection) -> None:
    await conn.execute("CREATE TABLE gone (id int)")
    async with conn.transaction():
        await conn.execute("INSERT INTO gone VALUES (1)")
