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


@dataclass(frozen=True, slots=True)
class WatchedPromise:
    """An open promise and what was paid on its invoices since it was made."""

    id: int
    customer_id: str
    invoice_ids: Sequence[str]
    amount_minor: int
    currency: str
    due_date: date
    paid_minor: int

    def outcome(self, today: date) -> Literal["kept", "partial", "broken"] | None:
        """Kept as soon as the money is there; partial or broken once the day after its date has come (policy.md 4)."""
        if self.paid_minor >= self.amount_minor:
            return "kept"
        if today <= self.due_date:
            return None
        return "partial" if self.paid_minor > 0 else "broken"


async def add_promises(
    conn: AsyncConnection[Any],
    permit: Permit,
    *,
    payments: Sequence[tuple[Money, date]],
    invoice_ids: Sequence[str],
    message_id: int | None,
    source: Literal["customer", "collector"],
    now: datetime,
) -> None:
    """One row for each promised payment, and the fact that it was promised; a newer promise replaces the older one."""
    shared = {
        "customer_id": permit.customer_id, "decision_id": permit.decision_id, "invoice_ids": list(invoice_ids),
        "message_id": message_id, "source": source, "now": now,
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


async def promises_to_watch(
    conn: AsyncConnection[Any], *, today: date, zone: str, limit: int
) -> list[WatchedPromise]:
    """Open promises with what was paid since; `zone` is the company's, in which days are counted."""
    async with conn.cursor(row_factory=class_row(WatchedPromise)) as cursor:
        await cursor.execute(_SQL["promises_to_watch"], {"today": today, "zone": zone, "limit": limit})
        return await cursor.fetchall()


async def settle_promise(
    conn: AsyncConnection[Any], *, promise_id: int, state: Literal["kept", "partial", "broken"], now: datetime
) -> bool:
    """Close an open promise; False when it was closed already."""
    cursor = await conn.execute(
        _SQL["settle_promise"], {"promise_id": promise_id, "state": state, "now": now}
    )
    owner = await cursor.fetchone()
    if owner is None:
        return False
    await conn.execute(_SQL["end_promise_facts"], {"customer_id": owner[0], "now": now})
    return True
