"""What stops outreach: disputes and holds (policy.md 4). Placed under a permit, lifted by a person or the ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from tools import sql
from tools.arrangements.machines import sources
from tools.ledger.model import DisputeReason, HoldReason
from tools.money import Money
from tools.spec import Permit

_SQL = sql.load("tools.arrangements")


async def open_dispute(
    conn: AsyncConnection[Any],
    permit: Permit,
    *,
    invoice_ids: Sequence[str],
    reason: DisputeReason,
    amount: Money | None,
    source: Literal["customer", "collector"],
    now: datetime,
) -> str:
    """Open a dispute on those invoices and give its id; `amount` None disputes the whole of them."""
    dispute_id = f"dispute-{permit.decision_id}"
    given = {
        "dispute_id": dispute_id, "customer_id": permit.customer_id, "decision_id": permit.decision_id,
        "reason": reason, "amount_minor": amount.minor if amount else None, "source": source, "now": now,
        "invoice_ids": list(invoice_ids),
    }  # fmt: skip
    await conn.execute(_SQL["add_dispute"], given)
    await conn.execute(_SQL["add_dispute_invoices"], given)
    return dispute_id


async def place_hold(
    conn: AsyncConnection[Any],
    permit: Permit,
    *,
    reason: HoldReason,
    invoice_ids: Sequence[str] | None,
    cleared_by: Literal["person", "ledger"],
    message_id: int | None,
    now: datetime,
) -> None:
    """Stop dunning on those invoices, or on the whole account when `invoice_ids` is None."""
    await conn.execute(
        _SQL["add_hold"],
        {
            "customer_id": permit.customer_id, "decision_id": permit.decision_id, "reason": reason,
            "invoice_ids": None if invoice_ids is None else list(invoice_ids), "cleared_by": cleared_by,
            "message_id": message_id, "now": now,
        },
    )  # fmt: skip


async def move_dispute(
    conn: AsyncConnection[Any],
    *,
    dispute_id: str,
    state: Literal["under_review", "resolved_for_customer", "resolved_for_us", "withdrawn"],
    outcome: str,
    now: datetime,
) -> bool:
    """A person moves a dispute on; False for one that ended, or that the ledger states: it is closed there."""
    cursor = await conn.execute(
        _SQL["close_dispute"],
        {
            "dispute_id": dispute_id, "state": state, "outcome": outcome,
            "from_states": sources("dispute", state), "now": now,
        },
    )  # fmt: skip
    return await cursor.fetchone() is not None


async def lift_hold(
    conn: AsyncConnection[Any], *, hold_id: int, by: str, reason: str, now: datetime
) -> str | None:
    """A person lifts a hold: the customer's id, or None when it was lifted already or never was."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["lift_hold"], {"hold_id": hold_id, "by": by, "reason": reason, "now": now})
        return await cursor.fetchone()


async def clear_paid_holds(conn: AsyncConnection[Any], *, customer_id: str, now: datetime) -> list[int]:
    """Lift what the ledger may clear, where the ledger shows no balance left: the ids of the holds lifted."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["clear_paid_holds"], {"customer_id": customer_id, "now": now})
        return await cursor.fetchall()
