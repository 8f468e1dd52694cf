"""The transparent baseline of risk: a customer's own late rate, shrunk to the portfolio's, beside what is exposed.

Measured on real invoices (ledgers.md 1.5), this rate is within about .01 AUC of boosting before the due date, so
it is the default. Past the due date it is badly calibrated; who needs that plugs in a model. Pure functions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tools.ledger.model import Account, Bucket, PaymentHistory, Tier
from tools.risk.read_customer_risk import Horizon

NextAction = Literal[
    "nothing", "wait_for_hold", "wait_for_dispute", "wait_for_payment", "wait_for_promise", "wait_for_plan",
    "early_notice", "remind", "call", "hand_over",
]  # fmt: skip

# Names this way of scoring in every stored score.
MODEL_ID = "shrunken-late-rate-1"
# How many settled invoices the portfolio's rate is worth: with 5, a customer with 5 of their own is half and half.
PRIOR_WEIGHT = 5
# Below this the rate says more about the portfolio than about the customer (policy.md 3: unscored counts as high).
MIN_SETTLED = 3
# The tier rests on "more than 7 days late": the first days are postage and bank runs, and more than 15 or 30 days
# is too rare to estimate (8 % and 0.4 % of the measured invoices against 20 %).
TIER_HORIZON: Horizon = "late_7d"
# Around the measured base rate of 20 %: up to it the customer pays like most, from twice and a half of it like few.
MEDIUM_FROM, HIGH_FROM = 0.20, 0.50
# What raises the tier by one, whatever the rate: a third of a credit limit is ordinary trade, all of it is not;
# and an invoice that is 60 days late is at the ladder's last step.
FULL_UTILISATION = 1.0
LONG_OVERDUE_DAYS = 60

_RAISED: Mapping[Tier, Tier] = {"low": "medium", "medium": "high", "high": "high", "unscored": "unscored"}
_BUCKETS: tuple[Bucket, ...] = ("not_due", "1-30", "31-60", "61-90", "91+")


@dataclass(frozen=True, slots=True)
class RiskReading:
    """What `read_customer_risk` answers. Amounts are minor units of `currency`; `drivers` are sentences from data."""

    tier: Tier
    horizon: Horizon
    probability: float | None
    base_rate: float | None
    settled_invoices: int
    drivers: Sequence[str]
    currency: str
    exposure_minor: int
    overdue_minor: int
    aging_minor: Mapping[Bucket, int]
    oldest_days_past_due: int
    promises: Mapping[str, int]
    utilisation: float | None
    open_disputes: int
    disputed_minor: int
    holds: Sequence[str]
    next_action: NextAction

    def as_json(self) -> dict[str, Any]:
        """The answer as plain JSON: ids, figures and states, no name and no address."""
        return asdict(self)


def read_risk(account: Account, horizon: Horizon = TIER_HORIZON) -> RiskReading:
    """The reading of one account for one horizon. The tier is the same whatever the horizon."""
    probability = late_probability(account.history, account.portfolio, horizon)
    tier, drivers = _tier(account)
    owed = [invoice for invoice in account.invoices if invoice.is_open()]
    aging = dict.fromkeys(_BUCKETS, 0)
    for invoice in owed:
        aging[invoice.bucket(account.today)] += invoice.balance_minor
    overdue = account.overdue()
    disputed = account.disputed_ids()
    return RiskReading(
        tier=tier,
        horizon=horizon,
        probability=None if probability is None else round(probability, 4),
        base_rate=_rate(account.portfolio, horizon),
        settled_invoices=account.history.settled,
        drivers=drivers,
        currency=account.customer.currency,
        exposure_minor=sum(invoice.balance_minor for invoice in owed),
        overdue_minor=sum(invoice.balance_minor for invoice in overdue),
        aging_minor=aging,
        oldest_days_past_due=_oldest(account),
        promises={state: _promises(account, state) for state in ("open", "kept", "partial", "broken")},
        utilisation=None if (used := _utilisation(account)) is None else round(used, 4),
        open_disputes=len(account.disputes),
        disputed_minor=sum(invoice.balance_minor for invoice in owed if invoice.id in disputed),
        holds=sorted({hold.reason for hold in account.holds}),
        next_action=_next_action(account, tier),
    )


def late_probability(own: PaymentHistory, portfolio: PaymentHistory, horizon: Horizon) -> float | None:
    """The customer's late rate shrunk to the portfolio's; None below three settled invoices."""
    base = _rate(portfolio, horizon)
    if own.settled < MIN_SETTLED or base is None:
        return None
    late: int = getattr(own, horizon)
    return (late + PRIOR_WEIGHT * base) / (own.settled + PRIOR_WEIGHT)


def _rate(history: PaymentHistory, horizon: Horizon) -> float | None:
    return getattr(history, horizon) / history.settled if history.settled else None


def tier_from(
    own: PaymentHistory, portfolio: PaymentHistory, *, utilisation: float | None, oldest: int, broken: int
) -> tuple[Tier, list[str]]:
    """The tier and its drivers, from what it is made of: history, credit used, days past due, broken promises."""
    base = _rate(portfolio, TIER_HORIZON)
    probability = late_probability(own, portfolio, TIER_HORIZON)
    if probability is None or base is None:
        return "unscored", [f"Only {own.settled} settled invoices; a rate needs {MIN_SETTLED}."]
    tier: Tier = "low" if probability < MEDIUM_FROM else "medium" if probability < HIGH_FROM else "high"
    drivers = [
        f"{own.late_7d} of {own.settled} settled invoices were more than 7 days late; over all customers {base:.0%}."
    ]
    raising = []
    if utilisation is not None and utilisation >= FULL_UTILISATION:
        raising.append(f"The credit limit is used to {utilisation:.0%}.")
    if oldest >= LONG_OVERDUE_DAYS:
        raising.append(f"The oldest invoice is {oldest} days past due.")
    if broken:
        raising.append(f"{broken} promises of the last 180 days were broken.")
    return (_RAISED[tier] if raising else tier), drivers + raising


def _tier(account: Account) -> tuple[Tier, list[str]]:
    return tier_from(
        account.history,
        account.portfolio,
        utilisation=_utilisation(account),
        oldest=_oldest(account),
        broken=_promises(account, "broken"),
    )


def _oldest(account: Account) -> int:
    return max((invoice.days_past_due(account.today) for invoice in account.overdue()), default=0)


def _promises(account: Account, state: str) -> int:
    return sum(promise.state == state for promise in account.promises)


def _utilisation(account: Account) -> float | None:
    limit = account.customer.credit_limit_minor
    owed = sum(invoice.balance_minor for invoice in account.invoices if invoice.is_open())
    return owed / limit if limit else None


def _next_action(account: Account, tier: Tier) -> NextAction:
    """A recommendation by the same order as the policy's stops and ladder; the policy alone decides."""
    free = [invoice for invoice in account.overdue() if invoice.id not in account.held_ids()]
    days = max((invoice.days_past_due(account.today) for invoice in free), default=0)
    stops: tuple[tuple[bool, NextAction], ...] = (
        (bool(account.holds or account.customer.hold_reason), "wait_for_hold"),
        (bool(account.disputes) and not free, "wait_for_dispute"),
        (account.payments_pending_minor > 0, "wait_for_payment"),
        (_promises(account, "open") > 0, "wait_for_promise"),
        (any(plan.state == "active" for plan in account.plans), "wait_for_plan"),
        (days >= LONG_OVERDUE_DAYS, "hand_over"),
        (days >= 30, "call"),
        (days > 0, "remind"),
        (tier in ("high", "unscored") and any(-7 <= i.days_past_due(account.today) <= 0 for i in account.invoices if i.due_date), "early_notice"),
    )  # fmt: skip
    return next((action for applies, action in stops if applies), "nothing")
