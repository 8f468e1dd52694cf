"""The conversation: every message both ways, one thread per customer. The caller's connection, never a commit."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import class_row, dict_row, scalar_row
from psycopg.types.json import Jsonb

from tools import sql
from tools.dunning.draft import Draft
from tools.errors import NotFound
from tools.ledger.model import Channel
from tools.memory.arrival import Arrival, Candidate
from tools.memory.embeddings import Embedded, literal

_SQL = sql.load("tools.memory")
MessageChannel = Literal["email", "sms", "portal"]


@dataclass(frozen=True, slots=True)
class WindowMessage:
    """A message of the recent window, as the prompt needs it."""

    id: int
    direction: Literal["in", "out"]
    channel: Channel
    purpose: str | None
    template: str | None
    body: str
    contact_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A customer's message as it was stored; `handled_at` is set when the episode that answered it committed."""

    id: int
    customer_id: str
    contact_id: str | None
    channel: MessageChannel
    body: str
    at: datetime
    handled_at: datetime | None
    replies: int  # automated ones that were queued or sent


@dataclass(frozen=True, slots=True)
class StandingFact:
    """A fact that stays true between conversations, with its source."""

    kind: str
    fact: str
    message_id: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a prompt says of a conversation: its newest messages, oldest first, and what stays true, newest first."""

    window: Sequence[WindowMessage]
    messages: int  # in all, up to the newest of the window
    standing: Sequence[StandingFact]
    standing_in_all: int


def seal(body: str) -> tuple[bytes, str]:
    """A fresh salt and the salted SHA-256 of `body`: the audit chain keeps the digest, erasure forgets the salt."""
    salt = secrets.token_bytes(16)
    return salt, hashlib.sha256(salt + body.encode()).hexdigest()


async def store_inbound(
    conn: AsyncConnection[Any],
    *,
    customer_id: str,
    contact_id: str | None,
    channel: MessageChannel,
    body: str,
    provider_id: str,
    at: datetime,
    subject: str | None = None,
    original: str | None = None,
    html: str | None = None,
    internet_id: str | None = None,
    attachments: Sequence[Mapping[str, Any]] = (),
    handled_at: datetime | None = None,
) -> tuple[int, bool]:
    """Store a customer's message once: its id, and whether it is new (False: this delivery is a duplicate).

    With `handled_at` nobody has to answer it.
    """
    salt, body_digest = seal(body)
    given = {
        "customer_id": customer_id, "contact_id": contact_id, "channel": channel, "subject": subject, "body": body,
        "salt": salt, "body_digest": body_digest, "provider_id": provider_id, "at": at, "original": original,
        "html": html, "internet_id": internet_id, "attachments": Jsonb(list(attachments)), "handled_at": handled_at,
    }  # fmt: skip
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["store_inbound"], given)
        stored: int | None = await cursor.fetchone()
        if stored is not None:
            return stored, True
        await cursor.execute(_SQL["inbound_by_provider"], given)
        known: int | None = await cursor.fetchone()
    if known is None:
        raise NotFound("message", provider_id)
    return known, False


async def store_outbound(
    conn: AsyncConnection[Any],
    draft: Draft,
    *,
    customer_id: str,
    episode_id: str,
    at: datetime,
    embedded: Embedded | None = None,
) -> tuple[int, str]:
    """Store the text of an outbound message: its id and its salted digest. Without a vector it is embedded later."""
    salt, body_digest = seal(draft.body)
    given = {
        "customer_id": customer_id, "contact_id": draft.contact_id, "channel": draft.channel, "subject": draft.subject,
        "body": draft.body, "salt": salt, "body_digest": body_digest, "language": draft.language,
        "purpose": draft.purpose, "template": draft.template, "episode_id": episode_id, "at": at,
        **_vector(embedded),
    }  # fmt: skip
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["store_outbound"], given)
        message_id = await cursor.fetchone()
    if not isinstance(message_id, int):
        raise NotFound("message", "just stored")
    return message_id, body_digest


async def read_conversation(
    conn: AsyncConnection[Any], *, customer_id: str, upto: int | None, newest: int, facts: int
) -> Conversation:
    """The `newest` messages up to message `upto`, and as many `facts` that stay true about this customer."""
    given = {"customer_id": customer_id, "upto": upto, "limit": newest}
    # Both are sent before either is waited for.
    window = await conn.execute(_SQL["recent_window"], given)
    standing = await conn.execute(_SQL["standing_facts"], {"customer_id": customer_id, "limit": facts})
    said, known = await window.fetchall(), await standing.fetchall()
    return Conversation(
        [WindowMessage(*row[:-1]) for row in reversed(said)],
        said[0][-1] if said else 0,
        [StandingFact(*row[:-1]) for row in known],
        known[0][-1] if known else 0,
    )


async def ask_inbound(conn: AsyncConnection[Any], *, message_id: int) -> AsyncCursor[InboundMessage]:
    """Ask for the stored inbound message: the cursor that will give it, or None where there is none.

    In a pipeline it is not waited for and comes with the next answer.
    """
    cursor = conn.cursor(row_factory=class_row(InboundMessage))
    return await cursor.execute(_SQL["inbound"], {"message_id": message_id})


async def mark_handled(
    conn: AsyncConnection[Any],
    *,
    message_id: int,
    episode_id: str,
    now: datetime,
    embedded: Embedded | None = None,
) -> str | None:
    """The episode that answers this message commits with the caller's transaction, and with the message's vector.

    Answers the salted digest of the message's body.
    """
    given = {"message_id": message_id, "episode_id": episode_id, "now": now, **_vector(embedded)}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["mark_handled"], given)
        body_digest: str | None = await cursor.fetchone()
    return body_digest


def _vector(embedded: Embedded | None) -> dict[str, str | None]:
    return {
        "embedding": literal(embedded.vector) if embedded else None,
        "embedding_model": embedded.model_id if embedded else None,
    }


async def unhandled(conn: AsyncConnection[Any], *, limit: int) -> Sequence[tuple[int, str]]:
    """Stored inbound messages without a committed episode, oldest first: (message id, customer id)."""
    cursor = await conn.execute(_SQL["unhandled"], {"limit": limit})
    return await cursor.fetchall()


async def body_digest(conn: AsyncConnection[Any], *, message_id: int) -> str:
    """The salted digest of a stored message's text. Raises NotFound."""
    cursor = await conn.execute(_SQL["body_digest"], {"message_id": message_id})
    found = await cursor.fetchone()
    if found is None:
        raise NotFound("message", str(message_id))
    digest: str = found[0]
    return digest


async def candidates(conn: AsyncConnection[Any], arrival: Arrival) -> list[Candidate]:
    """Who may have written: contact points with the sender's address, and those of the messages that it answers."""
    given = {
        "channel": arrival.channel, "address": arrival.address, "answers": arrival.answers,
        "follows": list(arrival.follows),
    }  # fmt: skip
    cursor = conn.cursor(row_factory=class_row(Candidate))
    await cursor.execute(_SQL["candidates"], given)
    return await cursor.fetchall()


async def read_thread(
    conn: AsyncConnection[Any], *, customer_id: str, limit: int = 200
) -> list[dict[str, Any]]:
    """The conversation for a person to read, oldest first, with what became of each outbound message."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["thread"], {"customer_id": customer_id, "limit": limit})
        return (await cursor.fetchall())[::-1]


async def read_message(conn: AsyncConnection[Any], *, message_id: int) -> dict[str, Any]:
    """One message with all that came with it, for a person to read. Raises NotFound."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["message"], {"message_id": message_id})
        found = await cursor.fetchone()
    if found is None:
        raise NotFound("message", str(message_id))
    return found
