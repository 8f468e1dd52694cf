"""Inbound: a customer's message is stored first, in one transaction; thinking about it comes after.

Message and job are one transaction, whoever answers. With `queued` a worker does, at once. Without it the caller does,
in this process, and then takes the job back; should it die before that, a worker has the job after a minute. A wish to
be left alone takes effect in that transaction too, in whatever words. Whoever we do not know for sure is kept for a person.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast
from uuid import uuid4

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from agent.deps import Pool
from agent.engine.trigger import inbound
from agent.signals.detect import detect
from server.jobs.queue import defer_turn
from tools import failpoints, sql
from tools.activity.chain import Entry, append
from tools.arrangements.consent import Evidence, Scope, Source, is_opted_out, opt_in, opted_out_of, stop
from tools.channels.keywords import keyword
from tools.errors import NotFound
from tools.ledger.queries import lock_customer
from tools.memory.arrival import Arrival, Candidate, Known, Unmatched, whose
from tools.memory.messages import MessageChannel, body_digest, candidates, store_inbound
from tools.memory.unmatched import store_unmatched

_SQL = sql.load("server")
_ANSWERED_HERE = timedelta(minutes=1)  # as long as a turn may take
_LONGEST_KEYWORD = 40  # characters
_Wish = Literal["start"] | Scope
_ROBOTS = ("auto_reply", "mailing_list")  # a help desk's mail looks like it, and may hold a person's words
_REPLY = re.compile(r"\s*(?:re|aw|sv|antw|rv|res)\s*:", re.IGNORECASE)  # a subject of ours that comes back


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored message: its id, its customer, whether this delivery was the first, and whether somebody will answer it."""

    message_id: int
    customer_id: str
    new: bool
    answered: bool = True


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that waits for a person, because nobody knows for sure who wrote it."""

    inbox_id: int
    why: Unmatched
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
    """Store words that we know this customer said (`dunwell say`), from their own contact point.

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


async def store_from(pool: Pool, arrival: Arrival, *, queued: bool = False) -> Stored | Kept:
    """Store a message from an address, with its job; or keep it for a person, who says whom it concerns."""
    wish = await asyncio.to_thread(_wish, arrival)  # a long mail takes a second to read
    async with _one_transaction(pool) as conn:
        found = await candidates(conn, arrival)
        who = "automatic" if arrival.automatic in _ROBOTS and wish is not None else whose(arrival, found)
        done = (
            await _from_customer(conn, arrival, who, wish, queued=queued)
            if isinstance(who, Known)
            else await _from_nobody(conn, arrival, who, found, wish)
        )
    failpoints.reach("inbound.stored")
    return done


async def accept(pool: Pool, arrival: Arrival) -> Stored | Kept:
    """What a provider's webhook does: store the message and its job in one transaction, and be done.

    A delivery that comes again changes nothing: message and job are there already.
    """
    return await store_from(pool, arrival, queued=True)


def known(done: Stored | Kept) -> Stored:
    """The stored message. Raises NotFound where a person has to say who wrote it."""
    if isinstance(done, Kept):
        raise NotFound("contact point", "the sender")
    return done


async def _from_customer(
    conn: AsyncConnection[Any], arrival: Arrival, who: Known, wish: _Wish | None, *, queued: bool
) -> Stored:
    silent = arrival.automatic is not None or arrival.carrier_answered
    if silent or wish is not None:  # first: two messages that refer to the customer would wait for each other
        await lock_customer(conn, customer_id=who.customer_id)
    message_id, new = await store_inbound(
        conn, customer_id=who.customer_id, contact_id=who.contact_id, channel=arrival.channel, body=arrival.body,
        provider_id=arrival.provider_id, at=arrival.at, subject=arrival.subject, original=arrival.original,
        html=arrival.html, internet_id=arrival.internet_id, attachments=arrival.attachments,
        handled_at=arrival.at if silent else None,
    )  # fmt: skip
    stored = Stored(message_id, who.customer_id, new, answered=not silent)
    if new and wish == "start":
        await _start(conn, arrival, who, message_id)
    elif new and wish is not None and wish != "start":
        await _stop(conn, arrival, who.customer_id, wish, message_id=message_id)
    if not silent:
        await _queue(conn, stored, queued=queued)
    elif new:  # no episode answers it, so nobody else logs it; it was not heard before what waits
        subject = {"message": message_id, "body": await body_digest(conn, message_id=message_id)}
        entry = Entry("customer", "Customer", "message.noted", subject)
        await append(conn, customer_id=who.customer_id, at=arrival.at, entries=[entry])
    return stored


