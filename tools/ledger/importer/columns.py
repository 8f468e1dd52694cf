"""The canonical fields of each entity, and where a mapping may say that they come from."""

from collections.abc import Mapping as ReadOnlyDict
from typing import Annotated, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, StringConstraints

from tools.ledger.model import Channel, DisputeReason, LedgerState

Text = Annotated[str, StringConstraints(min_length=1)]
Values = ReadOnlyDict[str, frozenset[str]]

_STATES = frozenset(get_args(LedgerState))


class Strict(BaseModel):
    """Part of a mapping: a key that we do not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Const(Strict):
    """A value for every row, where the file has no such column."""

    const: str


Column = Text | Const


class Columns(Strict):
    """The canonical fields of one entity; `choices` are the values that a field may take."""

    choices: ClassVar[Values] = {}


class CustomerColumns(Columns):
    """Who owes."""

    id: Column
    name: Column
    kind: Column | None = None
    parent_id: Column | None = None
    currency: Column | None = None
    time_zone: Column | None = None
    region: Column | None = None
    postal_code: Column | None = None
    language: Column | None = None
    terms_days: Column | None = None
    credit_limit: Column | None = None
    status: Column | None = None
    segment: Column | None = None
    owner: Column | None = None
    hold_reason: Column | None = None
    do_not_contact: Column | None = None
    tags: Column | None = None  # separated by semicolons

    choices: ClassVar[Values] = {
        "kind": frozenset({"business", "consumer", "unknown"}),
        "status": frozenset({"active", "inactive", "archived"}),
    }


class ContactColumns(Columns):
    """How to reach them: one contact point a row."""

    customer_id: Column
    channel: Column
    address: Column
    id: Column | None = None
    role: Column | None = None
    name: Column | None = None
    verified_at: Column | None = None
    consent: Column | None = None
    consent_source: Column | None = None
    consent_at: Column | None = None
    opted_out_at: Column | None = None
    quiet_start: Column | None = None  # HH:MM: the customer wants to hear from us from then
    quiet_end: Column | None = None  # HH:MM: until then

    choices: ClassVar[Values] = {
        "channel": frozenset(get_args(Channel)),
        "role": frozenset({"billing", "owner", "site", "other"}),
        "consent": frozenset({"granted", "implied", "denied", "unknown"}),
    }


class InvoiceColumns(Columns):
    """What is owed. Without an `id` column the number is the id."""

    number: Column
    customer_id: Column
    issue_date: Column
    total: Column
    id: Column | None = None
    due_date: Column | None = None
    terms: Column | None = None
    terms_days: Column | None = None
    currency: Column | None = None
    tax: Column | None = None
    balance: Column | None = None
    status: Column | None = None
    paid_date: Column | None = None
    settled_on: Column | None = None  # the day on which the whole of it was paid
    disputed: Column | None = None  # yes or no, where the source does not say since when
    po_number: Column | None = None
    job_ref: Column | None = None
    job_state: Column | None = None
    job_notes: Column | None = None
    posted_at: Column | None = None
    sent_at: Column | None = None
    payment_url: Column | None = None
    modified_at: Column | None = None
    deleted: Column | None = None

    choices: ClassVar[Values] = {"status": _STATES}


class PaymentColumns(Columns):
    """Money that came in. One row a payment, or one row for each invoice that a payment was applied to.

    With `applied`, `amount` is the whole payment on each of its rows; without it, a payment is the sum of its rows.
    """

    amount: Column
    paid_on: Column
    id: Column | None = None
    customer_id: Column | None = None
    invoice: Column | None = None  # the invoice's id or number
    applied: Column | None = None
    currency: Column | None = None
    method: Column | None = None
    reference: Column | None = None
    status: Column | None = None
    failure_code: Column | None = None
    processor_ref: Column | None = None

    choices: ClassVar[Values] = {
        "method": frozenset({"card", "ach", "check", "cash", "wire", "financing", "other"}),
        "status": frozenset({"pending", "succeeded", "failed", "refunded", "voided", "charged_back"}),
    }


class CreditColumns(Columns):
    """Credit memos. Rows and `applied` work as for payments; the sign of the amount does not matter."""

    amount: Column
    issue_date: Column
    number: Column
    id: Column | None = None
    customer_id: Column | None = None
    invoice: Column | None = None
    applied: Column | None = None
    remaining: Column | None = None
    applied_on: Column | None = None
    currency: Column | None = None
    status: Column | None = None

    choices: ClassVar[Values] = {"status": _STATES}


class DisputeColumns(Columns):
    """What the customer contests. One row for each invoice of a dispute."""

    invoice: Column
    id: Column | None = None
    customer_id: Column | None = None
    reason: Column | None = None
    amount: Column | None = None  # empty: the whole of its invoices
    currency: Column | None = None
    state: Column | None = None
    opened_at: Column | None = None
    closed_at: Column | None = None
    outcome: Column | None = None

    choices: ClassVar[Values] = {
        "reason": frozenset(get_args(DisputeReason)),
        "state": frozenset({"open", "under_review", "resolved_for_customer", "resolved_for_us", "withdrawn"}),
    }
