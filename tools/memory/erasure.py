"""Erasure: everything that says who a customer is, or what was said. The caller's transaction holds the customer's lock.

What stays is what the books and the audit need: amounts, dates, states, verdicts with reasons and the figures they were
reached on, and suppressions (whoever comes back under the same id is not written to). The audit chain holds salted digests
of what was said, and decisions such of what was proposed; without the messages' salts and the customer's they say nothing.
"""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from tools import sql
from tools.errors import NotFound

_SQL = sql.load("tools.memory")
_ERASED = (
    "erase_decision_args", "erase_outbox", "erase_messages", "erase_unmatched", "erase_standing_facts", "erase_contacts", "erase_follow_ups", "erase_approvals", "erase_invoices",
    "erase_lines", "erase_payments", "erase_holds", "erase_disputes", "erase_ledger_requests", "erase_arrangement_reasons",
)  # fmt: skip


async def waiting_approvals(conn: AsyncConnection[Any], *, customer_id: str) -> list[str]:
    """Ids of the customer's approvals that wait or are being decided, oldest first. Raises NotFound."""
    if await (await conn.execute(_SQL["customer_status"], {"customer_id": customer_id})).fetchone() is None:
        raise NotFound("customer", customer_id)
    cursor = await conn.execute(_SQL["waiting_approvals"], {"customer_id": customer_id})
    return [row[0] for row in await cursor.fetchall()]


async def erase(conn: AsyncConnection[Any], *, customer_id: str, now: datetime) -> dict[str, int]:
    """Erase the customer's texts, names and addresses, and give the rows by what they were. Doing it again does nothing."""
    given = {"customer_id": customer_id, "now": now}
    done = {}
    # First: only an erased customer's decisions may lose their arguments.
    await conn.execute(_SQL["erase_customer"], given)
    for block in _ERASED:
        done[block.removeprefix("erase_")] = (await conn.execute(_SQL[block], given)).rowcount
    return done
