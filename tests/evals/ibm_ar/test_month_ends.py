"""The month-end table on real invoices: what a past date may know, and one message per customer (issue 2)."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evals.ibm_ar import month_ends

SOURCE = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "ibm_ar"
with_the_file = pytest.mark.skipif(not SOURCE.is_dir(), reason="the IBM file lies outside the project")


@pytest.fixture(scope="module")
def three_months() -> list[dict[str, Any]]:
    """The first three month ends, run by the public command line."""
    _, cycles = month_ends.run(SOURCE, days=month_ends.month_ends()[:3])
    return cycles


def test_there_are_seventeen_month_ends() -> None:
    days = month_ends.month_ends()

    assert (len(days), days[0].isoformat(), days[-1].isoformat()) == (17, "2012-02-29", "2013-06-30")


@with_the_file
def test_a_past_date_knows_no_later_invoice_and_no_later_payment(three_months: list[dict[str, Any]]) -> None:
    """Counted from the file itself: issued by the day, and overdue if not settled by the day."""
    rows = month_ends.invoices(SOURCE)
    for cycle, day in zip(three_months, month_ends.month_ends(), strict=False):
        known = [r for r in rows if r.issued <= day]
        overdue = {r.customer for r in known if r.due < day and r.settled > day}
        undisputed = {r.customer for r in known if r.due < day and r.settled > day and not r.disputed}

        assert cycle["invoices_known"] == len(known)
        assert cycle["overdue"] == len(overdue)
        assert cycle["held"] == len(overdue - undisputed)


@with_the_file
def test_every_customer_gets_at_most_one_message_a_date_and_every_verdict_says_why(
    three_months: list[dict[str, Any]],
) -> None:
    for cycle in three_months:
        customers = Counter(verdict["customer"] for verdict in cycle["verdicts"])

        assert set(customers.values()) == {1}
        assert all(verdict["why"] for verdict in cycle["verdicts"])
        assert cycle["sent"] + cycle["deferred"] + cycle["asked"] == cycle["proposed"]
        assert cycle["proposed"] > 0


@with_the_file
def test_without_contacts_the_run_says_that_nobody_can_be_reached() -> None:
    imported, cycles = month_ends.run(SOURCE, contacts=False, days=month_ends.month_ends()[:1])

    assert "nobody_reachable" in {finding["kind"] for finding in imported["findings"]}
    assert cycles[0]["nobody_reachable"]
    assert (cycles[0]["sent"], cycles[0]["asked"]) == (0, 0)
