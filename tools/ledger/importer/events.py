"""What an import changes for customers that were known before it: the events that episodes will handle."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from tools.ledger.importer.disputes import OPEN, DisputeDoc
from tools.ledger.importer.known import Known
from tools.ledger.importer.receipts import Receipt
from tools.ledger.importer.settle import Settlement, gap_ids

EventKind = Literal[
    "payment", "payment_reversed", "credit", "dispute_opened", "dispute_closed", "balance_changed"
]


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """Something that arrived. `ref` is the payment, credit memo, dispute or invoice that it is about."""

    customer_id: str
    kind: EventKind
    ref: str


def events(
    known: Known,
    *,
    payments: Mapping[str, Receipt],
    credits_: Mapping[str, Receipt],
    disputes: Mapping[str, DisputeDoc],
    settled: Mapping[str, Settlement],
) -> list[LedgerEvent]:
    """The events of this import, in a fixed order. A customer's first import makes none."""
    found = [*_money(known, payments, credits_), *_disputes(known, disputes)]
    arrived = {event.ref for event in found}
    explained = {
        claim.invoice_id
        for receipt in [*payments.values(), *credits_.values()]
        for claim in receipt.claims
        if receipt.id in arrived
    } | {a.invoice_id for a in known.allocations if a.payment_id in arrived}
    found += _balances(known, settled, explained)
    return [event for event in found if event.customer_id in known.customers]


def _money(
    known: Known, payments: Mapping[str, Receipt], credits_: Mapping[str, Receipt]
) -> Iterable[LedgerEvent]:
    for payment in payments.values():
        old = known.payments.get(payment.id)
        came = old is not None and old.status == "succeeded"
        if payment.head.status == "succeeded" and not came:
            yield LedgerEvent(payment.customer_id, "payment", payment.id)
        elif came and payment.head.status != "succeeded":
            yield LedgerEvent(payment.customer_id, "payment_reversed", payment.id)
    for credit in credits_.values():
        if credit.id not in known.credits and credit.head.status not in ("draft", "void", "reversed"):
            yield LedgerEvent(credit.customer_id, "credit", credit.id)


def _disputes(known: Known, disputes: Mapping[str, DisputeDoc]) -> Iterable[LedgerEvent]:
    for dispute in disputes.values():
        old = known.disputes.get(dispute.id)
        was_open = old is not None and old.state in OPEN
        if dispute.state in OPEN and not was_open:
            yield LedgerEvent(dispute.customer_id, "dispute_opened", dispute.id)
        elif dispute.state not in OPEN and was_open:
            yield LedgerEvent(dispute.customer_id, "dispute_closed", dispute.id)


def _balances(known: Known, settled: Mapping[str, Settlement], explained: set[str]) -> Iterable[LedgerEvent]:
    """Known invoices whose balance or state moved without a payment or credit of this import that says why."""
    for invoice_id, settlement in settled.items():
        old = known.invoices.get(invoice_id)
        if old is None or invoice_id in explained:
            continue
        if settlement.gap and settlement.gap.receipt_id == gap_ids(invoice_id)[1] and old.balance_minor > 0:
            # A settled date that the invoice now bears is a payment like any other.
            yield LedgerEvent(old.customer_id, "payment", settlement.gap.receipt_id)
        elif (old.balance_minor, old.ledger_state) != (settlement.balance_minor, settlement.state):
            yield LedgerEvent(old.customer_id, "balance_changed", invoice_id)
