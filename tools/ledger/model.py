"""The canonical AR model as the agent reads it: one customer's account on one day.

An `Account` is a snapshot: frozen values, read in one statement, true for `today`. What is derived
(overdue, days past due, aging bucket) is computed here from balance, due date and the day, and is
never stored (ledgers.md 3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from tools.money import Money

Channel = Literal["email", "sms", "voice", "post", "portal"]
LedgerState = Literal["draft", "open", "partially_paid", "paid", "void", "written_off", "reversed", "unknown"]
Bucket = Literal["not_due", "1-30", "31-60", "61-90", "91+"]
Mode = Literal["observe", "draft", "assisted", "automatic"]  # of autonomy (policy.md 2)
Tier = Literal["low", "medium", "high", "unscored"]
HoldReason = Literal[
    "dispute", "payment_claim", "fraud_claim", "representation", "deceased", "safety",
    "hardship", "wrong_party", "complaint", "person_asked", "unclear",
]  # fmt: skip
DisputeReason = Literal[
    "not_received", "quality", "warranty", "price", "duplicate", "already_paid", "wrong_party", "tax", "other",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Customer:
    """Who owes. `region` is a state or province, `owner` the collector whose account it is."""

    id: str
    name: str
    kind: Literal["business", "consumer", "unknown"]
    status: Literal["active", "inactive", "archived", "merged", "erased"]
    currency: str
    language: str
    segment: str
    time_zone: str | None
    region: str | None
    owner: str | None
    terms_days: int | None
    credit_limit_minor: int | None
    hold_reason: str | None
    do_not_contact: bool
    postal_area: str | None = (
        None  # the first three characters of the postal code: a city may have its own rules
    )
    salt: str = field(default="", repr=False)  # of the digests that are kept about the customer


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact point on file. `quiet_hours` is the customer's own wish: {"start": "HH:MM", "end": "HH:MM"}."""

    id: str
    role: Literal["billing", "owner", "site", "other"]
    name: str | None
    channel: Channel
    address: str
    verified_at: datetime | None
    consent: Literal["granted", "implied", "denied", "unknown"]
    opted_out_at: datetime | None
    quiet_hours: dict[str, str] | None
    shared: bool  # the same address stands on another customer too


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice as known on the snapshot's day: `balance_minor` is total less what was applied until then."""

    id: str
    number: str
    issue_date: date
    due_date: date | None
    currency: str
    total_minor: int
    balance_minor: int
    ledger_state: LedgerState
    payment_url: str | None
    job_ref: str | None
    job_state: str | None
    job_notes: str | None  # untrusted

    @property
    def balance(self) -> Money:
        """What is still owed on it."""
        return Money(self.balance_minor, self.currency)

    def days_past_due(self, today: date) -> int:
        """Days since the due date; 0 or less is not overdue, and so is an invoice without a due date."""
        return (today - self.due_date).days if self.due_date else 0

    def is_open(self) -> bool:
        """Owed and collectible: unknown, draft, void, reversed and written-off invoices are not."""
        return self.balance_minor > 0 and self.ledger_state in ("open", "partially_paid", "paid")

    def is_overdue(self, today: date) -> bool:
        """Open and past its due date on `today`."""
        return self.is_open() and self.days_past_due(today) > 0

    def bucket(self, today: date) -> Bucket:
        """The aging bucket on `today`."""
        days = self.days_past_due(today)
        if days <= 0:
            return "not_due"
        return "1-30" if days <= 30 else "31-60" if days <= 60 else "61-90" if days <= 90 else "91+"


@dataclass(frozen=True, slots=True)
class Dispute:
    """An open dispute. `amount_minor` None disputes the whole of its invoices."""

    id: str
    invoice_ids: Sequence[str]
    reason: DisputeReason
    amount_minor: int | None
    state: Literal["open", "under_review"]
    opened_at: datetime | None
    source: Literal["ledger", "customer", "collector"]


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise to pay that is open, or was settled within the last 180 days."""

    id: int
    invoice_ids: Sequence[str]
    amount_minor: int
    currency: str
    due_date: date
    made_at: datetime
    state: Literal["open", "kept", "broken", "partial", "cancelled"]


@dataclass(frozen=True, slots=True)
class Instalment:
    """One payment of a plan."""

    due_date: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A payment plan that is offered, runs or was broken: not one that ended."""

    id: str
    invoice_ids: Sequence[str]
    total_minor: int
    currency: str
    state: Literal["approved", "offered", "active", "defaulted"]
    instalments: Sequence[Instalment]


@dataclass(frozen=True, slots=True)
class Hold:
    """An active hold. `invoice_ids` None holds the whole account."""

    id: int
    reason: HoldReason
    invoice_ids: Sequence[str] | None
    cleared_by: Literal["person", "ledger"]
    placed_at: datetime
    message_id: int | None


