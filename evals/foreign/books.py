"""What the default stack knows of one customer: plain lists in memory, as a first version of any agent has them.

Nothing is refused here. What is on record is what the agent's tools wrote; nobody asks whether they may.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from evals.foreign import protocol as says
from evals.scenarios.events import Channel, Seen
from tools.clock import business_day
from tools.company import Company
from tools.errors import Invalid
from tools.ledger.model import (
    Account,
    Contact,
    Customer,
    Dispute,
    Hold,
    Invoice,
    PaymentHistory,
    Plan,
    Promise,
)
from tools.memory.messages import Conversation, StandingFact, WindowMessage
from tools.money import Money

_UNKNOWN = PaymentHistory(0, 0, 0, 0, 0)
_WINDOW = 20  # messages that the prompt may show, as in the product


@dataclass(frozen=True, slots=True)
class Planned:
    """Something for a later day."""

    on: date
    kind: str
    reason: str


@dataclass(slots=True)
class Books:
    """One customer's account, conversation and plans, and the events of the turn that is being played."""

    episode: says.Episode
    id: str
    now: datetime
    invoices: list[Invoice]
    messages: list[WindowMessage]
    disputes: list[Dispute]
    promises: list[Promise] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    facts: list[StandingFact] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)  # channels that the customer opted out of
    strange: set[str] = field(default_factory=set)  # channels on which somebody else answers
    events: list[Seen] = field(default_factory=list)
    heard: WindowMessage | None = None  # the message that is being answered
    paid_minor: int | None = None  # the payment that the ledger shows just now

    @classmethod
    def of(cls, name: str, episode: says.Episode) -> "Books":
        """The books at the beginning of an episode."""
        ledger = [_invoice(invoice) for invoice in episode.invoices]
        said = [
            WindowMessage(
                n, prior.way, prior.channel, prior.purpose if prior.way == "out" else None, None, prior.text,
                prior.channel, prior.at,
            )
            for n, prior in enumerate(episode.history, 1)
        ]  # fmt: skip
        disputed = [
            Dispute(f"d-{i.number}", [i.number], "other", None, "open", None, "ledger")
            for i in episode.invoices
            if i.disputed
        ]
        silent = {contact.channel for contact in episode.contacts if contact.opted_out}
        return cls(episode, name, episode.now, ledger, said, disputed, silent=set(silent))

    @property
    def company(self) -> Company:
        """Whose money it is."""
        return Company(self.episode.company, ZoneInfo(self.episode.company_time_zone), self.episode.currency)

    @property
    def today(self) -> date:
        """The company's day."""
        return business_day(self.now, self.company.zone)

    def saw(self, what: str, **fields: Any) -> None:
        """Something happened."""
        event = says.Answer.model_validate({"events": [{"what": what, **fields}]}).events[0]
        self.events.append(event)

    def hear(self, channel: Channel, text: str) -> WindowMessage:
        """The customer wrote."""
        self.heard = self.keep("in", channel, None, None, text)
        return self.heard

    def keep(
        self, way: Any, channel: Channel, purpose: str | None, template: str | None, text: str
    ) -> WindowMessage:
        """A message of the conversation, of theirs or ours."""
        number = len(self.messages) + 1
        message = WindowMessage(number, way, channel, purpose, template, text, channel, self.now)
        self.messages.append(message)
        return message

    def pay(self, number: str, amount: str | None) -> None:
        """The ledger shows a payment on that invoice."""
        at = next((n for n, invoice in enumerate(self.invoices) if invoice.id == number), None)
        if at is None:
            raise Invalid(f"There is no invoice {number!r}.")
        owed = self.invoices[at].balance_minor
        self.paid_minor = min(owed, minor(amount)) if amount else owed
        self.invoices[at] = replace(self.invoices[at], balance_minor=owed - self.paid_minor)

    def hold(self, reason: Any, invoices: Sequence[str] = ()) -> None:
        """Write down that nothing is to be demanded; of some invoices, or of the account."""
        held = list(invoices) or None
        self.holds.append(Hold(len(self.holds) + 1, reason, held, "person", self.now, None))
        self.saw("hold", reason=reason, invoices=held or [])

    def account(self) -> Account:
        """The books as an account, for the prompt's document and for rendering."""
        owes = self.episode.customer
        customer = Customer(
            id=self.id, name=owes.name, kind=owes.kind, status="active", currency=self.episode.currency,
            language=owes.language, segment="default", time_zone=owes.time_zone, region=owes.region, owner=None,
            terms_days=30, credit_limit_minor=None, hold_reason=owes.hold, do_not_contact=False,
        )  # fmt: skip
        contacts = [
            Contact(
                id=c.channel, role="billing", name=c.name, channel=c.channel, address=c.address,
                verified_at=self.episode.now if c.verified else None, consent="denied" if c.channel in self.strange else "granted",
                opted_out_at=self.episode.now if c.channel in self.silent else None, quiet_hours=None, shared=False,
            )
            for c in self.episode.contacts
        ]  # fmt: skip
        return Account(
            today=self.today, now=self.now, customer=customer, contacts=contacts,
            invoices=sorted((i for i in self.invoices if i.balance_minor > 0), key=lambda i: (i.due_date, i.id)),
            disputes=self.disputes, promises=self.promises, plans=self.plans, holds=self.holds, suppressions=[],
            touches=[], ladder=[], history=_UNKNOWN, portfolio=_UNKNOWN, payments_pending_minor=0,
            ledger_as_of=self.now, ledger_system="file",
        )  # fmt: skip

    def latest_offer(self) -> str | None:
        """The id of the plan that a person approved last and the customer may still accept."""
        offers = [plan.id for plan in self.plans if plan.state in ("approved", "offered")]
        return offers[-1] if offers else None

    def conversation(self) -> Conversation:
        """What was said, the newest messages."""
        facts = self.facts[::-1]
        return Conversation(self.messages[-_WINDOW:], len(self.messages), facts, len(facts))


def minor(amount: str | Decimal) -> int:
    """Cents."""
    return Money.of(amount, says.CURRENCY).minor


def plain(cents: int) -> str:
    """Cents as an event has them."""
    return f"{Money(cents, says.CURRENCY).decimal:.2f}"


def _invoice(given: Any) -> Invoice:
    total, paid = minor(given.amount), minor(given.paid)
    return Invoice(
        id=given.number, number=given.number, issue_date=given.due, due_date=given.due, currency=says.CURRENCY,
        total_minor=total, balance_minor=total - paid, ledger_state="partially_paid" if paid else "open",
        payment_url=f"https://pay.example/{given.number}", job_ref=None, job_state=None, job_notes=None,
    )  # fmt: skip
