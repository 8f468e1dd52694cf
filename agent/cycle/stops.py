"""A person lifts a hold: the one way in which outreach goes on after a stop that only a person may clear."""

from psycopg.rows import scalar_row

from agent.approvals.model import User
from agent.engine.narrow import one_customer
from agent.engine.run import Engine
from tools import sql
from tools.activity.chain import Entry, append
from tools.arrangements.stops import lift_hold
from tools.errors import NotFound
from tools.ledger.queries import lock_customer

_SQL = sql.load("agent.cycle")


async def lift(engine: Engine, hold_id: int, user: User, reason: str) -> str:
    """Lift an active hold and log who did and why; gives the customer's id. Raises NotFound."""
    deps, now = engine.deps, engine.deps.clock.now()
    async with deps.pool.connection() as conn, conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["held_customer"], {"hold_id": hold_id})
        customer_id: str | None = await cursor.fetchone()
    if customer_id is None:
        raise NotFound("active hold", str(hold_id))
    async with one_customer(deps.pool, customer_id) as conn:
        await lock_customer(conn, customer_id=customer_id)
        if await lift_hold(conn, hold_id=hold_id, by=user.name, reason=reason, now=now) is None:
            raise NotFound("active hold", str(hold_id))
        entry = Entry(user.name, "Collector", "hold.lifted", {"hold": hold_id})
        await append(conn, customer_id=customer_id, at=now, entries=[entry])
    return customer_id
