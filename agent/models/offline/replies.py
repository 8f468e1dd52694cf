"""Which reviewed template answers what, and which invoices it may speak about."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from agent.models.offline.document import Document, KnownPlan
from agent.models.offline.terms import PlanTerms
from agent.models.offline.understand import Understanding
from agent.signals.detect import detect

# The gravest signal decides the one reply. After an opt-out nothing but its confirmation may follow, a threat to
# life excepted.
_FOR_SIGNALS = (
    ("self_harm", "crisis"),
    ("threat", "crisis"),
    ("opt_out", "opt_out_confirmation"),
    ("deceased", "condolence"),
    ("wrong_party", "wrong_party_ack"),
    ("fraud_claim", "fraud_ack"),
    ("representation", "hold_ack"),
    ("hardship", "hardship_ack"),
    ("dispute", "dispute_ack"),
    ("payment_claim", "payment_claim_ack"),
    ("asked_for_person", "person_ack"),
    ("complaint", "hold_ack"),
    ("escalation", "person_ack"),
)
_SILENT = (
    "crisis", "opt_out_confirmation", "condolence", "wrong_party_ack", "fraud_ack", "hold_ack", "hardship_ack", "person_ack",
    "bot_ack", "clarify", "smalltalk_ack",
)  # fmt: skip # these speak of no invoice: nothing in them may read as a demand


def for_signals(document: Document) -> str | None:
    """The acknowledgement for what code found in the message; None where it found nothing."""
    names: set[str | None] = {signal.kind for signal in document.signals}
    for signal in document.signals:
        if signal.kind == "escalation":
            # The document may carry the kind and the words only.
            names |= {signal.detail} if signal.detail else {found.detail for found in detect(signal.quote)}
    return next((template for name, template in _FOR_SIGNALS if name in names), None)


def for_intents(document: Document, understood: Understanding) -> str | None:
    """The reply that matters most to what was asked; None where nothing certain was understood."""
    intents, may_promise = understood.intents, owed(document, understood.invoices)
    promised = sum((payment.amount or Decimal(0) for payment in understood.payments), Decimal(0))
    linked = any(bill.payment_link for bill in document.collectible())
    ranked = (
        ("bot" in intents, "bot_ack"),
        (accepted_offer(document, understood) is not None, "plan_confirmed"),
        (bool(understood.terms), "plan_ack"),
        (bool({"concession", "contact_change"} & intents), "person_ack"),
        (
            "remittance" in intents and not understood.payments,
            "payment_link_reply" if linked else "person_ack",
        ),
        ("office" in intents and not understood.payments, "person_ack"),
        (bool(understood.payments) and 0 < may_promise >= promised, "promise_ack"),
        (bool(understood.payments), "promise_question"),
        # Where there is no link a person says how: nothing about accounts and addresses is made up.
        ("link" in intents, "payment_link_reply" if linked else "person_ack"),
        ("copy" in intents, "invoice_copy_reply"),
        ("balance" in intents, "balance_reply"),
        (understood.asks, "promise_question"),
        (understood.open_question, None),
        (bool({"thanks", "greeting", "preference", "accept"} & intents), "smalltalk_ack"),
    )
    return next((template for wanted, template in ranked if wanted), None)


def about(document: Document, template: str, understood: Understanding) -> list[str]:
    """Ids of the invoices that the reply is about: those that were named, else all that may be asked for."""
    if template in _SILENT:
        return []
    if understood.invoices or template in ("dispute_ack", "payment_claim_ack"):
        return list(understood.invoices)
    bills = document.collectible()
    if template == "payment_link_reply":
        bills = [bill for bill in bills if bill.payment_link]
    return [bill.id for bill in bills]


def owed(document: Document, invoices: Sequence[str]) -> Decimal:
    """What may be promised: the balance of the named invoices, else of all that may be asked for."""
    bills = [bill for bill in document.account.invoices if bill.collectible and bill.id in invoices]
    return sum((bill.balance for bill in bills or document.collectible()), Decimal(0))


def accepted_offer(document: Document, understood: Understanding) -> KnownPlan | None:
    """The offered plan that the customer says yes to."""
    if "accept" not in understood.intents or understood.payments or understood.terms:
        return None
    offered = [
        plan for plan in document.account.plans if plan.state == "offered" and len(plan.instalments) > 1
    ]
    return offered[-1] if offered else None


def terms_of(days: Sequence[date]) -> PlanTerms:
    """The terms of an offered plan, from its days."""
    return PlanTerms.of_dates(sorted(days))
