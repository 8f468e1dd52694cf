"""What Twilio posts to us: customers' texts and what became of ours. Read only after the signature was checked.

Twilio adds fields without notice: unknown ones are let through unread. A signature runs the URL, names and values
together without a mark between them, so that what was signed once could be cut anew: `?key=71` and `AccountSid` into
`?key=7` and `1AccountSid`. So the fields at the seams are required, single and of strict shape.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import parse_qs

from typing_extensions import override

from tools.errors import Invalid

OptOut = Literal["STOP", "START", "HELP"]
Stage = Literal["leaving", "sent", "delivered", "failed"]

_FIELDS = 200  # Twilio sends about thirty
_MESSAGE_SID = re.compile(r"(?:SM|MM)[0-9a-f]{32}", re.ASCII)
_ACCOUNT_SID = re.compile(r"AC[0-9a-f]{32}", re.ASCII)
_SERVICE_SID = re.compile(r"MG[0-9a-f]{32}", re.ASCII)
_NUMBER = re.compile(r"\+?[0-9]{3,15}", re.ASCII)  # E.164, or a short code
_MEDIA = 10
# How far along each status is, and what it comes to. Callbacks come in any order: the farthest holds.
_STATUSES: dict[str, tuple[int, Stage]] = {
    "accepted": (1, "leaving"),
    "scheduled": (2, "leaving"),
    "queued": (3, "leaving"),
    "sending": (4, "leaving"),
    "sent": (5, "sent"),
    "canceled": (6, "failed"),
    "failed": (7, "failed"),
    "undelivered": (8, "failed"),
    "partially_delivered": (9, "delivered"),
    "delivered": (10, "delivered"),
    "read": (11, "delivered"),
}


class Form(Mapping[str, str]):
    """A posted form. `form[name]` is a field's value; the SDK's validator asks for all of them by `getlist`."""

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        self._fields = dict(fields)

    @override
    def __getitem__(self, name: str) -> str:
        """The value; Invalid where a form gives one field two of them."""
        values = set(self._fields[name])
        if len(values) > 1:
            raise Invalid("Twilio's form has a field with two values.")
        return values.pop()

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    @override
    def __len__(self) -> int:
        return len(self._fields)

    def getlist(self, name: str) -> list[str]:
        """All values of a field."""
        return self._fields[name]


@dataclass(frozen=True, slots=True)
class Media:
    """Something that came with a text: noted, and fetched by nobody but a person."""

    url: str
    content_type: str


@dataclass(frozen=True, slots=True)
class TextMessage:
    """A customer's text as it came: blanks and white space are theirs. `opt_out` is set by Advanced Opt-Out only."""

    sid: str
    account: str
    to: str
    from_: str
    body: str
    segments: int
    media: tuple[Media, ...] = ()
    opt_out: OptOut | None = None
    service: str | None = None


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """What became of one of our messages. `key` is the outbox id that its callback URL carries."""

    sid: str
    account: str
    status: str
    error_code: str | None
    key: str | None

    @property
    def stage(self) -> Stage | None:
        """What the status comes to; None for one that Twilio has added since."""
        return _STATUSES[self.status][1] if self.status in _STATUSES else None


def read_form(body: bytes) -> Form:
    """A urlencoded form, blank values kept. Invalid for what is not UTF-8 or has too many fields."""
    try:
        return Form(
            parse_qs(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS)
        )
    except ValueError as garbled:
        raise Invalid("Twilio's form cannot be read.") from garbled


def inbound(form: Form) -> TextMessage:
    """A customer's text. Invalid for what is no text message: a missing field, or a WhatsApp or RCS address."""
    opt_out = form.get("OptOutType", "").upper()
    service = form.get("MessagingServiceSid")
    return TextMessage(
        sid=_matching(_MESSAGE_SID, form, "MessageSid"),
        account=_matching(_ACCOUNT_SID, form, "AccountSid"),
        to=_matching(_NUMBER, form, "To"),
        from_=_matching(_NUMBER, form, "From"),
        body=_required(form, "Body"),
        segments=_number(form, "NumSegments", 1),
        media=tuple(
            Media(form.get(f"MediaUrl{n}", ""), form.get(f"MediaContentType{n}", ""))
            for n in range(min(_number(form, "NumMedia", 0), _MEDIA))
        ),
        opt_out=cast(OptOut, opt_out) if opt_out in ("STOP", "START", "HELP") else None,
        service=_matching(_SERVICE_SID, form, "MessagingServiceSid") if service else None,
    )


def status(form: Form, raw_query: bytes) -> StatusUpdate:
    """What became of one of our messages; `raw_query` is that of the callback's URL, which was signed with the form."""
    keys = parse_qs(raw_query.decode("latin-1")).get("key", [])
    error = form.get("ErrorCode", "")
    return StatusUpdate(
        sid=_matching(_MESSAGE_SID, form, "MessageSid"),
        account=_matching(_ACCOUNT_SID, form, "AccountSid"),
        status=_required(form, "MessageStatus").lower(),
        error_code=error if error.isascii() and error.isdecimal() and error.strip("0") else None,
        key=keys[0] if len(keys) == 1 else None,
    )


def rank(status_name: str) -> int:
    """How far along a status is: one of lower rank never replaces one of higher. 0 for one that Twilio has added since."""
    return _STATUSES.get(status_name, (0,))[0]


def _required(form: Form, name: str) -> str:
    if name not in form:
        raise Invalid(f"Twilio's form has no {name}.")
    return form[name]


def _matching(shape: re.Pattern[str], form: Form, name: str) -> str:
    value = _required(form, name)
    if not shape.fullmatch(value):
        raise Invalid(f"Twilio's form has a {name} that is none for SMS.")
    return value


def _number(form: Form, name: str, missing: int) -> int:
    value = form.get(name, "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= 4 else missing