async def _from_nobody(
    conn: AsyncConnection[Any],
    arrival: Arrival,
    why: Unmatched,
    found: Sequence[Candidate],
    wish: _Wish | None,
) -> Kept:
    concerned = sorted({candidate.customer_id for candidate in found})
    inbox_id, new = await store_unmatched(conn, arrival, why=why, customer_ids=concerned)
    # Whoever of them it was: a wish to be left alone is heeded for all whose address it is.
    if new and wish is not None and wish != "start":
        # Who answers our signed address had our message before them, like whoever clicks its link.
        meant = {c.customer_id for c in found if not c.by_thread or arrival.answers is not None}
        for customer_id in sorted(meant):
            await lock_customer(conn, customer_id=customer_id)
            await _stop(conn, arrival, customer_id, wish, message_id=None)
    return Kept(inbox_id, why, new)


def _wish(arrival: Arrival) -> _Wish | None:
    """What the sender wants of our messages, by a keyword or in words of their own. Recall comes before precision."""
    if arrival.automatic is not None and arrival.automatic not in _ROBOTS:
        return None
    texts = [arrival.body]
    if arrival.subject and not _REPLY.match(arrival.subject):
        texts.append(arrival.subject)
    words = {
        arrival.carrier,
        *(keyword(text, opted_out=True) for text in texts if len(text) <= _LONGEST_KEYWORD),
    }
    if "START" in words and "STOP" not in words:
        return "start"
    scopes = {
        cast(Scope, signal.detail)
        for text in texts
        for signal in detect(text, arrival.channel)
        if signal.kind == "opt_out"
    }
    if "STOP" in words:
        scopes.add("this_channel")
    # Where the keyword or the subject means one channel and the words another, both are meant.
    return "all" if len(scopes) > 1 else next(iter(scopes), None)


async def _start(conn: AsyncConnection[Any], arrival: Arrival, who: Known, message_id: int) -> None:
    out = await is_opted_out(conn, customer_id=who.customer_id, channel=arrival.channel)
    if "START" not in (arrival.carrier, keyword(arrival.body, opted_out=out)):
        return
    evidence = _evidence(arrival, message_id)
    if await opt_in(
        conn,
        customer_id=who.customer_id,
        channel=arrival.channel,
        contact_id=who.contact_id,
        evidence=evidence,
    ):
        await _log(conn, arrival, who.customer_id, "consent.opt_in", arrival.channel, message_id)


async def _stop(
    conn: AsyncConnection[Any], arrival: Arrival, customer_id: str, wish: Scope, *, message_id: int | None
) -> None:
    """At once. What is committing just now holds the same lock, so nothing that waits slips through."""
    closed = opted_out_of(wish, arrival.channel)
    await stop(
        conn, customer_id=customer_id, channel=closed, contact_id=None, reason="opt_out",
        evidence=_evidence(arrival, message_id),
    )  # fmt: skip
    await _log(conn, arrival, customer_id, "consent.opt_out", closed or "all", message_id)


def _evidence(arrival: Arrival, message_id: int | None) -> Evidence:
    source: Source = (
        "keyword" if keyword(arrival.body, opted_out=True) else "carrier" if arrival.carrier else "words"
    )
    return Evidence(
        source=source, at=arrival.at, message_id=message_id, provider_ref=arrival.provider_id
    )  # fmt: skip


async def _log(
    conn: AsyncConnection[Any],
    arrival: Arrival,
    customer_id: str,
    action: str,
    channel: str,
    message_id: int | None,
) -> None:
    entry = Entry("customer", "Customer", action, {"channel": channel, "message": message_id})
    await append(conn, customer_id=customer_id, at=arrival.at, entries=[entry])


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
