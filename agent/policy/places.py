"""Where the customer may live, and which jurisdictions' rows bind a message to them. Pure (compliance.md 2)."""

from collections.abc import Mapping

from agent.policy.hours import Span, UnreadableHours, stated_hours, zone, zones_in
from agent.policy.jurisdiction import Jurisdiction
from agent.policy.reading import Message, recipient
from agent.policy.regions import code_of, zones_of


def rows_for(case: Message) -> Mapping[str, Jurisdiction]:
    """The rows in force that bind this message, by name: all of them, since the strictest of several counts."""
    return {name: row for name, row in case.policy.document.jurisdictions.items() if _binds(case, row)}


def hours_there(case: Message) -> list[Span]:
    """The hours of contact that the places ask for, beside the policy's own. A customer's stated wish goes before them."""
    contact = recipient(case)
    try:
        if contact is None or stated_hours(contact) is not None:
            return []
    except UnreadableHours:
        return []  # TIME-WINDOW refuses it
    candidates = set(zones_in(case.facts, case.policy.document.window))
    found: list[Span] = []
    for row in rows_for(case).values():
        if row.start is None or row.end is None:
            continue
        local = {key for region in row.regions for key in zones_of(region)}
        # Who lives there is in one of its zones; where the candidates name none of them, it may be any.
        keys = {row.zone} if row.zone else (local & candidates or local)
        found += [Span(known, row.start, row.end) for key in sorted(keys) if (known := zone(key)) is not None]
    return found


def _binds(case: Message, row: Jurisdiction) -> bool:
    account, policy = case.account, case.policy.document
    if not row.on or account.today < row.since or (row.until is not None and account.today > row.until):
        return False
    if policy.profile not in row.profiles or case.subject.channel not in row.channels:
        return False
    if account.customer.kind == "business" and not row.businesses:
        return False
    if row.past_due_over is not None:
        overdue = account.overdue()
        if not overdue or overdue[0].days_past_due(account.today) <= row.past_due_over:
            return False
    return _may_live_there(case, row)


def _may_live_there(case: Message, row: Jurisdiction) -> bool:
    customer = case.account.customer
    if row.postal and customer.postal_area is not None and customer.postal_area not in row.postal:
        return False
    region = code_of(customer.region)
    if region is not None:
        return region in row.regions
    candidates = zones_in(case.facts, case.policy.document.window)
    return not candidates or any(key in candidates for named in row.regions for key in zones_of(named))
