"""What waits to be thought about: messages, ledger events, follow-ups, rejected drafts, planned steps. Rows, so nothing is forgotten."""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from agent.approvals import queries as approvals
from agent.engine.trigger import Trigger, inbound
from tools import sql
from tools.followups import follow_ups
from tools.memory import messages

_SQL = sql.load("agent.engine")
_BATCH = 500


async def waiting_work(conn: AsyncConnection[Any], *, now: datetime, limit: int = _BATCH) -> list[Trigger]:
    """Triggers for everything that is due, customers' messages first, at most `limit` of each kind.

    Running one twice does nothing twice.
    """
    found = [
        inbound(customer_id, message_id)
        for message_id, customer_id in await messages.unhandled(conn, limit=limit)
    ]
    return found + await waiting_for(conn, customer_id=None, now=now, limit=limit)


async def waiting_for(
    conn: AsyncConnection[Any], *, customer_id: str | None, now: datetime, limit: int = _BATCH
) -> list[Trigger]:
    """Triggers for everything that is due on one customer, or on all of them, but not the customers' messages."""
    found = await _ledger_events(conn, customer_id, limit)
    found += [
        Trigger(
            "follow_up", due.customer_id, f"follow-up:{due.id}", follow_up_id=due.id, follow_up_kind=due.kind,
            follow_up_reason=due.reason,
        )
        for due in await follow_ups.due(conn, customer_id=customer_id, now=now, limit=limit)
    ]  # fmt: skip
    redrafts = await approvals.to_redraft(conn, customer_id=customer_id, limit=limit)
    found += [_redraft(row) for row in redrafts]
    return found + await _steps(conn, customer_id, limit)


async def _ledger_events(conn: AsyncConnection[Any], customer_id: str | None, limit: int) -> list[Trigger]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["waiting_events"], {"customer_id": customer_id, "limit": limit})
        return [
            Trigger(
                "ledger", row["customer_id"], f"event:{row['id']}", event=row["kind"], event_id=row["id"],
                payment_minor=row["amount_minor"],
            )
            for row in await cursor.fetchall()
        ]  # fmt: skip


async def _steps(conn: AsyncConnection[Any], customer_id: str | None, limit: int) -> list[Trigger]:
    """Ladder steps of the day's plan that nobody ran yet."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["waiting_steps"], {"customer_id": customer_id, "limit": limit})
        return [Trigger("ladder", **row) for row in await cursor.fetchall()]


def _redraft(row: dict[str, Any]) -> Trigger:
    asked = row["trigger"]
    return Trigger(
        "redraft", row["customer_id"], f"redraft:{row['id']}", message_id=asked.get("message_id"),
        step=asked.get("step"), channel=asked.get("channel"), anchor_invoice_id=asked.get("anchor_invoice_id"),
        payment_minor=asked.get("payment_minor"), note=row["note"], rejected={"tool": row["tool"], "args": row["args"]},
        rejected_approval=row["id"], redrafts=row["redrafts"] + 1,
    )  # fmt: skip
