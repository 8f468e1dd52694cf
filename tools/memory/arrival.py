"""Arrivals: a message as a provider delivered it, and who may have written it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Unmatched = Literal[
    "unknown_sender", "shared_address", "other_sender", "not_vouched_for", "forwarded", "automatic"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One delivered message. `provider_id` is the same for every delivery of it; `body` is what is new in its text."""

    channel: Literal["email", "sms"]
    provider_id: str
    address: (
        str  # the sender's, as contact points are stored: e-mail in lower case, telephone numbers in E.164
    )
    body: str
    at: datetime
    subject: str | None = None
    original: str | None = None  # an e-mail's whole text, where it is more than `body`
    html: str | None = None  # sanitised
    internet_id: str | None = None  # an e-mail's Message-ID
    attachments: Sequence[dict[str, Any]] = ()  # name, type and size (or address) of each; never content
    answers: int | None = None  # the outbox row whose signed reply address it came to
    follows: Sequence[str] = ()  # Message-IDs that it says it answers
    vouched_for: bool = True  # the provider says that the sender's address is no forgery
    forwarded: bool = False
    automatic: str | None = None  # which kind of mail no person wrote: never answered
    carrier: Literal["STOP", "START", "HELP"] | None = None  # what the carrier took it for, by whatever word
    carrier_answered: bool = False  # the carrier has answered it already


@dataclass(frozen=True, slots=True)
class Candidate:
    """A contact point with the sender's address; or, `by_thread`, the one that the answered message went to."""

    contact_id: str
    customer_id: str
    by_thread: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """Who wrote, beyond doubt."""

    contact_id: str
    customer_id: str


def whose(arrival: Arrival, candidates: Sequence[Candidate]) -> Known | Unmatched:
    """Who wrote, or why a person has to look: in doubt nobody is answered and nothing is disclosed (issue: who is writing).

    The signed reply address tells the thread, the sender's address the writer: both must agree where both speak. An
    address on several customers is decided by the thread alone, and a sender whom nobody vouches for by nothing.
    """
    own = [c for c in candidates if not c.by_thread]
    thread = {c.customer_id for c in candidates if c.by_thread}
    if not own:
        return "other_sender" if thread else "unknown_sender"
    if not arrival.vouched_for:
        return "not_vouched_for"
    if thread:
        own = [c for c in own if c.customer_id in thread]
        if not own:
            return "other_sender"
    if len({c.customer_id for c in own}) > 1:
        return "shared_address"
    if arrival.forwarded:
        return "forwarded"
    return Known(own[0].contact_id, own[0].customer_id)
