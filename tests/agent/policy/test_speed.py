"""Judging one action costs at most half a millisecond of CPU (issue 5)."""

import time

from agent.policy.document import load_policy
from agent.policy.gate import Gate
from tests.agent.policy.cases import NIGHT, policy_with
from tests.builders import NOW, a_customer, a_message, a_touch, an_account, an_invoice, drafted

BUDGET_SECONDS = 0.0005


def test_a_reminder_of_two_hundred_invoices_is_judged_within_the_budget() -> None:
    """The largest action there is: as many invoices as a message may name, zones to work out, hours to wait."""
    gate = Gate(policy_with(load_policy().text, "assisted"))
    invoices = [an_invoice(id=f"inv-{n}", balance_minor=10) for n in range(200)]
    action = a_message(invoices=[invoice.id for invoice in invoices])
    touches = [a_touch(at=NOW.replace(day=1), outbox_id=n) for n in range(20)]
    account = an_account(customer=a_customer(time_zone=None, region="TX"), invoices=invoices, touches=touches)
    given = drafted(action, account=account, now=NIGHT)
    gate.rule(action, given)  # the first call reads the numbering plan from disk

    def cost() -> float:
        start = time.process_time()
        for _ in range(20):
            gate.rule(action, given)
        return (time.process_time() - start) / 20

    assert min(cost() for _ in range(5)) <= BUDGET_SECONDS
