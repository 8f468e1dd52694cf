"""Raw mails, written readably. The people in them are invented."""

import base64
import quopri
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HEAD = (
    b"From: Ana Pe\xc3\xb1a <ana@example.com>\r\nTo: reply+token@parse.example.net\r\nSubject: Re: Your invoice\r\n"
    b"Date: Mon, 2 Nov 2026 10:00:00 +0100\r\nMessage-ID: <m1@example.com>\r\n"
    b"In-Reply-To: <out-7@example.net>\r\nReferences: <out-6@example.net>\r\n <out-7@example.net>\r\nMIME-Version: 1.0\r\n"
)


@dataclass(frozen=True)
class Case:
    """A raw mail; what was said in it; words that its text must hold; words that it must not; other fields of Mail."""

    name: str
    raw: bytes
    said: str
    holds: str = ""
    lacks: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)


def body(
    text: bytes | str, kind: str = "text/plain; charset=utf-8", cte: str = "8bit", more: str = ""
) -> bytes:
    """One part: its headers and its content in that transfer encoding."""
    data = text.encode() if isinstance(text, str) else text
    encoded = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}.get(cte, bytes)(data)
    head = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {cte}\r\n{more}"
    return head.encode() + b"\r\n" + encoded


def multi(kind: str, *parts: bytes, more: str = "") -> bytes:
    """A multipart of that kind around these parts."""
    mark = f"=_{kind}"
    inner = b"".join(b"\r\n--" + mark.encode() + b"\r\n" + part for part in parts)
    return (
        f'Content-Type: multipart/{kind}; boundary="{mark}"{more}\r\n\r\n'.encode()
        + inner
        + b"\r\n--"
        + mark.encode()
        + b"--\r\n"
    )


def mail(part: bytes, *, head: bytes = HEAD, more: str = "", subject: str = "") -> bytes:
    """A whole mail, with further headers or another subject."""
    if subject:
        head = head.replace(b"Re: Your invoice", subject.encode())
    return head + more.encode() + part


def plain(name: str, text: str, said: str, **fields: Any) -> Case:
    """A mail of one plain text, in utf-8; all its words must be there."""
    return Case(name, mail(body(text)), said, holds=text.replace(">", " "), fields=fields)


def charset(label: str, codec: str, text: str, cte: str, **fields: Any) -> Case:
    """A text in some charset, perhaps under a wrong label."""
    kind = f"text/plain; charset={label}" if label else "text/plain"
    return Case(
        f"charset {label or 'unnamed'} holding {codec} by {cte}",
        mail(body(text.encode(codec), kind, cte)),
        text,
        text,
        fields=fields,
    )


def html(name: str, source: str, said: str, *lacks: str, holds: str = "", **fields: Any) -> Case:
    """A mail of HTML only."""
    return Case(
        name,
        mail(body(source, "text/html; charset=utf-8", "quoted-printable")),
        said,
        holds or said,
        lacks,
        fields,
    )
