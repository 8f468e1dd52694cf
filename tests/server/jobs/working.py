"""A worker inside the test's own process, and a way to wait for what it does."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from agent.engine.run import Engine
from server.inbound import Stored, accept, known
from server.jobs.run import Shift, take_turns
from server.jobs.schedule import Hands, Terms
from tests.world import World
from tools import failpoints
from tools.memory.arrival import Arrival

# Nothing is ever found by looking again: what no wake-up announces is never done, and the test says so.
DEAF = 3600.0
_PATIENCE = 60.0


class Died(BaseException):
    """What a process that ends does to the code that it runs: no handler of ours may see it."""


@contextmanager
def dying_at(place: str) -> Iterator[None]:
    """In this block, whoever reaches the failpoint `place` is dead."""

    def die(name: str) -> None:
        if name == place:
            raise Died(place)

    failpoints.arm(die)
    try:
        yield
    finally:
        failpoints.arm(None)


@asynccontextmanager
async def worker(engine: Engine, *, concurrency: int = 4, **shift: Any) -> AsyncIterator[asyncio.Event]:
    """A worker without chores and without polling, until the block ends or the event it gives is set."""
    stop = asyncio.Event()
    way = Shift(**{"concurrency": concurrency, "poll_seconds": DEAF, "chores": (), **shift})

    async def work() -> None:
        while not stop.is_set():  # as `work` does: a worker whose connection failed it is followed by another
            await take_turns(Hands(engine, Terms()), way, stop)

    async with asyncio.TaskGroup() as group:  # a worker that dies ends the test, too
        group.create_task(work())
        try:
            yield stop
        finally:
            stop.set()


async def until(happened: Callable[[], object]) -> None:
    """Wait until it has happened."""
    async with asyncio.timeout(_PATIENCE):
        while not happened():  # noqa: ASYNC110 - it happens in a database, which sets no event
            await asyncio.sleep(0.02)


async def writes(
    world: World, text: str = "How much do I owe?", customer: str = "cust-1", *, sid: str = ""
) -> Stored:
    """The customer's message arrives by text, as a webhook stores it."""
    [address] = world.sql("SELECT address FROM contact WHERE customer_id = %s AND channel = 'sms'", customer)
    return known(await accept(world.pool, Arrival(channel="sms", address=address, body=text, at=world.clock.now(),
        provider_id=sid or f"sid-{world.count('message') + 1}")))  # fmt: skip


def unhandled(world: World) -> int:
    """Messages that nobody answered yet."""
    return world.count("message", "direction = 'in' AND handled_at IS NULL")


def jobs(world: World, where: str = "true") -> int:
    """Turns in the queue."""
    return world.count("procrastinate_jobs", f"task_name = 'turn' AND {where}")
