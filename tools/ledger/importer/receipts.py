"""Payments and credit memos: their rows put together, and what each of them gives to which invoice."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tools.ledger.importer.known import KnownInvoice
from tools.ledger.importer.model import InvoiceRow, ReceiptKind, ReceiptLine
from tools.ledger.importer.resolve import Ledger, Owner
from tools.ledger.importer.settle import Claim, allocation_id

# What a credit memo in one of these states says is no longer, or not yet, given to the customer.
_NOT_GIVEN = frozenset({"draft", "void", "reversed"})


@dataclass(frozen=True, slots=True)
class Receipt:
    """A payment or a credit memo, whole; `lines` are the rows it was read from."""

    kind: ReceiptKind
    id: str
    customer_id: str
    amount_minor: int
    lines: tuple[ReceiptLine, ...]
    claims: tuple[Claim, ...]
    unmatched: bool  # a row names an invoice that is not in the ledger: that money stays unapplied

    @property
    def head(self) -> ReceiptLine:
        """The first row: what the whole receipt has only one of."""
        return self.lines[0]


def receipts(ledger: Ledger, lines: Sequence[ReceiptLine]) -> dict[str, Receipt]:
    """The receipts of these rows by id; rows that fit no account are refused by line."""
    found: dict[str, Receipt] = {}
    for line in with_ids(lines):
        receipt = _add(ledger, found.get(line.id or ""), line)
        if receipt is not None:
            found[receipt.id] = receipt
    return found


def with_ids(lines: Iterable[ReceiptLine]) -> Iterable[ReceiptLine]:
    """Rows without an id get one from what they say; equal rows are told apart by their order."""
    count: Counter[str] = Counter()
    for line in lines:
        if line.id is not None:
            yield line
            continue
        stem = f"{line.kind}:{line.invoice or line.customer_id}:{line.on}:{line.amount_minor}"
        count[stem] += 1
        yield replace(line, id=f"{stem}:{count[stem]}")


def _add(ledger: Ledger, so_far: Receipt | None, line: ReceiptLine) -> Receipt | None:
    identity = line.id or ""
    invoice = ledger.find_invoice(line.invoice, line.customer_id) if line.invoice else None
    owner = ledger.owner(line.customer_id or (invoice.customer_id if invoice else None))
    if owner is None:
        ledger.refuse(line.place, "neither its customer nor its invoice is in the ledger")
        return None
    amount = line.amount_minor
    if so_far is not None:
        amount = so_far.amount_minor + (line.amount_minor if line.applied_minor is None else 0)
    part = _part(line)
    given = sum(claim.amount_minor for claim in so_far.claims) if so_far else 0
    reason = _misfit(ledger, line, owner, invoice) or (so_far and _clash(so_far, line, owner))
    if not reason and given + part > amount:
        reason = f"more is applied than the {line.kind} has"
    if reason:
        ledger.refuse(line.place, reason)
        return None

    claims = so_far.claims if so_far else ()
    if invoice is not None and part > 0 and _counts(line):
        claims += (
            Claim(
                allocation_id(identity, invoice.id), line.kind, identity, invoice.id, part, line.applied_on
            ),
        )
    return Receipt(
        kind=line.kind,
        id=identity,
        customer_id=owner.id,
        amount_minor=amount,
        lines=(*(so_far.lines if so_far else ()), line),
        claims=claims,
        unmatched=(line.invoice is not None and invoice is None) or bool(so_far and so_far.unmatched),
    )


def _part(line: ReceiptLine) -> int:
    """What this row gives to its invoice."""
    if line.applied_minor is not None:
        return line.applied_minor
    return max(0, line.amount_minor - (line.remaining_minor or 0))


def _misfit(
    ledger: Ledger, line: ReceiptLine, owner: Owner, invoice: InvoiceRow | KnownInvoice | None
) -> str | None:
    """Why the row does not fit the ledger."""
    old = (ledger.known.payments if line.kind == "payment" else ledger.known.credits).get(line.id or "")
    if owner.currency != line.currency:
        return f"it is in {line.currency}, the account in {owner.currency}"
    if invoice is not None and invoice.customer_id != owner.id:
        return "its invoice belongs to another customer"
    if old and old.ext_system != ledger.ext_system:
        return f"this {line.kind} id comes from {old.ext_system}"
    if old and old.customer_id != owner.id:
        return f"this {line.kind} id belongs to another customer"
    return None


def _clash(so_far: Receipt, line: ReceiptLine, owner: Owner) -> str | None:
    """Why the row is no further row of the receipt with the same id."""
    earlier = so_far.head.place.line
    if so_far.customer_id != owner.id:
        return f"this {line.kind} id belongs to another customer"
    if line.invoice in {None, *(before.invoice for before in so_far.lines)}:
        return f"its id is already used by line {earlier}"
    if line.applied_minor is not None and line.amount_minor != so_far.head.amount_minor:
        return f"its amount is not that of line {earlier}, which has the same id"
    if line.status != so_far.head.status:
        return f"its status is not that of line {earlier}, which has the same id"
    return None


def _counts(line: ReceiptLine) -> bool:
    return line.status == "succeeded" if line.kind == "payment" else line.status not in _NOT_GIVEN
