"""The channel port: how a message leaves. Only the sender calls it."""

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message, ready to leave. `key` is our idempotency key: the outbox row's id."""

    key: str
    channel: Literal["email", "sms"]
    to: str
    subject: str | None
    body: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider took it: its own id, and whether it already says delivered."""

    provider_id: str
    delivered: bool = False


class Channel(Protocol):
    """A provider of one or more channels."""

    async def send(self, message: Outbound) -> Receipt:
        """Hand the message over once. Raises Unavailable when the provider did not take it, and says so."""
        ...
