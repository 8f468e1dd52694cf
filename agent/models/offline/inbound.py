"""A customer wrote: what to record, the one reply, and what to come back to."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from agent.models.offline import replies
from agent.models.offline.document import Document
from agent.models.offline.language import is_foreign
from agent.models.offline.proposal import Proposal, escalate, follow_up, message, record
from agent.models.offline.understand import Understanding, understand
from agent.signals.reading import own_words

_STANDING = ("contact_change", "concession", "preference")  # recorded beside whatever else was said
_KINDS = {"concession": "concession_request", "contact_change": "contact_change"}


def answer(document: Document) -> list[Proposal]:
    """Records first, then one reply at most, then follow-ups. Nothing understood: ask, and tell a person."""
    if document.newest is None:
        return [escalate(document)]
    if is_foreign(own_words(document.newest.text)):
        return _in_another_language(document)
    understood = understand(document)
    if "auto_reply" in understood.intents and not document.signals:
        return [record("note", text="An automatic reply came in; nobody has read our message yet.")]
    records = _records(document, understood)
    template = replies.for_signals(document) or replies.for_intents(document, understood)
    if template is None:
        return [*records, *_unsure(document)]
    invoices = replies.about(document, template, understood)
    reply = message(document, template, invoices, offer=_offer(document, template))
    waits = [
        follow_up(
            "check_promise", "A promised payment should have arrived.", on=payment.on + timedelta(days=1)
        )
        for payment in understood.payments
        if template == "promise_ack" or any(_is(call, "promise") for call in records)
    ]
    if reply is None and not document.signals:
        return [*records, *waits, escalate(document)]
    extra = [escalate(document, "asked_for_person")] if _needs_person(document, template, records) else []
    return [*records, *extra, *([reply] if reply else []), *waits, *_tasks(document, understood, template)]


def _in_another_language(document: Document) -> list[Proposal]:
    """No guess: what code found is acknowledged, everything else goes to a person."""
    template = replies.for_signals(document)
    reply = message(document, template or "person_ack")
    told = [] if document.signals else [escalate(document, "other")]
    return [*told, *([reply] if reply else [])]


def _tasks(document: Document, understood: Understanding, template: str) -> list[Proposal]:
    """What a person has to do that the reply only announces; where code found a signal, a person comes anyway."""
    if document.signals:
        return []
    asked = []
    if "copy" in understood.intents:
        asked.append(follow_up("review", "The customer asks for a copy of an invoice, or what it is for."))
    if template == "person_ack":  # a person was called already
        return asked
    if "remittance" in understood.intents:
        asked.append(follow_up("review", "The customer asks where to send a payment; only a person may say."))
    if "office" in understood.intents or understood.open_question:
        asked.append(follow_up("review", "The customer also asks something that a person has to answer."))
    return asked


def _records(document: Document, understood: Understanding) -> list[Proposal]:
    """What the customer stated, as records. Signals are recorded already, before the model speaks."""
    recorded = {signal.kind for signal in document.signals}
    made = [
        record(_KINDS[name], quote=understood.quotes[name])
        for name in _STANDING
        if name in _KINDS
        and name in understood.quotes
        and not recorded & {"opt_out", "wrong_party", "deceased"}
    ]
    if "preference" in understood.quotes and not recorded:
        made.append(record("preference", about=_about(understood), quote=understood.quotes["preference"]))
    if recorded - {"hardship", "dispute", "payment_claim"}:
        return made
    accepted = replies.accepted_offer(document, understood)
    if accepted:
        days = [part.on for part in accepted.instalments]
        terms = replies.terms_of(days)
        return [*made, _plan(terms.instalments, terms.every, None, [], accepted.id)]
    if understood.terms:
        first = understood.terms.first_on
        on = first.isoformat() if first else None
        return [
            *made,
            _plan(understood.terms.instalments, understood.terms.every, on, understood.invoices, None),
        ]
    if understood.payments and not recorded:
        made += _promise(document, understood)
    return made


def _plan(
    count: int, every: str, first_on: str | None, invoices: Sequence[str], offer: str | None
) -> Proposal:
    return record(
        "plan_request",
        instalments=count,
        every=every,
        first_on=first_on,
        invoices=list(invoices)[:200],
        offer=offer,
    )


def _promise(document: Document, understood: Understanding) -> list[Proposal]:
    """The promise, unless the very same one is open already: customers repeat themselves."""
    owed = replies.owed(document, understood.invoices)
    payments = [(payment.amount or owed, payment.on) for payment in understood.payments]
    if sum((amount for amount, _ in payments), Decimal(0)) > owed or any(a <= 0 for a, _ in payments):
        return []
    known = {
        (promise.amount, promise.due) for promise in document.account.promises if promise.state == "open"
    }
    if set(payments) <= known:
        return []
    stated = [{"amount": f"{amount:f}", "on": on.isoformat()} for amount, on in payments]
    return [record("promise", payments=stated, invoices=list(understood.invoices)[:200])]


def _about(understood: Understanding) -> str:
    said = own_words(understood.quotes["preference"]).lower()
    if any(word in said for word in ("spanish", "english", "espa", "ingl")):
        return "language"
    if any(word in said for word in (" am", " pm", "morning", "evening", "afternoon", "time")):
        return "hours"
    return "payment_habit" if "pay" in said or "pagamos" in said else "channel"


def _offer(document: Document, template: str) -> str | None:
    if template not in ("plan_offer", "plan_confirmed"):
        return None
    return next((plan.id for plan in document.account.plans if plan.state in ("approved", "offered")), None)


def _needs_person(document: Document, template: str, records: Sequence[Proposal]) -> bool:
    """Whether `person_ack` promises a person whom nobody has called yet."""
    called = any(signal.kind == "escalation" for signal in document.signals) or any(
        _is(call, "concession_request") or _is(call, "contact_change") for call in records
    )
    return template == "person_ack" and not called


def _is(call: Proposal, kind: str) -> bool:
    return bool(call.args.get("record", {}).get("kind") == kind)


def _unsure(document: Document) -> list[Proposal]:
    """Ask back and tell a person; where code already found a signal, a person knows."""
    if document.signals:
        return []
    reply = message(document, "clarify")
    return [escalate(document), *([reply] if reply else [])]
