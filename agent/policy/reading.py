"""What several rules read from a case of a message: the recipient, whether it replies, what it asks for."""

from collections.abc import Collection
from datetime import datetime, timedelta

from agent.policy.registry import Case
from agent.policy.verdict import Facts
from tools.dunning.draft import Draft
from tools.dunning.generate_dunning_message import GenerateDunningMessage
from tools.ledger.model import Account, Contact, Hold, Invoice, Touch
from tools.spec import Action

Message = Case[GenerateDunningMessage]
DUNNING = frozenset(
    {"reminder", "early_notice", "formal_notice"}
)  # asks for money that the customer did not ask about
# Messages that section 3 lets leave in every mode but `observe`, where a reviewed template says them.
CONFIRMATIONS = frozenset({"receipt", "opt_out_confirmation", "condolence", "crisis"})
_ACKNOWLEDGES = CONFIRMATIONS | {"acknowledgement"}
_AT_ONCE = frozenset({"opt_out_confirmation", "crisis"})
_NEVER_LEFT = frozenset({"failed", "withdrawn"})


def dunning(case: Message) -> bool:
    """It asks for money on our own account."""
    return case.subject.purpose in DUNNING


def draft_of(case: Message) -> Draft | None:
    """The rendered message, if it is the one that the action describes."""
    draft, args = case.facts.draft, case.subject
    if draft is None or (draft.purpose, draft.channel, draft.template) != (
        args.purpose,
        args.channel,
        args.template,
    ):
        return None
    return draft


def recipient(case: Message) -> Contact | None:
    """The contact point on file that the draft goes to."""
    draft = draft_of(case)
    return next((c for c in case.account.contacts if draft and c.id == draft.contact_id), None)


def replying(case: Message) -> bool:
    """It answers the customer's own message."""
    return case.facts.inbound is not None and not dunning(case)


def to_sender(case: Message) -> bool:
    """It goes back to the contact point that wrote, which is this customer's alone."""
    inbound, draft = case.facts.inbound, draft_of(case)
    return (
        inbound is not None
        and inbound.identity_matches
        and inbound.contact_id is not None
        and draft is not None
        and draft.contact_id == inbound.contact_id
    )


def staged_messages(facts: Facts) -> list[Action]:
    """Messages that this episode may send already."""
    return [action for action in facts.staged if action.tool == "generate_dunning_message"]


def unanswered(case: Message) -> bool:
    """It would be the first answer to the customer's message."""
    inbound = case.facts.inbound
    return replying(case) and inbound is not None and inbound.replies == 0 and not staged_messages(case.facts)


def at_once(case: Message) -> bool:
    """It waits for no hours: the opt-out confirmation, the crisis reply, the first answer to a message just come in."""
    inbound, contact = case.facts.inbound, recipient(case)
    if inbound is None or not replying(case):
        return False
    if case.subject.purpose in _AT_ONCE and case.subject.template is not None:
        return True
    fresh = inbound.at is not None and case.facts.now - inbound.at <= timedelta(
        minutes=case.policy.document.window.reply_minutes
    )
    return fresh and inbound.replies == 0 and contact is not None and contact.channel == inbound.channel


def acknowledges(case: Message) -> bool:
    """A reviewed receipt, confirmation or acknowledgement: the only automated messages that a stop lets through."""
    if case.subject.template is None or case.subject.purpose not in _ACKNOWLEDGES:
        return False
    return case.subject.purpose == "receipt" or unanswered(case)


def touches(facts: Facts) -> list[Touch]:
    """What left or will leave, without the message that is about to leave now."""
    return [t for t in facts.account.touches if t.state not in _NEVER_LEFT and t.outbox_id != facts.outbox_id]


def earlier_answers(facts: Facts, purpose: str | None, since: datetime) -> list[Touch]:
    """Our answers to other messages of the customer since then; of one purpose where it is named."""
    now_answering = facts.inbound.message_id if facts.inbound else None
    return [
        touch
        for touch in touches(facts)
        if touch.reply_to is not None
        and touch.reply_to != now_answering
        and touch.at > since
        and (purpose is None or touch.purpose == purpose)
    ]


def answered_since(facts: Facts, hold: Hold) -> bool:
    """Whether another message of the customer was answered: the one that the hold comes from, or a later one.

    By the order of the messages where the hold names its own: what is stored in one moment has one time.
    """
    now_answering = facts.inbound.message_id if facts.inbound else None
    if hold.message_id is None:
        return bool(earlier_answers(facts, None, hold.placed_at))
    return any(
        touch.reply_to is not None and touch.reply_to != now_answering and touch.reply_to >= hold.message_id
        for touch in touches(facts)
    )


def chaseable(account: Account) -> list[Invoice]:
    """Overdue invoices that nobody disputes or holds: what one consolidated reminder is about."""
    held = account.held_ids()
    return [i for i in account.overdue() if i.id not in held and i.currency == account.customer.currency]


def owed_minor(account: Account, invoice_ids: Collection[str]) -> int:
    """What is owed on those invoices together, in minor units."""
    # A set: an account may have hundreds of invoices, and every verdict adds them up.
    wanted = frozenset(invoice_ids)
    return sum(i.balance_minor for i in account.invoices if i.id in wanted and i.is_open())


def asked_for_minor(case: Message) -> int:
    """What the message asks for: the larger of what the draft says and what its invoices come to."""
    draft = draft_of(case)
    return max(draft.amount_minor if draft else 0, owed_minor(case.account, case.subject.invoices))


def budget_opens(facts: Facts, *, per_day: int, per_week: int) -> datetime:
    """From when on one more touch is within the budget: rolling 24 hours and rolling 7 days, replies left out."""
    return max(
        free_from(facts, most=per_day, within=timedelta(days=1)),
        free_from(facts, most=per_week, within=timedelta(days=7)),
    )


def free_from(
    facts: Facts, *, most: int, within: timedelta, channels: Collection[str] | None = None
) -> datetime:
    """From when on one more touch of our own accord makes at most `most` in any such span; `channels`: on those alone.

    A message that is about to leave does not wait for those queued after it: each of two would put off the other.
    """
    dispatching = facts.outbox_id is not None
    counted = (
        touch.at
        for touch in touches(facts)
        if touch.reply_to is None
        and (channels is None or touch.channel in channels)
        and (touch.at <= facts.now or not dispatching)
    )
    at = sorted(counted, reverse=True)
    return max(facts.now, at[most - 1] + within) if len(at) >= most else facts.now
