"""A database that is lent again is as a clone of the template; one that a test changed otherwise is not lent again."""

from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest

from server.embedded import Server
from tests.databases import Shelf, admin_of
from tests.world import NOW, World, open_beside
from tools.clock import FrozenClock

# What a test may do besides leaving rows.
CHANGES: dict[str, LiteralString] = {
    "a table": "CREATE TABLE extra (id int)",
    "a column": "ALTER TABLE customer ADD COLUMN extra int",
    "a default": "ALTER TABLE message ALTER COLUMN body SET DEFAULT 'x'",
    "a constraint": "ALTER TABLE outbox ADD CONSTRAINT odd CHECK (id > 0)",
    "a trigger": "ALTER TABLE activity_log DISABLE TRIGGER ALL",
    "a policy": "CREATE POLICY extra ON customer USING (true)",
    "a function": "CREATE FUNCTION extra() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "a grant": "GRANT SELECT ON customer TO PUBLIC",
    "a grant on the database": "DO $$ BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()); END $$",
    "a setting": "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''1MB''', current_database()); END $$",
    "statistics": "ANALYZE arrangement_move",
    "a seeded row": "UPDATE alembic_version SET version_num = 'other'",
    "many rows": """INSERT INTO policy_version (version, body, first_used_at)
                    SELECT n::text, repeat(md5(n::text), 30), now() FROM generate_series(1, 2000) n""",
}


@pytest.fixture
def own(server: Server, template: str) -> Iterator[Shelf]:
    """A shelf that nobody else takes from."""
    shelf = Shelf(server, template)
    yield shelf
    shelf.close()


def _state(server: Server, name: str) -> dict[str, list[Any]]:
    """Every row and every sequence."""
    with admin_of(server, name) as conn:
        tables = conn.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND oid >= 16384"
        ).fetchall()
        found = {table: conn.execute(f"SELECT * FROM {table}".encode()).fetchall() for (table,) in tables}
        return found | {"sequences": conn.execute("SELECT * FROM pg_sequences ORDER BY 2").fetchall()}


def test_what_was_left_in_rows_is_gone_and_ids_begin_again(server: Server, own: Shelf) -> None:
    with own.lend() as first:
        empty = _state(server, first)
        with open_beside(server.app_conninfo(first)) as beside:
            world = World(server.app_conninfo(first), None, FrozenClock(NOW), beside)  # type: ignore[arg-type]  # no pool is needed
            world.customer()
            world.paid(event=True)
            world.opted_out()
        assert _state(server, first) != empty

    with own.lend() as second:
        assert second != first
        assert _state(server, second) == empty
        oids = "SELECT oid FROM pg_database WHERE datname = ANY(%s)"
        with admin_of(server) as conn:
            assert len(conn.execute(oids, [[first, second]]).fetchall()) == 1, (
                "it is the same under another name"
            )
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(server.app_conninfo(first))


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_otherwise_is_not_lent_again(server: Server, own: Shelf, change: str) -> None:
    with own.lend() as first, admin_of(server, first) as conn:
        before = conn.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
        conn.execute(CHANGES[change].encode())

    with own.lend() as second, admin_of(server, second) as conn:
        assert (
            conn.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
            != before
        )


def test_whoever_is_still_at_it_is_thrown_out_and_does_not_find_it_again(server: Server, own: Shelf) -> None:
    with own.lend() as first:
        conn = psycopg.connect(server.app_conninfo(first))
        conn.execute("LOCK TABLE customer")

    with own.lend():
        with pytest.raises(psycopg.OperationalError):
            conn.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(server.app_conninfo(first))
    conn.close()
