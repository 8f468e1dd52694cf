"""Judge again what was judged: facts rebuilt from the record that a decision kept."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from agent.policy.verdict import Facts

_FACTS = TypeAdapter(Facts)
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
        counted = {name: ["x"] * draft[name] for name in ("untraced", "denied")}
        facts["draft"] = {**draft, **counted, "subject": None, "body": _GONE}
    facts["staged"] = [
        {"customer_id": staged["customer_id"], "tool": staged["tool"], "args": {"record": staged["record"]}}
        for staged in facts["staged"]
    ]
    return _FACTS.validate_python(facts)
