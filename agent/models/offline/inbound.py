"""A customer wrote: what to record, the one reply, and what to come back to."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from agent.models.offline import replies
from agent.models.offline.document import Document
from agent.models.offline.proposal import Proposal, escalate, follow_up, message, record
from agent.models.offline.understand import Understanding, understand
from agent.signals.language import written_in
from agent.signals.reading import own_words
from agent.signals.talk import is_courtesy

_STANDING = ("contact_change", "concession", "preference")  # recorded beside whatever else was said
_KINDS = {"concession": "concession_request", "contact_change": "contact_change"}
_PLAN_AFTER = timedelta(days=14)  # several payments of which the last is later are a plan by our policy
_DEMANDS = (
    "reminder",
    "early_notice",
    "formal_notice",
    "plan_offer",
)  # silence after these would be no answer


def answer(document: Document) -> list[Proposal]:
    """Records first, then tasks for a person, then one reply at most. A promise is confirmed once it is recorded.

    Nothing understood: ask back and tell a person; asked back once, a person takes over. Thanks for what we said
    last want no answer.
    """
    if document.newest is None:
        return [escalate(document)]
    if written_in(own_words(document.newest.text)) == "other":
        return _in_another_language(document)
    return [] if _is_last_word(document) else _understood(document, understand(document))


def _understood(document: Document, understood: Understanding) -> list[Proposal]:
    if "auto_reply" in understood.intents and not document.signals:
        return [record("note", text="An automatic reply came in; nobody has read our message yet.")]
    records = _records(document, understood)
    if document.signals:
        return [*records, *_acknowledgement(document, understood)]
    template = replies.for_intents(document, understood)
    if replies.asked_before(document, template):
        return [*records, *hand_over(document)]
    if template is None:
        clarify = message(document, "clarify")
        return [*records, escalate(document), *([clarify] if clarify else [])]
    tasks = [
        follow_up("review", " ".join(left)) for left in [replies.left_open(understood, template)] if left
    ]
    # What becomes of a promise or of a plan that is asked for has to be known before it is answered.
    settles = template == "plan_ack" and any(_is(call, "plan_request") for call in records)
    if not settles and not any(_is(call, "promise") for call in records):
        invoices = replies.about(document, template, understood)
        reply = message(document, template, invoices, offer=_offer(document, template))
        tasks += [reply] if reply else hand_over(document)
    return [*records, *tasks]


def after_plan(document: Document) -> list[Proposal]:
    """A plan that waits for a person is told as such; one that was approved at once is offered by an episode of its own."""
    told = message(document, "plan_ack")
    return [told] if told else []


def after_promise(document: Document, *, recorded: bool) -> list[Proposal]:
    """Confirm the promise that was just recorded and come back to it; one that waits for a person is told as such."""
    understood = understand(document)
    if recorded:
        return confirm_promise(
            document,
            replies.about(document, "promise_ack", understood),
            [payment.on for payment in understood.payments],
        )
    days = [payment.on for payment in understood.payments]
    spread = len(days) > 1 and max(days) > document.today + _PLAN_AFTER
    told = message(document, "plan_ack") if spread else None
    return [told] if told else []  # of any other promise, the confirmation follows the approval


def confirm_promise(document: Document, invoices: Sequence[str], days: Sequence[date]) -> list[Proposal]:
    """The acknowledgement of a promise on record, and a look at each of its payments the day after."""
    reply = message(document, "promise_ack", invoices)
    checks = [
        follow_up("check_promise", "A promised payment should have arrived.", on=on + timedelta(days=1))
        for on in days
    ]
    return [reply or escalate(document), *checks]


def _in_another_language(document: Document) -> list[Proposal]:
    """No guess: what code found is acknowledged, everything else goes to a person."""
    template = replies.for_signals(document)
    reply = message(document, template or "person_ack")
    told = [] if document.signals else [escalate(document, "other")]
    return [*told, *([reply] if reply else [])]


def _is_last_word(document: Document) -> bool:
    """Whether the customer only thanks for an answer of ours, or nods: two who thank each other never end."""
    newest, last = document.newest, document.last_sent
    return bool(
        newest and last and last.purpose and last.purpose not in _DEMANDS and last.template not in replies.ASKING
        and not document.signals and is_courtesy(newest.text)
        and not any(plan.state == "offered" for plan in document.account.plans)
    )  # fmt: skip


def _acknowledgement(document: Document, understood: Understanding) -> list[Proposal]:
    """The one acknowledgement of what code found and recorded; while it is held, nobody is asked for evidence twice."""
    template = replies.for_signals(document)
    sent = {said.template for said in document.conversation if said.direction == "out"}
    if template is None or (template == "payment_claim_ack" and template in sent and document.account.holds):
        return []
    reply = message(document, template, replies.about(document, template, understood))
    return [reply] if reply else []


def hand_over(document: Document) -> list[Proposal]:
    """A person reads what we asked about in vain, or may not answer; the customer is told so once."""
    last = document.last_sent
    told = None if last and last.template == "person_ack" else message(document, "person_ack")
    return [escalate(document), *([told] if told else [])]


def _records(document: Document, understood: Understanding) -> list[Proposal]:
    """What the customer stated, as records. Signals are recorded already, before the model speaks."""
    elsewhere = [signal for signal in document.signals if replies.is_elsewhere(signal)]
    recorded = {signal.kind for signal in document.signals if signal not in elsewhere}
    made = [
        record(_KINDS[name], quote=understood.quotes[name])
        for name in _STANDING
        if name in _KINDS
        and name in understood.quotes
        and not recorded & {"opt_out", "wrong_party", "deceased"}
    ]
    if "preference" in understood.quotes and not recorded:
        about = "channel" if elsewhere else _about(understood)
        made.append(record("preference", about=about, quote=understood.quotes["preference"]))
    elif elsewhere and not recorded:  # the channel that they wrote on is the one they chose
        made.append(record("preference", about="channel", quote=elsewhere[0].quote))
    if recorded - {"hardship", "dispute", "payment_claim", "escalation"}:
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
    if understood.payments and (not document.signals or _beside_signals(document, understood)):
        made += _promise(document, understood)
    return made


def _beside_signals(document: Document, understood: Understanding) -> bool:
    """Whether the promise stands in sentences of its own, beside a signal that leaves the rest of the account open."""
    grave = any(
        s.kind == "escalation" and s.detail not in ("complaint", "asked_for_person") for s in document.signals
    )
    if understood.beside is None or grave:
        return False
    said = " ".join(understood.beside.split()).casefold()
    # "I paid 200 yesterday, the other 150 comes Friday": what is claimed and what is promised are two sums.
    summed = all(payment.amount for payment in understood.payments)
    return all(
        not (words := " ".join(signal.quote.split()).casefold())
        or (words not in said and (said not in words or (summed and signal.kind == "payment_claim")))
        for signal in document.signals
    )


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
    owed = replies.owed(document, understood.promised)
    payments = [(payment.amount or owed, payment.on) for payment in understood.payments]
    if sum((amount for amount, _ in payments), Decimal(0)) > owed or any(a <= 0 for a, _ in payments):
        return []
    known = {
        (promise.amount, promise.due) for promise in document.account.promises if promise.state == "open"
    }
    if set(payments) <= known:
        return []
    stated = [{"amount": f"{amount:f}", "on": on.isoformat()} for amount, on in payments]
    return [record("promise", payments=stated, invoices=list(understood.promised)[:200])]


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


def _is(call: Proposal, kind: str) -> bool:
    return bool(call.args.get("record", {}).get("kind") == kind)
