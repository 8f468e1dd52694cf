"""Inbound: a customer's message is stored first, in one transaction; thinking about it comes after."""

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from psycopg.rows import dict_row

from agent.deps import Pool
from agent.engine.run import Engine, Outcome
from agent.engine.trigger import inbound
from tools import sql
from tools.errors import Conflict, NotFound
from tools.memory.messages import MessageChannel, senders, store_inbound

_SQL = sql.load("server")


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored message: its id, its customer, and whether this delivery was the first."""

    message_id: int
    customer_id: str
    new: bool


async def store_said(
    pool: Pool,
    *,
    customer_id: str,
    channel: MessageChannel | None,
    body: str,
    at: datetime,
    provider_id: str | None = None,
) -> Stored:
    """Store words that we know this customer said (`dunwell say`, the local page), from their own contact point.

    Without `channel` it is the one they can be reached on, text message first. Raises NotFound.
    """
    async with pool.connection() as conn, conn.transaction():
        async with conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(_SQL["reachable_channels"], {"customer_id": customer_id})
            known = await cursor.fetchone()
            if known is None:
                raise NotFound("customer", customer_id)
            reachable: list[MessageChannel] = [*(known["channels"] or []), "portal"]
            used = channel or reachable[0]
            await cursor.execute(_SQL["contact_on"], {"customer_id": customer_id, "channel": used})
            contact = await cursor.fetchone()
        message_id, new = await store_inbound(
            conn, customer_id=customer_id, contact_id=contact["id"] if contact else None, channel=used, body=body,
            provider_id=provider_id or f"local-{uuid4().hex}", at=at,
        )  # fmt: skip
    return Stored(message_id, customer_id, new)


async def store_from(
    pool: Pool, *, channel: MessageChannel, address: str, body: str, at: datetime, provider_id: str
) -> Stored:
    """Store a message from an address.

    Raises NotFound for an unknown sender and Conflict for a shared address: whom it concerns is then a
    person's question, and nothing may be disclosed.
    """
    async with pool.connection() as conn:  # one statement writes, and it is a transaction of its own
        found = await senders(conn, channel=channel, address=address)
        if not found:
            raise NotFound("contact point", f"{channel} sender")
        if len({customer_id for _, customer_id in found}) > 1:
            raise Conflict(
                "The sender's address stands on several customers; a person has to say whom it concerns."
            )
        contact_id, customer_id = found[0]
        message_id, new = await store_inbound(
            conn, customer_id=customer_id, contact_id=contact_id, channel=channel, body=body, provider_id=provider_id,
            at=at,
        )  # fmt: skip
    return Stored(message_id, customer_id, new)


async def answer(engine: Engine, stored: Stored) -> Outcome:
    """Think about a stored message and commit what comes of it; a message that was answered stays answered."""
    return await engine.run(inbound(stored.customer_id, stored.message_id))
