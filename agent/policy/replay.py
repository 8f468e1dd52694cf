"""Judge again what was judged: facts rebuilt from the record that a decision kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from agent.policy.gate import Gate
from agent.policy.verdict import Approver, Ask, Facts, Ruling
from tools.spec import Action

_FACTS = TypeAdapter(Facts)
_BY_WORDS = "QUOTE-1"  # refused before any rule: the quote was not in the customer's message
# What the gate found about the person who answered; who that was is not part of the facts.
_PERSONS = frozenset({"APPROVED", "APPROVER-ROLE", "APPROVER-LIMIT", "APPROVER-SELF", "APPROVER-SECOND"})
# Stands for whoever approved, and for who did before them: their role and limit were checked then.
_ANYONE = Approver("", "admin", 10**18, first="somebody else")
_GONE = ""  # stands for what a record does not keep: names, addresses and texts, which no rule reads


def facts_of(record: Mapping[str, Any]) -> Facts:
    """The facts of a decision, without what was personal in them. Raises ValidationError for what is no such record."""
    facts = dict(record)
    account = dict(facts["account"])
    account["customer"] = {
        **account["customer"],
        "name": _GONE,
        "hold_reason": "x" * account["customer"]["hold_reason"] or None,
    }
    account["contacts"] = [{**contact, "name": None, "address": _GONE} for contact in account["contacts"]]
    unread = dict.fromkeys(("payment_url", "job_ref", "job_state", "job_notes"))
    account["invoices"] = [{**invoice, **unread, "number": _GONE} for invoice in account["invoices"]]
    facts["account"] = account
    if facts["inbound"] is not None:
        facts["inbound"] = {**facts["inbound"], "body": _GONE}
    if (draft := facts["draft"]) is not None:
        counted = {name: ["x"] * draft.get(name, 0) for name in ("untraced", "denied", "telling")}
        facts["draft"] = {**draft, **counted, "subject": None, "body": _GONE}
    facts["staged"] = [
        {"customer_id": staged["customer_id"], "tool": staged["tool"], "args": {"record": staged["record"]}}
        for staged in facts["staged"]
    ]
    return _FACTS.validate_python(facts)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One decision as it was written down. `args` is None for a customer who was erased."""

    id: int
    customer_id: str
    tool: str
    args: Mapping[str, Any] | None
    verdict: str
    role: str | None
    reasons: Sequence[Mapping[str, str]]
    policy_version: str
    facts: Mapping[str, Any]
    at: datetime

    @property
    def rules(self) -> frozenset[str]:
        """The rules that said something."""
        return frozenset(reason["rule"] for reason in self.reasons)

    def action(self) -> Action | None:
        """What was judged, if it is still known."""
        return None if self.args is None else Action(self.customer_id, self.tool, self.args)


def judged_again(gate: Gate, recorded: Recorded) -> Ruling | None:
    """The ruling of `gate` on a recorded decision. A person's approval is taken as it was given.

    None where that cannot be said: the arguments were erased, or it was refused for the customer's words, which are
    not kept with a decision. Raises ValidationError where the facts are no such record.
    """
    action = recorded.action()
    if action is None or _BY_WORDS in recorded.rules:
        return None
    return gate.rule(action, facts_of(recorded.facts), _ANYONE if "APPROVED" in recorded.rules else None)


def agrees(ruling: Ruling, recorded: Recorded) -> bool:
    """Whether a ruling is the recorded one: the same verdict, by the same rules saying the same. Sentences may differ."""
    said = {(reason["rule"], reason["says"]) for reason in recorded.reasons if reason["rule"] not in _PERSONS}
    says = {(f.rule, type(f.verdict).__name__.lower()) for f in ruling.findings if f.rule not in _PERSONS}
    refused_to_approver = bool(recorded.rules & (_PERSONS - {"APPROVED"}))
    return said == says and (refused_to_approver or verdict_of(ruling) == (recorded.verdict, recorded.role))


def verdict_of(ruling: Ruling) -> tuple[str, str | None]:
    """A ruling's verdict as a decision records it: its name, and the role where a person is asked."""
    verdict = ruling.verdict
    return type(verdict).__name__.lower(), verdict.role if isinstance(verdict, Ask) else None
