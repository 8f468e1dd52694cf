"""Builders of ledger values and facts. Every default is a healthy account: one invoice 6 days late, tier low.

The day is Tuesday, 2026-03-10, 11 in the morning in Chicago, where the customer and the company are.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from agent.policy.verdict import Facts, Inbound, Risk
from tools.dunning.draft import Draft
from tools.ledger.model import (
    Account,
    Contact,
    Customer,
    Dispute,
    Hold,
    Instalment,
    Invoice,
    LadderStep,
    PaymentHistory,
    Plan,
    Promise,
    Suppression,
    Touch,
)
from tools.spec import Action

TODAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
CUSTOMER = "cust-1"


def a_customer(**given: Any) -> Customer:
    """An active customer in Chicago who pays in dollars."""
    return Customer(
        **{
            "id": CUSTOMER, "name": "Quillfeather Bakery", "kind": "business", "status": "active", "currency": "USD",
            "language": "en", "segment": "default", "time_zone": "America/Chicago", "region": "IL", "owner": "carla",
            "terms_days": 30, "credit_limit_minor": None, "hold_reason": None, "do_not_contact": False, **given,
        }
    )  # fmt: skip


def a_contact(**given: Any) -> Contact:
    """A verified billing contact with consent; email unless another channel is given."""
    channel = given.get("channel", "email")
    address = "billing@quillfeather.example" if channel == "email" else "+13125550142"
    return Contact(
        **{
            "id": f"contact-{channel}", "role": "billing", "name": "Odalys Brambleworth", "channel": channel,
            "address": address, "verified_at": NOW - timedelta(days=90), "consent": "granted", "opted_out_at": None,
            "quiet_hours": None, "shared": False, **given,
        }
    )  # fmt: skip


def an_invoice(**given: Any) -> Invoice:
    """An open invoice of 1,000.00, 6 days past due; `days_late` moves its due date."""
    days_late = given.pop("days_late", 6)
    due = TODAY - timedelta(days=days_late)
    return Invoice(
        **{
            "id": "inv-1", "number": "2026-0117", "issue_date": due - timedelta(days=30), "due_date": due,
            "currency": "USD", "total_minor": 100_000, "balance_minor": 100_000, "ledger_state": "open",
            "payment_url": None, "job_ref": None, "job_state": None, "job_notes": None, **given,
        }
    )  # fmt: skip


def an_account(**given: Any) -> Account:
    """A healthy account: one overdue invoice, an email and an SMS contact, ten settled invoices of which one was late."""
    return Account(
        **{
            "today": TODAY, "now": NOW, "customer": a_customer(),
            "contacts": [a_contact(), a_contact(channel="sms")], "invoices": [an_invoice()],
            "disputes": [], "promises": [], "plans": [], "holds": [], "suppressions": [], "touches": [], "ladder": [],
            "history": PaymentHistory(settled=10, late_0d=2, late_7d=1, late_15d=0, late_30d=0),
            "portfolio": PaymentHistory(settled=1000, late_0d=370, late_7d=200, late_15d=80, late_30d=4),
            "payments_pending_minor": 0, "ledger_as_of": NOW - timedelta(minutes=5), "ledger_system": "file", **given,
        }
    )  # fmt: skip


def a_hold(reason: Any = "dispute", **given: Any) -> Hold:
    """An active hold on the whole account, placed yesterday."""
    return Hold(
        **{
            "id": 1, "reason": reason, "invoice_ids": None, "cleared_by": "person",
            "placed_at": NOW - timedelta(days=1), "message_id": None, **given,
        }
    )  # fmt: skip


def a_dispute(**given: Any) -> Dispute:
    """An open dispute of the whole of inv-1."""
    return Dispute(
        **{
            "id": "dispute-1", "invoice_ids": ["inv-1"], "reason": "quality", "amount_minor": None, "state": "open",
            "opened_at": None, "source": "ledger", **given,
        }
    )  # fmt: skip


def a_promise(**given: Any) -> Promise:
    """An open promise to pay inv-1 in three days."""
    return Promise(
        **{
            "id": 1, "invoice_ids": ["inv-1"], "amount_minor": 100_000, "currency": "USD",
            "due_date": TODAY + timedelta(days=3), "made_at": NOW - timedelta(days=1), "state": "open", **given,
        }
    )  # fmt: skip


def a_plan(**given: Any) -> Plan:
    """A running plan of two instalments on inv-1."""
    instalments = [Instalment(TODAY + timedelta(days=30 * n), 50_000) for n in (1, 2)]
    return Plan(
        **{
            "id": "plan-1", "invoice_ids": ["inv-1"], "total_minor": 100_000, "currency": "USD", "state": "active",
            "instalments": instalments, **given,
        }
    )  # fmt: skip


def a_suppression(**given: Any) -> Suppression:
    """An opt-out from every channel."""
    return Suppression(**{"id": 1, "channel": None, "contact_id": None, "reason": "opt_out", **given})


def a_touch(**given: Any) -> Touch:
    """A reminder that was sent by email three hours ago."""
    return Touch(
        **{
            "outbox_id": 1, "at": NOW - timedelta(hours=3), "channel": "email", "purpose": "reminder",
            "template": "reminder_1", "reply_to": None, "state": "sent", **given,
        }
    )  # fmt: skip


def a_step(step: str = "reminder_1", **given: Any) -> LadderStep:
    """A ladder step that ran a week ago for inv-1."""
    return LadderStep(
        **{
            "anchor_invoice_id": "inv-1",
            "step": step,
            "invoice_ids": ["inv-1"],
            "at": NOW - timedelta(days=7),
            **given,
        }
    )


def an_inbound(**given: Any) -> Inbound:
    """An email of the customer that came in a minute ago and carries no signal."""
    return Inbound(
        **{
            "message_id": 11, "channel": "email", "contact_id": "contact-email", "identity_matches": True,
            "signals": frozenset(), "body": "How much do I owe?", "replies": 0, "at": NOW - timedelta(minutes=1), **given,
        }
    )  # fmt: skip


def facts(**given: Any) -> Facts:
    """Facts on a healthy account, as an episode of the ladder reads them."""
    account = given.pop("account", None) or an_account()
    return Facts(
        **{
            "account": account, "risk": Risk("low", 0.15), "trigger": "ladder", "now": account.now,
            "zone_key": "America/Chicago", **given,
        }
    )  # fmt: skip


def a_draft(args: Mapping[str, Any] | None = None, **given: Any) -> Draft:
    """The clean draft of a message action with those arguments, to the contact of its channel."""
    of = {**a_message().args, **(args or {})}
    return Draft(
        **{
            "contact_id": f"contact-{of['channel']}", "channel": of["channel"], "language": "en", "purpose": of["purpose"],
            "template": of["template"], "version": "v1", "subject": "Your account", "body": "Hello", "amount_minor": 100_000,
            "untraced": (), "denied": (), "segments": 1 if of["channel"] == "sms" else None, "language_fallback": False,
            "way_out": True, "disclosed": True,
            **given,
        }
    )  # fmt: skip


def a_message(**given: Any) -> Action:
    """The action of reminder 1 by email for inv-1."""
    args = {
        "purpose": "reminder", "channel": "email", "invoices": ["inv-1"], "tone": "friendly", "offer": None,
        "template": "reminder_1", "body": None, **given,
    }  # fmt: skip
    return Action(CUSTOMER, "generate_dunning_message", args)


def a_reply(template: str | None = "balance_reply", purpose: str = "reply", **given: Any) -> Action:
    """The action of an answer by email."""
    text = None if template else "It is {{balance}}."
    return a_message(
        **{"purpose": purpose, "template": template, "body": text, "tone": "service", "invoices": [], **given}
    )


def a_record(kind: str, **given: Any) -> Action:
    """The action of one record; what its kind needs beside that is given."""
    return Action(CUSTOMER, "log_collection_activity", {"record": {"kind": kind, **given}})


def a_follow_up(kind: str = "message", **given: Any) -> Action:
    """The action of a follow-up in five days."""
    return Action(
        CUSTOMER,
        "schedule_follow_up",
        {"kind": kind, "on": None, "in_days": 5, "reason": "look again", **given},
    )


def drafted(action: Action, **given: Any) -> Facts:
    """Facts with the clean draft of a message action; `draft` changes fields of it."""
    changes = given.pop("draft", {})
    return facts(draft=a_draft(action.args, **changes), **given)
