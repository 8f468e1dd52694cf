"""Processes that work side by side, each with a database of its own on one server, and agents that stay warm."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from multiprocessing import get_context
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql

from evals.bench.place import Place, own_place
from server.embedded import Server
from server.logs import configure_logs

Job = Callable[["Worker"], Coroutine[Any, Any, Any]]


class Worker:
    """What a process keeps between jobs: its event loop, its database, and whatever jobs opened on it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._open = AsyncExitStack()
        self._kept: dict[str, Any] = {}

    async def keep(self, name: str, opening: Callable[[], Any]) -> Any:
        """What was opened under this name; opened now if nothing was."""
        if name not in self._kept:
            self._kept[name] = await self._open.enter_async_context(opening())
        return self._kept[name]

    async def close(self) -> None:
        """Close everything."""
        await self._open.aclose()


class Crew:
    """A few processes for jobs that can be pickled. `share` runs them and gives their answers as they come."""

    def __init__(self, pool: ProcessPoolExecutor, size: int) -> None:
        self._pool, self.size = pool, size

    def share(self, jobs: Sequence[Job]) -> Iterator[Any]:
        """The answers of all jobs, in the order in which they are done. Raises what a job raises."""
        for done in as_completed([self._pool.submit(_work, job) for job in jobs]):
            yield done.result()


@contextmanager
def crew(size: int | None = None) -> Iterator[Crew]:
    """Processes on databases that are copies of one migrated, empty one; everything is gone afterwards."""
    many = size or max(1, min(8, os.cpu_count() or 1))
    with own_place() as place:
        names = [f"crew_{uuid4().hex[:12]}" for _ in range(many)]
        with psycopg.connect(place.server.admin_conninfo(), autocommit=True) as admin:
            for name in names:
                copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER dunwell")
                admin.execute(copy.format(sql.Identifier(name), sql.Identifier(place.database)))
                # What a power cut would take is of no use to anybody after an eval.
                quick = sql.SQL("ALTER DATABASE {} SET synchronous_commit = off")
                admin.execute(quick.format(sql.Identifier(name)))
        context = get_context("spawn")
        queue = context.Queue()
        for name in names:
            queue.put(name)
        pool = ProcessPoolExecutor(
            many, mp_context=context, initializer=_start, initargs=(place.server, queue)
        )
        try:
            yield Crew(pool, many)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            with psycopg.connect(place.server.admin_conninfo(), autocommit=True) as admin:
                for name in names:
                    admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


_loop: asyncio.AbstractEventLoop | None = None
_worker: Worker | None = None


def _start(server: Server, names: Any) -> None:
    global _loop, _worker
    configure_logs()  # to stderr: what a run prints is for programs
    _loop, _worker = asyncio.new_event_loop(), Worker(Place(server, names.get()))


def _work(job: Job) -> Any:
    assert _loop is not None and _worker is not None  # noqa: S101, PT018 - the initializer ran
    return _loop.run_until_complete(job(_worker))


@asynccontextmanager
async def alone(agent: Any) -> AsyncIterator[Any]:
    """An agent that needs no opening and no closing."""
    yield agent
