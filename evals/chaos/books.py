"""The books of a run, read when it is at rest: everything that the checker looks at, as plain rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from tools import sql
from tools.activity.chain import BrokenLink, verify

_SQL = sql.load("evals.chaos")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Books:
    """The database at the end. Each field is what the query of its name reads."""

    received: Sequence[Row]
    episodes: Sequence[Row]
    decisions: Sequence[Row]
    approvals: Sequence[Row]
    outbox: Sequence[Row]
    effects: Sequence[Row]
    plans: Sequence[Row]
    invoices: Sequence[Row]
    events: Sequence[Row]
    users: Sequence[Row]
    order: Sequence[Row]
    log: Sequence[Row]
    jobs: Sequence[Row]
    broken: Sequence[BrokenLink]


async def read_books(conninfo: str) -> Books:
    """Read them in one snapshot, as somebody who sees every customer."""
    async with await AsyncConnection.connect(conninfo) as conn:
        await conn.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        broken = (await verify(conn)).broken
        rows: dict[str, list[Row]] = {}
        async with conn.cursor(row_factory=dict_row) as cursor:
            for name in Books.__slots__:
                if name != "broken":
                    await cursor.execute(_SQL[name])
                    rows[name] = list(await cursor.fetchall())
    return Books(**rows, broken=broken)


def observe(conn: psycopg.Connection[Any]) -> None:
    """Let the database write down in which order stops and claims happen; `Books.order` reads it."""
    conn.execute(_SQL["observe"])
