"""SendGrid's webhooks: customers' e-mails, and what became of ours.

Incoming mail that gets a 4xx is dropped for good, so only what is no mail of ours gets one; whatever may pass is a 5xx.
"""

import hashlib
import hmac
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from server.access import Running, Services
from server.inbound import accept
from server.webhooks.bodies import raw_body
from server.webhooks.fates import Word, heed
from server.webhooks.gates import SendGridGate
from tools.channels.mail.authentic import authentic
from tools.channels.mail.inbound_parse import InboundMail, read_inbound
from tools.channels.mail.model import Mail
from tools.channels.mail.read import read_mail
from tools.channels.sendgrid.events import Event, read_events
from tools.channels.sendgrid.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, is_signed
from tools.errors import Forbidden, NotFound
from tools.memory.arrival import Arrival
from tools.spec import storable

router = APIRouter(prefix="/webhooks/sendgrid", tags=["webhooks"])
_EVENTS, _MAIL = (
    2 * 1024 * 1024,
    40 * 1024 * 1024,
)  # bytes: SendGrid cuts batches at 768 kB, and takes mails of 30 MB
_LONGEST_SUBJECT = 400  # characters


@router.post("/inbound", status_code=204)
async def signed_mail(request: Request, running: Running) -> Response:
    """A customer's e-mail, signed by Inbound Parse's security policy."""
    gate = _gate(running)
    if gate.parse_key is None:
        raise Forbidden("Incoming mail needs the secret path, or a signature.")
    body = await _signed(request, running, gate.parse_key, most=_MAIL, window=gate.mails_last)
    return await _take(request, running, gate, body)


@router.post("/inbound/{secret}", status_code=204)
async def secret_mail(request: Request, running: Running, secret: str) -> Response:
    """A customer's e-mail, at an address that only SendGrid was told; not where a signature can be asked for."""
    gate = _gate(running)
    if gate.parse_key is not None or not hmac.compare_digest(secret.encode(), gate.parse_secret.encode()):
        raise Forbidden("Incoming mail needs the secret path, or a signature.")
    return await _take(request, running, gate, await raw_body(request, most=_MAIL))


@router.post("/events", status_code=204)
async def events(request: Request, running: Running) -> Response:
    """What became of our e-mails; each event counts once, in whatever order they come."""
    gate = _gate(running)
    body = await _signed(request, running, gate.events_key, most=_EVENTS, window=gate.events_last)
    for event in read_events(body).events:
        await heed(running.engine, _word(event))
    return Response(status_code=204)


async def _signed(
    request: Request, running: Services, key: ec.EllipticCurvePublicKey, *, most: int, window: timedelta
) -> bytes:
    """The body, once it is sure that SendGrid signed it; without a signature none of it is read. Raises Forbidden."""
    signature, timestamp = request.headers.get(SIGNATURE_HEADER), request.headers.get(TIMESTAMP_HEADER)
    body = await raw_body(request, most=most) if signature and timestamp else b""
    now = running.engine.deps.clock.now()
    if not is_signed(body, signature, timestamp, [key], now=now, window=window):
        raise Forbidden("This does not carry SendGrid's signature.")
    return body


def _gate(running: Services) -> SendGridGate:
    if running.webhooks.sendgrid is None:
        raise NotFound("webhook", "sendgrid")
    return running.webhooks.sendgrid


async def _take(request: Request, running: Services, gate: SendGridGate, body: bytes) -> Response:
    # Reading a large mail takes a second of CPU: other requests go on meanwhile.
    posted = await run_in_threadpool(read_inbound, request.headers.get("content-type", ""), body)
    mail = await run_in_threadpool(read_mail, posted.raw, ours=gate.ours)
    # What bounced, SendGrid's signed events say; only a mail server's own report is taken for one.
    if mail.bounce is None or (mail.bounce.status is None and mail.bounce.action is None):
        await accept(running.pool, _arrival(posted, mail, running, gate))
    return Response(status_code=204)


def _arrival(posted: InboundMail, mail: Mail, running: Services, gate: SendGridGate) -> Arrival:
    local = running.webhooks.local
    tokens = local.tokens if local and gate.reply_host == local.reply_host else running.webhooks.tokens
    return Arrival(
        channel="email",
        provider_id=_identity(posted, mail),
        address=storable(mail.sender.address.lower()) if mail.sender else "unknown",
        body=storable(mail.said if mail.said.strip() else mail.subject),  # some write all of it there
        at=running.engine.deps.clock.now(),
        subject=storable(mail.subject)[:_LONGEST_SUBJECT] or None,
        original=storable(mail.text) if mail.text != mail.said else None,
        html=storable(mail.html),
        internet_id=storable(mail.message_id),
        attachments=storable([{"name": a.name, "type": a.type, "size": a.size} for a in mail.attachments]),
        answers=tokens.answered(posted.to, gate.reply_host) if tokens else None,
        follows=storable([each for each in (mail.in_reply_to, *mail.references[-10:]) if each]),
        vouched_for=authentic(mail.sender, posted.dkim) == "pass",
        forwarded=mail.forwarded,
        automatic=mail.automatic,
    )


def _identity(posted: InboundMail, mail: Mail) -> str:
    """The same for every delivery of a mail: SendGrid gives none, so it is made of what makes the mail."""
    parts = (*sorted(posted.to), mail.message_id or "", mail.text)
    return f"sg-{hashlib.sha256(chr(0).join(parts).encode('utf-8', 'replace')).hexdigest()}"


def _word(event: Event) -> Word:
    return Word(
        provider="sendgrid", event_id=event.event_id, kind=event.kind, at=event.at, key=event.key,
        provider_id=event.provider_id, internet_id=event.internet_id, address=event.address,
        state=event.meaning.state, failed=event.meaning.fault, code=event.code, stop=event.meaning.stop,
    )  # fmt: skip
