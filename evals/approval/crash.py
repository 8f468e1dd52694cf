"""A process that dies at a failpoint, inside of this one: from then on it reaches no database. The real thing: evals/chaos."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from typing_extensions import override

from agent.deps import Pool
from tools import failpoints


class Died(BaseException):
    """A process is no more. Nothing that it would still have done happens."""


class Mortal(AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]]):
    """The connections of a process that may die: from then on it gets none."""

    def __init__(self, living: Pool) -> None:  # not the parent's: it opens nothing of its own
        self._living, self.dead = living, False

    @override
    @asynccontextmanager
    async def connection(
        self, timeout: float | None = None
    ) -> AsyncIterator[AsyncConnection[tuple[Any, ...]]]:
        if self.dead:
            raise Died
        async with self._living.connection(timeout) as conn:
            yield conn

    @override
    def __del__(self) -> None:
        """There is nothing to close."""


@contextmanager
def armed(action: Callable[[str], None]) -> Iterator[None]:
    """`action` hears of every failpoint that is reached within the block."""
    failpoints.arm(action)
    try:
        yield
    finally:
        failpoints.arm(None)
