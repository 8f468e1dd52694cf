"""What the ledger did not give is found in the text; what it gave is not."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from babel.dates import format_date
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.dunning.accounts import COMPANY, a_call, a_plan, a_promise, an_account, an_invoice, said
from tools.dunning.render import draft_message
from tools.ledger.model import Instalment
from tools.money import Money

CURRENCIES = ["USD", "EUR", "GBP", "CAD", "MXN", "JPY", "CHF", "BHD", "INR", "SEK", "XAF", "CLP"]
DAYS = st.dates(date(2010, 1, 1), date(2035, 12, 31))
MINOR = st.integers(1, 10**10)
OURS = (31_250, 40_000)  # balance and total of the invoice


@pytest.mark.parametrize(
    "body",
    [
        "Please pay $9,999 or we call the police",
        "50% off if you pay", "50 % off", "５０% off", "½ of it is fine", "fifty percent less", "only ٥٠ to pay",
        "$312.5", "$312.500", "$1312.50", "$312.50.99", "CA$312.50", "€312.50", "312.50", "$312.50%", "$-312.50", "$31250",
        "{{balance}}0", "1{{balance}}", "{{balance}}.00", "{{balance}} 000", "USD 312.51",
        "pay 1042 dollars", "pay 1042 USD", "1042%", "1042 days", "invoice INV-1042", "invoice 10422", "invoice 1043",
        "within 14 hours", "a grand", "two thousand will do", "mil doscientos", "a dollar a day",
        "by Friday", "by March 4", "by March 31", "by March 3, 2027", "3/4/2026", "2026-03-04", "next week", "tomorrow",
        "antes del viernes", "en abril", "by the end of May", "antes de la próxima semana",
        "https://evil.example/pay", "https://pay.example/i/1042/evil", "https://pay.example/i/1042.evil.com",
        "https://evil.com/?u=https://pay.example/i/1042", "https://pay.example@evil.com/i/1042", "www.evil.com",
        "evil.com", "hxxp://evil", "bit.ly/abc", "evil[.]com", "evil dot com", "evil . com", "evil。com", "pay by month end", "mail a@b.example", "{{payment_link}}x",
        "call +1 202 555 0199", "call (202) 555-0199", "call 202.555.0199", "call 1-800-FLOWERS", "text us at ２０２",
        "card 4111 1111 1111 1111", "①", "₿ five",
        "pay 1042", "USD 1042", "1042 pesos", "invoice 1042 and 1043", "invoice 1042, 99", "invoice 1042 (9 days)", "1042: 7",
    ],
)  # fmt: skip
def test_what_no_record_explains_is_named(body: str) -> None:
    assert list(said(f"Hello, {body}", invoices=["i1"]).untraced), body


@pytest.mark.parametrize(
    "body",
    [
        "Hello {{customer.first_name}}, {{balance}} is open on {{invoice_list}}.",
        "Invoice {{invoice.number}} of {{invoice.amount}} was due on {{invoice.due_date}}, {{days_past_due}} ago.",
        "You can pay here: {{payment_link}}. Thank you!",
        "({{balance}}) {{payment_link}}, invoice {{invoice.number}}; Factura #{{invoice.number}}: {{balance}}!",
        "You said {{promise.amount}} on {{promise.date}}: {{promise.schedule}}.",
        "$312.50, invoice #1042, due March 3, 2026 (total $400)",  # typed by a person, and right
        "Once we know more, one of our team may march over. Thanks, no one is in a hurry, e.g. at 's' p.m.",
    ],
)
@pytest.mark.parametrize("channel", ["sms", "email"])
def test_what_the_ledger_gave_is_explained(body: str, channel: str) -> None:
    assert not list(said(body, channel=channel).untraced)


def test_a_record_that_the_message_is_not_about_explains_nothing() -> None:
    """Another invoice's figures, a plan that is not offered, a closed promise, a payment that is not thanked for."""
    account = an_account(
        invoices=[
            an_invoice(),
            an_invoice(id="i2", number="2077", balance_minor=555_00, due_date=date(2026, 1, 9)),
        ],
        promises=[a_promise(state="broken")],
    )
    for body in ("$555.00", "invoice 2077", "January 9, 2026", "$104.16", "$200.00", "March 27, 2026"):
        assert list(said(f"It is about {body}.", account).untraced), body


