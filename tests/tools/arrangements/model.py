"""Promises and plans in plain Python: what should be there after every step."""

from dataclasses import dataclass, field
from datetime import date, timedelta

GRACE, FLOAT = 1, 5


@dataclass
class Promised:
    decision: int
    position: int
    invoices: set[str]
    amount: int
    due: date
    made: date
    before: int
    state: str = "open"
    paid: int = 0


@dataclass
class Planned:
    id: str
    invoices: set[str]
    parts: list[tuple[date, int]]
    made: date
    before: int
    state: str = "approved"

    @property
    def total(self) -> int:
        return sum(amount for _, amount in self.parts)


@dataclass
class Model:
    """What should be there: invoices with what was applied to them, and the arrangements."""

    totals: dict[str, int]
    applied: dict[str, list[tuple[date, int]]]
    by_cheque: bool = False
    promises: list[Promised] = field(default_factory=list)
    plans: dict[str, Planned] = field(default_factory=dict)

    def balance(self, invoice: str) -> int:
        return self.totals[invoice] - sum(minor for _, minor in self.applied[invoice])

    def paid_since(self, invoices: set[str], made: date, before: int) -> int:
        return sum(m for i in invoices for day, m in self.applied[i] if day >= made) - before

    def applied_on_or_after(self, invoices: set[str], day: date) -> int:
        return self.paid_since(invoices, day, 0)

    def last_day(self, due: date) -> date:
        return due + timedelta(days=GRACE + (FLOAT if self.by_cheque else 0))

    def settle_promises(self, today: date) -> None:
        for one in sorted((p for p in self.promises if p.state == "open"), key=lambda p: (p.due, p.position)):
            earlier = [
                p
                for p in self.promises
                if p.decision == one.decision and (p.due, p.position) < (one.due, one.position)
            ]
            spoken_for = sum(p.amount if p.state in ("open", "kept") else p.paid for p in earlier)
            paid = min(one.amount, max(0, self.paid_since(one.invoices, one.made, one.before) - spoken_for))
            if paid == one.amount:
                one.state, one.paid = "kept", paid
            elif self.last_day(one.due) <= today:
                one.state, one.paid = ("partial" if paid else "broken"), paid

    def settle_plans(self, today: date) -> None:
        for plan in self.plans.values():
            if plan.state != "active":
                continue
            paid = max(0, self.paid_since(plan.invoices, plan.made, plan.before))
            due = sum(amount for on, amount in plan.parts if self.last_day(on) <= today)
            left = sum(self.balance(invoice) for invoice in plan.invoices)
            if paid >= plan.total or left == 0:
                plan.state = "completed"
            elif paid < due:
                plan.state = "defaulted"
