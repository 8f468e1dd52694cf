"""Every invoice that an import touches, settled: its own row, its receipts old and new, and its gap payment."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date

from tools.ledger.importer.known import KnownAllocation
from tools.ledger.importer.model import InvoiceRow, ReceiptKind
from tools.ledger.importer.receipts import Receipt
from tools.ledger.importer.resolve import Ledger
from tools.ledger.importer.settle import Claim, Settlement, Statement, gap_ids, settle


def settle_all(
    ledger: Ledger, payments: Mapping[str, Receipt], credits_: Mapping[str, Receipt]
) -> dict[str, Settlement]:
    """What holds for each touched invoice afterwards, by invoice id.

    Touched is what has a row in this import, what a receipt of it pays, and what such a receipt paid before.
    """
    new: defaultdict[str, list[Claim]] = defaultdict(list)
    for receipt in [*payments.values(), *credits_.values()]:
        for claim in receipt.claims:
            new[claim.invoice_id].append(claim)
    before: defaultdict[str, list[KnownAllocation]] = defaultdict(list)
    for allocation in ledger.known.allocations:
        before[allocation.invoice_id].append(allocation)
    replaced = payments.keys() | credits_.keys()
    moved = {a.invoice_id for a in ledger.known.allocations if {a.payment_id, a.credit_memo_id} & replaced}
    return {
        invoice_id: _settle(ledger, invoice_id, before[invoice_id], new[invoice_id], replaced)
        for invoice_id in sorted(ledger.invoices.keys() | new.keys() | moved)
    }


def _settle(
    ledger: Ledger, invoice_id: str, before: list[KnownAllocation], new: list[Claim], replaced: set[str]
) -> Settlement:
    gaps = gap_ids(invoice_id)
    kept = [
        _claim(a)
        for a in before
        if a.payment_id not in gaps and (a.payment_id or a.credit_memo_id) not in replaced
    ]
    row = ledger.invoices.get(invoice_id)
    if row is not None:
        return settle(
            invoice_id,
            total_minor=row.total_minor,
            state=row.state,
            claims=[*kept, *new],
            statement=_statement(row),
        )
    known = ledger.known.invoices[invoice_id]
    return settle(
        invoice_id,
        total_minor=known.total_minor,
        state=known.ledger_state,
        claims=[*kept, *new],
        statement=None,
        kept_gap=_kept_gap([a for a in before if a.payment_id in gaps], before, new),
    )


def _kept_gap(
    gaps: list[KnownAllocation], before: list[KnownAllocation], new: Iterable[Claim]
) -> Claim | None:
    """The gap payment less what the new receipts explain of it.

    A payment dated before the day on which the balance was stated was already in that balance; one of that
    day or later is new money and lowers the balance instead.
    """
    if not gaps:
        return None
    gap = gaps[0]
    stated_on = gap.stated_at.astimezone(UTC).date() if gap.stated_at else date.max
    had = {a.id: a.amount_minor for a in before}
    explained = sum(max(0, c.amount_minor - had.get(c.id, 0)) for c in new if c.on < stated_on)
    return replace(_claim(gap), amount_minor=max(0, gap.amount_minor - explained))


def _claim(a: KnownAllocation) -> Claim:
    kind: ReceiptKind = "payment" if a.payment_id else "credit"
    return Claim(
        a.id, kind, a.payment_id or a.credit_memo_id or "", a.invoice_id, a.amount_minor, a.applied_on
    )


def _statement(row: InvoiceRow) -> Statement:
    return Statement(row.stated_minor, row.settled_on, row.paid_date, row.issue_date)
