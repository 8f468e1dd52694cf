"""The access log: who got in, and who changed who may. Append-only; what is done to a customer is in the activity log."""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tools import sql

_SQL = sql.load("server.identity")
OPERATOR = "command line"  # whoever runs commands holds the database anyway


async def note(conn: AsyncConnection[Any], action: str, *, by: str, now: datetime, **subject: Any) -> None:
    """Add one entry in the caller's transaction; `subject` names users and ids, never a secret."""
    given = {"at": now, "actor": by, "action": action, "subject": Jsonb(subject)}
    await conn.execute(_SQL["note_access"], given)


async def read_log(conn: AsyncConnection[Any], *, limit: int) -> list[dict[str, Any]]:
    """The newest entries, newest first."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["access_log"], {"limit": limit})
        return await cursor.fetchall()
