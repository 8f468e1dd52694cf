"""Promises to pay: open until the date has passed and the ledger says kept, partly kept or broken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from psycopg import AsyncConnection
from psycopg.rows import class_row

from tools import sql
from tools.arrangements.facts import add_standing_fact
from tools.money import Money
from tools.spec import Permit

_SQL = sql.load("tools.arrangements")


Outcome = Literal["kept", "partial", "broken"]


@dataclass(frozen=True, slots=True)
class DuePromise:
    """An open promise to settle, and what was paid towards it: 0 to its amount, each cent towards one promise only."""

    id: int
    customer_id: str
    amount_minor: int
    due_date: date
    paid_minor: int
    waits_until: (
        date  # the first day on which it can be broken: grace and, where the customer pays by mail, float
    )

    @property
    def outcome(self) -> Outcome:
        """Kept where all of it was paid, partial where some of it was, else broken."""
        if self.paid_minor == self.amount_minor:
            return "kept"
        return "partial" if self.paid_minor > 0 else "broken"


async def add_promises(
    conn: AsyncConnection[Any],
    permit: Permit,
    *,
    payments: Sequence[tuple[Money, date]],
    invoice_ids: Sequence[str],
    message_id: int | None,
    source: Literal["customer", "collector"],
    zone: str,
    now: datetime,
) -> None:
    """One row for each promised payment, and the fact that it was promised; a newer promise replaces the older one."""
    shared = {
        "customer_id": permit.customer_id, "decision_id": permit.decision_id, "invoice_ids": list(invoice_ids),
        "message_id": message_id, "source": source, "zone": zone, "now": now,
    }  # fmt: skip
    await conn.execute(_SQL["cancel_promises"], shared)
    for position, (amount, due_date) in enumerate(payments):
        await conn.execute(
            _SQL["add_promise"],
            {
                **shared, "position": position, "amount_minor": amount.minor, "currency": amount.currency,
                "due_date": due_date,
            },
        )  # fmt: skip
    await conn.execute(_SQL["end_promise_facts"], shared)
    said = ", ".join(f"{amount.format()} by {due_date:%d %B %Y}" for amount, due_date in payments)
    await add_standing_fact(
        conn, permit, kind="promise", fact=f"Promised {said}.", message_id=message_id, now=now
    )


async def promises_to_settle(
    conn: AsyncConnection[Any],
    *,
    today: date,
    zone: str,
    grace_days: int,
    float_days: int,
    limit: int,
    promise_id: int | None = None,
) -> list[DuePromise]:
    """Open promises that are kept, or whose last day has passed; `zone` is the company's, in which days are counted.

    The day after the promised one plus `grace_days` - 1, and `float_days` later for a customer whose last payment was
    a cheque (policy.md 4). With `promise_id` that one alone.
    """
    async with conn.cursor(row_factory=class_row(DuePromise)) as cursor:
        await cursor.execute(
            _SQL["promises_to_settle"],
            {
                "today": today, "zone": zone, "grace_days": grace_days, "float_days": float_days, "limit": limit,
                "promise_id": promise_id,
            },
        )  # fmt: skip
        return await cursor.fetchall()


async def settle_promise(
    conn: AsyncConnection[Any], *, promise_id: int, state: Outcome, paid_minor: int, now: datetime
) -> bool:
    """Close an open promise on what was paid towards it; False when it was closed already."""
    cursor = await conn.execute(
        _SQL["settle_promise"],
        {"promise_id": promise_id, "state": state, "paid_minor": paid_minor, "now": now},
    )
    owner = await cursor.fetchone()
    if owner is None:
        return False
    await conn.execute(_SQL["end_promise_facts"], {"customer_id": owner[0], "now": now})
    return True


async def call_off_promise(
    conn: AsyncConnection[Any], *, promise_id: int, customer_id: str, now: datetime
) -> bool:
    """A person calls an open promise off; False when it was closed already."""
    cursor = await conn.execute(_SQL["call_off_promise"], {"promise_id": promise_id, "now": now})
    if await cursor.fetchone() is None:
        return False
    await conn.execute(_SQL["end_promise_facts"], {"customer_id": customer_id, "now": now})
    return True
