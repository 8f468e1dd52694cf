"""Measuring: CPU of this process and of Postgres, latencies, WAL, and statements counted in the server's log."""

import asyncio
import gc
import re
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from evals.bench.people import Caller
from evals.bench.place import Place

_STATEMENT = re.compile(
    r"^@(?P<database>[^@]*)@(?P<transaction>[\d/]+)@LOG:  (?:statement|execute [^:]*): (?P<text>.*)"
)


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several rounds, and the lowest and highest of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float], digits: int = 2) -> "Spread":
        """Of one value a round."""
        return cls(
            round(statistics.median(values), digits), round(min(values), digits), round(max(values), digits)
        )


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of turns cost."""

    turns: int
    seconds: float
    python_ms: float  # CPU a turn
    postgres_ms: float
    wal_bytes: float  # a turn
    latencies_ms: Sequence[float]

    @property
    def cpu_ms(self) -> float:
        """CPU a turn, of this process and of Postgres."""
        return self.python_ms + self.postgres_ms

    @property
    def per_second(self) -> float:
        """Turns a second."""
        return self.turns / self.seconds

    def percentile(self, percent: int) -> float:
        """A latency that this share of the turns stayed within."""
        return percentile(self.latencies_ms, percent)


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that `percent` of them stay within (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


class Talker(Protocol):
    """A configuration that is running: it answers one customer's message at a time, or several customers' at once."""

    async def turn(self, caller: Caller, turn: int) -> None:
        """The customer's turn of that number, from the message to whatever its answer leaves behind."""
        ...


async def talk(talker: Talker, callers: Sequence[Caller], turn: int, *, at_once: int = 1) -> list[float]:
    """One turn of each customer, so many at once: the seconds that each took."""
    waiting, latencies = iter(callers), list[float]()

    async def one_after_another() -> None:
        for caller in waiting:
            began = time.perf_counter()
            await talker.turn(caller, turn)
            latencies.append(time.perf_counter() - began)

    await asyncio.gather(*(one_after_another() for _ in range(at_once)))
    return latencies


async def measured(
    place: Place, talker: Talker, callers: Sequence[Caller], turn: int, *, at_once: int = 1
) -> Round:
    """As `talk`, and what it cost."""
    gc.collect()
    wal, postgres = wal_position(place), place.postgres_cpu()
    python, began = time.process_time(), time.perf_counter()
    latencies = await talk(talker, callers, turn, at_once=at_once)
    seconds, python = time.perf_counter() - began, time.process_time() - python
    postgres, turns = place.postgres_cpu() - postgres, len(latencies)
    return Round(
        turns, seconds, python / turns * 1e3, postgres / turns * 1e3, wal_bytes_since(place, wal) / turns,
        [latency * 1e3 for latency in latencies],
    )  # fmt: skip


@dataclass(slots=True)
class Statements:
    """What the server was told, statement by statement."""

    seen: Counter[str] = field(default_factory=Counter)
    transactions: set[str] = field(default_factory=set)  # that only read, too

    @property
    def total(self) -> int:
        """All of them: BEGIN, COMMIT and the driver's own, too."""
        return sum(self.seen.values())


@contextmanager
def statements_counted(place: Place) -> Iterator[Statements]:
    """Every statement that this database's application connections run inside the block (from the server's log)."""
    counted = Statements()
    with place.admin() as admin:

        def set_up(*commands: str) -> None:
            for command in commands:
                admin.execute(command)
            admin.execute("SELECT pg_reload_conf()")
            time.sleep(0.5)  # until every connection has noticed

        admin.execute("SET log_statement = 'none'")
        set_up("ALTER SYSTEM SET log_statement = 'all'", "ALTER SYSTEM SET log_line_prefix = '@%d@%v@'")
        begin = place.log.stat().st_size
        try:
            yield counted
        finally:
            time.sleep(0.3)
            set_up("ALTER SYSTEM RESET log_statement", "ALTER SYSTEM RESET log_line_prefix")
    with place.log.open(encoding="utf-8", errors="replace") as log:
        log.seek(begin)
        for line in log:
            found = _STATEMENT.match(line)
            if found and found["database"] == place.database and "pg_reload_conf" not in line:
                counted.seen[found["text"]] += 1
                counted.transactions.add(found["transaction"])


def wal_position(place: Place) -> str:
    """Where the write-ahead log ends now."""
    with place.admin() as conn:
        return str((conn.execute("SELECT pg_current_wal_insert_lsn()").fetchone() or ["0/0"])[0])


def wal_bytes_since(place: Place, position: str) -> int:
    """Bytes of write-ahead log since that position."""
    with place.admin() as conn:
        row: Any = conn.execute(
            "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)", [position]
        ).fetchone()
        return int(row[0])


def checkpoint(place: Place) -> None:
    """Write everything out, so that a checkpoint in the middle of a round is unlikely."""
    with place.admin() as conn:
        conn.execute("CHECKPOINT")
