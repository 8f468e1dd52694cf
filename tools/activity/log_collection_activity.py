"""Record: the tool `log_collection_activity`, a discriminated union of what can be recorded.

Where a record is about an address, a person or exact words, it carries `quote`: a span copied from the
inbound message. Code finds the span there and extracts the value; a quote that is not in the message is refused.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from tools.ledger.model import DisputeReason
from tools.spec import ToolArgs

Quote = Annotated[
    str, Field(min_length=1, max_length=500, description="Words copied from the customer's message.")
]
Amount = Annotated[
    str, Field(pattern=r"^\d{1,12}(\.\d{1,3})?$", description="A plain decimal such as 250 or 12.30.")
]
Invoices = Annotated[
    list[str], Field(max_length=200, description="Invoice ids; empty means all that are overdue.")
]


class PromisedPayment(ToolArgs):
    """One payment of a promise."""

    amount: Amount
    on: date


class PromiseRecord(ToolArgs):
    """The customer promised to pay: one payment, or several on days that they named themselves."""

    kind: Literal["promise"]
    payments: Annotated[list[PromisedPayment], Field(min_length=1, max_length=6)]
    invoices: Invoices


class PlanRequestRecord(ToolArgs):
    """The customer asks to pay in parts, or accepts the offered plan `offer`."""

    kind: Literal["plan_request"]
    instalments: Annotated[int, Field(ge=2, le=24)]
    every: Literal["week", "fortnight", "month"]
    first_on: date | None
    invoices: Invoices
    offer: str | None


class DisputeRecord(ToolArgs):
    """The customer contests invoices: quality, price, not received, refund, warranty, duplicate, ..."""

    kind: Literal["dispute"]
    reason: DisputeReason
    invoices: Invoices
    amount: Amount | None
    quote: Quote


class PaymentClaimRecord(ToolArgs):
    """The customer says that it was paid already."""

    kind: Literal["payment_claim"]
    invoices: Invoices
    quote: Quote


class OptOutRecord(ToolArgs):
    """The customer does not want messages: on the channel they wrote on, by `sms` or by `email` where their words name
    that one ("no texts, e-mail is fine"), or at all. In doubt the broader.
    """

    kind: Literal["opt_out"]
    scope: Literal["this_channel", "sms", "email", "all"]
    quote: Quote


class ContactChangeRecord(ToolArgs):
    """The customer names another contact point, payee or remittance detail; a person verifies it first."""

    kind: Literal["contact_change"]
    quote: Quote


class HardshipRecord(ToolArgs):
    """Hardship, illness, job loss or vulnerability: demands pause."""

    kind: Literal["hardship"]
    quote: Quote


class RepresentationRecord(ToolArgs):
    """Attorney, bankruptcy, cease request, regulator or lawsuit threat, active duty: everything stops."""

    kind: Literal["representation"]
    basis: Literal["attorney", "bankruptcy", "cease_request", "regulator", "lawsuit_threat", "active_duty"]
    quote: Quote


class DeceasedRecord(ToolArgs):
    """The account holder has died."""

    kind: Literal["deceased"]
    quote: Quote


class FraudClaimRecord(ToolArgs):
    """The customer claims fraud or identity theft."""

    kind: Literal["fraud_claim"]
    quote: Quote


class WrongPartyRecord(ToolArgs):
    """Wrong number, a third party or a minor answers."""

    kind: Literal["wrong_party"]
    quote: Quote


class ConcessionRequestRecord(ToolArgs):
    """The customer asks for a discount, settlement, waiver, credit or refund."""

    kind: Literal["concession_request"]
    quote: Quote


class CreditHoldRecommendationRecord(ToolArgs):
    """Recommend a credit hold to a manager."""

    kind: Literal["credit_hold_recommendation"]
    reason: Annotated[str, Field(min_length=1, max_length=300)]


class PreferenceRecord(ToolArgs):
    """A wish that stays true: channel, language, hours, "AP pays on Thursdays"."""

    kind: Literal["preference"]
    about: Literal["channel", "language", "hours", "payment_habit", "contact_role", "other"]
    quote: Quote


class NoteRecord(ToolArgs):
    """A fact worth keeping that has no record of its own."""

    kind: Literal["note"]
    text: Annotated[str, Field(min_length=1, max_length=500)]


class EscalationRecord(ToolArgs):
    """Hand over to a person, now: asked for, a threat, a complaint, or you are unsure."""

    kind: Literal["escalation"]
    why: Literal["asked_for_person", "self_harm", "threat", "complaint", "unsure", "other"]
    quote: Quote | None


Record = Annotated[
    PromiseRecord | PlanRequestRecord | DisputeRecord | PaymentClaimRecord | OptOutRecord | ContactChangeRecord
    | HardshipRecord | RepresentationRecord | DeceasedRecord | FraudClaimRecord | WrongPartyRecord
    | ConcessionRequestRecord | CreditHoldRecommendationRecord | PreferenceRecord | NoteRecord | EscalationRecord,
    Field(discriminator="kind"),
]  # fmt: skip


class LogCollectionActivity(ToolArgs):
    """Stage one record of what the customer said or asked. A stop (dispute, opt-out, hardship, ...) brings its hold."""

    model_config = ConfigDict(title="log_collection_activity")
    record: Record
