"""Inbound: a customer's message is stored first, in one transaction; thinking about it comes after.

Message and job are one transaction, whoever answers. With `queued` a worker does, at once. Without it the caller does,
in this process, and then takes the job back; should it die before that, a worker has the job after a minute.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from agent.deps import Pool
from agent.engine.trigger import inbound
from server.jobs.queue import defer_turn
from tools import failpoints, sql
from tools.errors import Conflict, NotFound
from tools.memory.messages import MessageChannel, senders, store_inbound

_SQL = sql.load("server")
_ANSWERED_HERE = timedelta(minutes=1)  # as long as a turn may take


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
    queued: bool = False,
) -> Stored:
    """Store words that we know this customer said (`dunwell say`, the local page), from their own contact point.

    Without `channel` it is the one they can be reached on, text message first. Raises NotFound.
    """
    async with _one_transaction(pool) as conn:
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
        stored = Stored(message_id, customer_id, new)
        await _queue(conn, stored, queued=queued)
    failpoints.reach("inbound.said")
    return stored


async def store_from(
    pool: Pool,
    *,
    channel: MessageChannel,
    address: str,
    body: str,
    at: datetime,
    provider_id: str,
    queued: bool = False,
) -> Stored:
    """Store a message from an address.

    Raises NotFound for an unknown sender and Conflict for a shared address: whom it concerns is then a
    person's question, and nothing may be disclosed.
    """
    async with _one_transaction(pool) as conn:
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
        stored = Stored(message_id, customer_id, new)
        await _queue(conn, stored, queued=queued)
    failpoints.reach("inbound.stored")
    return stored


async def accept(
    pool: Pool, *, channel: MessageChannel, address: str, body: str, at: datetime, provider_id: str
) -> Stored:
    """What a provider's webhook does: store the message and its job in one transaction, and be done. Raises as `store_from`.

    A delivery that comes again changes nothing: message and job are there already.
    """
    return await store_from(
        pool, channel=channel, address=address, body=body, at=at, provider_id=provider_id, queued=True
    )


@asynccontextmanager
async def _one_transaction(pool: Pool) -> AsyncIterator[AsyncConnection[Any]]:
    # Not `conn.transaction()`: this waits for the server three times where that waits five times, and somebody waits
    # for the answer. When the block raises, or the commit fails, the pool rolls back what is open.
    async with pool.connection() as conn, conn.pipeline():
        await conn.execute("BEGIN")
        # What checks a foreign key is planned once, maybe while the queue is empty, and runs when it is long.
        await conn.execute("SET LOCAL enable_seqscan = off")
        yield conn
        await conn.execute("COMMIT")


async def _queue(conn: AsyncConnection[Any], stored: Stored, *, queued: bool) -> None:
    if stored.new:
        trigger = inbound(stored.customer_id, stored.message_id)
        await defer_turn(conn, trigger, wait=timedelta(0) if queued else _ANSWERED_HERE)
    failpoints.reach("inbound.before_commit")
