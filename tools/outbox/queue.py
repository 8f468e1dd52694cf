"""The outbox: messages that policy or a person let go, until they have left or were withdrawn.

queued -> sending -> sent -> delivered | failed | bounced; sending -> unknown; queued -> withdrawn.
Nothing here talks to a provider: the sender does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row, scalar_row
from psycopg.types.json import Jsonb

from tools import sql
from tools.dunning.draft import Draft
from tools.errors import Refused
from tools.memory.embeddings import Embedded
from tools.memory.messages import seal, store_outbound
from tools.spec import Action, Permit

_SQL = sql.load("tools.outbox")
State = Literal["queued", "sending", "sent", "delivered", "failed", "bounced", "unknown", "withdrawn"]


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One outbound message on its way."""

    id: int
    customer_id: str
    episode_id: str
    decision_id: int
    digest: str
    message_id: int
    contact_id: str
    channel: Literal["email", "sms"]
    action: dict[str, Any]
    reply_to: int | None
    state: State
    not_before: datetime
    attempts: int
    provider_id: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Enqueued:
    """What `enqueue` made: the outbox row, its message and the salted digest of its text."""

    outbox_id: int
    message_id: int
    body_digest: str


async def enqueue(
    conn: AsyncConnection[Any],
    permit: Permit,
    action: Action,
    draft: Draft,
    *,
    not_before: datetime,
    reply_to: int | None,
    now: datetime,
    embedded: Embedded | None = None,
) -> Enqueued:
    """Store the message (with its vector, where there is one) and queue it, not to leave before `not_before`. Raises Refused without the action's own permit."""
    if permit.digest != action.digest:
        raise Refused("The permit is for another action.")
    message_id, body_digest = await store_outbound(
        conn, draft, customer_id=permit.customer_id, episode_id=permit.episode_id, at=now, embedded=embedded
    )
    given = {
        "customer_id": permit.customer_id, "episode_id": permit.episode_id, "decision_id": permit.decision_id,
        "digest": permit.digest, "message_id": message_id, "contact_id": draft.contact_id, "channel": draft.channel,
        "action": Jsonb({"tool": action.tool, "args": dict(action.args)}), "reply_to": reply_to,
        "not_before": not_before, "now": now,
    }  # fmt: skip
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["enqueue"], given)
        outbox_id: int = await cursor.fetchone() or 0
    return Enqueued(outbox_id, message_id, body_digest)


async def withdraw(
    conn: AsyncConnection[Any],
    *,
    customer_id: str,
    reason: str,
    now: datetime,
    channel: str | None = None,
    contact_id: str | None = None,
    keep: Sequence[int] = (),
) -> list[int]:
    """Take back what is still queued for this customer, but for the rows in `keep`: the ids of what was taken back."""
    given = {
        "customer_id": customer_id, "reason": reason, "now": now, "channel": channel, "contact_id": contact_id,
        "keep": list(keep),
    }  # fmt: skip
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["withdraw"], given)
        return await cursor.fetchall()


async def claim(conn: AsyncConnection[Any], *, now: datetime, passed: Sequence[int] = ()) -> OutboxRow | None:
    """Claim one due row and its customer's lock, passing over customers that others hold; None when nothing is due."""
    async with conn.cursor(row_factory=class_row(OutboxRow)) as cursor:
        await cursor.execute(_SQL["claim"], {"now": now, "passed": list(passed)})
        return await cursor.fetchone()


async def settle(
    conn: AsyncConnection[Any],
    row: OutboxRow,
    *,
    state: State,
    now: datetime,
    reason: str | None = None,
    provider_id: str | None = None,
    not_before: datetime | None = None,
) -> bool:
    """Move `row` on from the state it was read in. False: it had moved already, and nothing changed."""
    given = {
        "outbox_id": row.id, "from_state": row.state, "state": state, "reason": reason, "provider_id": provider_id,
        "not_before": not_before, "now": now,
    }  # fmt: skip
    async with conn.cursor() as cursor:
        await cursor.execute(_SQL["settle"], given)
        return await cursor.fetchone() is not None


async def refresh_text(conn: AsyncConnection[Any], row: OutboxRow, draft: Draft, *, at: datetime) -> None:
    """The message as it leaves now: a text that waited may name another day count."""
    salt, body_digest = seal(draft.body)
    await conn.execute(
        _SQL["refresh_text"],
        {
            "message_id": row.message_id, "subject": draft.subject, "body": draft.body, "salt": salt,
            "body_digest": body_digest, "contact_id": draft.contact_id, "at": at,
        },
    )  # fmt: skip


async def body_digest_of(conn: AsyncConnection[Any], row: OutboxRow) -> str | None:
    """The salted digest of the text as it stands now: what left, once it has left."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["body_digest"], {"message_id": row.message_id})
        return await cursor.fetchone()


async def stranded(conn: AsyncConnection[Any], *, before: datetime, limit: int) -> list[OutboxRow]:
    """Rows claimed before `before` and never settled: nobody knows whether they left."""
    async with conn.cursor(row_factory=class_row(OutboxRow)) as cursor:
        await cursor.execute(_SQL["stranded"], {"before": before, "limit": limit})
        return await cursor.fetchall()


async def read_outbox(
    conn: AsyncConnection[Any],
    *,
    state: str | None = None,
    customer_id: str | None = None,
    outbox_id: int | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[dict[str, Any]]:
    """Outbox rows for a person to read, newest first, with the message as the customer gets it."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            _SQL["list"],
            {
                "state": state,
                "customer_id": customer_id,
                "outbox_id": outbox_id,
                "limit": limit,
                "offset": offset,
            },
        )
        return await cursor.fetchall()


async def approver_of(conn: AsyncConnection[Any], *, decision_id: int) -> dict[str, Any] | None:
    """Who approved the decision that a row cites, and on which facts; None where nobody had to."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["approver_of"], {"decision_id": decision_id})
        return await cursor.fetchone()
