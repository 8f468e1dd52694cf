"""Backup and restore of the embedded database.

What left between a backup and its restore is unknown to the restored database: its queued messages may have reached
their customers since. So they come back as messages of unknown fate, which the sender settles by asking the provider;
and new messages get numbers beyond all that were given out meanwhile, because the provider knows a message by its number.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from psycopg.rows import class_row

from server import db, migrations
from server.embedded import Server, dump, ensure_running
from server.settings import Settings
from tools import sql
from tools.activity.chain import Entry, append_each
from tools.errors import Conflict, Invalid, Misconfigured
from tools.outbox.departures import Move, OutboxRow, move

_SQL = sql.load("server")
_DATABASE = "dunwell"
_RESTORED = "dunwell_restored"
_DOUBT = "it was queued in a backup that was restored"
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore came to: the schema that the backup had, customers, messages, and sends of unknown fate."""

    schema: str
    customers: int
    messages: int
    unknown_sends: int


async def back_up(settings: Settings, file: Path) -> None:
    """Write the database into `file`, consistent as of one instant while everything goes on.

    Raises Misconfigured for a database that is not ours to dump, Conflict where `file` exists.
    """
    server = await asyncio.to_thread(_embedded, settings, "pg_dump")
    if not await _has_schema(server):
        raise Conflict(f"The database in {server.data_dir} is empty; there is nothing to back up.")
    await asyncio.to_thread(dump.dump, server, _DATABASE, file)


async def restore(settings: Settings, file: Path, *, replace: bool = False) -> Restored:
    """Make the database of a backup, brought to the present schema. It takes its place whole, at the end, or not at all.

    A database that holds anything is replaced only with `replace`, and never while a process uses it. Raises Invalid
    for a file that is no backup or has a newer schema.
    """
    server = await asyncio.to_thread(_embedded, settings, "pg_restore")
    schema = await asyncio.to_thread(dump.revision_of, file)
    if (known := migrations.head()) is None or schema > known:
        raise Invalid(f"{file} has schema {schema}, and this version knows {known}; upgrade Dunwell first.")
    if not replace and await _has_schema(server):
        raise Conflict(
            f"The database in {server.data_dir} is not empty; --replace drops it for the backup, another "
            "DUNWELL_DATA_DIR keeps it."
        )
    await asyncio.to_thread(dump.load, server, file, _RESTORED)
    try:
        restored = await _prepare(settings, server.app_conninfo(_RESTORED), schema)
        await asyncio.to_thread(dump.replace, server, _DATABASE, _RESTORED)
    except BaseException:  # however it ends, half a database is not left behind; it is raised on
        await asyncio.to_thread(dump.drop, server, _RESTORED)
        raise
    return restored


async def doubt(settings: Settings) -> Restored:
    """What `restore` does at its end, for a database that its server's own tools restored. Before anything works on it."""
    conninfo = await asyncio.to_thread(db.locate, settings)
    return await _prepare(settings, conninfo, migrations.head() or "")


async def _prepare(settings: Settings, conninfo: str, schema: str) -> Restored:
    await db.migrate(conninfo)
    clock = settings.make_clock()
    async with db.connect(conninfo) as conn, conn.transaction():
        doubtful = await _doubt_queued(conn, now=clock.now())
        await conn.execute(_SQL["skip_outbox_numbers"])
        counted = await (await conn.execute(_SQL["restored"])).fetchone()
    customers, messages = counted or (0, 0)
    return Restored(schema, customers, messages, doubtful)


async def _doubt_queued(conn: db.Connection, *, now: datetime) -> int:
    """Whatever was about to leave when the backup was made may have left since: nobody knows, and the log says so."""
    doubtful = 0
    while True:
        async with conn.cursor(row_factory=class_row(OutboxRow)) as cursor:
            await cursor.execute(_SQL["still_queued"], {"limit": _BATCH})
            rows = await cursor.fetchall()
        if not rows:
            return doubtful
        await move(conn, [Move(row, "unknown", _DOUBT, check_at=now) for row in rows], now=now)
        entries: dict[str, list[Entry]] = {}
        for row in rows:
            subject = {"outbox": row.id, "message": row.message_id}
            entry = Entry("system", "System", "message.unknown", subject, row.episode_id, row.decision_id)
            entries.setdefault(row.customer_id, []).append(entry)
        await append_each(conn, at=now, entries=entries)
        doubtful += len(rows)


async def _has_schema(server: Server) -> bool:
    async with db.connect(server.app_conninfo()) as conn:
        cursor = await conn.execute("SELECT to_regclass('alembic_version') IS NOT NULL")
        return await cursor.fetchone() == (True,)


def _embedded(settings: Settings, tool: str) -> Server:
    if settings.database_url is not None:
        raise Misconfigured(
            "DUNWELL_DATABASE_URL names a server of your own, which its own tools back up and restore, such as "
            f"{tool}; this command is for the embedded database."
        )
    return ensure_running(settings.data_dir)
