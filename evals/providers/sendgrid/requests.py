"""What SendGrid objects to in a mail, and the errors it answers with."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from evals.providers.loopback import Answer

_LARGEST = 30_000_000  # bytes
_ADDRESS = re.compile(r"[^\s@<>,]+@[^\s@<>,]+\.[^\s@<>,]+")
_ASCII = re.compile(r"[\x20-\x7e]*")
_RESERVED = frozenset({
    "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding", "to", "from",
    "subject", "reply-to", "cc", "bcc",
})  # fmt: skip
_SAYS = {
    401: "The provided authorization grant is invalid, expired, or revoked",
    403: "The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved.",
    404: "Not Found",
    413: "The total size of your email must be less than 30MB.",
    429: "too many requests",
    500: "Internal server error",
}


def refused(status: int, field: str | None = None, message: str = "", *, reset: int | None = None) -> Answer:
    """An error in SendGrid's form. `reset`: the Unix time at which the limit is lifted."""
    limit = {"X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
    error = {"message": message or _SAYS[status], "field": field, "help": None}
    return Answer(status, {"errors": [error]}, limit if reset is not None else {})


def objection(asked: Mapping[str, Any], size: int, senders: Collection[str]) -> Answer | None:
    """The first thing that is wrong with a mail, as an answer; None for one that is taken."""
    if size > _LARGEST:
        return refused(413)
    for field, message, holds in _RULES:
        try:
            sound = holds(asked)
        except (LookupError, TypeError, AttributeError):
            sound = False
        if not sound:
            return refused(400, field, message)
    if asked["from"]["email"].lower() not in {one.lower() for one in senders}:
        return refused(403, "from")
    return None


def _headers(asked: Mapping[str, Any]) -> bool:
    given = asked.get("headers", {})
    clean = all(_ASCII.fullmatch(name + value) for name, value in given.items())
    return clean and not any(name.lower() in _RESERVED for name in given)


_RULES: list[tuple[str, str, Callable[[Mapping[str, Any]], bool]]] = [
    (
        "personalizations",
        "The personalizations block is required and must have at least one object",
        lambda asked: 1 <= len(asked["personalizations"]) <= 1000,
    ),
    (
        "personalizations.0.to.0.email",
        "Does not contain a valid address.",
        lambda asked: all(_ADDRESS.fullmatch(to["email"]) for one in asked["personalizations"] for to in one["to"]),
    ),
    (
        "from.email",
        "The from email does not contain a valid address.",
        lambda asked: bool(_ADDRESS.fullmatch(asked["from"]["email"])),
    ),
    (
        "reply_to.email",
        "The reply_to email does not contain a valid address.",
        lambda asked: "reply_to" not in asked or bool(_ADDRESS.fullmatch(asked["reply_to"]["email"])),
    ),
    ("subject", "The subject is required.", lambda asked: bool(asked["subject"])),
    (
        "content.0.value",
        "The content value must be a string at least one character in length.",
        lambda asked: all(len(one["value"]) > 0 for one in asked["content"]) and bool(asked["content"]),
    ),
    ("headers", "One of the headers is not allowed.", _headers),
]  # fmt: skip
