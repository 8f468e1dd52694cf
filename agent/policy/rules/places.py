"""Places: what a state or a city asks beyond the federal rules, row by row of the policy file (compliance.md 2)."""

from datetime import timedelta

from agent.policy.hours import open_from
from agent.policy.places import hours_there, rows_for
from agent.policy.reading import Message, at_once, free_from, recipient, replying
from agent.policy.registry import Says, allow, refuse, rule
from tools.dunning.generate_dunning_message import GenerateDunningMessage

_WEEK = timedelta(days=7)


@rule("PLACE-WINDOW", source="compliance.md 2; policy.toml [jurisdictions]", applies=GenerateDunningMessage)
def window(case: Message) -> Says:
    """Where the customer's state or city has hours of its own, a message waits until these are open as well."""
    contact = recipient(case)
    there = hours_there(case)
    if contact is None or not there or at_once(case):
        return None
    opens = open_from(case.facts.now, case.facts, contact, case.policy.document.window, there)
    if opens is None:
        return refuse("No hour suits the place where the customer lives: leave it to a person.")
    return allow("It waits for the hours of the place.", opens) if opens > case.facts.now else None


@rule("PLACE-BUDGET", source="compliance.md 2; policy.toml [jurisdictions]", applies=GenerateDunningMessage)
def budget(case: Message) -> Says:
    """Where the customer's state or city counts contacts in a week, a message waits until one more is within that."""
    if replying(case):
        return None
    limits = [row for row in rows_for(case).values() if row.per_week is not None]
    earliest = max(
        (
            free_from(case.facts, most=row.per_week or 0, within=_WEEK, channels=row.channels)
            for row in limits
        ),
        default=case.facts.now,
    )
    if earliest <= case.facts.now:
        return None
    contact = recipient(case)
    window = case.policy.document.window
    opens = open_from(earliest, case.facts, contact, window, hours_there(case)) if contact else None
    return allow("The place's contact budget is spent until then.", opens or earliest)


@rule("PLACE-CONSENT", source="compliance.md 2; policy.toml [jurisdictions]", applies=GenerateDunningMessage)
def consent(case: Message) -> Says:
    """Where the place asks for consent before electronic messages, none of our own accord leaves without it on file."""
    contact = recipient(case)
    if contact is None or contact.consent == "granted" or replying(case):
        return None
    names = sorted(name for name, row in rows_for(case).items() if row.consent)
    return refuse(f"It needs the customer's consent on file ({', '.join(names)}).") if names else None
