"""Customers whose turns go through the queue: stored here as a webhook stores them, answered by worker processes."""

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

import psutil

from evals.bench.people import Caller, moment, words
from evals.bench.queued.process import END, REST, Passage, Plan, run_process
from server import db
from server.inbound import accept, known
from tools.memory.arrival import Arrival

_PATIENCE = 60.0  # seconds; a turn takes milliseconds


@dataclass(slots=True)
class Staff:
    """One worker process, and what it has told and nobody has fetched."""

    process: SpawnProcess
    line: Connection
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    async def tell(self, what: int | str) -> None:
        """Tell it something and wait until it is so."""
        self.ready.clear()
        self.line.send(what)
        async with asyncio.timeout(_PATIENCE):
            await self.ready.wait()

    def cpu(self) -> float:
        """CPU seconds that it has used so far."""
        return float(sum(psutil.Process(self.process.pid).cpu_times()[:2]))

    def resident(self) -> int:
        """Bytes of memory that it holds."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


@dataclass(slots=True)
class Queued:
    """Talks through the queue. A turn is over when its job is finished; `passages` keep when each was where."""

    pool: db.Pool
    staff: Sequence[Staff]
    at_work: int = 1  # processes that take turns; the others rest
    passages: list[Passage] = field(default_factory=list)
    _waits: dict[int, asyncio.Future[Passage]] = field(default_factory=dict)

    async def turn(self, caller: Caller, turn: int) -> None:
        """One message of a customer, stored and answered. Raises RuntimeError unless both proposals were committed."""
        began = time.perf_counter()
        stored = known(await accept(self.pool, Arrival(channel="sms", address=caller.phone, body=words(turn), at=moment(turn),
            provider_id=f"{caller.customer_id}-{turn}")))  # fmt: skip
        at_rest = time.perf_counter()
        async with asyncio.timeout(_PATIENCE):
            passage = await self._future(stored.message_id)
        del self._waits[stored.message_id]
        if not passage.as_meant:
            raise RuntimeError(f"the turn of message {stored.message_id} is not the one that is measured")
        passage.at |= {"began": began, "stored": at_rest}
        self.passages.append(passage)

    @asynccontextmanager
    async def working(self, turn: int) -> AsyncIterator[None]:
        """Inside, as many processes as `at_work` says take turns of that number; outside, they rest."""
        for one in self.staff[: self.at_work]:
            await one.tell(turn)
        try:
            yield
        finally:
            for one in self.staff[: self.at_work]:
                await one.tell(REST)

    def listen(self) -> None:
        """Hear from now on what the processes tell."""
        for one in self.staff:
            asyncio.get_running_loop().add_reader(one.line.fileno(), self._hear, one)

    def _hear(self, one: Staff) -> None:
        try:
            told = one.line.recv()
        except EOFError:  # it ended; whoever waits for it runs out of patience
            asyncio.get_running_loop().remove_reader(one.line.fileno())
            return
        if isinstance(told, Passage):
            self._future(told.message_id).set_result(told)
        else:
            one.ready.set()

    def _future(self, message_id: int) -> asyncio.Future[Passage]:
        # Whoever is first makes it: a turn may be over before its storing call has come back.
        return self._waits.setdefault(message_id, asyncio.get_running_loop().create_future())


@asynccontextmanager
async def queued(plan: Plan, *, processes: int, pool_size: int) -> AsyncIterator[Queued]:
    """That many worker processes, all at rest, and a pool for those who store."""
    context = multiprocessing.get_context("spawn")
    staff = []
    for _ in range(processes):
        line, theirs = context.Pipe()
        process = context.Process(target=run_process, args=(plan, theirs), daemon=True)
        process.start()
        theirs.close()
        staff.append(Staff(process, line))
    loop = asyncio.get_running_loop()
    async with db.open_pool(plan.conninfo, min_size=1, max_size=pool_size) as pool:
        talker = Queued(pool, staff)
        talker.listen()
        try:
            yield talker
        finally:
            for one in staff:
                loop.remove_reader(one.line.fileno())
                if one.process.is_alive():
                    one.line.send(END)
                await asyncio.to_thread(one.process.join, _PATIENCE)
                one.line.close()
