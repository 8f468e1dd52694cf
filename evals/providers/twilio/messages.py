"""What the fake Twilio holds: messages and opt-outs, in a record of JSON lines that outlives it."""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, TextIO
from uuid import uuid4

from evals.providers.stand_in import Accepted
from tools.dunning.segments import segments

API = "2010-04-01"
# The default words on long codes (facts, channels §1.5): the whole message, in any case.
STOP_WORDS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
START_WORDS = frozenset({"start", "yes", "unstop"})
HELP_WORDS = frozenset({"help", "info"})


@dataclass(frozen=True, slots=True)
class Message:
    """A Message resource. Times are ISO 8601; `call` counts the requests, `key` is the one in the callback's URL."""

    sid: str
    to: str
    from_: str
    body: str
    direction: str
    status: str
    created: str
    key: str = ""
    service: str | None = None
    callback: str | None = None
    error_code: int | None = None
    media: tuple[str, ...] = ()
    call: int = 0

    def resource(self, account: str, *, redacted: bool) -> dict[str, Any]:
        """As the REST API shows it."""
        uri = f"/{API}/Accounts/{account}/Messages/{self.sid}"
        at = format_datetime(datetime.fromisoformat(self.created))
        waiting = self.status in ("accepted", "scheduled", "queued")
        return {
            "body": "" if redacted else self.body,
            "num_segments": str(segments(self.body)),
            "direction": self.direction,
            "from": self.from_ or None,
            "to": self.to,
            "date_updated": at,
            "price": None,
            "error_message": None,
            "uri": f"{uri}.json",
            "account_sid": account,
            "num_media": str(len(self.media)),
            "status": self.status,
            "messaging_service_sid": self.service,
            "sid": self.sid,
            "date_sent": None if waiting else at,
            "date_created": at,
            "error_code": self.error_code,
            "price_unit": "USD",
            "api_version": API,
            "subresource_uris": {"media": f"{uri}/Media.json"},
        }


@dataclass(slots=True)
class Messages:
    """Every message by its SID, oldest first, and the numbers that opted out of each sender."""

    record: Path | None = None
    held: dict[str, Message] = field(default_factory=dict)
    opted_out: set[tuple[str, str]] = field(default_factory=set)  # customer, our sender
    _file: TextIO | None = None

    def load(self) -> None:
        """What an earlier life recorded; from now on the record is kept open."""
        if self.record is None:
            return
        self._file = self.record.open(
            "a+", encoding="utf-8", buffering=1
        )  # a line is the system's when it is written
        self._file.seek(0)
        for line in self._file:
            said = json.loads(line)
            if "opted_out" in said:
                self._mark((said["customer"], said["sender"]), opted_out=said["opted_out"])
            else:
                self.held[said["sid"]] = Message(**{**said, "media": tuple(said["media"])})

    def close(self) -> None:
        """Close the record."""
        if self._file is not None:
            self._file.close()

    def keep(self, message: Message) -> Message:
        """A new message, or a newer state of one: recorded before anybody can hear of it."""
        self._write(asdict(message))
        self.held[message.sid] = message
        return message

    def move(self, sid: str, status: str, error_code: int | None = None) -> Message:
        """The message in its next status."""
        return self.keep(replace(self.held[sid], status=status, error_code=error_code))

    def heed(self, customer: str, sender: str, body: str) -> str | None:
        """Which keyword a customer's text is: STOP and START take effect at once, as at Twilio."""
        word = body.strip().lower()
        if word in STOP_WORDS | START_WORDS:
            stops = word in STOP_WORDS
            self._mark((customer, sender), opted_out=stops)
            self._write({"opted_out": stops, "customer": customer, "sender": sender})
            return "STOP" if stops else "START"
        return "HELP" if word in HELP_WORDS else None

    @property
    def accepted(self) -> list[Accepted]:
        """The messages that were taken from us, in their order."""
        return [
            Accepted(one.key, one.sid, datetime.fromisoformat(one.created).timestamp(), "sms", one.call)
            for one in self.held.values()
            if one.direction == "outbound-api"
        ]

    def _mark(self, pair: tuple[str, str], *, opted_out: bool) -> None:
        (self.opted_out.add if opted_out else self.opted_out.discard)(pair)

    def _write(self, said: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(said) + "\n")


def new_sid(kind: str = "SM") -> str:
    """A SID as Twilio makes them."""
    return kind + uuid4().hex
