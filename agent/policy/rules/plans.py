"""Promises, plans and their offers: what the customer and we agree on (policy.md 3)."""

from collections.abc import Mapping
from datetime import date, timedelta

from agent.policy.reading import Message, owed_minor
from agent.policy.registry import Case, Says, allow, ask, refuse, rule
from tools.activity.log_collection_activity import PlanRequestRecord, PromiseRecord
from tools.dunning.generate_dunning_message import GenerateDunningMessage
from tools.dunning.offers import first_instalment_on, instalment_dates
from tools.money import Money

CONFIRMED = "plan_confirmed"  # the template
_FARTHEST = timedelta(days=366)  # a first instalment or a promise later than this is a slip of the pen


def promised_minor(case: Case[PromiseRecord]) -> int:
    """What the customer promised, all payments together. Raises NotMoney where an amount is none of the currency."""
    return sum(
        Money.of(payment.amount, case.account.customer.currency).minor for payment in case.subject.payments
    )


def spread(case: Case[PromiseRecord]) -> bool:
    """Several payments of which the last is so far out that they are a plan, whatever they are called."""
    last = max(payment.on for payment in case.subject.payments)
    return (
        len(case.subject.payments) > 1
        and (last - case.account.today).days > case.policy.document.promise.span_days
    )


@rule("ROW-PROMISE", source="policy.md 3", applies=PromiseRecord, grants=True)
def promise(case: Case[PromiseRecord]) -> Says:
    """A promise is recorded where it is no more than is owed and falls into the policy's horizon."""
    terms, today = case.policy.document.promise, case.account.today
    days = [(payment.on - today).days for payment in case.subject.payments]
    minor, owed = (
        promised_minor(case),
        owed_minor(case.account, case.account.meant(case.subject.invoices)),
    )
    if (impossible := _impossible(days, minor, owed)) is not None:
        return refuse(impossible)
    if minor > owed:
        return ask("collector", "The customer promised more than is owed.")
    if spread(case):
        return _plan(case, minor, max(payment.on for payment in case.subject.payments))
    if max(days) > terms.horizon_days:
        return ask("collector", f"The promised date is more than {terms.horizon_days} days away.")
    return allow("A promise within the balance and the horizon.")


def _impossible(days: list[int], minor: int, owed: int) -> str | None:
    """Why nobody could record that promise, not even with approval."""
    if min(days) < 0:
        return "A promised date lies in the past: ask the customer for another."
    if max(days) > _FARTHEST.days:
        return "A promised date must lie within the coming year: ask the customer for another."
    if minor <= 0:
        return "Nothing is promised: ask the customer for the amount."
    return None if owed > 0 else "Nothing is owed that could be promised: leave it to a person."


@rule("ROW-PLAN", source="policy.md 3", applies=PlanRequestRecord, grants=True)
def plan(case: Case[PlanRequestRecord]) -> Says:
    """A plan is low risk within the automatic limits only; else a collector decides, above their limit a manager.

    An offer that was approved already may be accepted as it stands.
    """
    today = case.account.today
    if case.subject.offer is not None:
        offered = _offer(case, case.subject.offer, ("offered",))  # nobody accepts what they were not sent
        return (
            allow("The customer accepts an approved offer.")
            if offered
            else refuse("There is no such open offer.")
        )
    first = first_instalment_on(case.subject.first_on, today)
    if not timedelta(0) <= first - today <= _FARTHEST:
        return refuse("The first instalment must lie within the coming year.")
    minor = owed_minor(case.account, case.account.meant(case.subject.invoices))
    if minor < case.subject.instalments:
        return refuse("There is nothing to pay in parts.")
    return _plan(case, minor, instalment_dates(first, case.subject.every, case.subject.instalments)[-1])


@rule("ROW-PLAN-OFFER", source="policy.md 3", applies=GenerateDunningMessage, grants=True)
def plan_offer(case: Message) -> Says:
    """A plan is offered only as it was approved, in the words of a template or past a collector."""
    if case.subject.purpose != "plan_offer":
        return None
    if case.subject.offer is None or not _offer(case, case.subject.offer):
        return refuse("There is no approved offer of that name: stage a plan_request first.")
    if case.subject.template is None:
        return ask("collector", "An offer in free words needs a collector.")
    return allow("An approved offer in reviewed words.")


@rule("PLAN-RUNS", source="policy.md 3", applies=GenerateDunningMessage)
def runs(case: Message) -> Says:
    """A plan is confirmed as agreed only where it runs, or where its acceptance was staged in this very turn."""
    if case.subject.template != CONFIRMED:
        return None
    accepted = {
        record.get("offer")
        for action in case.facts.staged
        if isinstance(record := action.args.get("record"), Mapping) and record.get("kind") == "plan_request"
    }
    offer = case.subject.offer
    if offer is not None and (offer in accepted or _offer(case, offer, ("active",))):
        return None
    return refuse(
        "That plan does not run: record the customer's yes to an offer that was sent to them first."
    )


def _offer(
    case: Case[GenerateDunningMessage] | Case[PlanRequestRecord],
    plan_id: str,
    states: tuple[str, ...] = ("approved", "offered"),
) -> bool:
    return any(plan.id == plan_id and plan.state in states for plan in case.account.plans)


def _plan(case: Case[PromiseRecord] | Case[PlanRequestRecord], minor: int, last: date) -> Says:
    column, collector = case.column, case.policy.document.limits.collector
    horizon = instalment_dates(case.account.today, "month", column.plan_months + 1)[-1]
    if (
        minor <= case.minor(column.plan_total)
        and last <= horizon
        and case.facts.risk.tier in ("low", "medium")
    ):
        return allow("A plan within the automatic limits.")
    if minor <= case.minor(collector.plan_total):
        return ask("collector", "A payment plan needs a collector.")
    return ask("manager", f"A payment plan above {collector.plan_total} needs a manager.")
