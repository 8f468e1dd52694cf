"""The outbox: messages that policy or a person let go, until they have left or were withdrawn.

queued -> sending -> sent -> delivered | failed | bounced; sending -> queued | unknown; queued -> withdrawn.
Nothing here talks to a provider: the sender does, and `departures` keeps its books.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg import AsyncConnection
from psycopg.rows import dict_row, scalar_row
from psycopg.types.json import Jsonb

from tools import sql
from tools.dunning.draft import Draft
from tools.errors import Refused
from tools.memory.embeddings import Embedded
from tools.memory.messages import store_outbound
from tools.spec import Action, Permit

_SQL = sql.load("tools.outbox")
State = Literal["queued", "sending", "sent", "delivered", "failed", "bounced", "unknown", "withdrawn"]


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
    answers: bool = True,
) -> list[int]:
    """Take back what is still queued for this customer, but for the rows in `keep`: the ids of what was taken back.

    With `answers` False those to the customer's own messages stay: they are judged again when they leave.
    """
    given = {
        "customer_id": customer_id, "reason": reason, "now": now, "channel": channel, "contact_id": contact_id,
        "keep": list(keep), "answers": answers,
    }  # fmt: skip
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["withdraw"], given)
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
