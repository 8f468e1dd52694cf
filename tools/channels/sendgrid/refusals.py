"""What SendGrid's refusals ask of us. Its own words may quote an address: they go no further than this file."""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tools.channels.base import NotTaken, Rejected
from tools.errors import CollectionsError, Unavailable

FIXED_BY_A_PERSON = timedelta(minutes=15)  # how long a message waits for our settings to be put right
_UNKNOWN_TO_US = "SendGrid refused it for another reason"
# Of the account, the key or the sender: not a word about the message, which leaves once a person has changed them.
_ACCOUNT = {
    401: "the key is wrong, or the plan's mails are used up",
    403: "the key may not send, or the sender is not verified",
    404: "the base URL leads elsewhere",
    405: "the base URL leads elsewhere",
    407: "a proxy wants a password",
}
# Of a field of the request (400): what is wrong, and whether that is our settings'.
_FIELDS = {
    "to": ("the recipient's address is not valid", False),
    "from": ("the sender is not valid", True),
    "reply_to": ("the reply address is not valid", True),
    "asm": ("there is no such unsubscribe group", True),
    "subject": ("it has no subject", False),
    "content": ("it has no text", False),
    "headers": ("one of its headers is not allowed", False),
    "custom_args": ("it says too much about itself", False),
}
_FIELD = re.compile(r"[a-z_]+(?:\.(?:[a-z_]+|[0-9]{1,4})){0,6}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,10}", re.ASCII)


def refusal(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> CollectionsError:
    """The port's word for an answer that is no success. Header names are matched in any case (the mapping's business)."""
    if status == 429:
        return NotTaken("SendGrid is busy.", _reset(headers, now))
    if status in _ACCOUNT:
        return NotTaken(f"SendGrid needs other settings: {_ACCOUNT[status]} ({status}).", FIXED_BY_A_PERSON)
    if status == 413:
        return Rejected("413", "it is too large")
    if not 400 <= status < 500 or status == 408:
        return Unavailable(f"SendGrid answered {status}.")
    field = _field(body)
    words, ours = next(
        (_FIELDS[part] for part in field.split(".") if part in _FIELDS), (_UNKNOWN_TO_US, False)
    )
    code = f"{status} {field}".strip()
    if ours:
        return NotTaken(f"SendGrid needs other settings: {words} ({code}).", FIXED_BY_A_PERSON)
    return Rejected(code, words, "bounced" if words == _FIELDS["to"][0] else None)


def _field(body: bytes) -> str:
    """Which field the first error is about; nothing where that cannot be read."""
    try:
        said: Any = json.loads(body)
        field = said["errors"][0]["field"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return ""
    return field if isinstance(field, str) and _FIELD.fullmatch(field) else ""


def _reset(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long until the limit is lifted: a Unix time in X-RateLimit-Reset, or seconds in Retry-After."""
    after, at = headers.get("Retry-After", ""), headers.get("X-RateLimit-Reset", "")
    if _SECONDS.fullmatch(after) and int(after) < 86_400:
        return timedelta(seconds=int(after))
    if not _SECONDS.fullmatch(at):
        return None
    return max(timedelta(0), timedelta(seconds=min(int(at) - now.timestamp(), 86_400)))
