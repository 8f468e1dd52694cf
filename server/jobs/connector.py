"""procrastinate's way to the database: few connections of its own, so that a heartbeat never waits behind a turn.

Its stock pool costs four statements for each it wants: a liveness check, BEGIN, the query, COMMIT. This one costs one.

And its fetch is planned once and for long, mostly on an empty queue, where reading and sorting the whole table is best.
Two thousand jobs later that plan reads it for each of them, a second a fetch instead of five milliseconds, until the
next ANALYZE. So these connections take the jobs in the order of their index, whatever the statistics say.
"""

from typing import Any, Self

from procrastinate import PsycopgConnector
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from typing_extensions import override

from agent.deps import Pool
from tools.errors import Misconfigured

_CONNECTIONS = 4


class _Queue(AsyncConnection[tuple[Any, ...]]):
    """In autocommit by its own making (in the pool's arguments the word would end the listener, which says it too), and
    never planning to read and sort a whole table.
    """

    @classmethod
    @override
    async def connect(cls, conninfo: str = "", *, autocommit: bool = True, **kwargs: Any) -> Self:
        connection = await super().connect(conninfo, autocommit=True, **kwargs)
        await connection.execute(
            "SELECT set_config('enable_seqscan', 'off', false), set_config('enable_sort', 'off', false)"
        )
        return connection


def _pool(*, check: object, **kwargs: Any) -> AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]]:  # noqa: ARG001 - the liveness check is what is left out
    return AsyncConnectionPool(connection_class=_Queue, name="queue", **kwargs)


def lean_connector(pool: Pool) -> PsycopgConnector:
    """A connector to the database of `pool`, not open yet.

    A connection that broke shows when it is used; then the worker starts over.
    """
    where = pool.conninfo
    if not isinstance(where, str):
        raise Misconfigured("The queue needs a pool that says where its database is.")
    return PsycopgConnector(
        conninfo=where, pool_factory=_pool, min_size=1, max_size=_CONNECTIONS, timeout=5.0
    )
