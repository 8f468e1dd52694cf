"""What a row says once it is read: frozen values in our terms, each knowing the line it came from."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any, Literal

from tools.ledger.importer.reader import Place
from tools.ledger.model import LedgerState

ReceiptKind = Literal["payment", "credit"]


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer as the source states it."""

    place: Place
    id: str
    name: str
    kind: str
    parent_id: str | None
    currency: str
    time_zone: str | None
    region: str | None
    postal_area: str | None  # the first three characters of the postal code; more is not kept
    language: str
    terms_days: int | None
    credit_limit_minor: int | None
    status: str
    segment: str
    owner: str | None
    hold_reason: str | None
    do_not_contact: bool
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A contact point: a normalised address on one channel."""

    place: Place
    id: str | None
    customer_id: str
    role: str
    name: str | None
    channel: str
    address: str
    verified_at: datetime | None
    consent: str
    consent_source: str | None
    consent_at: datetime | None
    opted_out_at: datetime | None
    quiet_hours: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """An invoice. `stated_minor` is the balance that the source gives, None where it gives none."""

    place: Place
    id: str
    customer_id: str
    number: str
    po_number: str | None
    job_ref: str | None
    job_state: str | None
    job_notes: str | None
    issue_date: date
    due_date: date | None
    terms: str | None
    terms_days: int | None
    currency: str
    total_minor: int
    tax_minor: int
    stated_minor: int | None
    state: LedgerState
    paid_date: date | None
    settled_on: date | None
    disputed: bool | None  # None: the source has no such column
    posted_at: datetime | None
    sent_at: datetime | None
    payment_url: str | None
    modified_at: datetime | None
    deleted: bool


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """One row about a payment or a credit memo: both are money that is applied to invoices."""

    place: Place
    kind: ReceiptKind
    id: str | None
    customer_id: str | None
    invoice: str | None
    on: date
    applied_on: date
    amount_minor: int
    applied_minor: int | None
    remaining_minor: int | None
    currency: str
    status: str
    number: str | None = None
    method: str = "other"
    reference: str | None = None
    failure_code: str | None = None
    processor_ref: str | None = None


@dataclass(frozen=True, slots=True)
class DisputeLine:
    """One row about a dispute: one of its invoices."""

    place: Place
    id: str | None
    customer_id: str | None
    invoice: str
    reason: str
    amount_minor: int | None
    currency: str
    state: str
    opened_at: datetime | None
    closed_at: datetime | None
    outcome: str | None


AnyRow = CustomerRow | ContactRow | InvoiceRow | ReceiptLine | DisputeLine


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that did not go in. The reason never quotes a cell: a shifted column may hold a name."""

    place: Place
    reason: str
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """All files of one import, read."""

    customers: Sequence[CustomerRow]
    contacts: Sequence[ContactRow]
    invoices: Sequence[InvoiceRow]
    payments: Sequence[ReceiptLine]
    credits: Sequence[ReceiptLine]
    disputes: Sequence[DisputeLine]
    rejected: Sequence[Rejected]


def record(row: AnyRow) -> dict[str, Any]:
    """The row as JSON-ready column values, without its place."""
    return {f.name: _plain(getattr(row, f.name)) for f in fields(row) if f.name != "place"}


def _plain(value: object) -> object:
    return (
        value.isoformat() if isinstance(value, date) else list(value) if isinstance(value, tuple) else value
    )


def raw_hash(rows: Sequence[AnyRow]) -> str:
    """A fingerprint of what the source says, by which a later import knows whether it changed."""
    said = [{key: value for key, value in asdict(row).items() if key != "place"} for row in rows]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()
