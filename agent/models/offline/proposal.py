"""The calls that the collector can propose, built from a document so that their arguments are always valid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from agent.models.offline.document import Document, Template
from tools.dunning.generate_dunning_message import MessageChannel

LOOK, SPEAK = "read_customer_risk", "generate_dunning_message"
WAIT, RECORD = "schedule_follow_up", "log_collection_activity"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One tool call: a tool's name and its arguments as plain JSON."""

    tool: str
    args: Mapping[str, Any]


def look() -> Proposal:
    """Read the risk; half a month late is what the ladder's second step is about."""
    return Proposal(LOOK, {"horizon": "late_15d"})


def record(kind: str, **fields: Any) -> Proposal:
    """One record."""
    return Proposal(RECORD, {"record": {"kind": kind, **fields}})


def escalate(document: Document, why: str = "unsure") -> Proposal:
    """Hand over to a person, with the customer's words where there are any."""
    said = document.newest.text.strip() if document.newest and document.task.kind == "inbound" else ""
    return record("escalation", why=why, quote=said[:500] or None)


def follow_up(kind: str, reason: str, *, on: date | None = None) -> Proposal:
    """One follow-up, on that day or now."""
    when = {"on": on.isoformat(), "in_days": None} if on else {"on": None, "in_days": 0}
    return Proposal(WAIT, {"kind": kind, **when, "reason": reason})


def message(
    document: Document,
    template: str,
    invoices: Sequence[str] = (),
    *,
    channel: str | None = None,
    tone: str | None = None,
    offer: str | None = None,
) -> Proposal | None:
    """One message from a reviewed template; None where there is no such template or no channel for it."""
    reviewed = document.account.templates.get(template)
    chosen = reviewed and choose_channel(document, reviewed, channel)
    if not reviewed or not chosen:
        return None
    return Proposal(
        SPEAK,
        {
            "purpose": reviewed.purpose,
            "channel": chosen,
            "invoices": list(invoices)[:200],
            "tone": tone or reviewed.tone,
            "offer": offer,
            "template": template,
            "body": None,
        },
    )


def choose_channel(
    document: Document, template: Template, wanted: str | None = None
) -> MessageChannel | None:
    """`wanted` or the task's channel where the template has it, else another on which the customer can be reached.

    A reply may use a channel that is not listed as reachable: the confirmation of an opt-out goes out on the
    channel that the opt-out has just closed. Whether it may is the policy's to say.
    """
    task, reachable = document.task, document.account.channels
    asked = document.newest.channel if document.newest and task.kind == "inbound" else None
    first = wanted or task.channel or asked
    able = [name for name in template.channels if name in ("sms", "email")]
    if first in able and (first in reachable or task.kind == "inbound"):
        return cast(MessageChannel, first)
    return next((cast(MessageChannel, name) for name in reachable if name in able), None)
