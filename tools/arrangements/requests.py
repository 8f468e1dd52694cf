"""What only the source ledger can do and a manager must agree to: write-offs, credit holds, concessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg import AsyncConnection
from psycopg.errors import UniqueViolation
from psycopg.rows import class_row, scalar_row

from tools import sql
from tools.arrangements.machines import sources
from tools.errors import Conflict
from tools.money import Money

_SQL = sql.load("tools.arrangements")
RequestKind = Literal["write_off", "credit_hold", "concession"]


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """A request that waits for a manager: on which facts it was proposed, until when, and who agreed first of two."""

    id: int
    customer_id: str
    customer: str
    assignee: str | None
    kind: RequestKind
    invoice_ids: Sequence[str]
    amount_minor: int
    currency: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime | None
    facts_digest: str | None
    first_by: str | None


async def add_request(
    conn: AsyncConnection[Any],
    *,
    customer_id: str,
    kind: RequestKind,
    invoice_ids: Sequence[str],
    amount: Money,
    reason: str,
    proposed_by: str,
    approved_by: str | None,
    decision_id: int | None,
    now: datetime,
    expires_at: datetime | None = None,
    facts_digest: str | None = None,
) -> int:
    """Keep a request for the ledger and give its id: proposed, or approved where `approved_by` agreed already.

    A proposed one waits until `expires_at` for somebody who agrees, on facts of that digest.

    Raises Conflict where a write-off of the same invoices is open.
    """
    given = {
        "customer_id": customer_id, "kind": kind, "decision_id": decision_id, "invoice_ids": sorted(invoice_ids),
        "amount_minor": amount.minor, "currency": amount.currency, "reason": reason,
        "state": "approved" if approved_by else "proposed", "proposed_by": proposed_by, "approved_by": approved_by,
        "now": now, "expires_at": expires_at, "facts_digest": facts_digest,
    }  # fmt: skip
    async with conn.cursor(row_factory=scalar_row) as cursor:
        try:
            await cursor.execute(_SQL["add_ledger_request"], given)
            return int(await cursor.fetchone() or 0)
        except UniqueViolation as twice:
            raise Conflict("A write-off of these invoices is open already.") from twice


async def move_request(
    conn: AsyncConnection[Any],
    *,
    request_id: int,
    state: Literal["approved", "rejected", "withdrawn", "entered"],
    by: str,
    now: datetime,
) -> bool:
    """Move a request on; False when it is in no state from which it can become that."""
    given = {
        "request_id": request_id,
        "state": state,
        "by": by,
        "from_states": sources("ledger_request", state),
        "now": now,
    }
    cursor = await conn.execute(_SQL["move_ledger_request"], given)
    return await cursor.fetchone() is not None


async def waiting_requests(
    conn: AsyncConnection[Any],
    *,
    request_id: int | None = None,
    customer_id: str | None = None,
    assignee: str | None = None,
    limit: int = 100,
) -> list[WaitingRequest]:
    """What was proposed and nobody agreed to yet, largest amount first; `assignee`: only of whose accounts."""
    given = {"request_id": request_id, "customer_id": customer_id, "assignee": assignee, "limit": limit}
    async with conn.cursor(row_factory=class_row(WaitingRequest)) as cursor:
        await cursor.execute(_SQL["waiting_requests"], given)
        return await cursor.fetchall()


async def agree_first(conn: AsyncConnection[Any], *, request_id: int, by: str, now: datetime) -> bool:
    """Note the first of two people who approve; False when it moved on or somebody was first already."""
    given = {"request_id": request_id, "by": by, "now": now}
    return await (await conn.execute(_SQL["agree_first_to_request"], given)).fetchone() is not None


async def customers_with_expired(conn: AsyncConnection[Any], *, now: datetime, limit: int) -> list[str]:
    """Customers on whom a request waits that nobody agreed to in time."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["customers_with_expired_requests"], {"now": now, "limit": limit})
        return await cursor.fetchall()


async def expire_requests(conn: AsyncConnection[Any], *, customer_id: str, now: datetime) -> list[int]:
    """Withdraw the requests that nobody agreed to in time: the ids of them."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["expire_requests"], {"customer_id": customer_id, "now": now})
        return await cursor.fetchall()


async def clear_entered(conn: AsyncConnection[Any], *, customer_id: str, now: datetime) -> list[int]:
    """End the approved write-offs that the ledger shows: the ids of them."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["clear_entered_write_offs"], {"customer_id": customer_id, "now": now})
        return await cursor.fetchall()
