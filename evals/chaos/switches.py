"""Switches that take one protection away, in the process that throws them: the checker must see what follows.

For the test of the checker only. No setting, no flag of the product reaches them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, cast, get_args
from uuid import uuid4

from psycopg import AsyncConnection

import server.jobs.turn as turns
import server.sender.dispatch as dispatching
from agent.engine import commit
from agent.engine.run import Engine
from agent.engine.trigger import Trigger
from server.jobs import queue
from server.sender.claim import Claimed
from tools import sql
from tools.channels.base import Channel, ChannelName

_SQL = sql.load("evals.chaos")
Protection = Literal["fence", "claim", "lock"]
PROTECTIONS: tuple[Protection, ...] = get_args(Protection)


def take_away(protection: Protection) -> None:
    """Disable one protection for the rest of this process."""
    {"fence": _no_fence, "claim": _no_claim, "lock": _no_lock}[protection]()


def _no_fence() -> None:
    """Every attempt of a turn is a turn of its own."""
    find = turns._find  # noqa: SLF001 - a switch reaches into what it switches off

    async def find_anew(engine: Engine, customer_id: str, key: str) -> Trigger | None:
        found = await find(engine, customer_id, key)
        if found is None or found.kind != "inbound":
            return found  # a planned step that is never done would be planned again for ever
        return replace(found, turn_key=f"{key}:{uuid4()}")

    turns._find = find_anew  # noqa: SLF001 - as above


def _no_claim() -> None:
    """What a sender claims stays in the queue for everybody."""
    claim = cast(Any, dispatching).claim

    async def claim_nothing(engine: Engine, channel: Channel, name: ChannelName, *, limit: int) -> Claimed:
        claimed: Claimed = await claim(engine, channel, name, limit=limit)
        ids = [departure.row.id for departure in claimed.departures]
        async with engine.deps.pool.connection() as conn:
            await conn.execute(_SQL["unclaim"], {"ids": ids})
        return claimed

    cast(Any, dispatching).claim = claim_nothing


def _no_lock() -> None:
    """Jobs and commits of one customer run side by side."""

    async def lock_nobody(conn: AsyncConnection[Any], *, customer_id: str) -> None:
        pass

    cast(Any, commit).lock_customer = lock_nobody
    cast(Any, queue)._lock = lambda trigger, wait: trigger.turn_key  # noqa: SLF001, ARG005 - it is what is switched off


def thrown(names: Sequence[str]) -> tuple[Protection, ...]:
    """The protections of these names. Raises ValueError for another word."""
    if unknown := set(names) - set(PROTECTIONS):
        raise ValueError(f"There is no protection {', '.join(sorted(unknown))}.")
    return cast(tuple[Protection, ...], tuple(names))
