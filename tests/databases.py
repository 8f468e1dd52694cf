"""Databases for tests: clones of a migrated template, and one that is emptied and lent again.

To clone and drop a database waits for checkpoints and for every process of the server, which on a busy machine takes
half a second; to delete the few rows that a test left takes milliseconds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql

from server.embedded import Server

_MOST_PAGES = (
    64  # of a table: one that grew larger, by rows or by what is left of them, is not worth emptying
)
# Everything that DDL, GRANT, VACUUM or ANALYZE would change, and what the migrations have put into tables and sequences.
_LIKENESS = """
WITH thing (kind, row) AS (
    SELECT 'relation', (c.oid, c.xmin, c.reltuples)::text FROM pg_class c
     WHERE c.oid >= 16384 AND c.relpersistence <> 't' AND NOT c.relnamespace::regnamespace::text LIKE 'pg_temp%'
    UNION ALL SELECT 'column', (attrelid, attnum, xmin)::text FROM pg_attribute
     WHERE attrelid IN (SELECT oid FROM pg_class WHERE oid >= 16384 AND relpersistence <> 't')
    UNION ALL SELECT 'default', (oid, xmin)::text FROM pg_attrdef
    UNION ALL SELECT 'constraint', (oid, xmin)::text FROM pg_constraint WHERE oid >= 16384
    UNION ALL SELECT 'index', (indexrelid, xmin)::text FROM pg_index WHERE indexrelid >= 16384
    UNION ALL SELECT 'trigger', (oid, xmin)::text FROM pg_trigger
    UNION ALL SELECT 'event trigger', (oid, xmin)::text FROM pg_event_trigger
    UNION ALL SELECT 'policy', (oid, xmin)::text FROM pg_policy
    UNION ALL SELECT 'rule', (oid, xmin)::text FROM pg_rewrite WHERE oid >= 16384
    UNION ALL SELECT 'function', (oid, xmin)::text FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT 'type', (oid, xmin)::text FROM pg_type
     WHERE oid >= 16384 AND NOT typnamespace::regnamespace::text LIKE 'pg_temp%'
    UNION ALL SELECT 'sequence', (seqrelid, xmin)::text FROM pg_sequence
    UNION ALL SELECT 'dictionary', (oid, xmin)::text FROM pg_ts_config WHERE oid >= 16384
    UNION ALL SELECT 'schema', (oid, xmin)::text FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%temp\\_%'
    UNION ALL SELECT 'extension', (oid, xmin)::text FROM pg_extension
    UNION ALL SELECT 'defaults', (oid, xmin)::text FROM pg_default_acl
    UNION ALL SELECT 'large object', oid::text FROM pg_largeobject_metadata
    UNION ALL SELECT 'setting', (s.setrole, s.setconfig)::text FROM pg_db_role_setting s
      JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = current_database()
    UNION ALL SELECT 'database', (datdba, datallowconn, datconnlimit, datacl)::text FROM pg_database
     WHERE datname = current_database()
    UNION ALL SELECT 'prepared', gid FROM pg_prepared_xacts WHERE database = current_database()
)
SELECT count(*), sum(hashtextextended(kind || row, 0)) FROM thing
"""
_TABLES = """
SELECT c.oid::regclass::text, pg_relation_size(c.oid) / current_setting('block_size')::int
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND c.oid >= 16384 AND pg_relation_size(c.oid) > 0
 ORDER BY 1
"""
_LEAVE = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
_CALLED = "SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences WHERE last_value IS NOT NULL"

Connection = psycopg.Connection[tuple[Any, ...]]


def admin_of(server: Server, database: str | None = None) -> Connection:
    """A superuser's connection."""
    conninfo = server.admin_conninfo(database) if database else server.admin_conninfo()
    return psycopg.connect(conninfo, autocommit=True)


@contextmanager
def clone(server: Server, template: str) -> Iterator[str]:
    """The name of a database like the template; it is gone afterwards."""
    name = _create(server, template)
    try:
        yield name
    finally:
        _drop(server, name)


@dataclass(slots=True)
class Shelf:
    """Lends databases like the template, and takes back what a test left as it was but for rows."""

    server: Server
    template: str
    _free: list[str] = field(default_factory=list)
    _seeded: dict[str, Any] = field(default_factory=dict)
    _called: list[Any] = field(default_factory=list)
    _likeness: Any = None

    @contextmanager
    def lend(self) -> Iterator[str]:
        """The name of a database with nothing in it, which nobody else has, or ever had under this name."""
        name = self._free.pop() if self._free else _create(self.server, self.template)
        if self._likeness is None:
            self._remember(name)
        try:
            yield name
        finally:
            kept = self._emptied(name)
            if kept is None:
                _drop(self.server, name)
            else:
                self._free.append(kept)

    def close(self) -> None:
        """Drop what is left."""
        while self._free:
            _drop(self.server, self._free.pop())

    def _remember(self, name: str) -> None:
        with admin_of(self.server, name) as conn:
            self._likeness = _likeness(conn)
            self._seeded = {table: _rows(conn, table) for table, _ in conn.execute(_TABLES).fetchall()}
            self._called = conn.execute(_CALLED).fetchall()

    def _emptied(self, name: str) -> str | None:
        """The emptied database under a new name, for whoever still knows the old one; None where it is to be dropped."""
        try:
            with admin_of(self.server, name) as conn, conn.transaction():
                if not self._empty(conn):
                    return None
            new = _new_name()
            with admin_of(self.server) as conn:
                conn.execute(
                    sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                        sql.Identifier(name), sql.Identifier(new)
                    )
                )
        except psycopg.Error:
            return None  # it is gone, or in use
        return new

    def _empty(self, conn: Connection) -> bool:
        conn.execute(_LEAVE)
        # No trigger forbids it then, and no key is looked up.
        conn.execute("SET LOCAL session_replication_role = replica")
        conn.execute("SET LOCAL lock_timeout = '1s'")
        if _likeness(conn) != self._likeness:
            return False
        tables = conn.execute(_TABLES).fetchall()
        if any(pages > _MOST_PAGES for _, pages in tables):
            return False
        used = [table for table, _ in tables if table not in self._seeded]
        if used:
            conn.execute(";".join(f"DELETE FROM {table}" for table in used).encode())
        for sequence, _ in conn.execute(_CALLED).fetchall():
            conn.execute(
                "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence WHERE seqrelid = %s::regclass",
                [sequence],
            )
        for sequence, last in self._called:
            conn.execute("SELECT setval(%s::regclass, %s)", [sequence, last])
        return {table: _rows(conn, table) for table in self._seeded} == self._seeded


def _likeness(conn: Connection) -> Any:
    return conn.execute(_LIKENESS).fetchone()


def _rows(conn: Connection, table: str) -> list[Any]:
    return conn.execute(f"SELECT t::text FROM {table} AS t ORDER BY 1".encode()).fetchall()


def _new_name() -> str:
    return f"test_{uuid4().hex}"


def _create(server: Server, template: str) -> str:
    name = _new_name()
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER dunwell STRATEGY {}")
    with admin_of(server) as connection:
        try:  # the kernel's copy costs a seventh of a copy through the log, but not every machine has it
            connection.execute("SET file_copy_method = clone")
        except psycopg.errors.InvalidParameterValue:
            strategy = "wal_log"
        else:
            strategy = "file_copy"
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template), sql.SQL(strategy)))
    return name


def _drop(server: Server, name: str) -> None:
    with admin_of(server) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
