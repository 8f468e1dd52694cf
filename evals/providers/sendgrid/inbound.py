"""Mail that customers write, and the form in which Inbound Parse posts it in raw mode."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from evals.providers.sendgrid.mails import Kept


@dataclass(frozen=True, slots=True)
class Vouched:
    """What SendGrid's checks found. DKIM by default: the domain of the sender passed."""

    dkim: str | None = None
    spf: str = "pass"


def reply_to(
    mail: Kept,
    body: str,
    *,
    at: datetime,
    from_: str | None = None,
    quotes: bool = True,
    headers: Mapping[str, str] | None = None,
) -> EmailMessage:
    """What a mail program makes of an answer: to the Reply-To, in the thread, with what it answers quoted below."""
    writer = from_ or mail.to
    answer = EmailMessage(policy=SMTP)
    answer["From"], answer["To"] = writer, mail.reply_to
    answer["Subject"] = mail.subject if mail.subject.lower().startswith("re:") else f"Re: {mail.subject}"
    answer["Date"] = format_datetime(at)
    answer["Message-ID"] = f"<{secrets.token_hex(12)}@{writer.rpartition('@')[2]}>"
    answer["In-Reply-To"] = mail.message_id
    answer["References"] = " ".join([*mail.headers.get("References", "").split(), mail.message_id])
    for name, value in (headers or {}).items():
        answer[name] = value
    quoted = "".join(f"\n> {line}" for line in mail.text.splitlines())
    above = f"\n\nOn {at:%a, %d %b %Y at %H:%M}, <{mail.from_}> wrote:\n{quoted}\n"
    answer.set_content(body + (above if quotes else "\n"))
    return answer


def posted(raw: bytes, *, from_: str, to: Sequence[str], vouched: Vouched) -> tuple[bytes, str]:
    """The multipart body of a raw-mode post, and its content type. The mail's bytes are in it as they came."""
    domain = from_.rpartition("@")[2]
    fields: dict[str, str | bytes] = {
        "dkim": f"{{@{domain} : pass}}" if vouched.dkim is None else vouched.dkim,
        "email": raw,
        "to": ", ".join(to),
        "from": from_,
        "sender_ip": "192.0.2.7",
        "envelope": json.dumps({"to": list(to), "from": from_}),
        "subject": "",
        "charsets": json.dumps(dict.fromkeys(("to", "from", "subject"), "UTF-8")),
        "SPF": vouched.spf,
    }
    boundary = f"xYzZY{secrets.token_hex(12)}"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        + (value if isinstance(value, bytes) else value.encode())
        + b"\r\n"
        for name, value in fields.items()
    ]
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
