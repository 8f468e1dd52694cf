"""Deferring: what waits becomes a job, once. A job carries ids only, and running it twice does nothing twice."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from agent.cycle.work import waiting_work
from agent.deps import Deps
from agent.engine.trigger import Trigger
from tools import failpoints, sql

_SQL = sql.load("server.jobs")
_WINDOW = (
    2000  # turns of a kind that are in the queue at once: rows are the backlog, and the queue stays short
)
_REST = timedelta(minutes=10)

CHORE = 20  # few and short, so they never wait behind customers' turns
_PRIORITY = {
    "inbound": 10,
    "ladder": -10,
}  # a customer who wrote goes before what we planned; within a customer too


async def defer_turn(conn: AsyncConnection[Any], trigger: Trigger, *, wait: timedelta = timedelta(0)) -> None:
    """Defer the turn of something that was stored a moment ago, in the transaction that stored it.

    With `wait` no worker takes it earlier: whoever stored it does it now, and drops the job when it is done.
    """
    await conn.execute(_SQL["defer_turn"], _turn(trigger, wait) | {"wait_seconds": wait.total_seconds()})


async def drop_turn(conn: AsyncConnection[Any], trigger: Trigger) -> None:
    """Take a turn that was done elsewhere out of the queue; one that is running ends at the fence by itself."""
    await conn.execute(_SQL["drop_turn"], {"key": trigger.turn_key})


async def defer_waiting(deps: Deps) -> int:
    """Defer a turn for everything that waits and has no job: what is due, and what lost its job. How many there were.

    Safe with any number of callers: a turn that two defer at once is deferred by one.
    """
    async with deps.pool.connection() as conn:
        waiting = await waiting_work(conn, now=deps.clock.now(), limit=_WINDOW)
        if not waiting:
            return 0
        try:
            cursor = await conn.execute(_SQL["defer_turns"], {"turns": _turns(waiting)})
        except UniqueViolation:
            return 0  # another caller was quicker with one of them; the next round looks at all of them again
        found = await cursor.fetchone()
        failpoints.reach("queue.deferred")
    return int(found[0]) if found else 0


async def try_failed_again(conn: AsyncConnection[Any], *, after: timedelta = _REST) -> int:
    """Give turns that failed for good another try when they have rested; gives their number."""
    cursor = await conn.execute(_SQL["try_failed_again"], {"after_seconds": after.total_seconds()})
    return len(await cursor.fetchall())


async def inactive_customers(conn: AsyncConnection[Any], *, before: datetime, limit: int) -> list[str]:
    """Customers on whose account nothing has happened since `before` and nothing is open."""
    cursor = await conn.execute(_SQL["inactive_customers"], {"before": before, "limit": limit})
    return [row[0] for row in await cursor.fetchall()]


async def clear_queue(conn: AsyncConnection[Any]) -> None:
    """Delete what finished jobs and dead workers left behind."""
    await conn.execute(_SQL["delete_finished"])
    await conn.execute(_SQL["forget_dead_workers"])


def _turns(triggers: Sequence[Trigger]) -> Jsonb:
    return Jsonb([_turn(trigger) for trigger in triggers])


def _turn(trigger: Trigger, wait: timedelta = timedelta(0)) -> dict[str, Any]:
    return {
        "customer_id": trigger.customer_id, "key": trigger.turn_key, "lock": _lock(trigger, wait),
        "priority": _PRIORITY.get(trigger.kind, 0),
    }  # fmt: skip


def _lock(trigger: Trigger, wait: timedelta) -> str:
    """The customer; a job that is for later has a lock of its own, for it would hold up everything before it."""
    return trigger.turn_key if wait else trigger.customer_id
