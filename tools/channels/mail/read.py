"""One raw mail (RFC 5322) becomes facts. It never raises: what cannot be read is left out, and that is said."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.utils import collapse_rfc2231_value

from typing_extensions import override

from tools.channels.mail import headers, said
from tools.channels.mail.automatic import automatic_kind, bounce_of
from tools.channels.mail.charset import decode
from tools.channels.mail.headers import BoundedPolicy, Part
from tools.channels.mail.markup import LONGEST, read_html
from tools.channels.mail.model import Attachment, Mail

LONGEST_TEXT = 100_000  # characters of `Mail.text` that are kept
_MOST_WORK = 5_000_000  # lines times boundaries: what the standard library's parser needs to find the parts
_MOST_PARTS = 200
_LIMIT = 4 * LONGEST  # bytes of one text part that are decoded
_FORWARD_SUBJECT = re.compile(r"\s*(?:fwd?|wg|rv|tr|enc|i|reenv)\s*:", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^<>]{0,200}charset\s*=\s*[\"']?([\w-]{1,40})", re.IGNORECASE)


class _TooManyParts(ValueError):
    """A mail of more parts than anybody writes."""


class _Sealed(Message):
    """A part. Mails inside mails are attachments: the parser takes message/* for bytes and does not look inside."""

    @override
    def get_content_type(self) -> str:
        """As it says, but "sealed/.." for "message/.."."""
        said_type = super().get_content_type()
        return said_type.replace("message/", "sealed/", 1) if said_type.startswith("message/") else said_type


@dataclass(slots=True)
class _Found:
    """What the parts hold, in their order."""

    texts: list[str] = field(default_factory=list)
    htmls: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    damaged: bool = False
    cut: bool = False


def read_mail(raw: bytes, *, ours: Collection[str] = ()) -> Mail:
    """The mail in these bytes, whatever they are. `ours` are addresses and domains we send from: mail of theirs loops.

    Of text in several parts all is kept; where the same text comes twice (multipart/alternative) the plain one counts, unless it
    is empty or far shorter than what the HTML says.
    """
    mail, found = _parse(raw)
    if isinstance(mail, _Sealed) and not found.damaged:
        _collect(mail, found)
    text = "\n\n".join(each for each in (each.strip("\n") for each in found.texts) if each.strip())
    cut = found.cut or len(text) > LONGEST_TEXT
    text = text[:LONGEST_TEXT].rstrip()
    words, unstripped, forwarded = said.split_said(text)
    subject, sender = headers.header(mail, "Subject")[:1_000], headers.sender(headers.raw(mail, "From"))
    bounce = bounce_of(mail, sender, subject, text, found.reports)
    return Mail(
        message_id=next(iter(headers.message_ids(headers.raw(mail, "Message-ID"))), None),
        in_reply_to=next(iter(headers.message_ids(headers.raw(mail, "In-Reply-To"))), None),
        references=headers.message_ids(headers.raw(mail, "References")),
        sender=sender,
        recipients=headers.addresses([*headers.raw(mail, "To"), *headers.raw(mail, "Cc")]),
        subject=subject,
        sent_at=headers.date(headers.header(mail, "Date")),
        text=text,
        said=words[: said.LONGEST].rstrip(),
        html="\n".join(found.htmls) or None,
        attachments=tuple(found.attachments),
        automatic=automatic_kind(mail, sender, subject, text, bounce, ours),
        bounce=bounce,
        forwarded=forwarded or bool(_FORWARD_SUBJECT.match(subject)) or "Resent-From" in mail,
        unstripped=unstripped,
        cut=cut or len(words) > said.LONGEST,
        damaged=found.damaged or sender is None or bool(mail.defects),
    )


def _parse(raw: bytes) -> tuple[Part, _Found]:
    """The parts, not yet read. A mail that would take too long to take apart is headers and one text."""
    made = 0

    def part(policy: object = None) -> _Sealed:  # noqa: ARG001 - the parser names it
        nonlocal made
        made += 1
        if made > _MOST_PARTS:
            raise _TooManyParts
        return _Sealed(policy=BoundedPolicy())

    work = (raw.count(b"\n") + raw.count(b"\r")) * raw.lower().count(b"boundary")
    if work <= _MOST_WORK:
        try:
            return BytesParser(part, policy=BoundedPolicy()).parsebytes(raw), _Found()
        except (_TooManyParts, RecursionError, ValueError, LookupError):
            pass
    head, body = [*re.split(rb"\r?\n\r?\n", raw[: LONGEST_TEXT * 4], maxsplit=1), b""][:2]
    text, _ = decode(body, None)
    return BytesHeaderParser(policy=BoundedPolicy()).parsebytes(head), _Found(texts=[text], damaged=True)


def _collect(part: Part, found: _Found) -> None:
    """What this part and those below it hold."""
    if part.is_multipart():
        below = [each for each in part.get_payload() if isinstance(each, _Sealed)]
        if part.get_content_type() == "multipart/alternative":
            _alternative(below, found)
        else:
            for each in below:
                _collect(each, found)
        return
    kind = part.get_content_type()
    name = _name(part)
    # A multipart that has no parts is a text.
    text_like = kind in {"text/plain", "text/html"} or kind.startswith("multipart/")
    shown = text_like and not name and part.get_content_disposition() != "attachment"
    data = _bytes(part, found)
    found.damaged = found.damaged or bool(part.defects)
    if kind == "sealed/delivery-status":
        found.reports.append(decode(data[:100_000], None)[0])
    elif kind == "text/html" and shown:
        text, markup = _read_html(data, part, found)
        found.texts.append(text)
        found.htmls += [markup] if markup else []
    elif shown:
        found.texts.append(_text(data, part, found))
    else:
        found.attachments.append(
            Attachment(name or _default_name(kind, data), kind.replace("sealed/", "message/"), len(data))
        )


def _alternative(below: list[_Sealed], found: _Found) -> None:
    """The same words in several forms: one text, every HTML, everything else."""
    forms = _Found()
    for each in below:
        inner = _Found()
        _collect(each, inner)
        forms.htmls += inner.htmls
        forms.attachments += inner.attachments
        forms.reports += inner.reports
        forms.texts.append("\n\n".join(inner.texts))
        forms.damaged, forms.cut = forms.damaged or inner.damaged, forms.cut or inner.cut
    texts = [text for text in forms.texts if text.strip()]
    if texts:
        richest = max(texts, key=lambda text: len(text.split()))
        enough = len(texts[0].split()) >= len(richest.split()) / 3
        found.texts.append(texts[0] if enough else richest)
    found.htmls += forms.htmls
    found.attachments += forms.attachments
    found.reports += forms.reports
    found.damaged, found.cut = found.damaged or forms.damaged, found.cut or forms.cut


def _read_html(data: bytes, part: Part, found: _Found) -> tuple[str, str]:
    label = _charset(part)
    if label is None and (meta := _META_CHARSET.search(data[:2_000])) is not None:
        label = str(meta[1], "ascii")
    source = _text(data, part, found, label)
    found.cut = found.cut or len(source) > LONGEST
    return read_html(source)


def _text(data: bytes, part: Part, found: _Found, label: str | None = None) -> str:
    text, right = decode(data[:_LIMIT], label or _charset(part))
    found.cut = found.cut or len(data) > _LIMIT
    found.damaged = found.damaged or not (right or len(data) > _LIMIT)
    return text


def _charset(part: Part) -> str | None:
    value = part.get_param("charset")
    return collapse_rfc2231_value(value) if value is not None else None


def _bytes(part: Part, found: _Found) -> bytes:
    """The content of a part, its transfer encoding undone; what cannot be undone stays as it is."""
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        found.damaged = True
        data = part.get_payload()
    return data if isinstance(data, bytes) else str(data or "").encode("utf-8", "surrogateescape")


def _name(part: Part) -> str:
    """A file's name (RFC 2231, RFC 2047 or raw), as one line without a path; empty when it has none."""
    try:
        name = part.get_filename("") or ""
    except (ValueError, LookupError, TypeError):
        name = ""
    name = headers.decode_words(headers.plain(name))
    return re.split(r"[/\\]", name)[-1][:200]


def _default_name(kind: str, data: bytes) -> str:
    """What a nameless attachment is called: a mail by its subject."""
    if kind in {"sealed/rfc822", "sealed/global"}:
        return (
            headers.header(BytesHeaderParser(policy=BoundedPolicy()).parsebytes(data[:50_000]), "Subject")[
                :200
            ]
            or "mail"
        )
    return {"text/calendar": "invite.ics", "application/ms-tnef": "winmail.dat"}.get(kind, "")
