"""The Event Webhook: what SendGrid says became of our mails, and what their readers said by it.

Events come in batches, in any order, more than once (`event_id` is the same each time), and with fields that we do not
know. One that cannot be read does not keep the others from us: SendGrid would post the whole batch again for a day.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from tools.errors import Invalid
from tools.spec import storable

State = Literal["sent", "delivered", "failed"]
Fault = Literal["later", "bad", "opted_out", "look"]
Stop = Literal["opt_out", "complaint"]

KEY = "message_id"  # the custom argument that carries our key
_MOST = 10_000  # events of one batch; SendGrid cuts batches at 768 kB
_OUR_KEY = re.compile(r"[0-9]{1,19}", re.ASCII)
_ID = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
_MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>", re.ASCII)
_MACHINE = re.compile(r"\.(?:filter|recvd).*")  # what sg_message_id has after X-Message-Id
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", re.ASCII)  # RFC 3463
_LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an event comes to: the message's state, what is to be done where it failed, and what the customer wants."""

    state: State | None = None
    fault: Fault = "look"
    stop: Stop | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `key` is the outbox id that the mail carried, `provider_id` the one of our receipt, `address` untrusted.

    `kind` is SendGrid's word, "blocked" for a bounce of that type. `internet_id` is the Message-ID under which the mail
    left. `code` is the receiving server's status (5.1.1) or, where it gave none, our name of the cause; never its text.
    """

    event_id: str
    kind: str
    at: datetime
    meaning: Meaning
    key: str | None = None
    provider_id: str | None = None
    internet_id: str | None = None
    address: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """The events that mean something to us, in the order in which they came, and how many entries there were besides."""

    events: tuple[Event, ...]
    ignored: int  # opens, clicks and kinds that we do not know
    broken: int  # entries that are no events


def _read_meanings() -> dict[str, dict[str, Meaning]]:
    table = tomllib.loads(Path(__file__).with_name("meanings.toml").read_text("utf-8"))
    kinds = {kind: Meaning(**said) for kind, said in table.pop("kinds").items()}
    # What a cause says is said on top of its kind.
    return {"kinds": kinds} | {
        kind: {cause: Meaning(**{"state": kinds[kind].state, **said}) for cause, said in causes.items()}
        for kind, causes in table.items()
    }


MEANINGS = _read_meanings()


def read_events(body: bytes) -> Batch:
    """A posted batch. Raises Invalid for what is no list of JSON, or longer than any batch."""
    try:
        entries = json.loads(body)
    except (ValueError, RecursionError) as garbled:
        raise Invalid("SendGrid's events cannot be read.") from garbled
    if not isinstance(entries, list) or len(entries) > _MOST:
        raise Invalid("SendGrid's events are a list.")
    events: list[Event] = []
    ignored = broken = 0
    for entry in entries:
        at, event_id = _time(entry), _matching(_ID, entry, "sg_event_id")
        if at is None or event_id is None:
            broken += 1
        elif (event := _event(entry, event_id, at)) is None:
            ignored += 1
        else:
            events.append(event)
    return Batch(tuple(events), ignored, broken)


def _event(entry: Mapping[str, Any], event_id: str, at: datetime) -> Event | None:
    named = _text(entry, "event").lower()
    blocked = named == "bounce" and _text(entry, "type").lower() == "blocked"
    kind = "blocked" if blocked else named
    meaning = MEANINGS["kinds"].get(kind)
    if meaning is None:
        return None
    cause = _text(entry, "bounce_classification" if kind == "blocked" else "reason").strip().lower()
    known = MEANINGS.get(kind, {}).get(cause)
    given_id = _matching(_ID, entry, "sg_message_id")
    return Event(
        event_id=event_id, kind=kind, at=at, meaning=known or meaning,
        key=_matching(_OUR_KEY, entry, KEY),
        provider_id=_MACHINE.sub("", given_id) if given_id else None,
        internet_id=_matching(_MESSAGE_ID, entry, "smtp-id"),
        address=storable(_text(entry, "email"))[:320] or None,
        code=_matching(_STATUS, entry, "status") or (cause if known else None),
    )  # fmt: skip


def _time(entry: Any) -> datetime | None:
    at = entry.get("timestamp") if isinstance(entry, dict) else None
    if isinstance(at, bool) or not isinstance(at, int) or not 0 < at < _LATEST:
        return None
    return datetime.fromtimestamp(at, UTC)


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _matching(shape: re.Pattern[str], entry: Any, name: str) -> str | None:
    value = _text(entry, name) if isinstance(entry, dict) else ""
    return value if shape.fullmatch(value) else None
