"""Ready: what has to be so before this installation can be relied on, and which of it is not."""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import PoolTimeout

from agent.deps import Deps
from server import db
from tools import sql
from tools.errors import Misconfigured
from tools.memory.reembed import assert_same_model

_SQL = sql.load("server.health")
_PATIENCE_SECONDS = 2.0
# A worker gives a dead one's jobs back after three seconds, so whatever is silent for so long has nobody to do that.
SILENT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `wrong` says what is the matter, None that it is well."""

    name: str
    wrong: str | None = None


async def readiness(deps: Deps, *, max_lag_seconds: float) -> Sequence[Check]:
    """Every check there is; those that need the database are left out where it does not answer."""
    try:
        async with deps.pool.connection(timeout=_PATIENCE_SECONDS) as conn:
            if not await db.is_current(conn):
                return [
                    Check("database"),
                    Check("migrations", "the schema is not current; run `dunwell migrate`"),
                ]
            return [
                Check("database"),
                Check("migrations"),
                *await _queue(conn, max_lag_seconds),
                await _embeddings(conn, deps),
            ]
    except (psycopg.OperationalError, PoolTimeout):
        return [Check("database", "it does not answer")]


async def _queue(conn: db.Connection, max_lag_seconds: float) -> Sequence[Check]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["queue"], {"silent_seconds": SILENT_SECONDS})
        queue = await cursor.fetchone() or {"lag_seconds": 0.0, "stalled": 0}
    lag, stalled = queue["lag_seconds"], queue["stalled"]
    behind = f"a turn has been due for {lag:.0f} seconds; are workers running (`dunwell work`)?"
    lost = f"{stalled} jobs are held by workers without a sign of life"
    return [
        Check("queue lag", behind if lag > max_lag_seconds else None),
        Check("stalled jobs", lost if stalled else None),
    ]


async def _embeddings(conn: db.Connection, deps: Deps) -> Check:
    try:
        await assert_same_model(conn, deps.embedder, now=deps.clock.now())
    except Misconfigured as wrong:
        return Check("embeddings", str(wrong).rstrip("."))
    return Check("embeddings")
