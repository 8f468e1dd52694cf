"""The prompt's document: one JSON object, the same for every model. No names, addresses, numbers or links in it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from agent.engine.gather import Gathered, asks
from agent.engine.trigger import Trigger
from agent.nodes.room import Room, fit_invoices, length
from agent.policy.document import Policy
from tools.dunning.templates import templates
from tools.ledger.model import Account, Invoice
from tools.memory.excerpt import head
from tools.memory.pseudonyms import pseudonymise
from tools.money import Money

_INVOICES = 40
_LISTED = 10  # promises, holds and disputes each: the newest
_PLANS = 3
_NOTE = 1000  # characters of a collector's words
_QUOTE = 160
_FRAME = 260  # the names of the lists that are added at the end, and their counts


def _plain(minor: int, currency: str) -> str:
    amount: Decimal = Money(minor, currency).decimal
    return str(amount)


def _invoice(
    invoice: Invoice, account: Account, disputed: set[str], held: set[str], *, full: bool
) -> dict[str, Any]:
    """One open invoice. What is false or not known is left out, and in short also what seldom matters."""
    row: dict[str, Any] = {
        "id": invoice.id, "number": invoice.number,
        "due": invoice.due_date.isoformat() if invoice.due_date else None,
        "days_past_due": max(0, invoice.days_past_due(account.today)),
        "balance": _plain(invoice.balance_minor, invoice.currency),
        "overdue": invoice.is_overdue(account.today), "disputed": invoice.id in disputed, "held": invoice.id in held,
        "payment_link": invoice.payment_url is not None,
    }  # fmt: skip
    if full:
        row |= {
            "issued": invoice.issue_date.isoformat(),
            "total": _plain(invoice.total_minor, invoice.currency),
            "job_state": invoice.job_state,
            "job_notes": pseudonymise(invoice.job_notes or "", account)[:300] or None,
        }
    return {name: value for name, value in row.items() if value}


def _account(account: Account, reachable: Sequence[str]) -> dict[str, Any]:
    currency = account.customer.currency
    return {
        "language": account.customer.language,
        "kind": account.customer.kind,
        "currency": currency,
        "channels": list(reachable),
        "balance_open": _plain(sum(i.balance_minor for i in account.invoices if i.is_open()), currency),
        "balance_overdue": _plain(sum(i.balance_minor for i in account.overdue()), currency),
        "promises": [
            {"id": p.id, "amount": _plain(p.amount_minor, p.currency), "due": p.due_date.isoformat(), "state": p.state}
            for p in account.promises[-_LISTED:]
        ],
        "plans": [
            {
                "id": p.id, "state": p.state, "total": _plain(p.total_minor, p.currency),
                "instalments": [
                    {"on": n.due_date.isoformat(), "amount": _plain(n.amount_minor, p.currency)} for n in p.instalments
                ],
            }
            for p in account.plans[-_PLANS:]
        ],
        "holds": [{"reason": h.reason, "invoices": h.invoice_ids} for h in account.holds[-_LISTED:]],
        "disputes": [{"id": d.id, "reason": d.reason, "invoices": list(d.invoice_ids)} for d in account.disputes[-_LISTED:]],
        "templates": {
            t.name: {"purpose": t.purpose, "says": t.says}
            | ({"tone": t.tone} if t.tone != "service" else {})
            | ({"channels": list(t.channels)} if set(t.channels) != {"sms", "email"} else {})
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


def document(trigger: Trigger, known: Gathered, policy: Policy, *, characters: int) -> dict[str, Any]:
    """What the model reads: its task, the account's figures and states, and the conversation as untrusted data.

    At most `characters` long as JSON, unless what is not a list alone is longer; `left_out` counts what did not fit.
    """
    account = known.facts.account
    reachable = _reachable(account)
    said = _task(trigger, known, policy, reachable)
    free = characters - length(said) - _FRAME
    opened = [invoice for invoice in account.invoices if invoice.is_open()]
    disputed, held = account.disputed_ids(), account.held_ids()
    full, short = (
        [_invoice(i, account, disputed, held, full=f) for i in opened[:_INVOICES]] for f in (True, False)
    )
    listed = fit_invoices(full, short, free)
    room = Room(free - length(listed), plain=lambda text: pseudonymise(text, account))
    room.fill(
        known.conversation.window,
        known.memory,
        [
            {"kind": f.kind, "fact": f.fact, "since": f.at.date().isoformat(), "message": f.message_id}
            for f in known.conversation.standing
        ],
        asks(trigger, known),
    )
    said["account"] |= {"invoices": listed, "invoices_not_shown": len(opened) - len(listed)}
    return said | {
        "standing_facts": room.facts,
        "memory": room.memory,
        "conversation": room.conversation,
        "left_out": {
            "messages": max(0, known.conversation.messages - len(room.conversation) - len(room.memory)),
            "facts": known.conversation.standing_in_all - len(room.facts),
            "shortened": room.shortened,
        },
    }


def _task(trigger: Trigger, known: Gathered, policy: Policy, reachable: Sequence[str]) -> dict[str, Any]:
    """Everything but the lists that may grow."""
    account = known.facts.account
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
            "note": head(pseudonymise(trigger.note, account), _NOTE) if trigger.note else None,
            "rejected": trigger.rejected,
        },
        "today": account.today.isoformat(),
        "weekday": f"{account.today:%A}",
        "account": _account(account, reachable),
        "signals": [
            {"kind": s.kind, "detail": s.detail, "quote": head(pseudonymise(s.quote, account), _QUOTE)}
            for s in known.signals
        ],
    }  # fmt: skip
