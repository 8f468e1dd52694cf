"""One customer's transaction: the connection sees that customer's rows and no others (row-level security)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection

from agent.deps import Pool

# One customer's rows are always found through an index: a plan made once is as good as one made for each of them, and
# making one costs more than running it. Also where it is made while a table is empty, when reading all of it looks best.
_NARROW = """
SELECT set_config('role', 'dunwell_agent', true), set_config('app.customer_id', %s, true),
       set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true)
"""
_WIDEN = "SELECT set_config('role', 'none', true)"


@asynccontextmanager
async def one_customer(pool: Pool, customer_id: str) -> AsyncIterator[AsyncConnection[Any]]:
    """A transaction narrowed to `customer_id`; it commits when the block ends and rolls back when it raises.

    Statements whose result nobody reads travel with the next one whose result is read, or with the commit.
    """
    # Not `conn.transaction()`: inside a pipeline it waits for the server four times where this waits once. When the
    # block raises, or the commit fails, the pool rolls back what is open.
    async with pool.connection() as conn, conn.pipeline():
        await conn.execute("BEGIN")
        await conn.execute(_NARROW, (customer_id,))
        yield conn
        await conn.execute("COMMIT")


async def widen(conn: AsyncConnection[Any]) -> None:
    """Back to the login role for the rest of the transaction: checkpoint tables are closed to the narrowed one."""
    await conn.execute(_WIDEN)
