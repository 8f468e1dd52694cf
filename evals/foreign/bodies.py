"""The bodies of the default stack's four tools, as a user of the tutorial writes them: they do what they are told.

Records bring the holds and tasks that the tools' descriptions promise, the same as in the product. What is missing is
everything that asks whether they may: no hours, no budget, no consent, no limits, no check of figures or wording.
"""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

from agent.signals.language import written_in
from agent.signals.talk import asks_who_writes
from evals.foreign.books import Books, Planned, minor, plain
from tools.activity import log_collection_activity as kinds
from tools.arrangements.consent import opted_out_of
from tools.dunning.generate_dunning_message import GenerateDunningMessage
from tools.dunning.offers import first_instalment_on, plan_instalments
from tools.dunning.render import draft_message
from tools.dunning.templates import LANGUAGES
from tools.errors import Refused
from tools.followups.schedule_follow_up import ScheduleFollowUp
from tools.ledger.model import Dispute, Plan, Promise
from tools.memory.messages import StandingFact
from tools.spec import ToolArgs

DONE = "Staged."  # the word that the product's system prompt teaches for "done"


def run(books: Books, args: ToolArgs) -> str:
    """Do it, and tell the model."""
    match args:
        case GenerateDunningMessage():
            _send(books, args)
        case ScheduleFollowUp():
            _plan_ahead(books, args)
        case kinds.LogCollectionActivity():
            _record(books, args.record)
        case _:
            return _look(books)
    return DONE


def _look(books: Books) -> str:
    account = books.account()
    overdue = sum(invoice.balance_minor for invoice in account.overdue())
    found = {
        "tier": books.episode.customer.tier,
        "overdue_minor": overdue,
        "holds": [h.reason for h in account.holds],
    }
    return json.dumps(found)


def _send(books: Books, args: GenerateDunningMessage) -> None:
    """Render it and hand it over: it has left."""
    heard = books.heard.body if books.heard else ""
    language = next((known for known in LANGUAGES if known == written_in(heard)), None)
    wrote_before = any(message.direction == "out" for message in books.messages)
    draft = draft_message(
        args, books.account(), books.company, first_contact=not wrote_before or asks_who_writes(heard),
        reply_contact_id=args.channel,  # the address on file for that channel, and no questions asked
        payment_minor=books.paid_minor, written_in=language,
    )  # fmt: skip
    to = next(contact.address for contact in books.episode.contacts if contact.channel == args.channel)
    if args.purpose == "plan_offer" and args.offer is not None:
        _moved(books, args.offer, "offered")
    books.keep("out", args.channel, args.purpose, args.template, draft.body)
    books.saw(
        "message", channel=args.channel, text=draft.body, purpose=args.purpose, subject=draft.subject or "", to=to,
        at=books.now,
    )  # fmt: skip


def _plan_ahead(books: Books, args: ScheduleFollowUp) -> None:
    on = args.on or books.today + timedelta(days=args.in_days or 0)
    books.planned.append(Planned(on, args.kind, args.reason))
    books.saw("follow_up", kind="call" if args.kind == "call_task" else args.kind, on=on)
    if args.kind in ("call_task", "review"):
        books.saw("task")


def _record(books: Books, record: Any) -> None:  # noqa: C901 - one arm for each kind of record is the clearest form there is
    match record:
        case kinds.PromiseRecord():
            _promise(books, record)
        case kinds.PlanRequestRecord():
            _plan(books, record)
        case kinds.DisputeRecord():
            _dispute(books, record)
        case kinds.PaymentClaimRecord():
            books.hold("payment_claim", books.account().meant(record.invoices))
            books.saw("task")
        case kinds.OptOutRecord():
            _opt_out(books, record)
        case kinds.WrongPartyRecord():
            _wrong_party(books)
        case (
            kinds.HardshipRecord()
            | kinds.RepresentationRecord()
            | kinds.DeceasedRecord()
            | kinds.FraudClaimRecord()
        ):
            books.hold(record.kind)
            books.saw("task")
        case kinds.EscalationRecord():
            _escalate(books, record)
        case kinds.PreferenceRecord():
            _fact(books, record.about, record.quote)
        case kinds.NoteRecord():
            _fact(books, "other", record.text)
        case kinds.ContactChangeRecord():
            _fact(books, "other", record.quote)
        case _:  # a concession or a credit hold, approved by a person: somebody has to enter it in the ledger
            books.saw("task")


def _promise(books: Books, record: kinds.PromiseRecord) -> None:
    meant = books.account().meant(record.invoices)
    for payment in record.payments:
        cents = minor(payment.amount)
        promise = Promise(len(books.promises) + 1, meant, cents, "USD", payment.on, books.now, "open")
        books.promises.append(promise)
        books.saw("promise", amount=plain(cents), on=payment.on)


def _plan(books: Books, record: kinds.PlanRequestRecord) -> None:
    if record.offer is not None:
        _note_plan(books, _moved(books, record.offer, "active"), "running")
        return
    account = books.account()
    meant = account.meant(record.invoices)
    first = first_instalment_on(record.first_on, account.today)
    parts = plan_instalments(account.balance_of(meant), record.instalments, record.every, first)
    total = sum(part.amount_minor for part in parts)
    plan = Plan(f"plan-{len(books.plans) + 1}", meant, total, "USD", "approved", parts)
    books.plans.append(plan)
    _note_plan(books, plan, "offered")


def _moved(books: Books, offer: str, state: Literal["offered", "active"]) -> Plan:
    """That plan, in its new state. Raises Refused where there is none."""
    at = next((n for n, plan in enumerate(books.plans) if plan.id == offer), None)
    if at is None:
        raise Refused(f"There is no offer {offer!r}.")
    books.plans[at] = replace(books.plans[at], state=state)
    return books.plans[at]


def _note_plan(books: Books, plan: Plan, status: str) -> None:
    books.saw(
        "plan", instalments=len(plan.instalments), total=plain(plan.total_minor), status=status,
        first_on=plan.instalments[0].due_date,
    )  # fmt: skip


def _dispute(books: Books, record: kinds.DisputeRecord) -> None:
    meant = books.account().meant(record.invoices)
    cents = minor(record.amount) if record.amount else None
    if cents is not None and cents >= books.account().balance_of(meant).minor:
        cents = None
    dispute = Dispute(
        f"dispute-{len(books.disputes) + 1}", meant, record.reason, cents, "open", books.now, "customer"
    )
    books.disputes.append(dispute)
    books.saw("dispute", invoices=meant, amount=None if cents is None else plain(cents))
    books.hold("dispute")
    books.saw("task")


def _opt_out(books: Books, record: kinds.OptOutRecord) -> None:
    came_by = books.heard.channel if books.heard else None
    channel = opted_out_of(record.scope, came_by) or "all"
    books.silent |= {"sms", "email"} if channel == "all" else {channel}
    books.saw("opt_out", channel=channel)


def _wrong_party(books: Books) -> None:
    if books.heard is not None:
        books.strange.add(books.heard.channel)
        books.saw("wrong_party", channel=books.heard.channel)
    books.saw("task")


def _escalate(books: Books, record: kinds.EscalationRecord) -> None:
    reasons = {
        "self_harm": "safety",
        "threat": "safety",
        "complaint": "complaint",
        "asked_for_person": "person_asked",
    }
    if record.why in reasons:
        books.hold(reasons[record.why])
    books.saw("task", urgent=record.why in ("self_harm", "threat"))


def _fact(books: Books, about: str, words: str) -> None:
    books.facts.append(StandingFact(about, words, books.heard.id if books.heard else None, books.now))
    books.saw("fact", about=about)
