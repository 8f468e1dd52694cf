"""What cannot be drafted is refused in one sentence, and what can be is drafted as asked."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.dunning.accounts import (
    COMPANY,
    a_call,
    a_contact,
    a_plan,
    a_promise,
    an_account,
    an_invoice,
    drafted,
    said,
)
from tools.dunning.errors import Undraftable
from tools.dunning.offers import plan_instalments
from tools.dunning.render import draft_message
from tools.dunning.segments import MAX_SEGMENTS
from tools.dunning.sources import first_name
from tools.dunning.templates import Language, templates
from tools.ledger.model import Account, Hold, Instalment
from tools.money import Money


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("{{customer.__class__}}", "no placeholder {{customer.__class__}}"),
        ("{{ balance | upper }}", "no placeholder"),
        ("{{body}}", "no placeholder"),
        ("{{}}", "no placeholder"),
        ("{% for x in y %}", "blank in brackets"),
        ("{balance}", "blank in brackets"),
        ("{{{{balance}}}}", "blank in brackets"),
        ("Dear [Customer Name]", "blank in brackets"),
        ("<name>", "blank in brackets"),
        ("{{plan.total}}", "give the id of an approved plan"),
        ("{{payment.amount}}", "no payment to thank for"),
        (" \u200b\n", "body is empty"),
    ],
)
def test_a_body_is_text_and_never_a_program(body: str, answer: str) -> None:
    with pytest.raises(Undraftable) as refused:
        said(body)
    assert answer in str(refused.value)


@given(st.text(alphabet="{}%.|_[]() abcxyz\\\"'\n", max_size=60))
def test_any_body_is_drafted_or_refused(body: str) -> None:
    """Nothing but Undraftable ever comes out of a body, and no brace ever leaves."""
    try:
        draft = said("x" + body)
    except Undraftable:
        return
    assert not set("{}") & set(draft.body)


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"invoices": ["i1", "i9"]}, "'i9' is not open on this account"),
        ({"invoices": ["paid"]}, "'paid' is not open on this account"),
        ({"offer": "plan-9"}, "'plan-9' is no approved plan offer"),
        ({"offer": "draft-plan"}, "'draft-plan' is no approved plan offer"),
    ],
)
def test_only_this_customers_open_invoices_and_approved_offers(
    changes: dict[str, object], answer: str
) -> None:
    account = an_account(
        invoices=[an_invoice(), an_invoice(id="paid", balance_minor=0, ledger_state="paid")],
        plans=[a_plan(), a_plan(id="draft-plan", state="defaulted")],
    )
    with pytest.raises(Undraftable) as refused:
        said("Hello", account, **changes)
    assert answer in str(refused.value)


def test_a_receipt_may_name_the_invoice_that_it_closed() -> None:
    call = a_call(template="receipt", purpose="receipt", invoices=["closed"])
    draft = draft_message(
        call,
        an_account(invoices=[]),
        COMPANY,
        first_contact=False,
        reply_contact_id=None,
        payment_minor=31_250,
    )
    assert draft.body == "Thank you, Ana. Brightwater Plumbing has received your payment of $312.50."
    assert draft.amount_minor == 0


def _hold(invoice_ids: list[str] | None) -> Hold:
    return Hold(1, "dispute", invoice_ids, "person", an_account().now, None)


def test_a_message_about_everything_leaves_out_what_is_held() -> None:
    account = an_account(
        invoices=[an_invoice(), an_invoice(id="i2", number="2077", balance_minor=100)], holds=[_hold(["i2"])]
    )
    draft = said("You owe {{balance}}.", account, invoices=[])
    assert draft.body.startswith("You owe $312.50.")
    assert draft.amount_minor == 31_250


def test_a_message_about_everything_is_refused_when_everything_is_held() -> None:
    with pytest.raises(Undraftable, match="on hold"):
        said("You owe {{balance}}.", an_account(holds=[_hold(None)]), invoices=[])


def test_a_message_about_nothing_asks_for_nothing() -> None:
    assert said("Thank you.", invoices=[]).amount_minor == 0


def test_two_currencies_have_no_sum() -> None:
    account = an_account(invoices=[an_invoice(), an_invoice(id="i2", currency="EUR")])
    with pytest.raises(Undraftable, match="one currency"):
        said("{{balance}}", account, invoices=[])


@pytest.mark.parametrize(
    ("urls", "text"),
    [
        (["https://p.example/1"], "https://p.example/1"),
        (["https://p.example/a", "https://p.example/a"], "https://p.example/a"),
        (["https://p.example/1", "https://p.example/2"], "N0: https://p.example/1 N1: https://p.example/2"),
        (["https://p.example/1", None], "N0: https://p.example/1"),
    ],
)
def test_each_invoice_is_paid_through_its_own_link(urls: list[str | None], text: str) -> None:
    invoices = [an_invoice(id=f"i{n}", number=f"N{n}", payment_url=url) for n, url in enumerate(urls)]
    draft = said("Pay here: {{payment_link}}", an_account(invoices=invoices), invoices=[])
    assert draft.body == f"Pay here: {text} Reply STOP to opt out."
    assert not list(draft.untraced)


@pytest.mark.parametrize(
    "url", [None, "javascript:alert(1)", "https://p.example/a b", "ftp://p.example/x", ""]
)
def test_what_is_no_web_link_is_no_payment_link(url: str | None) -> None:
    with pytest.raises(Undraftable, match="no payment link"):
        said("Pay here: {{payment_link}}", an_account(invoices=[an_invoice(payment_url=url)]))


def test_several_promised_payments_are_listed_and_older_promises_are_not() -> None:
    old = a_promise(id=1, made_at=date_time_before())
    account = an_account(
        promises=[old, a_promise(), a_promise(id=8, due_date=date(2026, 3, 20), amount_minor=100)]
    )
    assert said("{{promise.schedule}}", account).body.startswith(
        "$1.00 on Mar 20, 2026 and $200.00 on Mar 27, 2026"
    )


def date_time_before() -> object:
    return an_account().now.replace(year=2025)


def test_free_text_carries_frame_disclosure_and_way_out() -> None:
    call = a_call(body="Hello {{customer.first_name}},\n\nyour question reached us.", channel="email")
    draft = draft_message(call, an_account(), COMPANY, first_contact=True, reply_contact_id=None)
    assert draft.subject == "A message from Brightwater Plumbing"
    assert draft.body.startswith(
        "Hello Ana,\n\nyour question reached us.\n\nBrightwater Plumbing\n\nThis email was"
    )
    assert draft.body.endswith("reply with the word STOP.")
    assert (draft.template, draft.contact_id, draft.segments) == (None, "email-1", None)


def test_a_language_without_templates_falls_back_and_says_so() -> None:
    draft = said("Hello", an_account(customer={"language": "fr"}))
    assert (draft.language, draft.language_fallback) == ("en", True)


def test_typographic_characters_do_not_cost_a_segment() -> None:
    draft = said("It’s due — “thank you” … • ok")
    assert draft.body.startswith('It\'s due - "thank you" ... - ok')
    assert draft.segments == 1


@pytest.mark.parametrize(
    ("name", "kind", "first"),
    [
        ("Ana López", "consumer", "Ana"),
        ("López, Ana María", "consumer", "Ana"),
        ("Dr. José Ruiz", "business", "José"),
        ("Jean-Luc O'Neil", "business", "Jean-Luc"),
        ("Accounts Payable", "business", None),
        ("AP Dept.", "business", None),
        ("J. Smith", "consumer", None),
        ("{{balance}} x", "consumer", None),
        ("http://evil.example Ana", "consumer", None),
        ("$9999", "consumer", None),
        ("Harbor Cafe", "business", None),
        (None, "business", None),
        (None, "consumer", "Harbor"),
        ("", "unknown", None),
    ],
)
def test_a_first_name_is_a_persons_or_none(name: str | None, kind: str, first: str | None) -> None:
    account: Account = an_account(customer={"name": "Harbor Cafe", "kind": kind})
    assert first_name(a_contact(name=name), account.customer) == first


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Hi {{customer.first_name}}, all well?", "Hi, all well?"),
        ("Thank you, {{customer.first_name}}.", "Thank you."),
        ("Hola, {{ customer.first_name }}: bien", "Hola: bien"),
    ],
)
def test_an_absent_name_leaves_a_greeting_whole(body: str, text: str) -> None:
    account = an_account(contacts=[a_contact(name=None)], customer={"kind": "business"})
    assert said(body, account).body == f"{text} Reply STOP to opt out."
    with pytest.raises(Undraftable, match="no first name is on file"):
        said("{{customer.first_name}}, all well?", account)


def test_names_with_braces_or_lines_never_become_markup() -> None:
    account = an_account(customer={"name": "Evil\nSubject: {{balance}}"})
    draft = said("To {{customer.name}}", account)
    assert draft.body.startswith("To Evil Subject: {{balance}}")


def test_the_same_call_gives_the_same_draft() -> None:
    assert said("Hello {{balance}}") == said("Hello {{balance}}")


@pytest.mark.parametrize(("language", "parts"), [("en", "23 weekly payments of $13.02"), ("es", "23 pagos semanales de $13.02")])  # fmt: skip
@pytest.mark.parametrize("template", ["plan_offer", "plan_confirmed"])
def test_a_plan_of_many_equal_parts_fits_an_sms_with_its_exact_figures(
    template: str, language: Language, parts: str
) -> None:
    instalments = plan_instalments(Money(31_250, "USD"), 24, "week", date(2026, 4, 1))
    account = an_account(plans=[a_plan(instalments=instalments)])
    draft = drafted(templates()[template], "sms", language, account)
    assert parts in draft.body
    assert Money(instalments[-1].amount_minor, "USD").format(language) in draft.body
    assert (draft.segments or 9) <= MAX_SEGMENTS
    assert list(draft.untraced) == []


def test_a_plan_of_irregular_parts_names_each() -> None:
    days = [date(2026, 4, 1), date(2026, 4, 3), date(2026, 5, 1), date(2026, 8, 1)]
    account = an_account(plans=[a_plan(instalments=[Instalment(day, 7_812) for day in days])])
    draft = drafted(templates()["plan_offer"], "sms", "en", account)
    assert draft.body.count("$78.12") == 4
