"""Follow-ups: what the agent looks at again, and the tasks that wait for a person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from tools import sql
from tools.followups.schedule_follow_up import FollowUpKind
from tools.spec import Permit

_SQL = sql.load("tools.followups")
Priority = Literal["low", "normal", "high", "urgent"]


@dataclass(frozen=True, slots=True)
class DueFollowUp:
    """A follow-up whose time has come."""

    id: int
    customer_id: str
    kind: FollowUpKind
    reason: str


async def schedule(
    conn: AsyncConnection[Any],
    permit: Permit,
    *,
    kind: FollowUpKind,
    due_at: datetime,
    reason: str,
    assignee: str | None,
    priority: Priority = "normal",
    talking_points: dict[str, Any] | None = None,
    once: bool = False,
) -> None:
    """Put a follow-up on the list; a person's task carries `talking_points` built from records.

    `once`: not where one of that kind and reason waits from an earlier episode and is due no later.
    """
    await conn.execute(
        _SQL["schedule"],
        {
            "customer_id": permit.customer_id, "episode_id": permit.episode_id, "decision_id": permit.decision_id,
            "digest": permit.digest, "kind": kind, "due_at": due_at, "reason": reason, "assignee": assignee,
            "priority": priority, "once": once, "talking_points": None if talking_points is None else Jsonb(talking_points),
        },
    )  # fmt: skip


async def due(
    conn: AsyncConnection[Any], *, customer_id: str | None = None, now: datetime, limit: int
) -> list[DueFollowUp]:
    """The agent's own follow-ups that are due, oldest first; of one customer where one is given."""
    async with conn.cursor(row_factory=class_row(DueFollowUp)) as cursor:
        await cursor.execute(_SQL["due"], {"customer_id": customer_id, "now": now, "limit": limit})
        return await cursor.fetchall()


async def settle(
    conn: AsyncConnection[Any], *, follow_up_id: int, state: Literal["done", "cancelled"], now: datetime
) -> bool:
    """Close a waiting follow-up; False when it was closed already."""
    cursor = await conn.execute(_SQL["settle"], {"follow_up_id": follow_up_id, "state": state, "now": now})
    return await cursor.fetchone() is not None


async def open_tasks(
    conn: AsyncConnection[Any],
    *,
    customer_id: str | None = None,
    assignee: str | None = None,
    limit: int = 200,
) -> list[dict[str, Any]]:
    """Waiting follow-ups for people to read, most urgent first."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["open"], {"customer_id": customer_id, "assignee": assignee, "limit": limit})
        return await cursor.fetchall()
