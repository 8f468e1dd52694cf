"""Reads and moves of approvals. The caller's connection, never a commit."""

from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row, scalar_row
from psycopg.types.json import Jsonb

from agent.approvals.model import Approval, State
from tools import sql
from tools.errors import NotFound

_SQL = sql.load("agent.approvals")


async def read_approval(conn: AsyncConnection[Any], *, approval_id: str) -> Approval:
    """The approval. Raises NotFound."""
    async with conn.cursor(row_factory=class_row(Approval)) as cursor:
        await cursor.execute(_SQL["read"], {"approval_id": approval_id})
        found = await cursor.fetchone()
    if found is None:
        raise NotFound("approval", approval_id)
    return found


async def list_approvals(
    conn: AsyncConnection[Any],
    *,
    state: str | None = "pending",
    customer_id: str | None = None,
    assignee: str | None = None,
    reader: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[dict[str, Any]]:
    """Approvals for a person to read: pending ones first, then those of the `reader`'s accounts, largest amount first."""
    given = {
        "state": state,
        "customer_id": customer_id,
        "assignee": assignee,
        "reader": reader,
        "limit": limit,
        "offset": offset,
    }
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["list"], given)
        return await cursor.fetchall()


async def claim(
    conn: AsyncConnection[Any],
    *,
    approval_id: str,
    digest: str,
    role: str,
    answer: dict[str, Any],
    by: str,
    note: str,
    now: datetime,
) -> bool:
    """Take the approval for one answer; False when another answer came first, or `role` no longer decides it."""
    given = {
        "approval_id": approval_id, "digest": digest, "role": role, "answer": Jsonb(answer), "by": by, "note": note,
        "now": now,
    }  # fmt: skip
    return await _moved(conn, "claim", given)


async def release(conn: AsyncConnection[Any], *, approval_id: str) -> None:
    """Give a claim back after a resume that committed nothing."""
    await conn.execute(_SQL["release"], {"approval_id": approval_id})


async def finish(
    conn: AsyncConnection[Any],
    *,
    approval_id: str,
    answer: dict[str, Any],
    state: State,
    outcome: str | None,
    now: datetime,
    edited: tuple[dict[str, Any], int] | None = None,
) -> bool:
    """Close an approval that is claimed for this answer, in the transaction of its effects; False when it is not.

    `edited`: what an edit made of the draft, and how much of it was rewritten, in thousandths.
    """
    preview, permille = edited or (None, None)
    given = {
        "approval_id": approval_id, "answer": Jsonb(answer), "state": state, "outcome": outcome, "now": now,
        "edited_preview": None if preview is None else Jsonb(preview), "edit_permille": permille,
    }  # fmt: skip
    return await _moved(conn, "finish", given)


async def hand_up(conn: AsyncConnection[Any], approval: Approval, *, role: str, note: str) -> bool:
    """Let the next role decide; False when it was decided or handed up meanwhile."""
    given = {"approval_id": approval.id, "role": role, "from_role": approval.role, "note": note}
    return await _moved(conn, "hand_up", given)


async def agree_first(conn: AsyncConnection[Any], approval: Approval, *, by: str, now: datetime) -> bool:
    """Note the first of two people who approve; False when it was decided, handed up or agreed to meanwhile."""
    given = {
        "approval_id": approval.id,
        "digest": approval.digest,
        "role": approval.role,
        "by": by,
        "now": now,
    }
    return await _moved(conn, "agree_first", given)


async def to_remind(conn: AsyncConnection[Any], *, before: datetime, now: datetime, limit: int) -> list[str]:
    """Approvals asked before `before` that still wait and whose next role was not told yet."""
    return await _ids(conn, "to_remind", {"before": before, "now": now, "limit": limit})


async def remind(conn: AsyncConnection[Any], *, approval_id: str, role: str, now: datetime) -> bool:
    """Note that `role` was told; False when it was decided or somebody was told meanwhile."""
    return await _moved(conn, "remind", {"approval_id": approval_id, "role": role, "now": now})


async def of_other_graphs(conn: AsyncConnection[Any], *, graph_version: str, limit: int) -> list[str]:
    """Approvals that wait in threads of another version of the graph than `graph_version`."""
    return await _ids(conn, "of_other_graphs", {"graph_version": graph_version, "limit": limit})


async def expired(conn: AsyncConnection[Any], *, now: datetime, limit: int) -> list[str]:
    """Pending approvals whose time is over."""
    return await _ids(conn, "expired", {"now": now, "limit": limit})


async def pending_of(conn: AsyncConnection[Any], *, customer_id: str) -> list[str]:
    """What waits for a person on this customer."""
    return await _ids(conn, "pending_of", {"customer_id": customer_id})


async def stranded(conn: AsyncConnection[Any], *, now: datetime, lasts: timedelta, limit: int) -> list[str]:
    """Approvals that were claimed longer than `lasts` from now, on either side, and never finished."""
    return await _ids(conn, "stranded", {"before": now - lasts, "after": now + lasts, "limit": limit})


async def to_redraft(
    conn: AsyncConnection[Any], *, customer_id: str | None, limit: int
) -> list[dict[str, Any]]:
    """Rejected messages that a new episode has yet to answer."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["to_redraft"], {"customer_id": customer_id, "limit": limit})
        return await cursor.fetchall()


async def _moved(conn: AsyncConnection[Any], query: str, given: dict[str, Any]) -> bool:
    cursor = await conn.execute(_SQL[query], given)
    return await cursor.fetchone() is not None


async def _ids(conn: AsyncConnection[Any], query: str, given: dict[str, Any]) -> list[str]:
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL[query], given)
        return await cursor.fetchall()
