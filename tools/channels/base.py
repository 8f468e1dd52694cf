"""The channel port: how a message leaves. Only the sender calls it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
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
    since: datetime  # when its first call may have begun: a provider that is asked for it need not look further back
    follows: tuple[
        str, ...
    ] = ()  # Message-IDs of the e-mails that it answers, in angle brackets, oldest first
    # The provider's ids of messages to `to` that are known not to be this one.
    others: frozenset[str] = frozenset()


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
    """The provider will never take this message (bad number, suppressed): `code` and `reason` are its own words.

    `stop` is what that says of the recipient: they have opted out there, or their address takes no messages.
    """

    status: ClassVar[int] = 422

    def __init__(self, code: str, reason: str, stop: Literal["opt_out", "bounced"] | None = None) -> None:
        super().__init__(f"{code}: {reason}")
        self.code, self.reason, self.stop = code, reason, stop


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

    async def find(self, message: Outbound) -> Receipt | None:  # noqa: ARG002 - what this default does not know, others do
        """The message as the provider holds it, by our key or by all that makes it up; None when it surely holds none.

        Raises CannotSay where the provider cannot be asked, Unavailable where it does not answer now.
        """
        raise CannotSay("This provider cannot be asked for a message.")


Channels = Mapping[ChannelName, Channel]


def everywhere(channel: Channel) -> Channels:
    """One provider for every channel."""
    return {"sms": channel, "email": channel}
