"""`dunwell bench ack`: how soon an inbound message is acknowledged, that each is answered once, and how soon it is picked up.

Three parts on a database of its own. Load: `dunwell serve` stores messages over HTTP, one in twenty of them delivered
twice. Drain: a worker answers them all. Pick-up: messages one at a time to an idle worker that never looks without
being told.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from agent.deps import Deps
from agent.engine.run import Engine
from agent.engine.vectors import embed
from agent.policy.gate import Gate
from evals.bench.inbound.load import load
from evals.bench.inbound.process import cpu_seconds, served
from evals.bench.meter import percentile
from evals.bench.model import InstantModel
from evals.bench.people import COMPANY, NOW, Caller, calls, policy, settle, words
from evals.bench.place import Place, circumstances
from server import db
from server.inbound import accept
from server.jobs.run import Shift, take_turns
from server.jobs.schedule import Hands, Terms
from tools import failpoints
from tools.clock import FrozenClock
from tools.memory.arrival import Arrival

_CUSTOMERS = 300
_CONCURRENCY = 8
_WARM_SECONDS = 2
_NEVER = 3600.0
_PATIENCE = 60.0


async def measure(place: Place, *, rate: int, seconds: int, pick_ups: int = 200) -> dict[str, Any]:
    """Run the three parts: latencies in milliseconds, CPU a request, exact counts of messages, jobs and episodes."""
    callers = settle(place, _CUSTOMERS)
    async with served(place) as (lines, server):
        warm = await load(lines, callers, rate=max(1, rate // 4), seconds=_WARM_SECONDS, prefix="W")
        before = cpu_seconds(server), place.postgres_cpu(), time.process_time()
        done = await load(lines, callers, rate=rate, seconds=seconds, prefix="SM")
        after = cpu_seconds(server), place.postgres_cpu(), time.process_time()
    spent = [round((b - a) * 1000 / done.sent, 2) for a, b in zip(before, after, strict=True)]
    expected = sum(part.sent - part.sent_twice for part in (warm, done))
    stored, queued = _count(place, "message WHERE direction = 'in'"), _count(place, "procrastinate_jobs")
    load_after = circumstances(place)  # before the worker makes a load of its own
    async with _engine(place) as engine:
        drained = await _drain(place, engine)
        pick_up = await _pick_up(engine, callers, pick_ups)
    return {
        "rate": rate, "seconds": seconds, "sent": done.sent, "sent_twice": done.sent_twice, "stored_new": done.new,
        "errors": len(done.failed), "error_kinds": sorted(set(done.failed)),
        "messages_stored": stored, "jobs_stored": queued, "lost_or_doubled": abs(stored - expected) + abs(queued - expected),
        "duplicates_exact": stored == queued == expected == warm.new + done.new,
        "ack_ms": _figures(done.took_ms),
        "cpu_ms": dict(zip(("server", "postgres", "generator"), spent, strict=True)),
        **drained, "pick_ups": pick_ups, "pick_up_ms": _figures(pick_up), "machine": load_after,
    }  # fmt: skip


def targets(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was promised, and whether it holds."""
    held = {
        "acknowledgement p99, ms": (result["ack_ms"]["p99"], 10),
        "errors": (result["errors"], 0),
        "messages and jobs that are missing or too many": (result["lost_or_doubled"], 0),
        "messages that nobody answered": (result["left_unhandled"], 0),
        "pick-up p99 of an idle worker that never polls, ms": (result["pick_up_ms"]["p99"], 50),
    }
    return [
        {"target": name, "is": found, "at_most": most, "met": found <= most}
        for name, (found, most) in held.items()
    ]


def _figures(took: list[float]) -> dict[str, float]:
    return {
        "p50": round(percentile(took, 50), 2),
        "p99": round(percentile(took, 99), 2),
        "max": round(max(took), 2),
    }


async def _drain(place: Place, engine: Engine) -> dict[str, Any]:
    """A worker answers everything that was stored."""
    waiting, begun = _count(place, _UNHANDLED), time.perf_counter()
    async with _worker(engine):
        while _count(place, _UNHANDLED) or _count(place, "procrastinate_jobs"):  # noqa: ASYNC110 - a database sets no event
            await asyncio.sleep(0.25)
    took = time.perf_counter() - begun
    return {
        "handled": waiting, "left_unhandled": _count(place, _UNHANDLED), "episodes": _count(place, "episode"),
        "turns_per_second": round(waiting / took, 1),
    }  # fmt: skip


async def _pick_up(engine: Engine, callers: list[Caller], pick_ups: int) -> list[float]:
    """From the end of the storing transaction to the job in the worker's hands; the worker is idle and told nothing else."""
    took, fetched = list[float](), asyncio.Event()
    failpoints.arm(lambda name: fetched.set() if name == "worker.fetched" else None)
    try:
        async with _worker(engine):
            for number in range(pick_ups):
                caller = callers[number % len(callers)]
                await asyncio.sleep(0.05)  # the turn before it is done, and the worker waits
                fetched.clear()
                await accept(engine.deps.pool, Arrival(channel="sms", address=caller.phone, body=words(number), at=NOW,
                    provider_id=f"PU{number}"))  # fmt: skip
                stored = time.perf_counter()
                async with asyncio.timeout(_PATIENCE):
                    await fetched.wait()
                took.append((time.perf_counter() - stored) * 1000)
    finally:
        failpoints.arm(None)
    return took


_UNHANDLED = "message WHERE direction = 'in' AND handled_at IS NULL"


def _count(place: Place, what: str) -> int:
    with place.admin() as conn:
        found = conn.execute(f"SELECT count(*) FROM {what}").fetchone()
    return int(found[0]) if found else 0


@asynccontextmanager
async def _engine(place: Place) -> AsyncIterator[Engine]:
    """An engine whose model thinks in no time."""
    async with db.open_pool(place.conninfo, min_size=1, max_size=_CONCURRENCY) as pool:
        model = InstantModel(calls=calls(0))
        engine = Engine(Deps(pool, FrozenClock(NOW), model, "instant", Gate(policy()), COMPANY))
        await engine.open()
        await embed(engine.deps, ["ready"])
        yield engine


@asynccontextmanager
async def _worker(engine: Engine) -> AsyncIterator[None]:
    stop = asyncio.Event()
    shift = Shift(concurrency=_CONCURRENCY, poll_seconds=_NEVER, chores=())
    async with asyncio.TaskGroup() as group:
        group.create_task(take_turns(Hands(engine, Terms()), shift, stop))
        await asyncio.sleep(0.5)  # until it listens
        try:
            yield
        finally:
            stop.set()
