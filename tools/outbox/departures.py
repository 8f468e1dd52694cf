"""What the sender does to outbox rows: finds the due ones, moves them on, and looks at those that nobody settled.

Every move names the state and the attempt in which its row was read, so that a sender that was slow or taken for dead
changes nothing that another one has taken over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from tools import sql
from tools.activity.chain import Entry, append_each
from tools.dunning.draft import Draft
from tools.errors import NotFound
from tools.memory.messages import seal
from tools.outbox.queue import State

_SQL = sql.load("tools.outbox")
_FRONT = (
    4  # rows that are looked at for each that is wanted: several may be of one customer, or held by others
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """One outbound message on its way; `attempts` counts the claims that were to end in a call of the provider."""

    id: int
    customer_id: str
    episode_id: str
    decision_id: int
    message_id: int
    contact_id: str
    channel: Literal["email", "sms"]
    action: Mapping[str, Any]
    reply_to: int | None
    state: State
    attempts: int
    claimed_at: datetime | None
    reason: str | None = None
    check_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRow(OutboxRow):
    """A due row under its customer's lock: what opened its episode, its text as queued, and who approved it on which facts."""

    trigger: Mapping[str, Any]
    subject: str | None
    body: str | None
    body_digest: str
    approved_by: str | None
    approved_first_by: str | None  # where two people had to approve
    approver_role: str | None
    approver_limit_minor: int | None
    approved_facts: str | None  # None: nobody had to approve it
    follows: Sequence[str]  # Message-IDs of the e-mails that it answers, newest first
    recorded: Sequence[
        Mapping[str, Any]
    ]  # what its episode recorded: kind, an escalation's why, an opt-out's scope


@dataclass(frozen=True, slots=True)
class Move:
    """Where a row goes. `check_at`: when somebody has to look at it again; None: no more."""

    row: OutboxRow
    state: State
    reason: str | None = None
    provider_id: str | None = None
    not_before: datetime | None = None
    check_at: datetime | None = None
    was: Sequence[State] | None = (
        None  # the states that it may have moved to meanwhile; default: the one it was read in
    )


async def due(
    conn: AsyncConnection[Any], *, channel: Literal["email", "sms"], now: datetime, limit: int
) -> list[DueRow]:
    """At most `limit` due rows of a channel, no two of one customer, each locked with its customer until the transaction ends."""
    given = {"channel": channel, "now": now, "limit": limit, "front": limit * _FRONT}
    async with conn.cursor(row_factory=class_row(DueRow)) as cursor:
        await cursor.execute(_SQL["due"], given)
        return await cursor.fetchall()


async def any_due(conn: AsyncConnection[Any], *, channel: Literal["email", "sms"], now: datetime) -> bool:
    """Whether a row of a channel is due, held by somebody or not."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["any_due"], {"channel": channel, "now": now})
        return bool(await cursor.fetchone())


async def move(conn: AsyncConnection[Any], moves: Iterable[Move], *, now: datetime) -> set[int]:
    """Make these moves: the ids of the rows that moved, without those that had moved already."""
    rows = [
        {
            "id": m.row.id, "was": m.was or [m.row.state], "attempt": m.row.attempts, "state": m.state,
            "reason": m.reason, "provider_id": m.provider_id, "not_before": _iso(m.not_before),
            "check_at": _iso(m.check_at),
        }
        for m in moves
    ]  # fmt: skip
    if not rows:
        return set()
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["move"], {"moves": Jsonb(rows), "now": now})
        return set(await cursor.fetchall())


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


async def refresh_texts(
    conn: AsyncConnection[Any], leaving: Iterable[tuple[DueRow, Draft]], *, now: datetime
) -> dict[int, str]:
    """The messages as they leave now (a text that waited may name another day count): their digests by outbox row."""
    digests, texts, message_ids = {}, [], []
    entries: dict[str, list[Entry]] = {}
    for row, draft in leaving:
        digests[row.id] = row.body_digest
        message_ids.append(row.message_id)
        if (row.subject, row.body, row.contact_id) != (draft.subject, draft.body, draft.contact_id):
            salt, digests[row.id] = seal(draft.body)
            texts.append({
                "id": row.message_id, "subject": draft.subject, "body": draft.body, "salt": salt.hex(),
                "body_digest": digests[row.id], "contact_id": draft.contact_id,
            })  # fmt: skip
            subject = {"outbox": row.id, "message": row.message_id, "body": digests[row.id]}
            redrafted = Entry(
                "system", "System", "message.redrafted", subject, row.episode_id, row.decision_id
            )
            entries.setdefault(row.customer_id, []).append(redrafted)
    if texts:
        await conn.execute(_SQL["refresh_text"], {"texts": Jsonb(texts)})
        await append_each(conn, at=now, entries=entries)
    if message_ids:
        await conn.execute(_SQL["leaves_now"], {"message_ids": message_ids, "now": now})
    return digests


async def to_check(
    conn: AsyncConnection[Any],
    *,
    now: datetime,
    latest: datetime,
    channels: Iterable[str],
    given_up: datetime,
    limit: int,
) -> list[OutboxRow]:
    """Rows that somebody has to look at by now, the longest waiting first.

    One that is to be looked at after `latest` was written down by a clock that has been set back since: it counts as
    due. Rows of unknown fate are those of `channels`, whose providers can be asked here, and those that were claimed
    before `given_up`, of whichever channel.
    """
    given = {"now": now, "latest": latest, "channels": list(channels), "given_up": given_up, "limit": limit}
    async with conn.cursor(row_factory=class_row(OutboxRow)) as cursor:
        await cursor.execute(_SQL["to_check"], given)
        return await cursor.fetchall()


async def read_row(conn: AsyncConnection[Any], *, outbox_id: int) -> OutboxRow:
    """One row. Raises NotFound."""
    async with conn.cursor(row_factory=class_row(OutboxRow)) as cursor:
        await cursor.execute(_SQL["row"], {"outbox_id": outbox_id})
        found = await cursor.fetchone()
    if found is None:
        raise NotFound("outbox row", str(outbox_id))
    return found


async def as_sent(
    conn: AsyncConnection[Any], *, outbox_id: int
) -> tuple[str, str | None, str, datetime, frozenset[str]]:
    """What the last call of a row handed over, and since when: address, subject, text, the call's beginning. Raises NotFound.

    And the ids that its provider gave to what else went to that address: of two messages of the same words, one is not
    the other, and neither is an attempt that is known to have failed.
    """
    cursor = await conn.execute(_SQL["as_sent"], {"outbox_id": outbox_id})
    found = await cursor.fetchone()
    if found is None:
        raise NotFound("outbox row", str(outbox_id))
    address, subject, body, since, others = found
    return address, subject, body, since, frozenset(others)


async def lock_free_customers(conn: AsyncConnection[Any], *, customer_ids: Iterable[str]) -> set[str]:
    """Lock those of these customers whom nobody holds; it waits for nobody, so it can deadlock with nobody."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["free_customers"], {"customer_ids": sorted(set(customer_ids))})
        return set(await cursor.fetchall())
