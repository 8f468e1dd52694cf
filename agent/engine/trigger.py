"""What opens an episode, and the key that makes it happen once."""

from dataclasses import dataclass
from typing import Any, Literal

from agent.policy.verdict import TriggerKind
from tools.spec import digest

Event = Literal[
    "payment", "payment_reversed", "credit", "dispute_opened", "dispute_closed", "balance_changed",
    "promise_kept", "promise_broken", "plan_approved",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trigger:
    """One reason to think about one customer. `turn_key` is unique for the reason: the fence that a commit passes once."""

    kind: TriggerKind
    customer_id: str
    turn_key: str
    message_id: int | None = None
    step: str | None = None
    channel: Literal["email", "sms"] | None = None
    anchor_invoice_id: str | None = None
    event: Event | None = None
    event_id: int | None = None
    payment_minor: int | None = None
    follow_up_id: int | None = None
    follow_up_kind: str | None = None
    follow_up_reason: str | None = None
    note: str | None = None  # a collector's words: why a draft was rejected, or what is requested
    rejected: dict[str, Any] | None = None
    redrafts: int = 0
    rejected_approval: str | None = None
    requested_by: str | None = None
    of_episode: str | None = None  # a decided approval goes on with the episode that asked

    @property
    def episode_id(self) -> str:
        """The same trigger is the same episode, on every attempt."""
        return self.of_episode or f"ep-{digest(self.turn_key)[:16]}"

    def record(self) -> dict[str, Any]:
        """Kind and ids for the episode's row: no text of anybody."""
        names = (
            "kind", "message_id", "step", "channel", "anchor_invoice_id", "event", "event_id", "payment_minor",
            "follow_up_id", "redrafts", "rejected_approval",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names if getattr(self, name) not in (None, 0)}


def inbound(customer_id: str, message_id: int) -> Trigger:
    """The customer wrote."""
    return Trigger("inbound", customer_id, f"message:{message_id}", message_id=message_id)
