"""What a signal is: a record kind, the words that carried it, and its detail."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing in the customer's own words that stops or narrows outreach.

    `kind` is a record kind of log_collection_activity. `quote` is copied from the message, never longer than a
    record takes. `detail` is the opt-out's scope, the dispute's reason, the representation's basis or the
    escalation's why; None for every other kind.
    """

    kind: str
    quote: str
    detail: str | None = None
