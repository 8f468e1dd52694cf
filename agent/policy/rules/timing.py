"""When a message may leave: hours, budget, one reply (policy.md 6). A message waits; it is never dropped."""

from agent.policy.hours import open_from
from agent.policy.places import hours_there
from agent.policy.reading import Message, at_once, budget_opens, recipient, replying, staged_messages
from agent.policy.registry import Says, allow, ask, refuse, rule
from tools.dunning.generate_dunning_message import GenerateDunningMessage


@rule("TIME-WINDOW", source="policy.md 6; 12 CFR 1006.6(b)(1)", applies=GenerateDunningMessage)
def window(case: Message) -> Says:
    """It leaves in the hours of contact of every zone the customer may be in, or waits for them.

    At once go the opt-out confirmation, the crisis reply, and the first answer to a message that just came in
    on the same channel (comment 6(b)(1)-2).
    """
    contact = recipient(case)
    if contact is None or at_once(case):
        return None
    opens = open_from(case.facts.now, case.facts, contact, case.policy.document.window)
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
    window, there = case.policy.document.window, hours_there(case)
    opens = open_from(earliest, case.facts, contact, window, there) if contact else None
    return allow("The contact budget is spent until then.", opens or earliest)


@rule("TIME-ONE-REPLY", source="policy.md 6", applies=GenerateDunningMessage)
def one_reply(case: Message) -> Says:
    """A message of the customer gets at most one automated reply."""
    inbound = case.facts.inbound
    if inbound is None or not replying(case) or not (inbound.replies or staged_messages(case.facts)):
        return None
    return ask("collector", "The customer's message has its automated reply already.")
