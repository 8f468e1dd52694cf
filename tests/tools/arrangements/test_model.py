"""Promises and plans against a model in plain Python: no impossible state, sums to the cent, no money counted twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from typing_extensions import override

from tests.proofs import proof_size
from tests.tools.arrangements.books import ZONE, Books
from tests.tools.arrangements.model import FLOAT, GRACE, Model, Planned, Promised
from tests.world import TODAY
from tools.arrangements.machines import MACHINES
from tools.arrangements.plans import add_plan, move_plan, plans_to_settle, start_plan
from tools.arrangements.promises import add_promises, call_off_promise, promises_to_settle, settle_promise
from tools.dunning.offers import plan_instalments
from tools.money import Money

INVOICES = st.sets(st.sampled_from(["i1", "i2"]), min_size=1)


class PromisesAndPlans(RuleBasedStateMachine):
    """Promises, plans and money in any order; after every step the database holds what the model holds."""

    conninfo: str

    @initialize(one=st.integers(2, 30_000), other=st.integers(2, 30_000))
    def begin(self, one: int, other: int) -> None:
        totals = {"i1": one, "i2": other}
        self.books, self.today, self.payments = Books(self.conninfo, totals), TODAY, 0
        self.model = Model(totals, {invoice: [] for invoice in totals})

    @property
    def now(self) -> datetime:
        return datetime.combine(self.today, datetime.min.time(), UTC) + timedelta(hours=17)

    def owed(self, invoices: set[str]) -> int:
        return sum(self.model.balance(invoice) for invoice in invoices)

    @rule(days=st.integers(1, 40))
    def time_passes(self, days: int) -> None:
        self.today += timedelta(days=days)

    @rule(invoice=st.sampled_from(["i1", "i2"]), share=st.integers(1, 4), cheque=st.booleans())
    def money_arrives(self, invoice: str, share: int, cheque: bool) -> None:
        minor = self.model.balance(invoice) // share
        if minor:
            self.payments += 1
            self.books.pay(invoice, minor, self.today, "check" if cheque else "ach", self.payments)
            self.model.applied[invoice].append((self.today, minor))
            self.model.by_cheque = cheque

    @rule(
        invoices=INVOICES, days=st.lists(st.integers(0, 30), min_size=1, max_size=3), share=st.integers(1, 3)
    )
    def promises(self, invoices: set[str], days: list[int], share: int) -> None:
        amount = self.owed(invoices) // share // len(days)
        if not amount:
            return
        parts = [(Money(amount, "USD"), self.today + timedelta(days=d)) for d in days]
        permit = self.books.permit()
        self.books.narrowed(
            add_promises(
                self.books.conn, permit, payments=parts, invoice_ids=sorted(invoices), message_id=None,
                source="customer", zone=ZONE, now=self.now,
            )
        )  # fmt: skip
        for earlier in self.model.promises:
            if earlier.state == "open" and earlier.invoices & invoices:
                earlier.state = "cancelled"
        before = self.model.applied_on_or_after(invoices, self.today)
        self.model.promises += [
            Promised(permit.decision_id, n, invoices, amount, due, self.today, before)
            for n, (_, due) in enumerate(parts)
        ]

    @rule(invoices=INVOICES, count=st.integers(2, 6))
    def plan_is_approved(self, invoices: set[str], count: int) -> None:
        owed = self.owed(invoices)
        if owed < count:
            return
        parts = plan_instalments(Money(owed, "USD"), count, "week", self.today + timedelta(days=7))
        permit = self.books.permit()
        plan_id = self.books.narrowed(
            add_plan(
                self.books.conn, permit, invoice_ids=sorted(invoices), instalments=parts, currency="USD",
                proposed_by="agent", approved_by="mona", zone=ZONE, now=self.now,
            )
        )  # fmt: skip
        for other in self.model.plans.values():
            if other.state in ("approved", "offered") and other.invoices & invoices:
                other.state = "replaced"
        self.model.plans[plan_id] = Planned(
            plan_id, invoices, [(p.due_date, p.amount_minor) for p in parts], self.today,
            self.model.applied_on_or_after(invoices, self.today),
        )  # fmt: skip

    @precondition(lambda self: self.model.plans)
    @rule(
        data=st.data(),
        to=st.sampled_from(["offered", "active", "completed", "defaulted", "rejected", "cancelled"]),
    )
    def plan_is_moved(self, data: st.DataObject, to: Any) -> None:
        plan = self.model.plans[data.draw(st.sampled_from(sorted(self.model.plans)))]
        if to == "active":
            moved = self.books.narrowed(start_plan(self.books.conn, plan_id=plan.id, now=self.now))
        else:
            moved = self.books.narrowed(move_plan(self.books.conn, plan_id=plan.id, state=to, now=self.now))
        assert moved == ((plan.state, to) in MACHINES["plan"])
        if not moved:
            return
        plan.state = to
        if to == "active":
            for other in self.model.plans.values():
                if (
                    other is not plan
                    and other.state in ("active", "defaulted")
                    and other.invoices & plan.invoices
                ):
                    other.state = "replaced"
            for promise in self.model.promises:
                if promise.state == "open" and promise.invoices & plan.invoices:
                    promise.state = "cancelled"

    @precondition(lambda self: self.model.promises)
    @rule(data=st.data())
    def promise_is_called_off(self, data: st.DataObject) -> None:
        promise = data.draw(st.sampled_from(self.model.promises))
        [[identity]] = self.books.rows(
            "SELECT id FROM promise WHERE decision_id = %s AND position = %s",
            promise.decision,
            promise.position,
        )
        done = self.books.narrowed(
            call_off_promise(self.books.conn, promise_id=identity, customer_id="c", now=self.now)
        )
        assert done == (promise.state == "open")
        promise.state = "cancelled" if done else promise.state

    @rule()
    def the_day_is_swept(self) -> None:
        asked: dict[str, Any] = {
            "today": self.today,
            "zone": ZONE,
            "grace_days": GRACE,
            "float_days": FLOAT,
            "limit": 100,
        }
        for due in self.books.narrowed(promises_to_settle(self.books.conn, **asked)):
            for one in self.books.narrowed(promises_to_settle(self.books.conn, **asked, promise_id=due.id)):
                assert self.books.narrowed(
                    settle_promise(
                        self.books.conn,
                        promise_id=one.id,
                        state=one.outcome,
                        paid_minor=one.paid_minor,
                        now=self.now,
                    )
                )
        for plan in self.books.narrowed(plans_to_settle(self.books.conn, **asked)):
            assert self.books.narrowed(
                move_plan(self.books.conn, plan_id=plan.id, state=plan.outcome, now=self.now)
            )
        self.model.settle_promises(self.today)
        self.model.settle_plans(self.today)

    @invariant()
    def the_database_holds_what_the_model_holds(self) -> None:
        if not hasattr(self, "books"):
            return
        promises = self.books.rows(
            "SELECT decision_id, position, state, coalesce(paid_minor, 0), amount_minor FROM promise ORDER BY 1, 2"
        )
        assert promises == [(p.decision, p.position, p.state, p.paid, p.amount) for p in self.model.promises]
        plans = dict(self.books.rows("SELECT id, state FROM payment_plan"))
        assert plans == {plan.id: plan.state for plan in self.model.plans.values()}

    @invariant()
    def no_money_is_lost_or_counted_twice(self) -> None:
        if not hasattr(self, "books"):
            return
        for plan in self.model.plans.values():
            [[total, parts]] = self.books.rows(
                "SELECT total_minor, (SELECT sum(amount_minor) FROM plan_instalment i WHERE i.plan_id = p.id) FROM payment_plan p WHERE id = %s",
                plan.id,
            )
            assert total == parts == plan.total
        for decision, paid in self.books.rows(
            "SELECT decision_id, coalesce(sum(paid_minor), 0) FROM promise GROUP BY 1"
        ):
            one = next(p for p in self.model.promises if p.decision == decision)
            assert paid <= max(0, self.model.paid_since(one.invoices, one.made, one.before))
        running = [p.invoices for p in self.model.plans.values() if p.state == "active"]
        assert sum(map(len, running)) == len(set().union(*running)), "two plans run on one invoice"

    @override
    def teardown(self) -> None:
        if hasattr(self, "books"):
            self.books.close()


@pytest.mark.proof
def test_promises_and_plans_do_what_the_model_does(worker_database: str, record_property: Any) -> None:
    machine = type("Machine", (PromisesAndPlans,), {"conninfo": worker_database})
    examples = proof_size(test=25, prove=1000)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=25, deadline=None, database=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    record_property("cases", examples)
