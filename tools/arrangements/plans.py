"""Payment plans: approved, offered, active. The instalments add up to the total to the cent; the database insists."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from psycopg import AsyncConnection

from tools import sql
from tools.ledger.model import Instalment
from tools.spec import Permit

_SQL = sql.load("tools.arrangements")


async def add_plan(
    conn: AsyncConnection[Any],
    permit: Permit,
    *,
    invoice_ids: Sequence[str],
    instalments: Sequence[Instalment],
    currency: str,
    proposed_by: str,
    approved_by: str,
    now: datetime,
) -> str:
    """Store an approved plan and give its id; it is offered to the customer by a message of its own."""
    plan_id = f"plan-{permit.decision_id}"
    shared = {
        "plan_id": plan_id, "customer_id": permit.customer_id, "decision_id": permit.decision_id,
        "invoice_ids": list(invoice_ids), "total_minor": sum(i.amount_minor for i in instalments),
        "currency": currency, "proposed_by": proposed_by, "approved_by": approved_by, "now": now,
        "positions": list(range(1, len(instalments) + 1)), "dates": [i.due_date for i in instalments],
        "amounts": [i.amount_minor for i in instalments],
    }  # fmt: skip
    await conn.execute(_SQL["add_plan"], shared)
    await conn.execute(_SQL["add_instalments"], shared)
    return plan_id


async def move_plan(
    conn: AsyncConnection[Any],
    *,
    plan_id: str,
    state: Literal["offered", "active", "completed", "defaulted", "rejected"],
    from_states: Sequence[str],
) -> bool:
    """Move a plan on; False when it is in none of `from_states`."""
    cursor = await conn.execute(
        _SQL["move_plan"], {"plan_id": plan_id, "state": state, "from_states": list(from_states)}
    )
    return await cursor.fetchone() is not None
