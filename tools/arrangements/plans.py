"""Payment plans: approved, offered, active. The instalments add up to the total to the cent; the database insists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from psycopg import AsyncConnection
from psycopg.rows import class_row

from tools import sql
from tools.arrangements.machines import sources
from tools.ledger.model import Instalment
from tools.spec import Permit

_SQL = sql.load("tools.arrangements")


@dataclass(frozen=True, slots=True)
class DuePlan:
    """A running plan to settle: what was paid on its invoices since it was made, against what was due by now.

    `left_minor` is what its invoices still owe in the ledger; `decision_id`, `episode_id` and `digest` are of the action
    that made it, which its task for a person cites.
    """

    id: str
    customer_id: str
    decision_id: int
    episode_id: str
    digest: str
    total_minor: int
    paid_minor: int
    due_minor: int
    left_minor: int

    @property
    def outcome(self) -> Literal["completed", "defaulted"]:
        """Completed where it is paid, or nothing is left to pay; else an instalment was missed."""
        return "completed" if self.paid_minor >= self.total_minor or self.left_minor == 0 else "defaulted"


async def add_plan(
    conn: AsyncConnection[Any],
    permit: Permit,
    *,
    invoice_ids: Sequence[str],
    instalments: Sequence[Instalment],
    currency: str,
    proposed_by: str,
    approved_by: str,
    zone: str,
    now: datetime,
) -> str:
    """Store an approved plan and give its id; it is offered to the customer by a message of its own.

    It takes the place of other offers on its invoices; a plan that runs goes on until this one is accepted.
    """
    plan_id = f"plan-{permit.decision_id}"
    shared = {
        "plan_id": plan_id, "customer_id": permit.customer_id, "decision_id": permit.decision_id,
        "invoice_ids": list(invoice_ids), "total_minor": sum(i.amount_minor for i in instalments),
        "currency": currency, "proposed_by": proposed_by, "approved_by": approved_by, "zone": zone, "now": now,
        "positions": list(range(1, len(instalments) + 1)), "dates": [i.due_date for i in instalments],
        "amounts": [i.amount_minor for i in instalments],
    }  # fmt: skip
    await conn.execute(_SQL["replace_offers"], shared)
    await conn.execute(_SQL["add_plan"], shared)
    await conn.execute(_SQL["add_instalments"], shared)
    return plan_id


async def start_plan(conn: AsyncConnection[Any], *, plan_id: str, now: datetime) -> bool:
    """The customer accepted it: it runs, in place of what was agreed on its invoices before. False where it was not offered."""
    if not await move_plan(conn, plan_id=plan_id, state="active", now=now):
        return False
    given = {"plan_id": plan_id, "now": now}
    await conn.execute(_SQL["replace_running"], given)
    await conn.execute(_SQL["end_promises_of_plan"], given)
    return True


async def move_plan(
    conn: AsyncConnection[Any],
    *,
    plan_id: str,
    state: Literal["offered", "active", "completed", "defaulted", "rejected", "cancelled"],
    now: datetime,
) -> bool:
    """Move a plan on; False when it is in no state from which it can become that."""
    cursor = await conn.execute(
        _SQL["move_plan"],
        {"plan_id": plan_id, "state": state, "from_states": sources("plan", state), "now": now},
    )
    return await cursor.fetchone() is not None


async def plans_to_settle(
    conn: AsyncConnection[Any],
    *,
    today: date,
    zone: str,
    grace_days: int,
    float_days: int,
    limit: int,
    plan_id: str | None = None,
) -> list[DuePlan]:
    """Running plans that are paid, or behind by an instalment whose last day has passed; days as for promises."""
    async with conn.cursor(row_factory=class_row(DuePlan)) as cursor:
        await cursor.execute(
            _SQL["plans_to_settle"],
            {
                "today": today, "zone": zone, "grace_days": grace_days, "float_days": float_days, "limit": limit,
                "plan_id": plan_id,
            },
        )  # fmt: skip
        return await cursor.fetchall()
