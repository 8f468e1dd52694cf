"""Which reviewed template answers what, and which invoices it may speak about."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from agent.models.offline.document import Document, FoundSignal, KnownPlan
from agent.models.offline.terms import PlanTerms
from agent.models.offline.understand import Understanding
from agent.signals.detect import detect

# The gravest signal decides the one reply. After an opt-out nothing but its confirmation may follow, a threat to
# life excepted.
_FOR_SIGNALS = (
    ("self_harm", "crisis"),
    ("threat", "crisis"),
    ("opt_out", "opt_out_confirmation"),
    ("opt_out_elsewhere", "opt_out_elsewhere"),
    ("deceased", "condolence"),
    ("wrong_party", "wrong_party_ack"),
    ("fraud_claim", "fraud_ack"),
    ("representation", "hold_ack"),
    ("hardship", "hardship_ack"),
    ("dispute", "dispute_ack"),
    ("payment_claim", "payment_claim_ack"),
    ("asked_for_person", "person_ack"),
    ("complaint", "person_ack"),
    ("escalation", "person_ack"),
)
_SILENT = (
    "crisis", "opt_out_confirmation", "opt_out_elsewhere", "condolence", "wrong_party_ack", "fraud_ack", "hold_ack", "hardship_ack", "person_ack",
    "bot_ack", "clarify", "fact_noted", "smalltalk_ack",
)  # fmt: skip # these speak of no invoice: nothing in them may read as a demand


# What an intent asks of a person, and which reply settles it without one.
_FOR_A_PERSON = {
    "copy": "The customer asks for a copy of an invoice, or what it is for.",
    "remittance": "The customer asks where to send a payment; only a person may say.",
    "link": "The customer asks how to pay.",
    "office": "The customer asks something that only a person can answer.",
    "balance": "The customer asks what is owed.",
    "refusal": "The customer seems to say that they will not or cannot pay.",
    "other": "The customer also asks something that was not understood.",
}
_ANSWERS = {
    "invoice_copy_reply": {"balance", "link"},
    "payment_link_reply": {"balance", "link"},
    "balance_reply": {"balance"},
    "remittance_reply": {"balance"},
    "promise_ack": {"link"},
    "plan_confirmed": {"link"},
}
_OF_ALL = ("balance_reply", "invoice_copy_reply")  # asked what is open: due or not
ASKING = ("clarify", "promise_question")  # ask back


def for_signals(document: Document) -> str | None:
    """The acknowledgement for what code found in the message; None where it found nothing."""
    names: set[str | None] = {
        "opt_out_elsewhere" if is_elsewhere(signal) else signal.kind for signal in document.signals
    }
    for signal in document.signals:
        if signal.kind == "escalation":
            # The document may carry the kind and the words only.
            names |= {signal.detail} if signal.detail else {found.detail for found in detect(signal.quote)}
    return next((template for name, template in _FOR_SIGNALS if name in names), None)


def is_elsewhere(signal: FoundSignal) -> bool:
    """Whether it is an opt-out of another channel than the one that the customer wrote on."""
    return signal.kind == "opt_out" and signal.detail in ("sms", "email")


def for_intents(document: Document, understood: Understanding) -> str | None:
    """The reply that answers most of what was asked; None where nothing certain was understood."""
    intents = understood.intents
    linked = any(bill.payment_link for bill in document.collectible())
    ranked = (
        (accepted_offer(document, understood) is not None, "plan_confirmed"),
        (bool(understood.terms), "plan_ack"),
        (bool({"concession", "contact_change"} & intents), "person_ack"),
        (bool(understood.payments) and promised(document, understood), "promise_ack"),
        (bool(understood.payments), "promise_question"),
        # Where there is no link a person says how: nothing about accounts and addresses is made up.
        ("remittance" in intents or ("link" in intents and not linked), "remittance_reply"),
        ("office" in intents, "person_ack"),
        ("copy" in intents, "invoice_copy_reply"),
        ("link" in intents, "payment_link_reply"),
        ("balance" in intents, "balance_reply"),
        (understood.asks, "promise_question"),
        ("refusal" in intents, "person_ack"),
        # Last, because every other answer to that question says who writes as well.
        ("bot" in intents, "bot_ack"),
        (understood.open_question, None),
        ("preference" in intents, "fact_noted"),
        (understood.small_talk, "smalltalk_ack"),
    )
    return next((template for wanted, template in ranked if wanted), None)


def left_open(understood: Understanding, template: str) -> list[str]:
    """What a person has to do or to answer beside that reply, in sentences for them."""
    asked = set(understood.intents)
    if understood.open_question:
        asked.add("other")
    if understood.asks or understood.terms:
        asked.discard("refusal")  # they also said when or how they would pay
    if "remittance" in asked:
        asked.discard("link")
    if any(payment.amount is None for payment in understood.payments):
        asked.discard("balance")  # the acknowledgement names all that is owed
    return [says for what, says in _FOR_A_PERSON.items() if what in asked - _ANSWERS.get(template, set())]


def promised(document: Document, understood: Understanding) -> bool:
    """Whether the payments come to something, and to no more than is owed."""
    total = sum((payment.amount or Decimal(0) for payment in understood.payments), Decimal(0))
    return 0 < owed(document, understood.promised) >= total


def asked_before(document: Document, template: str | None) -> bool:
    """Whether our last message asked back already, so that a person should read instead of our asking once more.

    "Say it in other words" may be followed by the question for day and amount, which is easier to answer.
    """
    last, now = document.last_sent.template if document.last_sent else None, template or "clarify"
    match last:
        case "clarify":
            return now == "clarify"
        case "promise_question":
            return now in (*ASKING, "smalltalk_ack")
        case "person_ack":
            return now in ASKING
        case _:
            return now == last == "smalltalk_ack"


def about(document: Document, template: str, understood: Understanding) -> list[str]:
    """Ids of the invoices that the reply is about: those that were named, else all that may be asked for."""
    if template in _SILENT:
        return []
    if template == "promise_ack" and understood.payments:
        return list(understood.promised) or [bill.id for bill in document.collectible()]
    if understood.invoices or template in ("dispute_ack", "payment_claim_ack"):
        return list(understood.invoices)
    bills = document.collectible()
    if template in _OF_ALL:
        bills = [bill for bill in document.account.invoices if bill.collectible]
    if template == "payment_link_reply":
        bills = [bill for bill in bills if bill.payment_link]
    return [bill.id for bill in bills]


def owed(document: Document, invoices: Sequence[str]) -> Decimal:
    """What may be promised: the balance of the named invoices, else of all that may be asked for."""
    able = document.promisable()
    bills = [
        bill
        for bill in document.account.invoices
        if (bill.collectible or bill in able) and bill.id in invoices
    ]
    return sum((bill.balance for bill in bills or able), Decimal(0))


def accepted_offer(document: Document, understood: Understanding) -> KnownPlan | None:
    """The offered plan that the customer says yes to."""
    if (
        "accept" not in understood.intents
        or "refusal" in understood.intents
        or understood.payments
        or understood.terms
    ):
        return None
    offered = [
        plan for plan in document.account.plans if plan.state == "offered" and len(plan.instalments) > 1
    ]
    return offered[-1] if offered else None


def terms_of(days: Sequence[date]) -> PlanTerms:
    """The terms of an offered plan, from its days."""
    return PlanTerms.of_dates(sorted(days))
