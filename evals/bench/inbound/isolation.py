"""`dunwell bench queue`: what may not delay a customer who writes: the nightly cycle, and another customer's backlog.

The worker is `dunwell work` itself, with its chores, its sender and the offline model. Customers write at times fixed
beforehand, first with nothing beside them, then while one customer's backlog is worked off, then while a cycle is.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import ClientCursor

from agent.deps import Pool
from evals.bench.inbound.process import working
from evals.bench.meter import percentile
from evals.bench.people import NOW, TODAY, Caller, settle, words
from evals.bench.place import Place, circumstances
from server import db
from server.inbound import accept, known
from tools import sql
from tools.errors import Unavailable
from tools.memory.arrival import Arrival

_SQL = sql.load("evals.bench.inbound")
_CUSTOMERS = 300
_WARM = 40
_POOL = 4
_PATIENCE = 300.0
_LOOK = 0.2
Keys = list[str]


async def measure(
    place: Place, *, planned: int = 250_000, backlog: int = 500, messages: int = 200, rate: float = 10.0
) -> dict[str, Any]:
    """Pick-up and latency in milliseconds of `messages` at `rate` a second, without and with each of the two."""
    *others, busy = settle(place, _CUSTOMERS)
    with place.admin() as conn:
        conn.execute(_SQL["watch_turns"])
    async with working(place), db.open_pool(place.conninfo, min_size=1, max_size=_POOL) as pool:
        await _done(place, await _write(pool, others, _WARM, rate, "W"))
        alone = await _write(pool, others, messages, rate, "A")
        await _done(place, alone)
        many = await _write(pool, [busy], backlog, None, "M")
        beside = await _write(pool, others, messages, rate, "B")
        left = _one(place, "unfinished", keys=many)[0]
        await _done(place, beside + many)
        await asyncio.to_thread(_plan, place, planned)
        await _begun(place, planned)
        deferred, done = _one(place, "cycle_progress")
        during = await _write(pool, others, messages, rate, "C")
        deferred_after, done_after = _one(place, "cycle_progress")
        await _done(place, during)
    return {
        "planned": planned, "backlog": backlog, "messages": messages, "rate": rate,
        "alone": _figures(place, alone), "beside_backlog": _figures(place, beside), "during_cycle": _figures(place, during),
        "backlog_left": left, "backlog_seconds": round(_one(place, "seconds_of", keys=many)[0], 1),
        "cycle": {"deferred_before": deferred, "done_before": done, "deferred": deferred_after, "done": done_after},
        "machine": circumstances(place),
    }  # fmt: skip


def targets(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was promised, and whether it holds. The others may wait for a core, and never for the backlog."""
    during, alone, beside = (result[name] for name in ("during_cycle", "alone", "beside_backlog"))
    held = {
        "pick-up p99 while a cycle is deferred in batches, ms": (during["pick_up_ms"]["p99"], 100),
        "p95 of the others beside one customer's backlog, of that without": (
            round(beside["latency_ms"]["p95"] / alone["latency_ms"]["p95"], 2), 2.0,
        ),
        "messages without a finished turn": (
            sum(result["messages"] - of["finished"] for of in (alone, beside, during)), 0,
        ),
    }  # fmt: skip
    return [
        {"target": name, "is": found, "at_most": most, "met": found <= most}
        for name, (found, most) in held.items()
    ]


async def _write(
    pool: Pool, callers: Sequence[Caller], messages: int, rate: float | None, prefix: str
) -> Keys:
    """So many messages, each at its time, or all of them at once where there is no rate: the keys of their turns."""
    clock = asyncio.get_running_loop()
    start = clock.time()

    async def write(number: int) -> str:
        caller = callers[number % len(callers)]
        if rate is not None:
            await asyncio.sleep(max(0.0, start + number / rate - clock.time()))
        stored = known(
            await accept(
                pool,
                Arrival(
                    channel="sms",
                    address=caller.phone,
                    body=words(number),
                    at=NOW,
                    provider_id=f"{prefix}{number}",
                ),
            )
        )
        return f"message:{stored.message_id}"

    return await asyncio.gather(*(write(number) for number in range(messages)))


async def _done(place: Place, keys: Keys) -> None:
    async with asyncio.timeout(_PATIENCE):
        while _one(place, "unfinished", keys=keys)[0]:  # noqa: ASYNC110 - a database sets no event
            await asyncio.sleep(_LOOK)


def _plan(place: Place, customers: int) -> None:
    with place.admin() as conn:
        ClientCursor(conn).execute(_SQL["plan_cycle"], {"now": NOW, "today": TODAY, "customers": customers})
        conn.execute(_SQL["analyze"])


async def _begun(place: Place, planned: int) -> None:
    """Wait until the cycle's turns run. Raises Unavailable where they were over before anybody looked."""
    async with asyncio.timeout(_PATIENCE):
        while not _one(place, "cycle_progress")[1]:  # noqa: ASYNC110 - a database sets no event
            await asyncio.sleep(_LOOK)
    if _one(place, "cycle_progress")[1] == planned:
        raise Unavailable(
            f"A cycle of {planned} customers is over before a message can be written beside it."
        )


def _one(place: Place, name: str, **given: Any) -> tuple[Any, ...]:
    with place.admin() as conn:
        return conn.execute(_SQL[name], given).fetchone() or (0,)


def _figures(place: Place, keys: Keys) -> dict[str, Any]:
    with place.admin() as conn:
        rows = conn.execute(_SQL["passages"], {"keys": keys}).fetchall()
    waits, takes = ([row[place_of] for row in rows] for place_of in (0, 1))
    return {
        "finished": len(rows),
        "pick_up_ms": {f"p{p}": round(percentile(waits, p), 1) for p in (50, 95, 99)},
        "latency_ms": {f"p{p}": round(percentile(takes, p), 1) for p in (50, 95, 99)},
    }
