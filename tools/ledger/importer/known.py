"""What the ledger copy already holds of the things that an import names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from tools.ledger.model import LedgerState


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    """A customer before the import."""

    id: str
    ext_system: str
    currency: str
    terms_days: int | None
    status: str


@dataclass(frozen=True, slots=True)
class KnownContact:
    """A contact point before the import."""

    id: str
    customer_id: str
    channel: str
    address: str


@dataclass(frozen=True, slots=True)
class KnownInvoice:
    """An invoice before the import."""

    id: str
    ext_system: str
    customer_id: str
    number: str
    currency: str
    total_minor: int
    balance_minor: int
    issue_date: date
    ledger_state: LedgerState


@dataclass(frozen=True, slots=True)
class KnownReceipt:
    """A payment or a credit memo before the import; `status` is the credit memo's state."""

    id: str
    ext_system: str
    customer_id: str
    status: str


@dataclass(frozen=True, slots=True)
class KnownAllocation:
    """An allocation before the import; `stated_at` is when its payment was last read from the source."""

    id: str
    payment_id: str | None
    credit_memo_id: str | None
    invoice_id: str
    amount_minor: int
    applied_on: date
    stated_at: datetime | None


@dataclass(frozen=True, slots=True)
class KnownDispute:
    """A dispute before the import."""

    id: str
    customer_id: str
    source: str
    state: str
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Known:
    """All of it, by id."""

    customers: dict[str, KnownCustomer]
    contacts: Sequence[KnownContact]
    invoices: dict[str, KnownInvoice]
    payments: dict[str, KnownReceipt]
    credits: dict[str, KnownReceipt]
    allocations: Sequence[KnownAllocation]
    disputes: dict[str, KnownDispute]
