"""Follow-ups: tasks for a person always, messages of ours within the frequency rules (policy.md 3)."""

from datetime import UTC, timedelta

from agent.policy import stops
from agent.policy.hours import zone
from agent.policy.reading import budget_opens, staged_messages
from agent.policy.registry import Case, Says, allow, ask, refuse, rule
from tools.followups.schedule_follow_up import ScheduleFollowUp
from tools.memory.pseudonyms import without_addresses

_FARTHEST = 90  # days, as for in_days


@rule("ROW-TASK", source="policy.md 3", applies=ScheduleFollowUp, grants=True)
def task(case: Case[ScheduleFollowUp]) -> Says:
    """A task for a person is always allowed."""
    return (
        allow("A task for a person is always allowed.")
        if case.subject.kind in ("call_task", "review")
        else None
    )


@rule("ROW-FOLLOW-UP", source="policy.md 3", applies=ScheduleFollowUp, grants=True)
def follow_up(case: Case[ScheduleFollowUp]) -> Says:
    """A follow-up of ours within 90 days and the contact budget is allowed: it is judged again when it is due."""
    if case.subject.kind in ("call_task", "review"):
        return None
    days = _days(case)
    if days > _FARTHEST:
        return ask("collector", f"It is more than {_FARTHEST} days away.")
    if case.subject.kind == "message" and days < _days_until_budget(case):
        return ask("collector", "The contact budget is spent until then.")
    return allow("It is judged again when it is due.")


@rule("FOLLOW-UP-PAST", source="policy.md 1", applies=ScheduleFollowUp)
def past(case: Case[ScheduleFollowUp]) -> Says:
    """Nothing is scheduled for a day that has gone."""
    return refuse("The day lies in the past.") if _days(case) < 0 else None


@rule("FOLLOW-UP-PROMISE", source="policy.md 4", applies=ScheduleFollowUp)
def unpromised(case: Case[ScheduleFollowUp]) -> Says:
    """A promise is looked at only where one is on record: what still waits for a person is not yet a promise."""
    if case.subject.kind != "check_promise" or stops.promised(case.facts):
        return None
    return refuse("No promise is on record: it is looked at once it is recorded.")


@rule("FOLLOW-UP-STOPPED", source="policy.md 4", applies=ScheduleFollowUp)
def stopped(case: Case[ScheduleFollowUp]) -> Says:
    """While outreach is stopped no message of ours is planned: a person decides when it goes on."""
    account = case.account
    held = account.holds or account.customer.hold_reason or account.customer.do_not_contact
    silenced = any(s.channel is None and s.contact_id is None for s in account.suppressions)
    if case.subject.kind != "message" or not (held or silenced or stops.said_now(case.facts)):
        return None
    return refuse("Outreach is stopped: schedule a review by a person instead.")


@rule("FOLLOW-UP-REASON", source="policy.md 5.1", applies=ScheduleFollowUp)
def reason(case: Case[ScheduleFollowUp]) -> Says:
    """What a task says to a person names no figure, address or link: those are read from the records beside it."""
    said = case.subject.reason
    if without_addresses(said) == said and not any(char.isnumeric() for char in said):
        return None
    return refuse("The reason may hold no figure, address or link: the person sees the records.")


def _days(case: Case[ScheduleFollowUp]) -> int:
    if case.subject.on is not None:
        return (case.subject.on - case.account.today).days
    return case.subject.in_days or 0


def _days_until_budget(case: Case[ScheduleFollowUp]) -> int:
    """Days from today until one more message is within the budget; one staged in this episode uses up today."""
    budget, home = case.policy.document.budget, zone(case.facts.zone_key)
    opens = budget_opens(case.facts, per_day=budget.per_day, per_week=budget.per_week)
    if staged_messages(case.facts) and case.facts.inbound is None:
        opens = max(opens, case.facts.now + timedelta(days=1))
    return (opens.astimezone(home or UTC).date() - case.account.today).days
