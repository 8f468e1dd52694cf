"""The line: what a customer types leaves here as a provider's webhook, signed, through the application's own front door.

Nothing is taken in by another way: signature, parsing and matching are those of real texts and mails.
"""

import base64
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # the SDK ships no py.typed

from server.webhooks.gates import LocalLine
from tools.channels.sendgrid.signature import SIGNATURE_HEADER as MAIL_SIGNATURE
from tools.channels.sendgrid.signature import TIMESTAMP_HEADER
from tools.channels.twilio.signature import SIGNATURE_HEADER
from tools.dunning.segments import segments
from tools.errors import Invalid

OUR_NUMBER = "+15005550006"  # Twilio's number for tests: it is nobody's


@dataclass(frozen=True, slots=True)
class Answered:
    """The mail that a customer answers."""

    row: int  # of the outbox
    subject: str | None
    body: str
    at: datetime


async def text(app: FastAPI, line: LocalLine, public_url: str, *, from_: str, body: str) -> None:
    """A customer's text arrives. Raises Invalid where the webhook does not take it."""
    form = {
        "MessageSid": f"SM{secrets.token_hex(16)}", "AccountSid": line.account_sid, "From": from_, "To": OUR_NUMBER,
        "Body": body, "NumMedia": "0", "NumSegments": str(segments(body)), "SmsStatus": "received",
    }  # fmt: skip
    url = f"{public_url}/webhooks/twilio/messages"
    signature: str = RequestValidator(line.auth_token).compute_signature(url, form)
    await _deliver(app, httpx.Request("POST", url, data=form, headers={SIGNATURE_HEADER: signature}))


async def mail(
    app: FastAPI, line: LocalLine, public_url: str, *, from_: str, name: str | None, subject: str, body: str,
    answered: Answered | None, at: datetime,
) -> None:  # fmt: skip
    """A customer's mail arrives; one that answers comes to the signed reply address, quoting. Raises Invalid."""
    to = (
        line.tokens.reply_address(answered.row, line.reply_host) if answered else f"billing@{line.reply_host}"
    )
    written = _written(from_, name, to, subject, body, answered, at)
    form = {
        "dkim": f"{{@{from_.rpartition('@')[2]} : pass}}", "SPF": "pass", "to": to, "from": from_,
        "envelope": json.dumps({"to": [to], "from": from_}),
    }  # fmt: skip
    request = httpx.Request(
        "POST", f"{public_url}/webhooks/sendgrid/inbound", data=form, files={"email": (None, bytes(written))}
    )
    timestamp = str(int(at.timestamp()))
    signed = line.signing_key.sign(timestamp.encode() + request.read(), ec.ECDSA(hashes.SHA256()))
    request.headers[TIMESTAMP_HEADER] = timestamp
    request.headers[MAIL_SIGNATURE] = base64.b64encode(signed).decode()
    await _deliver(app, request)


def _written(
    from_: str, name: str | None, to: str, subject: str, body: str, answered: Answered | None, at: datetime
) -> EmailMessage:
    written = EmailMessage(policy=SMTP)
    try:
        written["From"], written["To"] = Address(name or "", addr_spec=from_), to
        written["Subject"] = subject
    except ValueError as garbled:  # an address of the ledger's, or a subject, that no mail can have
        raise Invalid("A mail cannot be written with this address or subject.") from garbled
    written["Date"] = format_datetime(at)
    written["Message-ID"] = f"<{secrets.token_hex(12)}@{from_.rpartition('@')[2]}>"
    below = ""
    if answered is not None:
        quoted = "\n".join(f"> {each}" for each in answered.body.splitlines())
        below = f"\n\nOn {answered.at:%a, %b %d, %Y at %I:%M %p} <{to}> wrote:\n{quoted}\n"
    written.set_content(body + below)
    return written


async def _deliver(app: FastAPI, request: httpx.Request) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        answer = await client.send(request)
    if answer.is_error:
        said = answer.json() if answer.headers.get("content-type", "").endswith("json") else {}
        raise Invalid(str(said.get("detail", f"The webhook answered {answer.status_code}.")))
