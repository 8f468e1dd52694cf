"""When a message may leave: hours, budget, one reply (policy.md 6). A message waits; it is never dropped."""

from datetime import datetime, timedelta

from agent.policy.hours import UnreadableHours, next_open, spans
from agent.policy.reading import Message, budget_opens, recipient, replying, staged_messages
from agent.policy.registry import Says, allow, ask, refuse, rule
from tools.dunning.generate_dunning_message import GenerateDunningMessage
from tools.ledger.model import Contact

_AT_ONCE = frozenset({"opt_out_confirmation", "crisis"})


@rule("TIME-WINDOW", source="policy.md 6; 12 CFR 1006.6(b)(1)", applies=GenerateDunningMessage)
def window(case: Message) -> Says:
    """It leaves in the hours of contact of every zone the customer may be in, or waits for them.

    At once go the opt-out confirmation, the crisis reply, and the first answer to a message that just came in
    on the same channel (comment 6(b)(1)-2).
    """
    contact = recipient(case)
    if contact is None or _at_once(case):
        return None
    opens = _open_from(case, contact, case.facts.now)
    if opens is None:
        # Nobody may approve it either: it would leave at once, and no hour is known to be right.
        return refuse(
            "No hour is known to suit the customer's wish in every zone they may be in: leave it to a person."
        )
    return allow("It waits for the hours of contact.", opens) if opens > case.facts.now else None


@rule("TIME-BUDGET", source="policy.md 6; 12 CFR 1006.14", applies=GenerateDunningMessage)
def budget(case: Message) -> Says:
    """Messages of our own accord stay within the budget of the day and the week, all channels together."""
    if replying(case):
        return None
    limits = case.policy.document.budget
    earliest = budget_opens(case.facts, per_day=limits.per_day, per_week=limits.per_week)
    if earliest <= case.facts.now:
        return None
    contact = recipient(case)
    opens = _open_from(case, contact, earliest) if contact else None
    return allow("The contact budget is spent until then.", opens or earliest)


@rule("TIME-ONE-REPLY", source="policy.md 6", applies=GenerateDunningMessage)
def one_reply(case: Message) -> Says:
    """A message of the customer gets at most one automated reply."""
    inbound = case.facts.inbound
    if inbound is None or not replying(case) or not (inbound.replies or staged_messages(case.facts)):
        return None
    return ask("collector", "The customer's message has its automated reply already.")


def _at_once(case: Message) -> bool:
    inbound, contact = case.facts.inbound, recipient(case)
    if inbound is None or not replying(case):
        return False
    if case.subject.purpose in _AT_ONCE and case.subject.template is not None:
        return True
    fresh = inbound.at is not None and case.facts.now - inbound.at <= timedelta(
        minutes=case.policy.document.window.reply_minutes
    )
    return fresh and inbound.replies == 0 and contact is not None and contact.channel == inbound.channel


def _open_from(case: Message, contact: Contact, instant: datetime) -> datetime | None:
    try:
        return next_open(instant, spans(case.facts, contact, case.policy.document.window))
    except UnreadableHours:
        return None