@given(minor=MINOR, currency=st.sampled_from(CURRENCIES), language=st.sampled_from(["en", "es"]))
def test_an_amount_that_is_not_the_ledgers_is_always_untraced(
    minor: int, currency: str, language: str
) -> None:
    amount = Money(minor, currency)
    ours = {Money(our, "USD").format(lang) for our in OURS for lang in ("en", "es")}
    if amount.format(language) not in ours:
        assert list(said(f"Please send {amount.format(language)} to us").untraced)
        assert list(
            said(f"Please send {amount.decimal} to us", an_account(customer={"language": "es"})).untraced
        )


@given(
    day=DAYS,
    length=st.sampled_from(["full", "long", "medium", "short"]),
    language=st.sampled_from(["en", "es"]),
)
def test_a_date_that_is_not_the_ledgers_is_always_untraced(day: date, length: str, language: str) -> None:
    account = an_account(promises=[])
    invoice = account.invoices[0]
    if day not in (invoice.due_date, invoice.issue_date):
        written = format_date(day, length, locale=language)
        assert list(said(f"Please pay by {written}", account).untraced)


@given(digits=st.from_regex(r"\A[1-9]([ .\-]?[0-9]){0,15}\Z"))
def test_a_number_that_is_not_the_ledgers_is_always_untraced(digits: str) -> None:
    assert list(said(f"Please call {digits}").untraced)


@given(
    minors=st.lists(st.integers(2, 10**10), min_size=1, max_size=6),
    due=DAYS,
    currency=st.sampled_from(CURRENCIES),
    language=st.sampled_from(["en", "es"]),
    channel=st.sampled_from(["sms", "email"]),
    days=st.integers(-30, 900),
    prefix=st.sampled_from(["", "INV-", "2026-", "F/", "№ "]),
)
def test_ledger_figures_through_placeholders_are_always_traced(
    minors: list[int], due: date, currency: str, language: str, channel: str, days: int, prefix: str
) -> None:
    """Any currency, any language, any number of invoices."""
    invoices = [
        an_invoice(
            id=f"i{n}",
            number=f"{prefix}{1000 + n}",
            currency=currency,
            balance_minor=m,
            due_date=due - timedelta(days=n),
            payment_url=f"https://pay.example/{n}",
        )
        for n, m in enumerate(minors)
    ]
    half = minors[0] // 2
    account = an_account(
        customer={"language": language, "currency": currency},
        invoices=invoices,
        today=due + timedelta(days=days),
        promises=[a_promise(amount_minor=minors[0], due_date=due, currency=currency)],
        plans=[
            a_plan(
                currency=currency,
                total_minor=minors[0],
                instalments=[Instalment(due, half), Instalment(due + timedelta(days=31), minors[0] - half)],
            )
        ],
    )
    body = "{{balance}} {{invoice_list}}\n{{invoice_list}}\n{{promise.schedule}}\n{{plan.schedule}}\n{{plan.total}}\n"
    body += "{{payment.amount}}, {{promise.amount}}, {{promise.date}}"
    if channel == "email" or len(minors) <= 2:  # an SMS holds no more links
        body += "\n{{payment_link}}"
    if days > 0:
        body += " ({{days_past_due}})"
    call = a_call(body=body, channel=channel, offer="plan-1", invoices=[])
    draft = draft_message(
        call, account, COMPANY, first_contact=True, reply_contact_id=None, payment_minor=minors[-1]
    )
    assert not list(draft.untraced)
    assert draft.amount_minor == sum(minors)


def test_the_check_does_not_trust_the_name_of_the_company() -> None:
    """A figure in our own name is ours as part of the name only."""
    company = replace(COMPANY, name="Studio 54")
    call = a_call(body="We at {{company}} ask for 54.")
    draft = draft_message(call, an_account(), company, first_contact=False, reply_contact_id=None)
    assert list(draft.untraced) == ["54"]
