"""What a decision keeps of its facts: a digest that voids an approval when the world moves, and a record to replay."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from agent.policy.document import Policy
from agent.policy.hours import candidate_zones
from agent.policy.verdict import Facts
from tools.ledger.model import Account
from tools.spec import Action, digest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# Personal data, free text and what is untrusted: no rule looks at it but the numbers' zones, which are kept as `zones`.
_LEFT_OUT = frozenset(
    {
        "name",
        "address",
        "body",
        "subject",
        "payment_url",
        "job_ref",
        "job_state",
        "job_notes",
        "number",
        "salt",
    }
)
_COUNTED = frozenset(
    {"untraced", "denied", "telling", "hold_reason"}
)  # kept as a number: how many there are, how long the text is
_AS_IS = frozenset({str, int, bool, float, type(None)})


# Offering an approved plan is what its message does: it does not void the approval of that message.
_OFFER = {"approved": "offered"}


def facts_digest(facts: Facts, action: Action) -> str:
    """Changes exactly when an approval of the action must be asked again.

    What is owed on the invoices concerned and their state; disputes, holds, open promises, plans, suppressions;
    the recipient's address and consent; the customer's status and marks. Not the time, and not what was sent.
    """
    standing = _standing(facts.account, _invoices_of(action))
    return digest({**standing, "recipient": _recipient(facts.account, facts)})


def account_digest(account: Account, invoice_ids: Collection[str]) -> str:
    """The same of what a person proposes on these invoices, which nobody receives."""
    return digest(_standing(account, set(invoice_ids)))


def _standing(account: Account, named: set[str]) -> dict[str, Any]:
    customer = account.customer
    concerned = [i for i in account.invoices if i.id in named] if named else list(account.invoices)
    return {
        "customer": [
            customer.id, customer.status, customer.do_not_contact, customer.hold_reason, customer.currency, customer.salt,
        ],
        "named": sorted(named),
        "invoices": sorted([i.id, i.balance_minor, i.ledger_state, i.currency, str(i.due_date)] for i in concerned),
        "pending": account.payments_pending_minor,
        "disputes": sorted(digest([d.id, sorted(d.invoice_ids), d.amount_minor, d.state]) for d in account.disputes),
        "holds": sorted(
            digest([h.id, h.reason, sorted(h.invoice_ids or ()), h.invoice_ids is None]) for h in account.holds
        ),
        "promises": sorted([p.id, p.amount_minor, str(p.due_date)] for p in account.promises if p.state == "open"),
        "plans": sorted([p.id, p.total_minor, _OFFER.get(p.state, p.state)] for p in account.plans),
        "suppressions": sorted(digest([s.id, s.channel, s.contact_id, s.reason]) for s in account.suppressions),
    }  # fmt: skip


def facts_record(facts: Facts, policy: Policy) -> dict[str, Any]:
    """What the rules looked at, as plain JSON: ids, figures, states and instants; no names, addresses or texts.

    Enough to judge again: the candidate time zones stand for the phone numbers, and each address for its digest.
    """
    record: dict[str, Any] = _plain(facts)
    record["zones"] = list(
        facts.zones if facts.zones is not None else candidate_zones(facts.account, policy.document.window)
    )
    return record


def _invoices_of(action: Action) -> set[str]:
    """Invoice ids that the arguments name; the arguments may be anything, since a refused action is recorded too."""
    record = action.args.get("record")
    named = (record if isinstance(record, Mapping) else action.args).get("invoices")
    return {str(identity) for identity in named} if isinstance(named, list) else set()


def _recipient(account: Account, facts: Facts) -> list[Any]:
    draft = facts.draft
    contact = next((c for c in account.contacts if draft is not None and c.id == draft.contact_id), None)
    if contact is None:
        return []
    marks = [
        contact.consent,
        contact.opted_out_at is not None,
        contact.verified_at is not None,
        contact.shared,
    ]
    return [contact.id, contact.channel, digest(contact.address), *marks]


def _plain(value: Any) -> Any:
    """A value of ours as JSON, field by field, without what must not be kept."""
    if type(value) in _AS_IS:
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return _staged(value) if isinstance(value, Action) else _record(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return {key: _plain(content) for key, content in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _staged(action: Action) -> dict[str, Any]:
    """An action that was staged earlier, without the customer's words that it may quote."""
    record = action.args.get("record")
    said = (
        {key: record.get(key) for key in ("kind", "why", "scope", "offer")}
        if isinstance(record, Mapping)
        else None
    )
    return {"customer_id": action.customer_id, "tool": action.tool, "digest": action.digest, "record": said}


def _record(value: "DataclassInstance") -> dict[str, Any]:
    kept, counted = _shape(type(value))
    record = {name: _plain(getattr(value, name)) for name in kept}
    return record | {name: len(getattr(value, name) or ()) for name in counted}


@lru_cache(maxsize=64)
def _shape(kind: "type[DataclassInstance]") -> tuple[Sequence[str], Sequence[str]]:
    """Names of the fields of a class of ours that are kept as they are, and of those that are kept as a number."""
    names = [field.name for field in fields(kind) if field.name not in _LEFT_OUT]
    return [n for n in names if n not in _COUNTED], [n for n in names if n in _COUNTED]
