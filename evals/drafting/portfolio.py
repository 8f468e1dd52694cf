"""The accounts that templates are drafted for, as the ledger would give them."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any, Literal

from evals.bench.people import COMPANY
from tools.dunning.generate_dunning_message import MessageChannel
from tools.dunning.offers import plan_instalments
from tools.ledger.model import Account, Contact, Customer, Invoice, PaymentHistory, Plan, Promise
from tools.money import Money

TODAY = date(2026, 3, 17)
NOW = datetime(2026, 3, 17, 15, 0, tzinfo=UTC)
_CHANNELS: tuple[MessageChannel, ...] = ("sms", "email")


@dataclass(frozen=True, slots=True)
class Debtor:
    """Somebody to write to. `first_name`: how they are greeted; None: not by name."""

    id: str
    customer: str
    kind: Literal["business", "consumer"]
    links: Literal["one", "each", "none"]
    contact: str | None = None
    first_name: str | None = None
    company: str = COMPANY.name
    currency: str = "USD"
    many: int = 0
    invoices: Sequence[dict[str, Any]] = ()

    def account(self, language: str) -> Account:
        """The ledger's view: overdue invoices, a promise of half of it in two parts, a plan of three months for all."""
        invoices = [self._invoice(n, row) for n, row in enumerate(self._rows())]
        balance = Money(sum(invoice.balance_minor for invoice in invoices), self.currency)
        first = Money(max(1, balance.minor // 4), self.currency)
        ids = [invoice.id for invoice in invoices]
        parts = plan_instalments(balance, 3, "month", date(2026, 4, 1))
        history = PaymentHistory(settled=4, late_0d=1, late_7d=1, late_15d=0, late_30d=0)
        return Account(
            today=TODAY, now=NOW, customer=self._customer(language), contacts=[self._contact(channel) for channel in _CHANNELS],
            invoices=invoices, disputes=[], holds=[], suppressions=[], touches=[], ladder=[],
            promises=[
                Promise(n, ids, first.minor, self.currency, date(2026, 3, 27) + timedelta(days=7 * n), NOW, "open") for n in (0, 1)
            ],
            plans=[Plan(id="plan", invoice_ids=ids, total_minor=balance.minor, currency=self.currency, state="approved", instalments=parts)],
            history=history, portfolio=history, payments_pending_minor=0, ledger_as_of=NOW, ledger_system="csv",
        )  # fmt: skip

    def _rows(self) -> Sequence[dict[str, Any]]:
        return self.invoices or [
            {"number": f"LPM-{n:04}", "total": f"{100 + 37 * n}.{n:02}", "due": date(2026, 1, 5) + timedelta(days=2 * n)}
            for n in range(1, self.many + 1)
        ]  # fmt: skip

    def _invoice(self, n: int, row: dict[str, Any]) -> Invoice:
        total, paid = (int(Decimal(row.get(name, "0")) * 100) for name in ("total", "paid"))
        url = {"one": f"https://pay.example/{self.id}", "each": f"https://pay.example/{row['number']}"}
        return Invoice(
            id=f"i{n}", number=row["number"], issue_date=date(2026, 1, 2), due_date=row.get("due"), currency=self.currency,
            total_minor=total, balance_minor=total - paid, ledger_state="partially_paid" if paid else "open",
            payment_url=url.get(self.links), job_ref=None, job_state=None, job_notes=None,
        )  # fmt: skip

    def _contact(self, channel: MessageChannel) -> Contact:
        return Contact(
            id=channel, role="billing", name=self.contact, channel=channel, address=f"{channel}@{self.id}.example",
            verified_at=NOW, consent="granted", opted_out_at=None, quiet_hours=None, shared=False,
        )  # fmt: skip

    def _customer(self, language: str) -> Customer:
        return Customer(
            id=self.id, name=self.customer, kind=self.kind, status="active", currency=self.currency, language=language,
            segment="assisted", time_zone="America/Chicago", region="IL", owner=None, terms_days=30,
            credit_limit_minor=None, hold_reason=None, do_not_contact=False,
        )  # fmt: skip


@cache
def portfolio() -> Sequence[Debtor]:
    """Everybody in portfolio.toml."""
    text = resources.files(__package__ or "").joinpath("portfolio.toml").read_text("utf-8")
    return [Debtor(**row) for row in tomllib.loads(text)["account"]]
