"""The channel port: how a message leaves. Only the sender calls it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Literal, Protocol

from tools.errors import CollectionsError

ChannelName = Literal["email", "sms"]


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message, ready to leave. `key` is our idempotency key: the outbox row's id, the same on every attempt."""

    key: str
    channel: ChannelName
    to: str
    subject: str | None
    body: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider took it: its own id, and whether it already says delivered."""

    provider_id: str
    delivered: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a provider takes messages: `per_second` on average and `burst` at once, all senders together."""

    per_second: float
    burst: int = 1


class NotTaken(CollectionsError):
    """The provider surely did not take the message (429, connection refused): sending it again sends nothing twice."""

    status: ClassVar[int] = 503
    retryable: ClassVar[bool] = True

    def __init__(self, why: str, retry_after: timedelta | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class Rejected(CollectionsError):
    """The provider will never take this message (bad number, suppressed): `code` and `reason` are its own words."""

    status: ClassVar[int] = 422

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code, self.reason = code, reason


class CannotSay(CollectionsError):
    """The provider cannot be asked whether it holds a message: a person has to find out."""


class Channel(Protocol):
    """A provider of one or more channels."""

    pace: Pace | None = None
    # How long after a call the provider may still come to hold its message: only then does "not found" mean never.
    settling: timedelta = timedelta(minutes=2)

    async def send(self, message: Outbound) -> Receipt:
        """Hand the message over once.

        Raises NotTaken or Rejected where the provider surely did not take it. Every other error, Unavailable first of
        all (no answer, 5xx, the line broke), leaves it unknown whether it did.
        """
        ...

    async def find(self, key: str) -> Receipt | None:  # noqa: ARG002 - what this default does not know, others do
        """The message that the provider holds under our key; None when it surely holds none.

        Raises CannotSay where the provider does not know our keys, Unavailable where it does not answer now.
        """
        raise CannotSay("This provider cannot be asked for a message by our key.")
