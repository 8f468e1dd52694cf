"""Messages a second that one sender claims, judges again, hands over and settles, against a provider that costs nothing."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import override

from agent.deps import Deps
from agent.engine.run import Engine
from agent.policy.gate import Gate
from evals.bench import people
from evals.bench.model import InstantModel
from evals.bench.place import Place
from server import db
from server.sender import run_sender
from tools import sql
from tools.channels.base import Channel, Outbound, Receipt
from tools.clock import FrozenClock
from tools.errors import Unavailable

_SQL = sql.load("evals.bench.send")
WARM_UP = 100  # messages before anything is measured: statements are prepared, templates are read
_TIMEOUT = 0.5  # seconds


@dataclass(slots=True)
class Instant(Channel):
    """Takes a message at once; with `lost` it takes this share of them and never answers, until a timeout."""

    lost: float = 0.0
    dice: random.Random = field(default_factory=lambda: random.Random(7))
    taken: Counter[str] = field(default_factory=Counter)

    @override
    async def send(self, message: Outbound) -> Receipt:
        """Count it, and answer or not."""
        self.taken[message.key] += 1
        if self.dice.random() < self.lost:
            await asyncio.sleep(_TIMEOUT)
            raise Unavailable("the provider did not answer")
        return Receipt(f"b-{message.key}")

    @override
    async def find(self, key: str) -> Receipt | None:
        """It holds what it took."""
        return Receipt(f"b-{key}") if key in self.taken else None


async def measure_rate(place: Place, *, messages: int, rounds: int = 3) -> dict[str, Any]:
    """The rate of one sender, without timeouts and with 2 %, each the best of some rounds; both see the same load."""
    total = WARM_UP + 2 * rounds * messages
    people.settle(place, total)
    rates: dict[str, list[dict[str, Any]]] = {"instant": [], "timeouts": []}
    gate = Gate(people.policy())
    given = {"now": people.NOW, "policy": gate.policy.version}
    with place.admin() as conn:
        conn.execute(_SQL["only_the_newest_is_late"])
        # As at the end of a working day: the planner knows the tables.
        conn.execute("VACUUM ANALYZE")
    async with db.open_pool(place.conninfo, min_size=4, max_size=8) as pool:
        deps = Deps(pool, FrozenClock(people.NOW), InstantModel(calls=[]), "bench", gate, people.COMPANY)
        engine = Engine(deps)
        await engine.open()
        await _send(place, engine, Instant(), 1, WARM_UP, given)
        first = WARM_UP + 1
        for _ in range(rounds):
            for name, lost in (("instant", 0.0), ("timeouts", 0.02)):
                channel = Instant(lost)
                rates[name].append(await _send(place, engine, channel, first, first + messages - 1, given))
                first += messages
    best = {name: max(found, key=lambda one: one["per_second"]) for name, found in rates.items()}
    return {
        **best,
        "rounds": rates,
        "ratio": round(best["timeouts"]["per_second"] / best["instant"]["per_second"], 2),
    }


async def _send(
    place: Place, engine: Engine, channel: Instant, first: int, last: int, given: dict[str, Any]
) -> dict[str, Any]:
    with place.admin() as conn:
        conn.execute(_SQL["due_messages"], {**given, "first": first, "last": last})
        stop, count = asyncio.Event(), last - first + 1
        postgres, python, began = place.postgres_cpu(), time.process_time(), time.perf_counter()
        sending = asyncio.create_task(run_sender(engine, {"email": channel}, stop))
        while (conn.execute(_SQL["unsettled"]).fetchone() or (0,))[0]:  # noqa: ASYNC110 - it is the rows that are timed
            await asyncio.sleep(0.05)
        seconds, python = time.perf_counter() - began, time.process_time() - python
        postgres = place.postgres_cpu() - postgres
        stop.set()
        await sending
    return {
        "messages": count, "per_second": round(count / seconds), "python_ms": round(python / count * 1e3, 2),
        "postgres_ms": round(postgres / count * 1e3, 2), "twice": sum(n > 1 for n in channel.taken.values()),
    }  # fmt: skip
