"""The day's plan as rows: one for each account whose step is due, until its episode has committed."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from psycopg import AsyncConnection

from agent.deps import Deps
from agent.engine.trigger import Trigger
from tools import sql

_SQL = sql.load("agent.cycle")
_BATCH = 1000


async def is_planned(conn: AsyncConnection[Any], *, day: date) -> bool:
    """Whether the portfolio of `day` was planned."""
    cursor = await conn.execute(_SQL["is_planned"], {"day": day})
    return await cursor.fetchone() is not None


async def keep_plan(
    conn: AsyncConnection[Any], *, day: date, triggers: Sequence[Trigger], now: datetime
) -> bool:
    """Keep the steps of a day's plan, in the caller's transaction; False, and nothing kept, where the day has a plan.

    What an earlier day left undone is forgotten: the new plan has the step again where it is still due.
    """
    cursor = await conn.execute(_SQL["keep_day"], {"day": day, "steps": len(triggers), "now": now})
    if await cursor.fetchone() is None:
        return False
    await conn.execute(_SQL["forget_steps"], {"day": day})
    for start in range(0, len(triggers), _BATCH):
        batch = triggers[start : start + _BATCH]
        await conn.execute(
            _SQL["keep_steps"],
            {
                "day": day, "keys": [t.turn_key for t in batch], "customers": [t.customer_id for t in batch],
                "steps": [t.step for t in batch], "channels": [t.channel for t in batch],
                "anchors": [t.anchor_invoice_id for t in batch],
            },
        )  # fmt: skip
    return True


async def step_is_done(deps: Deps, trigger: Trigger) -> None:
    """The step's episode has committed. Lost in a crash, this is made good by the next attempt, which the fence ends."""
    async with deps.pool.connection() as conn:
        await conn.execute(_SQL["step_is_done"], {"turn_key": trigger.turn_key})
