"""Every reviewed template, in every channel and language, for accounts rich and poor."""

import re
from dataclasses import replace
from importlib import resources
from itertools import product

import pytest

from tests.tools.dunning.accounts import (
    COMPANY,
    a_call,
    a_contact,
    a_promise,
    an_account,
    an_invoice,
    drafted,
    said,
)
from tools.dunning.errors import Undraftable
from tools.dunning.generate_dunning_message import MessageChannel
from tools.dunning.placeholders import PLACEHOLDERS, names_in
from tools.dunning.render import draft_message
from tools.dunning.segments import MAX_SEGMENTS
from tools.dunning.templates import (
    CHANNELS,
    LANGUAGES,
    Language,
    Template,
    part,
    reviewed_language,
    templates,
)
from tools.dunning.wording import denied

EVERY = [
    pytest.param(template, channel, language, id=f"{template.name}.{channel}.{language}")
    for template, language in product(templates().values(), LANGUAGES)
    for channel in template.channels
]
DEMAND_FREE = ("condolence", "crisis", "hold_ack", "wrong_party_ack", "fraud_ack")


@pytest.mark.parametrize(("template", "channel", "language"), EVERY)
def test_a_template_is_clean_short_and_says_who_writes(
    template: Template, channel: MessageChannel, language: Language
) -> None:
    """No untraced figure, no denied word, at most 3 segments, the way out iff it collects, the disclosure at first."""
    first = drafted(template, channel, language)
    later = drafted(template, channel, language, first_contact=False)

    assert (list(first.untraced), list(first.denied)) == ([], [])
    assert first.language == language
    assert not first.language_fallback
    assert first.segments is None if channel == "email" else (first.segments or 9) <= MAX_SEGMENTS
    assert ("STOP" in later.body) == template.collection
    assert re.search("automated assistant|asistente automatizado", first.body)
    assert bool(re.search("automated assistant|asistente automatizado", later.body)) == (
        template.identity == "own"
    )
    assert not re.search(r"[{}\\]|  ", first.body + (first.subject or ""))
    assert (first.subject is not None) == (channel == "email")


@pytest.mark.parametrize(("template", "channel", "language"), EVERY)
def test_a_template_reads_well_where_the_file_knows_little(
    template: Template, channel: MessageChannel, language: Language
) -> None:
    """No name, no payment link, no due date: the sentences that need them are gone, and nothing dangles."""
    if "payment_link" in template.needs:
        return  # it exists for the link
    account = an_account(
        customer={"name": "Harbor Cafe LLC", "kind": "business"},
        contacts=[
            a_contact(name=None),
            a_contact(id="e", channel="email", address="ap@example.com", name="AP Dept"),
        ],
        invoices=[an_invoice(payment_url=None, due_date=None)],
    )
    draft = drafted(template, channel, language, account)

    assert not list(draft.untraced)
    assert "http" not in draft.body
    assert "None" not in draft.body
    assert not re.search(r" [,.:;]|[,.:;]{2}|[,:]\Z|:\n(?!\n)", draft.body)


@pytest.mark.parametrize(("template", "channel", "language"), EVERY)
def test_a_template_holds_a_large_account(
    template: Template, channel: MessageChannel, language: Language
) -> None:
    """Many invoices, several links, accents in the name and a long company name still fit and trace."""
    account = an_account(
        contacts=[
            a_contact(name="López García, María José"),
            a_contact(id="e", channel="email", address="m@example.com", name="María José López García"),
        ],
        invoices=[
            an_invoice(id=f"i{n}", number=f"INV-2026-{n:04}", payment_url=f"https://pay.example/{n}")
            for n in range(12)
        ],
        promises=[a_promise(), a_promise(id=8, amount_minor=11_250, due_date=a_promise().made_at.date())],
    )
    if channel == "sms" and template.name == "payment_link_reply":
        with pytest.raises(Undraftable, match="payment_link"):
            drafted(template, channel, language, account)
        return
    draft = drafted(template, channel, language, account)

    assert not list(draft.untraced)
    assert not list(draft.denied)
    assert (draft.segments or 0) <= MAX_SEGMENTS


@pytest.mark.parametrize("name", DEMAND_FREE)
def test_messages_without_demand_have_no_record_in_them(name: str) -> None:
    """No figure, no invoice, no link and no name of a customer: there is no placeholder for them."""
    template = templates()[name]
    for channel, language in product(template.channels, LANGUAGES):
        assert set(names_in(template.text(channel, language).text)) <= {"company"}
    assert not template.collection


def test_a_wrong_party_learns_no_name_at_all() -> None:
    for channel, language in product(("sms", "email"), LANGUAGES):
        draft = drafted(templates()["wrong_party_ack"], channel, language)
        assert COMPANY.name not in draft.body + (draft.subject or "")
        assert "Ana" not in draft.body


