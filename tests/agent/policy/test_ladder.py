"""The ladder of policy.md 7: anchored, never skipped once running, never repeated, caught up when switched on."""

import pytest

from agent.policy.document import load_policy
from agent.policy.ladder import due_step
from tests.builders import a_dispute, a_step, an_account, an_invoice
from tools.ledger.model import Account, Tier

STEPS = load_policy().ladder("default")


def due(account: Account, tier: Tier = "low") -> tuple[str, str] | None:
    found = due_step(account, STEPS, tier)
    return None if found is None else (found.step.step, found.anchor.id)


@pytest.mark.parametrize(
    ("days", "step"),
    [
        (4, None),
        (5, "reminder_1"),
        (13, "reminder_1"),
        (14, "reminder_2"),
        (30, "call_task"),
        (45, "formal_notice"),
        (400, "hand_over"),
    ],
)
def test_switched_on_it_starts_at_the_step_for_the_age_of_the_oldest_invoice(
    days: int, step: str | None
) -> None:
    found = due(an_account(invoices=[an_invoice(days_late=days), an_invoice(id="inv-2", days_late=1)]))
    assert found == (None if step is None else (step, "inv-1"))


def test_once_running_it_never_skips_a_step() -> None:
    account = an_account(invoices=[an_invoice(days_late=50)], ladder=[a_step("reminder_1")])
    assert due(account) == ("reminder_2", "inv-1")


def test_a_step_is_not_repeated_and_the_next_waits_for_its_day() -> None:
    assert due(an_account(invoices=[an_invoice(days_late=9)], ladder=[a_step("reminder_1")])) is None


def test_a_disputed_invoice_is_no_anchor() -> None:
    account = an_account(invoices=[an_invoice(days_late=40), an_invoice(id="inv-2")], disputes=[a_dispute()])
    assert due(account) == ("reminder_1", "inv-2")


def test_it_anchors_anew_when_the_oldest_is_paid_and_knows_which_steps_covered_the_next() -> None:
    ran = a_step("reminder_1", anchor_invoice_id="inv-0", invoice_ids=["inv-0", "inv-1"])
    assert due(an_account(invoices=[an_invoice(days_late=9)], ladder=[ran])) is None
    alone = a_step("reminder_1", anchor_invoice_id="inv-0", invoice_ids=["inv-0"])
    assert due(an_account(invoices=[an_invoice(days_late=9)], ladder=[alone])) == ("reminder_1", "inv-1")


def test_after_the_last_step_nothing_is_due() -> None:
    assert due(an_account(invoices=[an_invoice(days_late=90)], ladder=[a_step("hand_over")])) is None


@pytest.mark.parametrize(
    ("tier", "days", "step"),
    [("high", -7, True), ("unscored", 0, True), ("low", -5, False), ("high", -8, False)],
)
def test_an_early_notice_is_due_only_before_the_due_date_of_a_risky_customer(
    tier: Tier, days: int, step: bool
) -> None:
    account = an_account(invoices=[an_invoice(days_late=days)])
    assert due(account, tier) == (("early_notice", "inv-1") if step else None)


def test_an_early_notice_is_given_once() -> None:
    account = an_account(invoices=[an_invoice(days_late=-5)], ladder=[a_step("early_notice")])
    assert due(account, "high") is None


def test_without_a_due_date_nothing_is_due() -> None:
    assert due(an_account(invoices=[an_invoice(due_date=None)]), "high") is None
