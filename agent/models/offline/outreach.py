"""Ladder steps, ledger events, due follow-ups: what we start ourselves."""

from agent.models.offline.document import Document
from agent.models.offline.inbound import confirm_promise
from agent.models.offline.proposal import Proposal, escalate, follow_up, message, record
from tools.activity.record import CONFIRM_PROMISE

_PEOPLE = {
    "call_task": (
        "call_task",
        "Please call: written reminders have not led to payment. Talking points are in the timeline.",
    ),
    "hand_over": (
        "review",
        "Please decide how to go on: plan, hold, agency or write-off. The ladder has run its course.",
    ),
}
_NOTES = {
    "credit": "A credit was posted to the account; what is owed has changed.",
    "balance_changed": "The balance changed in the ledger; what is owed has changed.",
    "promise_kept": "A promise was kept.",
}
_REVIEWS = {
    "payment_reversed": "A payment was reversed. Please look before anything is sent.",
    "dispute_closed": "A dispute was closed in the ledger. Please decide whether reminders go on.",
}


def wants_look(document: Document) -> bool:
    """Whether the task is one of those that begin with a look at the risk: a demand is never made blindly."""
    task = document.task
    match task.kind:
        case "ladder":
            return True
        case "follow_up":
            planned = task.follow_up
            if planned is None or planned.kind not in ("message", "check_promise"):
                return False
            return planned.reason != CONFIRM_PROMISE and bool(_due(document))
        case "ledger":
            return task.event == "promise_broken" and bool(_due(document))
        case _:
            return False


def ladder(document: Document) -> list[Proposal]:
    """The step's message, or the step's task for a person. One consolidated message for all that is due."""
    step = document.task.step or ""
    if step in _PEOPLE:
        return [follow_up(*_PEOPLE[step])]
    bills = [bill.id for bill in document.account.invoices if bill.collectible and not bill.overdue]
    due = bills if step == "early_notice" else _due(document)
    return _demand(document, step, due) if due else []


def due_follow_up(document: Document) -> list[Proposal]:
    """A message that was planned, or a look at a promise. What is for a person goes to a person."""
    kind = document.task.follow_up.kind if document.task.follow_up else ""
    if kind not in ("message", "check_promise"):
        # Scheduling it once more would only bring it back tomorrow.
        return [escalate(document, "other")]
    due = _due(document)
    open_promises = [p.due for p in document.account.promises if p.state == "open" and p.due]
    if document.task.follow_up and document.task.follow_up.reason == CONFIRM_PROMISE:
        return confirm_promise(document, due, open_promises) if open_promises else []
    approved = next((p for p in reversed(document.account.plans) if p.state == "approved"), None)
    if approved is not None:
        return _offer(document, approved.id)
    return _demand(document, reminder_for(document), due) if due else []


def _offer(document: Document, plan_id: str | None) -> list[Proposal]:
    sent = message(document, "plan_offer", offer=plan_id) if plan_id else None
    return [sent or follow_up("review", "A plan was approved, but it cannot be offered in writing.")]


def ledger(document: Document) -> list[Proposal]:
    """Receipt, acknowledgement, note, or a person: money and disputes that arrived by the ledger."""
    event = document.task.event or ""
    sent: Proposal | None = None
    match event:
        case "payment":
            sent = message(document, "receipt")
        case "dispute_opened":
            sent = message(document, "dispute_ack", [b.id for b in document.account.invoices if b.disputed])
        case "plan_approved":
            plan = next(
                (p for p in reversed(document.account.plans) if p.state in ("approved", "offered")), None
            )
            return _offer(document, plan.id if plan else None)
        case "promise_broken":
            due = _due(document)
            return _demand(document, reminder_for(document), due) if due else []
    if sent:
        return [sent]
    if event in _REVIEWS:
        return [follow_up("review", _REVIEWS[event])]
    return [record("note", text=_NOTES.get(event, "Something changed in the ledger."))]


def reminder_for(document: Document) -> str:
    """The reminder for the age of the oldest invoice that is due (policy.md 7); a formal notice is never chosen here."""
    days = max((bill.days_past_due for bill in document.account.invoices if bill.collectible), default=0)
    return "reminder_2" if days >= 14 else "reminder_1"


def _due(document: Document) -> list[str]:
    return [bill.id for bill in document.account.invoices if bill.collectible and bill.overdue]


def _demand(document: Document, template: str, invoices: list[str]) -> list[Proposal]:
    sent = message(document, template, invoices)
    return [
        sent
        or follow_up(
            "review", "This step has no template or no channel on which the customer can be reached."
        )
    ]
