"""Payment plans, computed: the dates and the exact parts. No model does arithmetic here."""

from calendar import monthrange
from datetime import date, timedelta
from typing import Literal

from tools.errors import Invalid
from tools.ledger.model import Instalment
from tools.money import Money

Every = Literal["week", "fortnight", "month"]


def instalment_dates(first_on: date, every: Every, count: int) -> list[date]:
    """`count` dates from `first_on`; a month that is too short for the first day gets its own last day.

    Each is counted from the first, so January 31 is followed by February 28 and then March 31.
    """
    if count < 1:
        raise Invalid("A plan has at least one instalment.")
    if every == "month":
        return [_months_later(first_on, months) for months in range(count)]
    days = 7 if every == "week" else 14
    return [first_on + timedelta(days=days * index) for index in range(count)]


def first_instalment_on(wished: date | None, today: date) -> date:
    """The customer's own first date, or a week from today: time to read the offer and to accept it."""
    return wished or today + timedelta(days=7)


def plan_instalments(total: Money, count: int, every: Every, first_on: date) -> list[Instalment]:
    """`total` in `count` parts that add up to it exactly, the remainder on the last.

    Raises NotMoney when there are fewer minor units than parts, and Invalid for a count below 1.
    """
    dates = instalment_dates(first_on, every, count)
    return [Instalment(on, part.minor) for on, part in zip(dates, total.instalments(count), strict=True)]


def _months_later(start: date, months: int) -> date:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
