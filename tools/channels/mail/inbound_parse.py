"""SendGrid's Inbound Parse webhook: the form it posts, split from the raw bytes that its signature covers.

Raw bytes, because every form layer decodes: parts come in the mail's own charset and may be larger than 1 MB.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser

from typing_extensions import override

from tools.channels.mail.authentic import Verdict, dkim_verdicts
from tools.channels.mail.headers import BoundedPolicy
from tools.errors import Invalid

_FORM = "multipart/form-data"


class _Field(Message):
    """A part of the form: bytes, whatever it says it is."""

    @override
    def get_content_type(self) -> str:
        """The form, or plain bytes."""
        kind = super().get_content_type()
        return kind if kind == _FORM else "text/plain"


@dataclass(frozen=True, slots=True)
class InboundMail:
    """What SendGrid says of a mail, and the mail itself as bytes. The envelope is SMTP's: no header can forge `to`."""

    to: tuple[str, ...]
    envelope_from: str | None
    dkim: tuple[Verdict, ...]
    spf: str | None
    raw: bytes


def split(content_type: str, body: bytes) -> Mapping[str, bytes]:
    """The fields of a multipart/form-data body as bytes, the first of each name. Raises Invalid where it is none."""
    if not content_type.isascii() or "\n" in content_type or "\r" in content_type:
        raise Invalid("The content type of the form cannot be read.")
    head = f"Content-Type: {content_type}\r\n\r\n".encode("ascii")
    form = BytesParser(_Field, policy=BoundedPolicy()).parsebytes(head + body)
    boundary = form.get_param("boundary")
    if form.get_content_type() != _FORM or not isinstance(boundary, str) or not form.is_multipart():
        raise Invalid("Inbound Parse posts multipart/form-data; this body is none.")
    fields: dict[str, bytes] = {}
    for part in form.get_payload():
        if isinstance(part, Message):
            name = part.get_param("name", header="content-disposition")
            data = part.get_payload(decode=True)
            if isinstance(name, str) and isinstance(data, bytes):
                fields.setdefault(name, data)
    return fields


def read_inbound(content_type: str, body: bytes) -> InboundMail:
    """The mail that Inbound Parse posts in raw mode.

    Raises Invalid where the form cannot be read or is in parsed mode, whose texts have lost their bytes: that is a
    setting of the account, which the message names. It repeats nothing of what was sent.
    """
    fields = split(content_type, body)
    raw = fields.get("email", fields.get("rawEmail"))
    if raw is None:
        raise Invalid(
            "Inbound Parse is in parsed mode: in SendGrid, under Settings, Inbound Parse, tick "
            '"POST the raw, full MIME message" for this host.'
        )
    to, envelope_from = _envelope(fields.get("envelope", b""))
    return InboundMail(
        to=to,
        envelope_from=envelope_from,
        dkim=dkim_verdicts(fields.get("dkim", b"").decode("utf-8", "replace")),
        spf=fields.get("SPF", b"").decode("utf-8", "replace").strip().lower()[:40] or None,
        raw=raw,
    )


def _envelope(field: bytes) -> tuple[tuple[str, ...], str | None]:
    """SMTP's recipients and sender; the sender of a bounce is None. What cannot be read names nobody."""
    try:
        envelope = json.loads(field)
    except (ValueError, RecursionError):
        return (), None
    to, sent_by = (envelope.get("to"), envelope.get("from")) if isinstance(envelope, dict) else (None, None)
    named = to if isinstance(to, list) else [to]
    return tuple(each[:320] for each in named[:100] if isinstance(each, str)), (
        sent_by[:320] if isinstance(sent_by, str) and sent_by else None
    )
