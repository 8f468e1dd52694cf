"""What a person should look at after an import; none of it kept a row out."""

from collections.abc import Iterable, Sequence

from tools.ledger.importer.receipts import Receipt
from tools.ledger.importer.report import Finding
from tools.ledger.importer.resolve import Ledger
from tools.ledger.importer.settle import Settlement

_SENTENCES = {
    "duplicate_invoice": "The same invoice number stands on one customer more than once: {n} invoices.",
    "shared_contact_point": "The same phone number or e-mail address stands on more than one customer: {n} customers.",
    "missing_contact": "Without an e-mail address and without a phone number for text messages: {n} customers.",
    "missing_owner": "Without an owner, so that approvals and tasks go to whoever is free: {n} customers.",
    "missing_due_date": "Open, without a due date and without terms, so that they never count as overdue: {n} invoices.",
    "nobody_reachable": "Nobody can be reached: no active customer has a contact point that may be written to.",
    "unapplied_payment": "Larger than what they could be applied to, so that the rest stays unapplied: {n} payments.",
    "unknown_invoice": "For an invoice that is not in the ledger, so that they stay unapplied: {n} payments or credits.",
    "unknown_status": "With a status that the mapping does not know, so that no message is sent about them: {n} invoices.",
    "unreconciled": "With a balance that their payments and credits contradict, so that no message is sent about them: "
    "{n} invoices.",
}


def finding(kind: str, ids: Iterable[str]) -> Finding:
    """A finding with its sentence."""
    about = tuple(ids)
    return Finding(kind, about, _SENTENCES[kind].format(n=len(about)))


def all_findings(
    stored: Sequence[tuple[str, list[str] | None]],
    *,
    ledger: Ledger,
    settled: dict[str, Settlement],
    receipts: Iterable[Receipt],
) -> list[Finding]:
    """The findings that the database has seen, and those that only this import can know."""
    found = [finding(kind, ids or ()) for kind, ids in stored if ids or kind == "nobody_reachable"]
    unreconciled = sorted(i for i, s in settled.items() if not s.reconciled)
    unknown = sorted(
        row.id for row in ledger.invoices.values() if row.state == "unknown" and row.id not in unreconciled
    )
    unmatched = sorted(receipt.id for receipt in receipts if receipt.unmatched)
    for kind, ids in (
        ("unknown_invoice", unmatched),
        ("unknown_status", unknown),
        ("unreconciled", unreconciled),
    ):
        if ids:
            found.append(finding(kind, ids))
    return found
