"""What is applied to an invoice, and what is left: arithmetic without a database.

The rule (ledgers.md 3) is that what was applied and the balance add up to the total, exactly. Sources often
state a balance whose payments they do not tell: the gap is filled by one payment of our own making, so that
the rule holds and the balance of any day can be computed. It is as large as the gap and no more: when the
real payment arrives, it shrinks or goes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from tools.ledger.importer.model import ReceiptKind
from tools.ledger.model import LedgerState

# What these states take out of the books is no payment: their stated balance of 0 fills no gap.
_NOT_OWED: frozenset[LedgerState] = frozenset({"draft", "void", "written_off", "reversed"})
_KEPT: frozenset[LedgerState] = _NOT_OWED | {"unknown"}


@dataclass(frozen=True, slots=True)
class Claim:
    """Money that a payment or a credit memo gives to an invoice."""

    id: str  # of the allocation
    kind: ReceiptKind
    receipt_id: str
    invoice_id: str
    amount_minor: int
    on: date


@dataclass(frozen=True, slots=True)
class Statement:
    """What an invoice row says about money; `balance_minor` None where it says nothing."""

    balance_minor: int | None
    settled_on: date | None
    paid_date: date | None
    issue_date: date


@dataclass(frozen=True, slots=True)
class Settlement:
    """What holds for an invoice afterwards: the claims as applied, the gap payment, and the figures."""

    applied: tuple[Claim, ...]
    gap: Claim | None
    paid_minor: int
    credited_minor: int
    balance_minor: int
    state: LedgerState
    paid_date: date | None
    reconciled: bool


def gap_ids(invoice_id: str) -> tuple[str, str]:
    """The ids of the two payments that only the importer makes: `opening:` for a gap, `settled:` for a settled date."""
    return f"opening:{invoice_id}", f"settled:{invoice_id}"


def allocation_id(receipt_id: str, invoice_id: str) -> str:
    """One receipt has at most one allocation on an invoice."""
    return f"{receipt_id}>{invoice_id}"


def settle(
    invoice_id: str,
    *,
    total_minor: int,
    state: LedgerState,
    claims: Iterable[Claim],
    statement: Statement | None,
    kept_gap: Claim | None = None,
) -> Settlement:
    """Apply the claims, oldest first and never beyond the total; then fill the gap to the stated balance.

    Without a statement (the invoice is in no file of this import) the earlier gap payment is kept as far as
    there is room for it: nothing is invented, and a payment that was taken back leaves its amount owed.
    """
    applied, left = _apply(claims, total_minor)
    reconciled = True
    if statement is None:
        gap = kept_gap and replace(kept_gap, amount_minor=min(kept_gap.amount_minor, left))
    else:
        gap, reconciled = _gap(invoice_id, state, left, statement)
    if gap is not None and gap.amount_minor <= 0:
        gap = None
    parts = [*applied, gap] if gap else applied
    paid = sum(part.amount_minor for part in parts if part.kind == "payment")
    credited = sum(part.amount_minor for part in parts if part.kind == "credit")
    balance = total_minor - paid - credited
    return Settlement(
        applied=tuple(applied),
        gap=gap,
        paid_minor=paid,
        credited_minor=credited,
        balance_minor=balance,
        state=_state(state, balance, total_minor) if reconciled else "unknown",
        paid_date=max(part.on for part in parts) if parts and balance == 0 else None,
        reconciled=reconciled,
    )


def _apply(claims: Iterable[Claim], total_minor: int) -> tuple[list[Claim], int]:
    applied, left = [], total_minor
    for claim in sorted(claims, key=lambda c: (c.on, c.id)):
        part = min(claim.amount_minor, left)
        if part > 0:
            applied.append(replace(claim, amount_minor=part))
            left -= part
    return applied, left


def _gap(invoice_id: str, state: LedgerState, left: int, said: Statement) -> tuple[Claim | None, bool]:
    if state in _NOT_OWED:
        return None, True
    opening, settled = gap_ids(invoice_id)
    if said.settled_on is not None:
        return _claim(settled, invoice_id, left, said.settled_on), True
    if said.balance_minor is None:
        # "Paid" with nothing that paid it: neither owed nor settled as far as anybody can tell.
        return None, not (state == "paid" and left > 0)
    amount = left - said.balance_minor
    return _claim(opening, invoice_id, amount, said.paid_date or said.issue_date), amount >= 0


def _claim(receipt_id: str, invoice_id: str, amount: int, on: date) -> Claim:
    return Claim(allocation_id(receipt_id, invoice_id), "payment", receipt_id, invoice_id, amount, on)


def _state(state: LedgerState, balance: int, total: int) -> LedgerState:
    if state in _KEPT:
        return state
    return "paid" if balance == 0 else "open" if balance == total else "partially_paid"
