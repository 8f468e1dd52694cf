"""The database at start-up: who may log in, what a missing one says, migrations at once."""

import asyncio
import sys
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from langgraph.checkpoint.serde import _msgpack
from pydantic import SecretStr

from server import db, migrations
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


async def test_the_second_revision_moves_the_arguments_of_decisions_and_loses_none(server: Server) -> None:
    name = f"old_{uuid4().hex}"
    server.create_database(name)
    versions = Path(migrations.__file__).parent / "versions"
    async with db.connect(server.app_conninfo(name)) as conn:
        await conn.execute((versions / "0001_initial.sql").read_bytes())
        await conn.execute(
            """INSERT INTO customer (id, ext_system, ext_id, ext_fetched_at, raw_hash, name, currency)
               VALUES ('k1', 'csv', 'k1', '2026-03-10', '', 'x', 'USD');
               INSERT INTO policy_version VALUES ('p', '', '2026-03-10');
               INSERT INTO episode (id, customer_id, turn_key, trigger, model_id, prompt_version, policy_version,
                                    graph_version, outcome, started_at, committed_at)
               VALUES ('e', 'k1', 'e', '{}', '', '', 'p', '1', 'settled', '2026-03-10', '2026-03-10');
               INSERT INTO decision (customer_id, episode_id, position, tool, args, digest, actor, verdict, reasons,
                                     policy_version, facts, facts_digest, at)
               SELECT 'k1', 'e', n, '', jsonb_build_object('n', n), '', 'agent', 'allow', '[]', 'p', '{}', '', '2026-03-10'
                 FROM generate_series(0, 2) AS n;
               INSERT INTO message (customer_id, direction, channel, body, body_digest, at)
               VALUES ('k1', 'out', 'email', 'Invoice INV-2207 is open.', '', '2026-03-10')"""
        )
        await conn.execute((versions / "0002_memory.sql").read_bytes())

        cursor = await conn.execute(
            "SELECT d.position, a.args, a.customer_id FROM decision d JOIN decision_args a ON a.decision_id = d.id ORDER BY 1"
        )
        assert await cursor.fetchall() == [(n, {"n": n}, "k1") for n in range(3)]
        found = await conn.execute("SELECT count(*) FROM message WHERE words @@ '2207' AND embedding IS NULL")
        assert await found.fetchone() == (1,)


async def test_tests_themselves_log_in_as_the_application(conn: db.Connection) -> None:
    await db.assert_safe_login(conn)
    cursor = await conn.execute("SELECT session_user::text, current_user::text")
    assert await cursor.fetchone() == ("dunwell", "dunwell")


async def test_a_missing_database_is_one_clear_sentence_without_the_password(server: Server) -> None:
    for conninfo, kind, said in (
        (
            server.app_conninfo("nowhere"),
            Misconfigured,
            'database "nowhere" does not exist; a database administrator creates it',
        ),
        ("host=/nonexistent user=dunwell dbname=dunwell", Unavailable, "No such file or directory"),
        ("postgresql://dunwell:hush-hush@127.0.0.1:1/dunwell", Unavailable, "Connection refused"),
    ):
        with pytest.raises(kind) as refused:
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


async def test_a_schema_that_is_newer_than_the_code_is_refused(database: str) -> None:
    async with db.connect(database) as connection:
        await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Misconfigured, match=r"has schema 9999, and this version knows \d+; upgrade Dunwell"):
        await db.migrate(database)


def test_checkpoints_may_only_hold_plain_json() -> None:
    assert _msgpack.STRICT_MSGPACK_ENABLED


async def test_what_one_test_writes_no_other_test_sees(conn: db.Connection) -> None:
    await conn.execute("CREATE TABLE gone (id int)")
    async with conn.transaction():
        await conn.execute("INSERT INTO gone VALUES (1)")
