"""The inbox: messages of which nobody knows for sure who wrote them. A person says whom one concerns, or puts it away."""

from dataclasses import dataclass

from agent.engine.run import Engine
from agent.engine.trigger import inbound
from server.jobs.queue import defer_turn
from tools.activity.chain import Entry, append
from tools.ledger.queries import lock_customer
from tools.memory.arrival import Arrival
from tools.memory.messages import candidates, store_inbound
from tools.memory.unmatched import Waiting, lock_unmatched, settle_unmatched


@dataclass(frozen=True, slots=True)
class Assigned:
    """Whose message it is now, and which."""

    customer_id: str
    message_id: int


async def assign(engine: Engine, inbox_id: int, customer_id: str, *, by: str) -> Assigned:
    """Give the message to that customer's conversation, where a worker answers it.

    Its address stays unverified: unless it is on the customer's file, no answer leaves without a person's approval.
    Raises NotFound, and Gone where somebody settled it before.
    """
    now = engine.deps.clock.now()
    async with engine.deps.pool.connection() as conn, conn.transaction():
        await lock_customer(conn, customer_id=customer_id)  # first, as an erasure does
        waiting = await lock_unmatched(conn, inbox_id=inbox_id)
        own = [c for c in await candidates(conn, _arrival(waiting)) if c.customer_id == customer_id]
        message_id, _ = await store_inbound(
            conn, customer_id=customer_id, contact_id=own[0].contact_id if own else None, channel=waiting.channel,
            body=waiting.body or "", provider_id=waiting.provider_id, at=waiting.at, subject=waiting.subject,
            original=waiting.original, html=waiting.html, internet_id=waiting.internet_id, attachments=waiting.attachments,
        )  # fmt: skip
        await defer_turn(conn, inbound(customer_id, message_id))
        subject = {"inbox": inbox_id, "message": message_id, "why": waiting.why}
        entry = Entry(by, "Collector", "message.assigned", subject)
        await append(conn, customer_id=customer_id, at=now, entries=[entry])
        await settle_unmatched(
            conn, inbox_id=inbox_id, by=by, outcome="assigned", message_id=message_id, now=now
        )
    return Assigned(customer_id, message_id)


async def dismiss(engine: Engine, inbox_id: int, *, by: str) -> None:
    """Put the message away: it concerns no customer. Raises NotFound and Gone."""
    async with engine.deps.pool.connection() as conn, conn.transaction():
        await lock_unmatched(conn, inbox_id=inbox_id)
        await settle_unmatched(
            conn, inbox_id=inbox_id, by=by, outcome="dismissed", message_id=None, now=engine.deps.clock.now()
        )


def _arrival(waiting: Waiting) -> Arrival:
    return Arrival(
        channel=waiting.channel, provider_id=waiting.provider_id, address=waiting.address,
        body=waiting.body or "", at=waiting.at,
    )  # fmt: skip
