"""The prompt's document: one JSON object, the same for every model. No names, addresses, numbers or links in it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from agent.engine.gather import Gathered
from agent.engine.trigger import Trigger
from agent.policy.document import Policy
from tools.dunning.templates import templates
from tools.ledger.model import Account, Invoice
from tools.memory.pseudonyms import pseudonymise
from tools.money import Money


def _plain(minor: int, currency: str) -> str:
    amount: Decimal = Money(minor, currency).decimal
    return str(amount)


def _invoice(invoice: Invoice, account: Account, disputed: set[str], held: set[str]) -> dict[str, Any]:
    return {
        "id": invoice.id, "number": invoice.number, "issued": invoice.issue_date.isoformat(),
        "due": invoice.due_date.isoformat() if invoice.due_date else None,
        "days_past_due": max(0, invoice.days_past_due(account.today)),
        "total": _plain(invoice.total_minor, invoice.currency),
        "balance": _plain(invoice.balance_minor, invoice.currency),
        "overdue": invoice.is_overdue(account.today), "disputed": invoice.id in disputed, "held": invoice.id in held,
        "payment_link": invoice.payment_url is not None, "job_state": invoice.job_state,
        "job_notes": pseudonymise(invoice.job_notes or "", account)[:300] or None,
    }  # fmt: skip


def _account(account: Account, reachable: Sequence[str]) -> dict[str, Any]:
    currency = account.customer.currency
    disputed, held = account.disputed_ids(), account.held_ids()
    listed = [i for i in account.invoices if i.is_open()][:40]
    return {
        "language": account.customer.language,
        "kind": account.customer.kind,
        "currency": currency,
        "channels": list(reachable),
        "invoices": [_invoice(invoice, account, disputed, held) for invoice in listed],
        "invoices_not_shown": max(0, sum(i.is_open() for i in account.invoices) - len(listed)),
        "balance_open": _plain(sum(i.balance_minor for i in account.invoices if i.is_open()), currency),
        "balance_overdue": _plain(sum(i.balance_minor for i in account.overdue()), currency),
        "promises": [
            {"id": p.id, "amount": _plain(p.amount_minor, p.currency), "due": p.due_date.isoformat(), "state": p.state}
            for p in account.promises
        ],
        "plans": [
            {
                "id": p.id, "state": p.state, "total": _plain(p.total_minor, p.currency),
                "instalments": [
                    {"on": n.due_date.isoformat(), "amount": _plain(n.amount_minor, p.currency)} for n in p.instalments
                ],
            }
            for p in account.plans
        ],
        "holds": [{"reason": h.reason, "invoices": h.invoice_ids} for h in account.holds],
        "disputes": [{"id": d.id, "reason": d.reason, "invoices": list(d.invoice_ids)} for d in account.disputes],
        "templates": {
            t.name: {"purpose": t.purpose, "tone": t.tone, "says": t.says, "channels": list(t.channels)}
            for t in templates().values()
        },
    }  # fmt: skip


def _reachable(account: Account) -> list[str]:
    """Channels with a contact point that is not opted out or suppressed; the policy has the last word on each."""
    silent = {s.channel for s in account.suppressions if s.contact_id is None}
    silenced = {s.contact_id for s in account.suppressions}
    open_points = [
        c for c in account.contacts
        if c.opted_out_at is None and c.consent != "denied" and c.id not in silenced and c.channel not in silent
    ]  # fmt: skip
    found = {c.channel for c in open_points} & {"sms", "email"} if None not in silent else set()
    return sorted(found, key=lambda channel: channel != "sms")


def _channel(trigger: Trigger, known: Gathered, policy: Policy, reachable: Sequence[str]) -> str | None:
    """The channel to answer on, or the ladder step's: "other" is one that the last message did not take."""
    inbound, account = known.facts.inbound, known.facts.account
    if inbound is not None and inbound.channel != "portal":
        return inbound.channel
    step = next((s for s in policy.ladder(account.customer.segment) if s.step == trigger.step), None)
    if step is None or step.channel != "other":
        return trigger.channel or (
            reachable[0] if step and reachable and step.channel == "preferred" else None
        )
    last = next((touch.channel for touch in account.touches if touch.reply_to is None), None)
    return next((channel for channel in reachable if channel != last), None)


def document(trigger: Trigger, known: Gathered, policy: Policy) -> dict[str, Any]:
    """What the model reads: its task, the account's figures and states, and the conversation as untrusted data."""
    account = known.facts.account
    reachable = _reachable(account)
    return {
        "task": {
            "kind": trigger.kind,
            "step": trigger.step,
            "channel": _channel(trigger, known, policy, reachable),
            "message_id": trigger.message_id,
            "event": trigger.event,
            "follow_up": {"kind": trigger.follow_up_kind, "reason": trigger.follow_up_reason}
            if trigger.follow_up_kind
            else None,
            "note": pseudonymise(trigger.note, account) if trigger.note else None,
            "rejected": trigger.rejected,
        },
        "today": account.today.isoformat(),
        "weekday": f"{account.today:%A}",
        "account": _account(account, reachable),
        "signals": [
            {"kind": s.kind, "detail": s.detail, "quote": pseudonymise(s.quote, account)} for s in known.signals
        ],
        "conversation": [
            {
                "id": m.id, "at": m.at.isoformat(timespec="minutes"), "direction": m.direction, "channel": m.channel,
                "purpose": m.purpose, "text": pseudonymise(m.body, account),
            }
            for m in known.window
        ],
        "standing_facts": [
            {"kind": f.kind, "fact": pseudonymise(f.fact, account), "since": f.at.date().isoformat()}
            for f in known.standing
        ],
        "left_out": {"messages": known.left_out},
    }  # fmt: skip
