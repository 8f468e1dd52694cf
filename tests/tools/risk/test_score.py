"""The transparent baseline: shrunken rate, tier, exposure, and a recommendation from data."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_customer, a_dispute, a_hold, a_plan, a_promise, an_account, an_invoice
from tools.ledger.model import PaymentHistory
from tools.risk.read_customer_risk import ReadCustomerRisk
from tools.risk.score import late_probability, read_risk

PORTFOLIO = PaymentHistory(settled=1000, late_0d=370, late_7d=200, late_15d=80, late_30d=4)


def history(settled: int, late_7d: int) -> PaymentHistory:
    return PaymentHistory(settled=settled, late_0d=late_7d, late_7d=late_7d, late_15d=0, late_30d=0)


def test_the_rate_is_shrunk_to_the_portfolio_with_the_weight_of_five_invoices() -> None:
    assert late_probability(history(10, 5), PORTFOLIO, "late_7d") == pytest.approx((5 + 5 * 0.2) / 15)
    assert late_probability(history(3, 0), PORTFOLIO, "late_0d") == pytest.approx(5 * 0.37 / 8)


@pytest.mark.parametrize(("own", "portfolio"), [(history(2, 2), PORTFOLIO), (history(9, 1), history(0, 0))])
def test_below_three_settled_invoices_or_without_a_portfolio_nobody_is_scored(
    own: PaymentHistory, portfolio: PaymentHistory
) -> None:
    reading = read_risk(an_account(history=own, portfolio=portfolio))
    assert (reading.tier, reading.probability) == ("unscored", None)


@pytest.mark.parametrize(("late", "tier"), [(0, "low"), (4, "medium"), (9, "high")])
def test_the_tier_follows_the_rate(late: int, tier: str) -> None:
    assert read_risk(an_account(history=history(10, late))).tier == tier


@pytest.mark.parametrize(
    "worse",
    [
        {"customer": a_customer(credit_limit_minor=100_000)},
        {"invoices": [an_invoice(days_late=60)]},
        {"promises": [a_promise(state="broken")]},
    ],
)
def test_exposure_age_and_broken_promises_raise_the_tier_and_are_named(worse: Any) -> None:
    reading = read_risk(an_account(**worse))
    assert reading.tier == "medium"
    assert len(reading.drivers) == 2


def test_the_tier_does_not_depend_on_the_horizon_that_is_asked_about() -> None:
    readings = [
        read_risk(an_account(), horizon) for horizon in ("late_0d", "late_7d", "late_15d", "late_30d")
    ]
    assert len({reading.tier for reading in readings}) == 1
    assert len({reading.probability for reading in readings}) == 4


def test_exposure_and_aging_leave_out_what_is_not_collectible() -> None:
    invoices = [
        an_invoice(), an_invoice(id="inv-2", days_late=45), an_invoice(id="inv-3", days_late=-3),
        an_invoice(id="inv-4", ledger_state="unknown"),
    ]  # fmt: skip
    reading = read_risk(an_account(invoices=invoices, customer=a_customer(credit_limit_minor=600_000)))
    assert (reading.exposure_minor, reading.overdue_minor, reading.utilisation) == (300_000, 200_000, 0.5)
    assert reading.aging_minor == {
        "not_due": 100_000,
        "1-30": 100_000,
        "31-60": 100_000,
        "61-90": 0,
        "91+": 0,
    }


@pytest.mark.parametrize(
    ("given", "action"),
    [
        ({}, "remind"),
        ({"holds": [a_hold("hardship")]}, "wait_for_hold"),
        ({"disputes": [a_dispute()]}, "wait_for_dispute"),
        ({"payments_pending_minor": 1}, "wait_for_payment"),
        ({"promises": [a_promise()]}, "wait_for_promise"),
        ({"plans": [a_plan()]}, "wait_for_plan"),
        ({"invoices": [an_invoice(days_late=31)]}, "call"),
        ({"invoices": [an_invoice(days_late=61)]}, "hand_over"),
        ({"invoices": [an_invoice(days_late=-3)]}, "nothing"),
        ({"invoices": [an_invoice(days_late=-3)], "history": history(10, 9)}, "early_notice"),
        ({"invoices": []}, "nothing"),
    ],
)
def test_the_recommendation_follows_stops_and_ladder(given: Any, action: str) -> None:
    assert read_risk(an_account(**given)).next_action == action


def test_the_answer_is_plain_json_without_names() -> None:
    told = json.dumps(read_risk(an_account(), ReadCustomerRisk(horizon="late_15d").horizon).as_json())
    assert "Quillfeather" not in told
    assert '"horizon": "late_15d"' in told


@given(st.integers(3, 500), st.floats(0, 1), st.integers(1, 5000), st.floats(0, 1))
def test_a_probability_lies_between_the_customers_rate_and_the_portfolios(
    settled: int, own: float, all_settled: int, base: float
) -> None:
    late, all_late = int(settled * own), int(all_settled * base)
    probability = late_probability(history(settled, late), history(all_settled, all_late), "late_7d")
    assert probability is not None
    low, high = sorted([late / settled, all_late / all_settled])
    assert low - 1e-9 <= probability <= high + 1e-9
    worse = late_probability(
        replace(history(settled, late), late_7d=late + 1), history(all_settled, all_late), "late_7d"
    )
    assert worse is not None
    assert worse > probability
