"""Messages a second that one sender claims, judges again, hands over and settles, beside the usual sender."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import structlog

from agent.deps import Deps
from agent.engine.run import Engine
from agent.policy.gate import Gate
from evals.bench import people
from evals.bench.model import InstantModel
from evals.bench.place import Place
from evals.bench.send.naive import send_all
from evals.bench.send.provider import Instant
from server import db
from server.sender import reconcile, run_sender
from tools import sql
from tools.clock import FrozenClock

_SQL = sql.load("evals.bench.send")
WARM_UP = 100  # messages before anything is measured: statements are prepared, templates are read
LOST = 0.02  # the share of calls that end in a timeout
_CASES = {"instant": 0.0, "timeouts": LOST}


async def measure_rate(place: Place, *, messages: int, rounds: int = 3) -> dict[str, Any]:
    """Every round of both senders, without timeouts and with 2 %, interleaved so that all see the same load."""
    people.settle(place, WARM_UP + 2 * len(_CASES) * rounds * messages)
    gate = Gate(people.policy())
    given = {"now": people.NOW, "policy": gate.policy.version}
    with place.admin() as conn:
        conn.execute(_SQL["only_the_newest_is_late"])
        # As at the end of a working day: the planner knows the tables.
        conn.execute("VACUUM ANALYZE")
    found: dict[str, dict[str, list[dict[str, Any]]]] = {
        sender: {case: [] for case in _CASES} for sender in ("dunwell", "naive")
    }
    # Each lost answer is a line: a terminal would be measured.
    with structlog.testing.capture_logs():
        async with db.open_pool(place.conninfo, min_size=4, max_size=8) as pool:
            clock = FrozenClock(people.NOW)
            deps = Deps(pool, clock, InstantModel(calls=[]), "bench", gate, people.COMPANY)
            engine = Engine(deps)
            await engine.open()
            await _round(place, engine, clock, "dunwell", Instant(), range(1, WARM_UP + 1), given)
            first = WARM_UP + 1
            for _ in range(rounds):
                for case, lost in _CASES.items():
                    for sender, of in found.items():
                        customers = range(first, first + messages)
                        of[case].append(
                            await _round(place, engine, clock, sender, Instant(lost), customers, given)
                        )
                        first += messages
    return found


async def _round(
    place: Place,
    engine: Engine,
    clock: FrozenClock,
    sender: str,
    channel: Instant,
    customers: Sequence[int],
    given: dict[str, Any],
) -> dict[str, Any]:
    """One message for each of these customers, from the queue until it is settled; what is unknown is asked for afterwards."""
    with place.admin() as conn:
        conn.execute(_SQL["due_messages"], {**given, "first": customers[0], "last": customers[-1]})
        stop, count = asyncio.Event(), len(customers)
        postgres, python, began = place.postgres_cpu(), time.process_time(), time.perf_counter()
        if sender == "naive":
            sending = asyncio.create_task(send_all(place, channel, clock))
        else:
            sending = asyncio.create_task(run_sender(engine, {"email": channel}, stop))
        while (conn.execute(_SQL["unsettled"]).fetchone() or (0,))[0]:
            await asyncio.sleep(0.02)
            if sending.done():
                sending.result()
        seconds, python = time.perf_counter() - began, time.process_time() - python
        postgres = place.postgres_cpu() - postgres
        stop.set()
        await sending
        unknown = (conn.execute(_SQL["unknown"]).fetchone() or (0,))[0]
        clock.advance(channel.settling)
        asked = await reconcile(engine, {"email": channel})
        sent, left = conn.execute(
            _SQL["settled"], {"customers": [f"c{n}" for n in customers]}
        ).fetchone() or (0, 0)
    return {
        "messages": count, "per_second": round(count / seconds, 1), "python_ms": round(python / count * 1e3, 2),
        "postgres_ms": round(postgres / count * 1e3, 2), "unknown": unknown, "found": asked.found, "sent": sent,
        "left": left, "calls": channel.taken.total(), "twice": sum(n > 1 for n in channel.taken.values()),
    }  # fmt: skip
