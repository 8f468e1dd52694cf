"""Canonical values become rows. Each table is written by one statement."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from tools.ledger.importer import queries
from tools.ledger.importer.disputes import DisputeDoc
from tools.ledger.importer.model import InvoiceRow, raw_hash, record
from tools.ledger.importer.receipts import Receipt
from tools.ledger.importer.report import Counts, Entity
from tools.ledger.importer.resolve import Ledger
from tools.ledger.importer.settle import Claim, Settlement, gap_ids

Values = dict[str, Any]


async def write_ledger(
    conn: AsyncConnection[Any],
    ledger: Ledger,
    *,
    payments: Mapping[str, Receipt],
    credits_: Mapping[str, Receipt],
    settled: Mapping[str, Settlement],
    disputes: Mapping[str, DisputeDoc],
    now: datetime,
) -> dict[Entity, Counts]:
    """Write all of it; returns what changed, by entity. Raises when an invoice does not add up."""
    ext = _Ext(ledger.ext_system, now)
    counts: dict[Entity, Counts] = {}
    counts["customers"] = await queries.upsert_customers(
        conn, rows=[record(r) | ext(r.id, raw_hash([r])) for r in ledger.customers.values()]
    )
    counts["contacts"] = await queries.upsert_contacts(
        conn, rows=[record(row) for row in ledger.contacts.values()]
    )
    counts["invoices"] = await queries.upsert_invoices(
        conn, rows=[_invoice(r, settled[r.id], ext) for r in ledger.invoices.values()]
    )
    moved = [{"id": i, **_figures(s)} for i, s in settled.items() if i not in ledger.invoices]
    await queries.move_balances(conn, rows=moved)
    counts["payments"] = await queries.upsert_payments(
        conn, rows=[_payment(r, ext) for r in payments.values()]
    )
    counts["credits"] = await queries.upsert_credits(conn, rows=[_credit(r, ext) for r in credits_.values()])
    await _write_allocations(conn, ledger, settled, ext, [*payments, *credits_])
    counts["disputes"] = await _write_disputes(conn, disputes)
    await queries.check_sums(conn)
    return counts


class _Ext:
    """The columns that say where a row comes from."""

    def __init__(self, system: str, now: datetime) -> None:
        self._same = {"ext_system": system, "ext_fetched_at": now.isoformat()}

    def __call__(self, identity: str, fingerprint: str) -> Values:
        return {"id": identity, "ext_id": identity, "raw_hash": fingerprint, **self._same}


def _figures(settlement: Settlement) -> Values:
    paid = settlement.paid_date
    return {
        "balance_minor": settlement.balance_minor,
        "paid_minor": settlement.paid_minor,
        "credited_minor": settlement.credited_minor,
        "ledger_state": settlement.state,
        "paid_date": paid and paid.isoformat(),
    }


def _invoice(row: InvoiceRow, settlement: Settlement, ext: _Ext) -> Values:
    return record(row) | ext(row.id, raw_hash([row])) | _figures(settlement)


def _payment(receipt: Receipt, ext: _Ext) -> Values:
    head = receipt.head
    return record(head) | {
        **ext(receipt.id, raw_hash(receipt.lines)),
        "customer_id": receipt.customer_id,
        "paid_on": head.on.isoformat(),
        "amount_minor": receipt.amount_minor,
    }


def _credit(receipt: Receipt, ext: _Ext) -> Values:
    head = receipt.head
    return record(head) | {
        **ext(receipt.id, raw_hash(receipt.lines)),
        "customer_id": receipt.customer_id,
        "issue_date": head.on.isoformat(),
        "total_minor": receipt.amount_minor,
        "state": head.status,
    }


async def _write_allocations(
    conn: AsyncConnection[Any],
    ledger: Ledger,
    settled: Mapping[str, Settlement],
    ext: _Ext,
    receipt_ids: Iterable[str],
) -> None:
    """Gap payments, allocations, and what is left of every receipt that they concern."""
    gaps = {i: s.gap for i, s in settled.items() if s.gap is not None}
    rows = [_gap_payment(ledger, gap, ext) for i, gap in gaps.items() if i in ledger.invoices]
    await queries.upsert_payments(conn, rows=rows)
    kept = [
        {"id": g.receipt_id, "amount_minor": g.amount_minor}
        for i, g in gaps.items()
        if i not in ledger.invoices
    ]
    await queries.shrink_payments(conn, rows=kept)

    claims = [claim for i, s in settled.items() for claim in [*s.applied, *([s.gap] if s.gap else [])]]
    staying = {claim.id for claim in claims}
    before = [a for a in ledger.known.allocations if a.invoice_id in settled]
    await queries.delete_allocations(conn, ids=[a.id for a in before if a.id not in staying])
    await queries.upsert_allocations(conn, rows=[_allocation(ledger, claim) for claim in claims])
    owned = {g for i in settled for g in gap_ids(i)}
    gone = {a.payment_id for a in before if a.payment_id in owned} - {g.receipt_id for g in gaps.values()}
    await queries.delete_payments(conn, ids=[g for g in gone if g])

    concerned = {*receipt_ids, *(a.payment_id or a.credit_memo_id or "" for a in before)}
    await queries.refresh_payments(conn, ids=concerned)
    await queries.refresh_credits(conn, ids=concerned)


def _customer_of(ledger: Ledger, invoice_id: str) -> str:
    row = ledger.invoices.get(invoice_id)
    return row.customer_id if row else ledger.known.invoices[invoice_id].customer_id


def _gap_payment(ledger: Ledger, gap: Claim, ext: _Ext) -> Values:
    what = "settled" if gap.receipt_id == gap_ids(gap.invoice_id)[1] else "opening balance"
    return {
        **ext(gap.receipt_id, f"{gap.amount_minor} {gap.on}"),
        "customer_id": _customer_of(ledger, gap.invoice_id),
        "paid_on": gap.on.isoformat(),
        "amount_minor": gap.amount_minor,
        "currency": ledger.invoices[gap.invoice_id].currency,
        "method": "other",
        "reference": what,
        "status": "succeeded",
    }


def _allocation(ledger: Ledger, claim: Claim) -> Values:
    return {
        "id": claim.id,
        "customer_id": _customer_of(ledger, claim.invoice_id),
        "payment_id" if claim.kind == "payment" else "credit_memo_id": claim.receipt_id,
        "invoice_id": claim.invoice_id,
        "amount_minor": claim.amount_minor,
        "applied_on": claim.on.isoformat(),
    }


async def _write_disputes(conn: AsyncConnection[Any], disputes: Mapping[str, DisputeDoc]) -> Counts:
    rows = [
        asdict(d)
        | {
            "opened_at": d.opened_at and d.opened_at.isoformat(),
            "closed_at": d.closed_at and d.closed_at.isoformat(),
        }
        for d in disputes.values()
    ]
    counts = await queries.upsert_disputes(conn, rows=rows)
    links = [
        {"dispute_id": d.id, "invoice_id": invoice_id, "customer_id": d.customer_id}
        for d in disputes.values()
        for invoice_id in d.invoice_ids
    ]
    await queries.replace_dispute_invoices(conn, ids=disputes.keys(), rows=links)
    return counts
