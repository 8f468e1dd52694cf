"""What a person should look at after an import; none of it kept a row out."""

from collections.abc import Iterable, Sequence

from tools.ledger.importer.receipts import Receipt
from tools.ledger.importer.report import Finding
from tools.ledger.importer.resolve import Ledger
from tools.ledger.importer.settle import Settlement

_ONE = {
    "duplicate_invoice": "{n} invoices of one customer have the same number.",
    "shared_contact_point": "{n} customers have the same phone number or e-mail address.",
}
_MANY = {
    "missing_contact": "{n} customers have neither an e-mail address nor a phone number for text messages.",
    "missing_owner": "{n} customers have no owner: their approvals and tasks go to whoever is free.",
    "missing_due_date": "{n} open invoices have no due date and no terms: they never count as overdue.",
    "nobody_reachable": "Nobody can be reached: no active customer has a contact point that may be written to.",
    "unapplied_payment": "{n} payments are larger than what they could be applied to; the rest stays unapplied.",
    "unknown_invoice": "{n} payments or credits name an invoice that is not in the ledger; they stay unapplied.",
    "unknown_status": "{n} invoices have a status that the mapping does not know: no message is sent about them.",
    "unreconciled": "{n} invoices state a balance that their payments and credits contradict: "
    "no message is sent about them.",
}
_SENTENCES = _ONE | _MANY


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