def test_the_index_and_the_files_agree() -> None:
    """No template without its texts, no text without its template, no need that a text does not use or know."""
    folder = resources.files("prompts.messages")
    there = {path.name for path in folder.iterdir() if path.name.endswith(".md")}
    expected = {
        f"{t.name}.{c}.{lang}.md" for t in templates().values() for c in t.channels for lang in LANGUAGES
    }
    assert there == expected
    for template in templates().values():
        assert set(template.needs) <= set(PLACEHOLDERS)
        for channel, language in product(template.channels, LANGUAGES):
            assert set(template.needs) <= set(names_in(template.text(channel, language).text)), template.name


def test_both_languages_use_the_same_placeholders() -> None:
    for template in templates().values():
        for channel in template.channels:
            english, spanish = (sorted(names_in(template.text(channel, lang).text)) for lang in LANGUAGES)
            assert english == spanish, (template.name, channel)


def test_subjects_tell_nobody_of_a_debt() -> None:
    for template, language in product(templates().values(), LANGUAGES):
        subject = template.text("email", language).text.partition("\n")[0].lower()
        assert not re.search(
            r"\d|debt|due|owe|pay|balance|invoice|deuda|pago|saldo|factura|vencid", subject
        ), subject


def test_the_reviewed_texts_type_no_figure_but_the_crisis_lines() -> None:
    """What is written in a template is checked by the same eye as what fills it."""
    for template, language in product(templates().values(), LANGUAGES):
        for channel in template.channels:
            text = template.text(channel, language).text.replace("{{", "").replace("}}", "")
            figures = re.findall(r"\d+", text)
            assert template.name == "crisis" or not figures
            assert not denied(text)
    for name, channel, language in product(
        ("disclosure", "disclosure_unnamed", "opt_out"), CHANNELS, LANGUAGES
    ):
        assert not re.search(r"\d", part(name, channel, language).text)


def test_a_template_serves_its_own_purpose_only() -> None:
    """A reminder cannot pass for an acknowledgement, which the policy lets out more easily."""
    call = a_call(template="reminder_2", purpose="acknowledgement")
    with pytest.raises(Undraftable, match="for purpose reminder, not for acknowledgement"):
        draft_message(call, an_account(), COMPANY, first_contact=False, reply_contact_id=None)


@pytest.mark.parametrize(
    ("name", "answer"), [("reminder_9", "There is no template"), ("../system", "There is no template")]
)
def test_an_unknown_template_is_named(name: str, answer: str) -> None:
    with pytest.raises(Undraftable, match=answer):
        draft_message(
            a_call(template=name), an_account(), COMPANY, first_contact=False, reply_contact_id=None
        )


def test_a_formal_notice_goes_by_email_only() -> None:
    call = a_call(template="formal_notice", purpose="formal_notice", tone="formal")
    with pytest.raises(Undraftable, match="not written for sms; use email"):
        draft_message(call, an_account(), COMPANY, first_contact=False, reply_contact_id=None)


@pytest.mark.parametrize(
    ("tag", "language", "fallback"),
    [
        ("en", "en", False),
        ("es-MX", "es", False),
        ("ES_us", "es", False),
        ("fr", "en", True),
        ("", "en", True),
        ("est", "en", True),
    ],
)
def test_a_language_without_templates_is_written_in_english_and_said(
    tag: str, language: str, fallback: bool
) -> None:
    assert reviewed_language(tag) == (language, fallback)


def test_the_version_changes_with_the_text_and_not_with_the_customer() -> None:
    template = templates()["reminder_1"]
    one = drafted(template, "sms", "en")
    other = drafted(template, "sms", "en", an_account(invoices=[an_invoice(number="7", balance_minor=1)]))
    assert one.version == other.version != drafted(template, "sms", "es").version


def test_names_that_sound_like_denied_words_or_figures_may_get_mail() -> None:
    account = an_account(
        contacts=[a_contact(name="Sue April")], customer={"name": "Court Street Legal Aid 54"}
    )
    company = replace(COMPANY, name="Studio 54 Police Supply")
    draft = draft_message(
        a_call(template="balance_reply"), account, company, first_contact=True, reply_contact_id=None
    )
    assert "Hi Sue," in draft.body
    assert not list(draft.denied)
    assert not list(draft.untraced)


def test_crisis_lines_are_known_in_a_crisis_only() -> None:
    crisis = drafted(templates()["crisis"], "sms", "en")
    assert "988" in crisis.body
    assert not list(crisis.untraced)
    assert said("Please call or text 988.").untraced
