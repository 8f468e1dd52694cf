"""What the fake SendGrid holds: mails and suppressed addresses, in a record of JSON lines that outlives it."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from evals.providers.stand_in import Accepted


@dataclass(frozen=True, slots=True)
class Kept:
    """A mail that was taken. `id` is its X-Message-Id, `message_id` the header it left with, `at` ISO 8601, `call` counts."""

    id: str
    message_id: str
    to: str
    from_: str
    subject: str
    text: str
    reply_to: str
    at: str
    headers: Mapping[str, str] = field(default_factory=dict)
    custom_args: Mapping[str, str] = field(default_factory=dict)
    call: int = 0

    @property
    def key(self) -> str:
        """Our key."""
        return self.custom_args.get("message_id", "")


@dataclass(slots=True)
class Mails:
    """Every mail by its id, oldest first, and the addresses that nothing is sent to, with SendGrid's reason."""

    record: Path | None = None
    held: dict[str, Kept] = field(default_factory=dict)
    suppressed: dict[str, str] = field(default_factory=dict)

    def load(self) -> None:
        """What an earlier life recorded."""
        if self.record is None or not self.record.exists():
            return
        for line in self.record.read_text("utf-8").splitlines():
            said = json.loads(line)
            if "suppressed" in said:
                self.suppressed[said["suppressed"]] = said["reason"]
            else:
                self.held[said["id"]] = Kept(**said)

    def take(self, asked: Mapping[str, Any], at: datetime, call: int) -> Kept:
        """Keep what was posted to /v3/mail/send: recorded before anybody can hear of it."""
        one = asked["personalizations"][0]
        mail = Kept(
            id=(name := secrets.token_urlsafe(16).replace("_", "0").replace("-", "1")),
            message_id=f"<{name}@geopod-ismtpd-1.example>",
            to=one["to"][0]["email"], from_=asked["from"]["email"], subject=one.get("subject", asked.get("subject", "")),
            text=asked["content"][0]["value"], reply_to=asked.get("reply_to", asked["from"])["email"], at=at.isoformat(),
            headers={**asked.get("headers", {}), **one.get("headers", {})},
            custom_args={**asked.get("custom_args", {}), **one.get("custom_args", {})}, call=call,
        )  # fmt: skip
        self._write(asdict(mail))
        self.held[mail.id] = mail
        return mail

    def suppress(self, address: str, reason: str) -> None:
        """Nothing is sent there any more."""
        self._write({"suppressed": address, "reason": reason})
        self.suppressed[address] = reason

    def of(self, key: str) -> Kept:
        """The latest mail with our key. Raises LookupError where there is none."""
        return [one for one in self.held.values() if one.key == key][-1]

    @property
    def accepted(self) -> list[Accepted]:
        """The mails that were taken from us, in their order."""
        return [
            Accepted(one.key, one.id, datetime.fromisoformat(one.at).timestamp(), "email", one.call)
            for one in self.held.values()
        ]

    def _write(self, said: dict[str, Any]) -> None:
        if self.record is not None:
            with self.record.open("a", encoding="utf-8") as file:
                file.write(json.dumps(said) + "\n")
