"""What waits to be thought about: messages, ledger events, follow-ups, rejected drafts. Rows, so nothing is forgotten."""

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


async def waiting_work(conn: AsyncConnection[Any], *, now: datetime) -> list[Trigger]:
    """Triggers for everything that is due, customers' messages first. Running one twice does nothing twice."""
    found = [
        inbound(customer_id, message_id)
        for message_id, customer_id in await messages.unhandled(conn, limit=_BATCH)
    ]
    found += await _ledger_events(conn)
    found += [
        Trigger(
            "follow_up", due.customer_id, f"follow-up:{due.id}", follow_up_id=due.id, follow_up_kind=due.kind,
            follow_up_reason=due.reason,
        )
        for due in await follow_ups.due(conn, now=now, limit=_BATCH)
    ]  # fmt: skip
    found += [_redraft(row) for row in await approvals.to_redraft(conn, customer_id=None, limit=_BATCH)]
    return found


async def _ledger_events(conn: AsyncConnection[Any]) -> list[Trigger]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["waiting_events"], {"limit": _BATCH})
        return [
            Trigger(
                "ledger", row["customer_id"], f"event:{row['id']}", event=row["kind"], event_id=row["id"],
                payment_minor=row["amount_minor"],
            )
            for row in await cursor.fetchall()
        ]  # fmt: skip


def _redraft(row: dict[str, Any]) -> Trigger:
    asked = row["trigger"]
    return Trigger(
        "redraft", row["customer_id"], f"redraft:{row['id']}", message_id=asked.get("message_id"),
        step=asked.get("step"), channel=asked.get("channel"), anchor_invoice_id=asked.get("anchor_invoice_id"),
        payment_minor=asked.get("payment_minor"), note=row["note"], rejected={"tool": row["tool"], "args": row["args"]},
        rejected_approval=row["id"], redrafts=row["redrafts"] + 1,
    )  # fmt: skip
