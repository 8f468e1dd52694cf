"""A drafted message: the value that rendering makes, the policy judges and the outbox sends."""

from collections.abc import Sequence
from dataclasses import dataclass

from tools.dunning.generate_dunning_message import MessageChannel, Purpose


@dataclass(frozen=True, slots=True)
class Draft:
    """One message, rendered for one contact point, with what the checks found in it.

    `untraced` are figures, dates, numbers or links in the text that no ledger record or approved offer explains;
    `denied` are denied wordings found in it; `segments` counts SMS segments (None for email).
    """

    contact_id: str
    channel: MessageChannel
    language: str
    purpose: Purpose
    template: str | None  # None: free text
    version: str  # content hash of the template, or of the free text's frame
    subject: str | None
    body: str
    amount_minor: int  # what the message asks for or speaks about: the balance of its invoices
    untraced: Sequence[str]
    denied: Sequence[str]
    segments: int | None
    way_out: bool  # the text says how to opt out
    disclosed: bool  # the text says that an automated assistant writes
    language_fallback: bool  # the customer's language has no reviewed template: English was used
    telling: Sequence[
        str
    ] = ()  # what the subject, or the start of a text message, tells a bystander of a debt
