"""The importer's statements. Every function takes the caller's connection and never commits."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from psycopg import AsyncConnection
from psycopg.rows import class_row, tuple_row
from psycopg.types.json import Jsonb

from tools import sql
from tools.ledger.importer.events import LedgerEvent
from tools.ledger.importer.known import (
    Known,
    KnownAllocation,
    KnownContact,
    KnownCustomer,
    KnownDispute,
    KnownInvoice,
    KnownReceipt,
)
from tools.ledger.importer.report import Counts

T = TypeVar("T")
Rows = Sequence[Mapping[str, Any]]

_SQL = sql.load("tools.ledger.importer")


async def _all(conn: AsyncConnection[Any], block: str, kind: type[T], **ids: Collection[str]) -> list[T]:
    async with conn.cursor(row_factory=class_row(kind)) as cursor:
        await cursor.execute(_SQL[block], {name: list(values) for name, values in ids.items()})
        return await cursor.fetchall()


async def _write(conn: AsyncConnection[Any], block: str, rows: Rows, **more: Any) -> int:
    """How many rows of the table the block touched."""
    if not rows:
        return 0
    cursor = await conn.execute(_SQL[block], {"rows": Jsonb(list(rows)), **more})
    return cursor.rowcount


async def _upsert(conn: AsyncConnection[Any], block: str, rows: Rows) -> Counts:
    """What the rows changed; what the block does not count is unchanged."""
    if not rows:
        return Counts()
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL[block], {"rows": Jsonb(list(rows))})
        changed = {change: int(count) for change, count in await cursor.fetchall()}
    new, updated = changed.get("new", 0), changed.get("updated", 0)
    return Counts(new=new, updated=updated, unchanged=len(rows) - new - updated)


async def lock(conn: AsyncConnection[Any], *, customers: Collection[str], invoices: Collection[str]) -> None:
    """Wait until no other import runs and no episode commits for these customers; hold both until the end."""
    await conn.execute(_SQL["lock_imports"])
    await conn.execute(_SQL["lock_customers"], {"customers": list(customers), "invoices": list(invoices)})


async def read_known(
    conn: AsyncConnection[Any],
    *,
    customers: Collection[str],
    contacts: Collection[str],
    invoices: Collection[str],
    payments: Collection[str],
    credits_: Collection[str],
    disputes: Collection[str],
) -> Known:
    """What is there already of these ids; `invoices` may be ids or numbers."""
    found = await _all(
        conn, "known_invoices", KnownInvoice, invoices=invoices, payments=payments, credits=credits_
    )
    return Known(
        customers={
            c.id: c
            for c in await _all(
                conn, "known_customers", KnownCustomer, customers=customers, invoices=[i.id for i in found]
            )
        },
        contacts=await _all(conn, "known_contacts", KnownContact, customers=customers, contacts=contacts),
        invoices={i.id: i for i in found},
        payments={p.id: p for p in await _all(conn, "known_payments", KnownReceipt, payments=payments)},
        credits={c.id: c for c in await _all(conn, "known_credits", KnownReceipt, credits=credits_)},
        allocations=await _all(conn, "known_allocations", KnownAllocation, invoices=[i.id for i in found]),
        disputes={d.id: d for d in await _all(conn, "known_disputes", KnownDispute, disputes=disputes)},
    )


async def upsert_customers(conn: AsyncConnection[Any], *, rows: Rows) -> Counts:
    """Insert or update customers; an erased one stays erased."""
    return await _upsert(conn, "upsert_customers", rows)


async def upsert_contacts(conn: AsyncConnection[Any], *, rows: Rows) -> Counts:
    """Insert or update contact points; an opt-out on file stays."""
    return await _upsert(conn, "upsert_contacts", rows)


async def upsert_invoices(conn: AsyncConnection[Any], *, rows: Rows) -> Counts:
    """Insert or update invoices with their figures."""
    return await _upsert(conn, "upsert_invoices", rows)


async def move_balances(conn: AsyncConnection[Any], *, rows: Rows) -> None:
    """Set the figures of invoices that are in no file of this import."""
    await _write(conn, "move_balances", rows)


async def upsert_payments(conn: AsyncConnection[Any], *, rows: Rows) -> Counts:
    """Insert or update payments; `refresh_payments` then says what is unapplied."""
    return await _upsert(conn, "upsert_payments", rows)


async def shrink_payments(conn: AsyncConnection[Any], *, rows: Rows) -> None:
    """Set the amounts of gap payments that are kept from an earlier import."""
    await _write(conn, "shrink_payments", rows)


async def upsert_credits(conn: AsyncConnection[Any], *, rows: Rows) -> Counts:
    """Insert or update credit memos; `refresh_credits` then says what remains."""
    return await _upsert(conn, "upsert_credits", rows)


async def upsert_allocations(conn: AsyncConnection[Any], *, rows: Rows) -> None:
    """Insert or update what is applied to invoices."""
    await _write(conn, "upsert_allocations", rows)


async def delete_allocations(conn: AsyncConnection[Any], *, ids: Collection[str]) -> None:
    """Take back what is no longer applied."""
    if ids:
        await conn.execute(_SQL["delete_allocations"], {"ids": sorted(ids)})


async def delete_payments(conn: AsyncConnection[Any], *, ids: Collection[str]) -> None:
    """Remove gap payments that nothing needs any more."""
    if ids:
        await conn.execute(_SQL["delete_payments"], {"ids": sorted(ids)})


async def refresh_payments(conn: AsyncConnection[Any], *, ids: Collection[str]) -> None:
    """Compute what is left unapplied of these payments."""
    if ids:
        await conn.execute(_SQL["refresh_payments"], {"ids": sorted(ids)})


async def refresh_credits(conn: AsyncConnection[Any], *, ids: Collection[str]) -> None:
    """Compute what remains of these credit memos, and their state from it."""
    if ids:
        await conn.execute(_SQL["refresh_credits"], {"ids": sorted(ids)})


async def upsert_disputes(conn: AsyncConnection[Any], *, rows: Rows) -> Counts:
    """Insert or update disputes that the source states."""
    return await _upsert(conn, "upsert_disputes", rows)


async def replace_dispute_invoices(conn: AsyncConnection[Any], *, ids: Collection[str], rows: Rows) -> None:
    """Let these disputes be about exactly these invoices."""
    if ids:
        await conn.execute(_SQL["delete_dispute_invoices"], {"ids": sorted(ids), "rows": Jsonb(list(rows))})
        await _write(conn, "insert_dispute_invoices", rows)


async def check_sums(conn: AsyncConnection[Any]) -> None:
    """Raise now, not at the commit, if what is applied and what is owed do not add up."""
    await conn.execute(_SQL["check_sums"])
    await conn.execute(_SQL["defer_sums"])


async def announce(conn: AsyncConnection[Any], events: Sequence[LedgerEvent], *, now: datetime) -> int:
    """Store the events, withdraw what is queued for their customers; returns how many messages were withdrawn."""
    rows = [{"customer_id": e.customer_id, "kind": e.kind, "ref": e.ref} for e in events]
    await _write(conn, "insert_events", rows, now=now)
    why: dict[str, str] = {}
    for event in events:
        why.setdefault(event.customer_id, f"the ledger changed: {event.kind}")
    reasons = [{"customer_id": customer_id, "reason": reason} for customer_id, reason in why.items()]
    return await _write(conn, "withdraw_queued", reasons, now=now)


async def find(
    conn: AsyncConnection[Any], *, customers: Collection[str], payments: Collection[str]
) -> list[tuple[str, list[str] | None]]:
    """What a person should look at: kind and ids, in a fixed order."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL["findings"], {"customers": list(customers), "payments": list(payments)})
        return sorted(await cursor.fetchall(), key=lambda row: (row[0], row[1] or []))


async def insert_batch(
    conn: AsyncConnection[Any], *, now: datetime, ext_system: str, imported_by: str, report: dict[str, Any]
) -> int:
    """Remember the import and its report; returns its id."""
    cursor = await conn.execute(
        _SQL["insert_batch"],
        {"now": now, "ext_system": ext_system, "imported_by": imported_by, "report": Jsonb(report)},
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
