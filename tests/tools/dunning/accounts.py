"""Accounts and calls for the tests of drafting: Ana López owes two invoices to Brightwater Plumbing."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tools.company import Company
from tools.dunning.draft import Draft
from tools.dunning.generate_dunning_message import GenerateDunningMessage
from tools.dunning.render import draft_message
from tools.dunning.templates import Template
from tools.ledger.model import Account, Contact, Customer, Instalment, Invoice, PaymentHistory, Plan, Promise

TODAY = date(2026, 3, 17)
NOW = datetime(2026, 3, 17, 15, 0, tzinfo=UTC)
COMPANY = Company(name="Brightwater Plumbing", zone=ZoneInfo("America/Chicago"), currency="USD")


def an_invoice(**changes: Any) -> Invoice:
    """One open invoice, 14 days past due on TODAY."""
    invoice = Invoice(
        id="i1",
        number="1042",
        issue_date=date(2026, 2, 1),
        due_date=date(2026, 3, 3),
        currency="USD",
        total_minor=40_000,
        balance_minor=31_250,
        ledger_state="open",
        payment_url="https://pay.example/i/1042",
        job_ref=None,
        job_state=None,
        job_notes=None,
    )
    return replace(invoice, **changes)


def a_contact(**changes: Any) -> Contact:
    contact = Contact(
        id="sms-1",
        role="billing",
        name="Ana López",
        channel="sms",
        address="+12025550143",
        verified_at=NOW,
        consent="granted",
        opted_out_at=None,
        quiet_hours=None,
        shared=False,
    )
    return replace(contact, **changes)


def a_promise(**changes: Any) -> Promise:
    promise = Promise(
        id=7,
        invoice_ids=["i1"],
        amount_minor=20_000,
        currency="USD",
        due_date=date(2026, 3, 27),
        made_at=NOW,
        state="open",
    )
    return replace(promise, **changes)


def a_plan(**changes: Any) -> Plan:
    plan = Plan(
        id="plan-1",
        invoice_ids=["i1"],
        total_minor=31_250,
        currency="USD",
        state="approved",
        instalments=[
            Instalment(date(2026, 4, 1), 10_416),
            Instalment(date(2026, 5, 1), 10_416),
            Instalment(date(2026, 6, 1), 10_418),
        ],
    )
    return replace(plan, **changes)


def an_account(*, customer: dict[str, Any] | None = None, **changes: Any) -> Account:
    """An account with one overdue invoice, an SMS and an email contact, one open promise and one approved plan."""
    who = Customer(
        id="c1",
        name="Ana López",
        kind="consumer",
        status="active",
        currency="USD",
        language="en",
        segment="residential",
        time_zone=None,
        region="IL",
        owner=None,
        terms_days=30,
        credit_limit_minor=None,
        hold_reason=None,
        do_not_contact=False,
    )
    history = PaymentHistory(settled=4, late_0d=1, late_7d=1, late_15d=0, late_30d=0)
    account = Account(
        today=TODAY,
        now=NOW,
        customer=replace(who, **(customer or {})),
        contacts=[a_contact(), a_contact(id="email-1", channel="email", address="ana@example.com")],
        invoices=[an_invoice()],
        disputes=[],
        promises=[a_promise()],
        plans=[a_plan()],
        holds=[],
        suppressions=[],
        touches=[],
        ladder=[],
        history=history,
        portfolio=history,
        payments_pending_minor=0,
        ledger_as_of=NOW,
        ledger_system="csv",
    )
    return replace(account, **changes)


def a_call(**changes: Any) -> GenerateDunningMessage:
    """A call of the tool; give `template` or `body`."""
    arguments: dict[str, Any] = {
        "purpose": "reply",
        "channel": "sms",
        "invoices": ["i1"],
        "tone": "friendly",
        "offer": None,
        "template": None,
        "body": None,
    }
    return GenerateDunningMessage(**(arguments | changes))


def said(body: str, account: Account | None = None, **changes: Any) -> Draft:
    """A free text, drafted."""
    return draft_message(
        a_call(body=body, **changes),
        account or an_account(),
        COMPANY,
        first_contact=False,
        reply_contact_id=None,
    )


def drafted(
    template: Template,
    channel: str,
    language: str,
    account: Account | None = None,
    *,
    first_contact: bool = True,
) -> Draft:
    """A reviewed template, drafted for an account that has all it needs."""
    account = account or an_account()
    account = replace(account, customer=replace(account.customer, language=language))
    call = a_call(
        purpose=template.purpose,
        channel=channel,
        tone=template.tone,
        template=template.name,
        invoices=[invoice.id for invoice in account.invoices],
        offer="plan-1" if "plan.schedule" in template.needs else None,
    )
    return draft_message(
        call, account, COMPANY, first_contact=first_contact, reply_contact_id=None, payment_minor=12_345
    )
