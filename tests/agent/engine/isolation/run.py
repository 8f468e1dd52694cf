"""Ask generated reads on narrowed connections, and look at every answer and every error for a mark of somebody else."""

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import psycopg

from agent.deps import Pool
from agent.engine.narrow import one_customer
from server import db
from tests.agent.engine.isolation.books import MARK, foreign
from tests.agent.engine.isolation.reads import ERRORS, Customer, Read, Reads

_TOGETHER = 40  # reads of one transaction


@dataclass
class Outcome:
    """What came of reads, by their kind. `own` counts those that saw their own customer's rows, so that 0 foreign says something."""

    reads: Counter[str] = field(default_factory=Counter)
    own: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    foreign: Counter[str] = field(default_factory=Counter)
    by_nobody: int = 0

    def add(self, other: "Outcome") -> None:
        """Count another outcome in."""
        for mine, theirs in (
            (self.reads, other.reads), (self.own, other.own), (self.refused, other.refused), (self.foreign, other.foreign),
        ):  # fmt: skip
            mine.update(theirs)
        self.by_nobody += other.by_nobody

    def look(self, me: Customer, read: Read, told: object) -> None:
        """Look at one answer, or at the error that came in its place."""
        self.reads[read.kind] += 1
        self.by_nobody += me.number < 0
        if isinstance(told, psycopg.Error):
            self.refused[read.kind] += 1
            told = str(told) + str(told.diag.message_detail)
        elif read.nothing and told:
            self.foreign[read.kind] += 1
        self.foreign[read.kind] += any(foreign(told, me.number))
        self.own[read.kind] += MARK.search(str(told)) is not None


@dataclass
class Asker:
    """Asks on one pool. What was refused once is asked alone from then on, because a refusal ends its transaction."""

    pool: Pool
    outcome: Outcome = field(default_factory=Outcome)
    alone: set[tuple[str, str]] = field(default_factory=set)

    async def ask(self, me: Customer, reads: Sequence[Read]) -> None:
        """Ask these together where that is possible."""
        single = [read for read in reads if read.kind in ERRORS or (read.kind, read.of) in self.alone]
        together = [read for read in reads if read not in single]
        try:
            for read, answer in zip(together, await self._ask(me, together), strict=True):
                self.outcome.look(me, read, answer)
        except psycopg.Error:
            single += together
        for read in single:
            told: object
            try:
                [told] = await self._ask(me, [read])
            except psycopg.Error as refusal:
                self.alone.add((read.kind, read.of))
                told = refusal
            self.outcome.look(me, read, told)

    async def _ask(self, me: Customer, reads: Sequence[Read]) -> list[list[Any]]:
        async with one_customer(self.pool, me.id) as conn:
            asked = [await conn.execute(read.query, dict(read.given)) for read in reads]
            return [await cursor.fetchall() for cursor in asked]


async def ask(conninfo: str, reads: Reads, count: int) -> Outcome:
    """Ask so many reads, each customer some at a time."""
    async with db.open_pool(conninfo, min_size=1, max_size=1) as pool:
        async with pool.connection() as conn:
            conn.prepared_max = None  # of every question and table one
        asker = Asker(pool)
        while (left := count - asker.outcome.reads.total()) > 0:
            me = reads.reader()
            await asker.ask(me, [reads.read(me) for _ in range(min(_TOGETHER, left))])
    return asker.outcome


def _share(conninfo: str, reads: Reads, count: int) -> Outcome:
    return asyncio.run(ask(conninfo, reads, count))


def ask_all(conninfo: str, owners: dict[str, str], known: Sequence[Customer], count: int) -> Outcome:
    """Ask so many reads on every core."""
    whole, shares = Outcome(), count // 10_000
    with ProcessPoolExecutor(os.cpu_count() or 1) as pool:
        asked = [
            pool.submit(
                _share, conninfo, Reads(owners, known, seed), count // shares + (seed < count % shares)
            )
            for seed in range(shares)
        ]
        for part in asked:
            whole.add(part.result())
    return whole
