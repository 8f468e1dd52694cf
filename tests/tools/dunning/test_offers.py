"""Plans add up to the cent and fall on real days."""

from calendar import monthrange
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.dunning.offers import Every, instalment_dates, plan_instalments
from tools.errors import Invalid
from tools.money import Money, NotMoney

DAYS = st.dates(date(2000, 1, 1), date(2090, 12, 31))


def test_a_month_that_is_too_short_gets_its_last_day_and_the_next_its_own() -> None:
    assert instalment_dates(date(2028, 1, 31), "month", 4) == [
        date(2028, 1, 31),
        date(2028, 2, 29),
        date(2028, 3, 31),
        date(2028, 4, 30),
    ]
    assert instalment_dates(date(2026, 11, 30), "month", 3)[-1] == date(2027, 1, 30)


@given(first_on=DAYS, count=st.integers(1, 24))
def test_months_follow_each_other_and_keep_the_day(first_on: date, count: int) -> None:
    dates = instalment_dates(first_on, "month", count)
    for index, on in enumerate(dates):
        assert on.year * 12 + on.month == first_on.year * 12 + first_on.month + index
        assert on.day == min(first_on.day, monthrange(on.year, on.month)[1])


@pytest.mark.parametrize(("every", "days"), [("week", 7), ("fortnight", 14)])
def test_weeks_and_fortnights_are_7_and_14_days(every: Every, days: int) -> None:
    dates = instalment_dates(date(2026, 2, 20), every, 5)
    assert all(later - earlier == timedelta(days=days) for earlier, later in pairwise(dates))


@given(
    minor=st.integers(24, 10**12),
    count=st.integers(1, 24),
    every=st.sampled_from(["week", "fortnight", "month"]),
    first_on=DAYS,
    currency=st.sampled_from(["USD", "JPY", "BHD"]),
)
def test_instalments_add_up_exactly(
    minor: int, count: int, every: Every, first_on: date, currency: str
) -> None:
    """Every part is money, all but the last are equal, the last carries less than `count` units more."""
    parts = plan_instalments(Money(minor, currency), count, every, first_on)
    amounts = [part.amount_minor for part in parts]
    assert sum(amounts) == minor
    assert len(amounts) == count
    assert len(set(amounts[:-1])) <= 1
    assert 0 <= amounts[-1] - amounts[0] < count
    assert [part.due_date for part in parts] == sorted({part.due_date for part in parts})


def test_1600_in_three_parts_loses_nothing() -> None:
    parts = plan_instalments(Money.of("1600", "USD"), 3, "month", date(2026, 4, 1))
    assert [part.amount_minor for part in parts] == [53_333, 53_333, 53_334]


@pytest.mark.parametrize("count", [0, -1])
def test_a_plan_without_payments_is_no_plan(count: int) -> None:
    with pytest.raises(Invalid):
        plan_instalments(Money(100, "USD"), count, "week", date(2026, 4, 1))


def test_a_cent_cannot_be_split() -> None:
    with pytest.raises(NotMoney):
        plan_instalments(Money(2, "USD"), 3, "week", date(2026, 4, 1))
