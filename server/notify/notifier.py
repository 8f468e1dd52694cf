"""The port through which people are told, and the webhook that implements it. E-mail will be another."""

import asyncio
import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, final

import httpx
from pydantic import SecretStr

from tools.errors import Unavailable

_TIMEOUT = 10.0  # seconds, for one try


@dataclass(frozen=True, slots=True)
class Notice:
    """That an approval waits: ids, kind, role, age and a link. No name, no amount and no word of anybody."""

    id: str
    event: str  # "asked", or "reminded" when nobody decided for long
    approval_id: str
    kind: str
    role: str
    asked_at: datetime
    expires_at: datetime

    def payload(self, *, link: str, now: datetime) -> dict[str, Any]:
        """The notice as JSON."""
        return {
            "id": self.id, "type": f"approval.{self.event}", "approval": self.approval_id, "kind": self.kind,
            "role": self.role, "age_seconds": max(0, int((now - self.asked_at).total_seconds())),
            "expires_at": self.expires_at.isoformat(), "link": link,
        }  # fmt: skip


class Notifier(Protocol):
    """Tells people of a notice."""

    async def notify(self, notice: Notice, *, now: datetime) -> None:
        """Deliver it. The same notice may come again: its id says so. Raises Unavailable when it was not taken."""


@final
@dataclass(frozen=True, slots=True)
class WebhookNotifier:
    """A POST of JSON, signed as Standard Webhooks has it: HMAC-SHA256 over id, timestamp and body."""

    url: str
    secret: SecretStr
    public_url: str  # what a link begins with
    transport: httpx.AsyncBaseTransport | None = None  # None: HTTP

    async def notify(self, notice: Notice, *, now: datetime) -> None:
        """One try; whoever answers 2xx has it. A redirect is not followed: the body is for this address."""
        link = f"{self.public_url.rstrip('/')}/v1/approvals/{notice.approval_id}"
        body = json.dumps(notice.payload(link=link, now=now)).encode()
        timestamp = str(int(now.timestamp()))
        headers = {
            "content-type": "application/json", "webhook-id": notice.id, "webhook-timestamp": timestamp,
            "webhook-signature": signature(self.secret, notice.id, timestamp, body),
        }  # fmt: skip
        try:
            async with (
                asyncio.timeout(_TIMEOUT),  # httpx counts from one byte to the next
                httpx.AsyncClient(timeout=_TIMEOUT, transport=self.transport) as client,
            ):
                answered = await client.post(self.url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as failure:
            raise Unavailable("The notification webhook did not answer.") from failure
        if not answered.is_success:
            raise Unavailable(f"The notification webhook answered {answered.status_code}.")


def signature(secret: SecretStr, notice_id: str, timestamp: str, body: bytes) -> str:
    """The `webhook-signature` header: version 1, base64."""
    signed = f"{notice_id}.{timestamp}.".encode() + body
    mac = hmac.new(secret.get_secret_value().encode(), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode()
