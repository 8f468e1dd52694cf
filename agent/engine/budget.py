"""The day's budget of tokens, shared by every process on one database. Without one nothing is read or written."""

from psycopg.rows import scalar_row

from agent.deps import Deps
from tools import sql
from tools.clock import business_day

_SQL = sql.load("agent.engine")


async def is_used_up(deps: Deps) -> bool:
    """Whether today's tokens of the configured model are spent."""
    if deps.tokens_per_day is None:
        return False
    day = business_day(deps.clock.now(), deps.company.zone)
    async with deps.pool.connection() as conn, conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["tokens_spent"], {"day": day, "model_id": deps.mind.model_id})
        return (await cursor.fetchone() or 0) >= deps.tokens_per_day


async def spend(deps: Deps, *, tokens: int) -> None:
    """Add what a call used: at once and for itself, since a turn that is rolled back has cost as much."""
    if deps.tokens_per_day is None:
        return
    day = business_day(deps.clock.now(), deps.company.zone)
    async with deps.pool.connection() as conn:
        await conn.execute(
            _SQL["spend_tokens"], {"day": day, "model_id": deps.mind.model_id, "tokens": tokens}
        )
