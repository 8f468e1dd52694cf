"""Disputes that the source states: its dispute file, and the yes-or-no column of its invoices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tools.ledger.importer.model import DisputeLine
from tools.ledger.importer.resolve import Ledger

OPEN = frozenset({"open", "under_review"})


@dataclass(frozen=True, slots=True)
class DisputeDoc:
    """A dispute, whole."""

    id: str
    customer_id: str
    invoice_ids: tuple[str, ...]
    reason: str
    amount_minor: int | None
    state: str
    opened_at: datetime | None
    closed_at: datetime | None
    outcome: str | None


def disputed_id(invoice_id: str) -> str:
    """The id of the dispute that a yes in an invoice's `disputed` column makes."""
    return f"disputed:{invoice_id}"


def disputes(ledger: Ledger, lines: Sequence[DisputeLine], *, now: datetime) -> dict[str, DisputeDoc]:
    """The disputes of this import by id; rows that fit no invoice are refused by line."""
    found: dict[str, DisputeDoc] = {}
    for line in lines:
        doc = _read(ledger, found, line, now)
        if doc is not None:
            found[doc.id] = doc
    for invoice in ledger.invoices.values():
        identity = disputed_id(invoice.id)
        old = ledger.known.disputes.get(identity)
        # A no makes no dispute; it ends the one that an earlier yes made.
        if invoice.disputed or (invoice.disputed is False and old is not None):
            found[identity] = DisputeDoc(
                id=identity,
                customer_id=invoice.customer_id,
                invoice_ids=(invoice.id,),
                reason="other",
                amount_minor=None,
                state="open" if invoice.disputed else "withdrawn",
                opened_at=None,
                closed_at=None if invoice.disputed else _closed(ledger, identity, None, now),
                outcome=None,
            )
    return found


def _read(
    ledger: Ledger, found: dict[str, DisputeDoc], line: DisputeLine, now: datetime
) -> DisputeDoc | None:
    invoice = ledger.find_invoice(line.invoice, line.customer_id)
    if invoice is None:
        ledger.refuse(line.place, "its invoice is not in the ledger")
        return None
    identity = line.id or f"dispute:{invoice.id}"
    old, so_far = ledger.known.disputes.get(identity), found.get(identity)
    reason = None
    if line.customer_id not in (None, invoice.customer_id):
        reason = "its invoice belongs to another customer"
    elif line.amount_minor is not None and line.currency != invoice.currency:
        reason = f"it is in {line.currency}, its invoice in {invoice.currency}"
    elif old and old.source != "ledger":
        reason = "this dispute was recorded here, not by the source"
    elif any(doc and doc.customer_id != invoice.customer_id for doc in (old, so_far)):
        reason = "this dispute id belongs to another customer"
    elif so_far and invoice.id in so_far.invoice_ids:
        reason = "this dispute and invoice stand on an earlier line"
    if reason is not None:
        ledger.refuse(line.place, reason)
        return None
    return DisputeDoc(
        id=identity,
        customer_id=invoice.customer_id,
        invoice_ids=(*(so_far.invoice_ids if so_far else ()), invoice.id),
        reason=line.reason,
        amount_minor=line.amount_minor,
        state=line.state,
        opened_at=line.opened_at,
        closed_at=None if line.state in OPEN else _closed(ledger, identity, line.closed_at, now),
        outcome=line.outcome,
    )


def _closed(ledger: Ledger, identity: str, stated: datetime | None, now: datetime) -> datetime:
    """When it was closed: as stated, or else when an import first saw it closed."""
    old = ledger.known.disputes.get(identity)
    return stated or (old.closed_at if old and old.closed_at else now)
