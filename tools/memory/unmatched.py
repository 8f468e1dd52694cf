"""Unmatched messages: somebody wrote, and a person has to say whom it concerns. Nothing is answered and nothing disclosed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row, scalar_row
from psycopg.types.json import Jsonb

from tools import sql
from tools.errors import Gone, NotFound
from tools.memory.arrival import Arrival, Unmatched

_SQL = sql.load("tools.memory")


@dataclass(frozen=True, slots=True)
class Waiting:
    """An unmatched message that nobody has settled yet, under its lock."""

    id: int
    channel: Literal["email", "sms"]
    provider_id: str
    address: str
    subject: str | None
    body: str | None
    original: str | None
    html: str | None
    internet_id: str | None
    attachments: Sequence[dict[str, Any]]
    why: Unmatched
    customer_ids: Sequence[str]
    at: datetime


async def store_unmatched(
    conn: AsyncConnection[Any], arrival: Arrival, *, why: Unmatched, customer_ids: Sequence[str]
) -> tuple[int, bool]:
    """Keep a message once: its id here, and whether it is new (False: this delivery is a duplicate)."""
    given = {
        "channel": arrival.channel, "provider_id": arrival.provider_id, "address": arrival.address,
        "subject": arrival.subject, "body": arrival.body, "original": arrival.original, "html": arrival.html, "internet_id": arrival.internet_id,
        "attachments": Jsonb(list(arrival.attachments)), "why": why, "customer_ids": list(customer_ids),
        "at": arrival.at,
    }  # fmt: skip
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["store_unmatched"], given)
        stored: int | None = await cursor.fetchone()
        if stored is not None:
            return stored, True
        await cursor.execute(_SQL["unmatched_by_provider"], given)
        known: int | None = await cursor.fetchone()
    if known is None:
        raise NotFound("message", arrival.provider_id)
    return known, False


async def read_unmatched(
    conn: AsyncConnection[Any], *, inbox_id: int | None = None, settled: bool = False, limit: int = 100
) -> list[dict[str, Any]]:
    """Messages that wait for a person, oldest first; with `settled` also those that one looked at."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["unmatched"], {"inbox_id": inbox_id, "all": settled, "limit": limit})
        return await cursor.fetchall()


async def lock_unmatched(conn: AsyncConnection[Any], *, inbox_id: int) -> Waiting:
    """One that waits, locked until the transaction ends. Raises NotFound, and Gone where it was settled already."""
    async with conn.cursor(row_factory=class_row(Waiting)) as cursor:
        await cursor.execute(_SQL["lock_unmatched"], {"inbox_id": inbox_id})
        found = await cursor.fetchone()
    if found is not None:
        return found
    if not await read_unmatched(conn, inbox_id=inbox_id, settled=True):
        raise NotFound("unmatched message", str(inbox_id))
    raise Gone(f"The unmatched message {inbox_id} was settled already.")


async def settle_unmatched(
    conn: AsyncConnection[Any],
    *,
    inbox_id: int,
    by: str,
    outcome: Literal["assigned", "dismissed"],
    message_id: int | None,
    now: datetime,
) -> None:
    """A person has looked at it."""
    await conn.execute(
        _SQL["settle_unmatched"],
        {"inbox_id": inbox_id, "by": by, "outcome": outcome, "message_id": message_id, "now": now},
    )


async def forget_unmatched(conn: AsyncConnection[Any], *, before: datetime) -> None:
    """Erase words and addresses of what was settled before then: retention."""
    await conn.execute(_SQL["forget_unmatched"], {"before": before})
