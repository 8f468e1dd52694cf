"""`dunwell bench cycle`: planning a whole portfolio in the product's one statement, beside what reading it costs at all.

Memory is that of the Postgres process which plans, on a connection of its own for each round. `private` is what the process
has to itself (resident less shared pages), sampled every five milliseconds. `resident` is the kernel's own high-water mark:
it also counts the pages of shared buffers that the process touched, which the server has anyway; the target is held against it.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

from agent.cycle.plan import keep_scores, plan_portfolio, planned
from evals.bench import portfolio
from evals.bench.meter import Spread
from evals.bench.people import NOW, TODAY
from evals.bench.place import Place, circumstances, own_place

MOST_SECONDS, MOST_MIB = 5.0, 300.0
MOST_GROWTH = 1.2  # linear: an invoice costs the same in a large portfolio
_SAMPLE_SECONDS = 0.005
_Connection = psycopg.AsyncConnection[Any]
_MIB = 2**20


@dataclass(slots=True)
class _Backend:
    """A connection's Postgres process and the most private memory that was seen of it."""

    conn: _Connection
    private: float = 0.0  # MiB

    async def watch(self) -> None:
        process = psutil.Process(self.conn.info.backend_pid)
        while True:
            memory = process.memory_info()
            self.private = max(self.private, (memory.rss - memory.shared) / _MIB)
            await asyncio.sleep(_SAMPLE_SECONDS)

    def resident(self) -> float:
        """MiB, at most, since the connection was made (Linux)."""
        status = Path(f"/proc/{self.conn.info.backend_pid}/status").read_text("ascii")
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))


@dataclass(slots=True)
class _Size:
    """What the rounds at one size took: seconds and MiB, a value a round."""

    open_invoices: int
    planned: int = 0
    triggers: int = 0
    seconds: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)
    resident: list[float] = field(default_factory=list)
    private: list[float] = field(default_factory=list)

    async def time(self, what: str, conn: _Connection, work: Awaitable[Any]) -> Any:
        """Do the work, and note how long it took and what its Postgres process computed for it."""
        process = psutil.Process(conn.info.backend_pid)
        computed, began = sum(process.cpu_times()[:2]), time.perf_counter()
        result = await work
        self.seconds.setdefault(what, []).append(time.perf_counter() - began)
        self.cpu.setdefault(what, []).append(sum(process.cpu_times()[:2]) - computed)
        return result

    def as_json(self) -> dict[str, Any]:
        """The figures; what an invoice costs is computing alone, because a busy machine lengthens the rest."""
        plan = Spread.of(self.cpu["plan"])
        return {
            "open_invoices": self.open_invoices, "customers": self.open_invoices // 4, "planned": self.planned,
            "triggers": self.triggers, "seconds": {what: asdict(Spread.of(each, 3)) for what, each in self.seconds.items()},
            "cpu_seconds": {what: asdict(Spread.of(each)) for what, each in self.cpu.items()},
            "cpu_us_per_invoice": round(plan.median / self.open_invoices * 1e6, 2),
            "resident_mib": asdict(Spread.of(self.resident, 0)), "private_mib": asdict(Spread.of(self.private, 0)),
        }  # fmt: skip


async def plan_in_rounds(place: Place, open_invoices: int, *, rounds: int) -> _Size:
    """Plan the portfolio that is loaded there, `rounds` times, each beside the floors; in the last one keep the scores too, twice.

    Nothing is committed: a connection that is closed takes its transaction back, and the next round finds the same.
    """
    size = _Size(open_invoices)
    for number in range(rounds):
        async with _floor(place) as conn:
            await size.time("scan", conn, conn.execute(portfolio.QUERIES["owed"]))
            await size.time("group", conn, conn.execute(portfolio.QUERIES["owed_by_customer"]))
        async with _backend(place) as backend:
            planning = plan_portfolio(backend.conn, portfolio.policy(), today=TODAY, now=NOW)
            await size.time("plan", backend.conn, planning)
            size.resident.append(backend.resident())
            size.private.append(backend.private)
            row = await (await backend.conn.execute(portfolio.QUERIES["planned"])).fetchone()
            size.planned = row[0] if row else 0
            size.triggers = await size.time("read", backend.conn, _triggers(backend.conn))
            if number == rounds - 1:
                await size.time("keep", backend.conn, keep_scores(backend.conn, today=TODAY))
                await size.time("keep_again", backend.conn, keep_scores(backend.conn, today=TODAY))
    return size


async def _triggers(conn: _Connection) -> int:
    return sum(
        [account.trigger is not None async for account in planned(conn, portfolio.policy(), today=TODAY)]
    )


@asynccontextmanager
async def _floor(place: Place) -> AsyncIterator[_Connection]:
    conn = await psycopg.AsyncConnection.connect(place.conninfo)
    try:
        await conn.execute(portfolio.QUERIES["as_the_plan"])
        yield conn
    finally:
        await conn.close()


@asynccontextmanager
async def _backend(place: Place) -> AsyncIterator[_Backend]:
    backend = _Backend(await psycopg.AsyncConnection.connect(place.conninfo))
    watching = asyncio.create_task(backend.watch())
    try:
        yield backend
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        await backend.conn.close()


def measure(sizes: Sequence[int], *, rounds: int) -> dict[str, Any]:
    """Load and plan each size in a database of its own, smallest first; what was found, and whether it meets the targets."""
    results: list[dict[str, Any]] = []
    surroundings: dict[str, Any] = {}
    for open_invoices in sorted(sizes):
        with own_place() as place:
            portfolio.load(place, open_invoices)
            surroundings = circumstances(place)
            results.append(asyncio.run(plan_in_rounds(place, open_invoices, rounds=rounds)).as_json())
    return {"rounds": rounds, "sizes": results, "targets": targets(results), "machine": surroundings}


def targets(sizes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was promised of the largest portfolio, and how its invoice compares to one of the smallest."""
    smallest, largest = sizes[0], sizes[-1]
    each = "cpu_us_per_invoice"
    held = {
        "seconds of the plan": (largest["seconds"]["plan"]["median"], MOST_SECONDS),
        "CPU seconds of the plan": (largest["cpu_seconds"]["plan"]["median"], MOST_SECONDS),
        "MiB resident": (largest["resident_mib"]["high"], MOST_MIB),
        f"CPU an invoice, {largest['open_invoices']:,} : {smallest['open_invoices']:,}": (
            round(largest[each] / smallest[each], 2),
            MOST_GROWTH,
        ),
    }
    return [
        {"target": name, "is": found, "at_most": most, "met": found <= most}
        for name, (found, most) in held.items()
    ]