@dataclass(frozen=True, slots=True)
class Suppression:
    """An active suppression: `channel` None means every channel, `contact_id` None every contact point."""

    id: int
    channel: Channel | None
    contact_id: str | None
    reason: Literal["opt_out", "wrong_party", "bounced", "complaint"]


@dataclass(frozen=True, slots=True)
class Touch:
    """An outbound message that was sent or is on its way, of the last 30 days, newest first.

    `reply_to` is the inbound message that it answers: replies do not count against the contact budget.
    """

    outbox_id: int
    at: datetime  # sent_at, or not_before while it is queued
    channel: Channel
    purpose: str
    template: str | None
    reply_to: int | None
    state: str


@dataclass(frozen=True, slots=True)
class LadderStep:
    """A dunning step that ran, for the invoice it was anchored to."""

    anchor_invoice_id: str
    step: str
    invoice_ids: Sequence[str]
    at: datetime


@dataclass(frozen=True, slots=True)
class PaymentHistory:
    """Invoices of the customer that were settled before the snapshot's day, and how many late by more than 0/7/15/30 days."""

    settled: int
    late_0d: int
    late_7d: int
    late_15d: int
    late_30d: int


@dataclass(frozen=True, slots=True)
class Account:
    """Everything the policy and the tools may know about one customer on `today`, read in one statement."""

    today: date
    now: datetime
    customer: Customer
    contacts: Sequence[Contact]
    invoices: Sequence[Invoice]  # known on `today` with a balance above 0 on that day, oldest due date first
    disputes: Sequence[Dispute]
    promises: Sequence[Promise]
    plans: Sequence[Plan]
    holds: Sequence[Hold]
    suppressions: Sequence[Suppression]
    touches: Sequence[Touch]
    ladder: Sequence[LadderStep]
    history: PaymentHistory
    portfolio: (
        PaymentHistory  # the same counts over all customers: the base rate that a small history shrinks to
    )
    payments_pending_minor: int  # payments with status pending: on their way, not settled
    ledger_as_of: datetime | None  # when this customer's ledger rows were last read from their source
    ledger_system: str  # "file", or the connector's name: how fresh its facts must be depends on it
    pays_by_mail: bool = False  # the last payment was a cheque: money is longer on its way
    levels: Mapping[str, Mode] = field(default_factory=dict)  # autonomy on record, by action

    def invoice(self, invoice_id: str) -> Invoice | None:
        """The open invoice with that id, if this account has it."""
        return next((invoice for invoice in self.invoices if invoice.id == invoice_id), None)

    def overdue(self) -> list[Invoice]:
        """Open invoices past due on `today`, oldest due date first."""
        return [invoice for invoice in self.invoices if invoice.is_overdue(self.today)]

    def meant(self, named: Sequence[str]) -> list[str]:
        """Ids of the open invoices that `named` means: those; where it names none, all overdue, or else all open."""
        if named:
            return [invoice.id for invoice in self.invoices if invoice.id in named]
        return [i.id for i in self.overdue()] or [i.id for i in self.invoices if i.is_open()]

    def balance_of(self, invoice_ids: Sequence[str]) -> Money:
        """What is owed on those invoices together; ids that are not open here count nothing."""
        return Money(
            sum(i.balance_minor for i in self.invoices if i.id in invoice_ids and i.is_open()),
            self.customer.currency,
        )

    def undisputed(self) -> Money:
        """What is owed less what is disputed: of a part dispute the part, of a whole one its invoices' balances.

        Where disputes overlap, an invoice is disputed for no more than its balance.
        """
        left = {invoice.id: invoice.balance_minor for invoice in self.invoices if invoice.is_open()}
        for dispute in self.disputes:
            rest = dispute.amount_minor
            for invoice_id in dispute.invoice_ids:
                took = left.get(invoice_id, 0) if rest is None else min(left.get(invoice_id, 0), rest)
                if invoice_id in left:
                    left[invoice_id] -= took
                rest = None if rest is None else rest - took
        return Money(sum(left.values()), self.customer.currency)

    def disputed_ids(self) -> set[str]:
        """Invoices under an open dispute."""
        return {invoice_id for dispute in self.disputes for invoice_id in dispute.invoice_ids}

    def held_ids(self) -> set[str]:
        """Invoices that a dispute or a hold takes out of dunning; a hold on the account takes all."""
        if any(hold.invoice_ids is None for hold in self.holds):
            return {invoice.id for invoice in self.invoices}
        return self.disputed_ids() | {
            invoice_id for hold in self.holds for invoice_id in hold.invoice_ids or ()
        }
