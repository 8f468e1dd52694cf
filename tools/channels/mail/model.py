"""What an e-mail is to us: frozen facts, no content of attachments, nothing that can act."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Automatic = Literal["auto_reply", "out_of_office", "bounce", "mailing_list", "loop"]


@dataclass(frozen=True, slots=True)
class Address:
    """An address as it was written, and the name beside it (empty when there was none)."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        """What stands behind the @, in small letters."""
        return self.address.rpartition("@")[2].lower().rstrip(".")


@dataclass(frozen=True, slots=True)
class Attachment:
    """What a person may fetch: never its content. `size` is in bytes, decoded."""

    name: str
    type: str
    size: int


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a mail server said about a message of ours; what it did not say is None.

    `status` is the enhanced status code of RFC 3463 (5.1.1), `action` one of RFC 3464's words: only "failed" means
    that the message will never arrive; "delayed", "delivered", "relayed" and "expanded" are news, not failures.
    """

    recipient: str | None
    status: str | None
    action: str | None


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail that came in. All of it is untrusted text.

    `text` is everything that a reader would see; `said` is what its writer wrote in this mail: without quotes,
    signature and our own opt-out line. `unstripped`: stripping left nothing, so that `said` is the whole text.
    `cut`: something was longer than we keep. `damaged`: something could not be read as its sender meant it.
    `sender` is None where the From line names nobody or more than one. Message-IDs stand in angle brackets.
    """

    message_id: str | None
    in_reply_to: str | None
    references: tuple[str, ...]
    sender: Address | None
    recipients: tuple[Address, ...]
    subject: str
    sent_at: datetime | None
    text: str
    said: str
    html: str | None
    attachments: tuple[Attachment, ...]
    automatic: Automatic | None
    bounce: Bounce | None
    forwarded: bool
    unstripped: bool
    cut: bool
    damaged: bool
