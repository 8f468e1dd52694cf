"""Erasing a customer: what waits is ended first, then everything personal goes in one transaction, and the log says so."""

from dataclasses import dataclass

from agent.approvals import decide
from agent.engine.run import Engine
from tools.activity.chain import Entry, append
from tools.errors import AlreadyDecided, Conflict, Gone
from tools.ledger.queries import lock_customer
from tools.memory.erasure import erase, waiting_approvals
from tools.outbox.queue import withdraw

_ROUNDS = 4  # an episode that was running may ask for one more approval meanwhile


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure came to."""

    customer_id: str
    approvals_closed: int
    sends_withdrawn: int
    rows: dict[str, int]


async def erase_customer(engine: Engine, customer_id: str, *, by: str) -> Erased:
    """Erase one customer for good. Raises NotFound, and Conflict while somebody is deciding one of its approvals."""
    closed = 0
    for _ in range(_ROUNDS):
        closed += await _close_approvals(engine, customer_id)
        done = await _erase(engine, customer_id, by=by, closed=closed)
        if done is not None:
            return done
    raise Conflict(
        f"Approvals of customer {customer_id} are being decided right now: nothing was erased, try again."
    )


async def _close_approvals(engine: Engine, customer_id: str) -> int:
    async with engine.deps.pool.connection() as conn:
        waiting = await waiting_approvals(conn, customer_id=customer_id)
    closed = 0
    for approval_id in waiting:
        try:
            await decide.close(engine, approval_id, "withdraw", "the customer was erased")
        except (AlreadyDecided, Gone):
            continue  # somebody else ended it, or is about to: the next round looks again
        closed += 1
    return closed


async def _erase(engine: Engine, customer_id: str, *, by: str, closed: int) -> Erased | None:
    """None: an approval waits again, and nothing was done."""
    now = engine.deps.clock.now()
    async with engine.deps.pool.connection() as conn, conn.transaction():
        await lock_customer(conn, customer_id=customer_id)
        if await waiting_approvals(conn, customer_id=customer_id):
            return None
        withdrawn = await withdraw(conn, customer_id=customer_id, reason="the customer was erased", now=now)
        rows = await erase(conn, customer_id=customer_id, now=now)
        done = Erased(customer_id, closed, len(withdrawn), rows)
        subject = {"approvals": closed, "withdrawn": len(withdrawn), "rows": rows}
        entry = Entry(by, "Collector", "customer.erased", subject)
        await append(conn, customer_id=customer_id, at=now, entries=[entry])
    return done
