"""Records in words: invoices, links, payments and days, in the customer's language, in a sentence or as lines."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from itertools import pairwise
from typing import Literal

from babel.dates import format_date
from babel.lists import format_list
from babel.units import format_unit

from prompts import load
from tools.dunning.sources import Sources
from tools.ledger.model import Invoice, Plan
from tools.money import Money

Form = Literal["inline", "block"]  # block: it stands alone on a line of an email, and may take several
LOCALES = {"en": "en_US", "es": "es_US"}  # as Money.format writes amounts
LISTED = 3  # invoices that a sentence names before it says how many more
_URL = re.compile(r"https?://[^\s<>\"{}]+")
_SMS_LINKS = 2


def day(on: date, sources: Sources) -> str:
    """A date as the customer reads it, short in an SMS."""
    return _day(on, "medium" if sources.channel == "sms" else "long", LOCALES[sources.language])


@lru_cache(maxsize=4096)
def _day(on: date, length: Literal["medium", "long"], locale: str) -> str:
    return format_date(on, length, locale=locale)


def days_past_due(sources: Sources, _form: Form) -> str | None:
    """How long the oldest is past due, such as "14 days"; None when nothing is."""
    if sources.days_past_due <= 0:
        return None
    return format_unit(sources.days_past_due, "duration-day", length="long", locale=LOCALES[sources.language])


def invoice_list(sources: Sources, form: Form) -> str | None:
    """The invoices by number: one to a line, or as a phrase that names few and counts the rest."""
    invoices, phrases = sources.invoices, _phrases(sources.language)
    if not invoices:
        return None
    if form == "block":
        return "\n".join(_item("line_due" if i.due_date else "line", i, sources) for i in invoices)
    if len(invoices) == 1:
        only = invoices[0]
        return phrases["invoice"].format(items=_item("due", only, sources) if only.due_date else only.number)
    # In a text message three due dates would cost a segment: the amounts say which is which.
    brief = sources.channel == "sms" and len(invoices) >= LISTED
    items = [_item("amount_due" if i.due_date and not brief else "amount", i, sources) for i in invoices]
    if len(invoices) > LISTED:
        more = phrases["more"].format(count=len(invoices) - LISTED)
        items = [*(i.number for i in invoices[:LISTED]), more]
    return phrases["invoices"].format(items=format_list(items, locale=LOCALES[sources.language]))


def payment_link(sources: Sources, form: Form) -> str | None:
    """Where to pay: the one link of all the invoices, or each with its number.

    None where there is no link, and where an SMS would hold more links than text.
    """
    links = [
        (i.number, i.payment_url) for i in sources.invoices if i.payment_url and _URL.fullmatch(i.payment_url)
    ]
    if len({url for _, url in links}) == 1 and len(links) == len(sources.invoices):
        return links[0][1]
    if not links or (sources.channel == "sms" and len(links) > _SMS_LINKS):
        return None
    labelled = [f"{number}: {url}" for number, url in links]
    if sources.channel == "sms":
        return " ".join(labelled)
    return ("" if form == "block" else "\n") + "\n".join(labelled)


def plan_schedule(sources: Sources, form: Form) -> str | None:
    """The payments of the offered plan: each, or in an SMS that would be too long the equal ones together and the last."""
    plan = sources.plan
    if (
        plan
        and sources.channel == "sms"
        and len(plan.instalments) > LISTED
        and (equal := _equal(plan, sources))
    ):
        return equal
    return _schedule(
        [(Money(i.amount_minor, plan.currency), i.due_date) for i in plan.instalments] if plan else [],
        sources,
        form,
    )


def promise_schedule(sources: Sources, form: Form) -> str | None:
    """The payments that were promised last."""
    return _schedule(
        [(Money(p.amount_minor, p.currency), p.due_date) for p in sources.promises], sources, form
    )


def _equal(plan: Plan, sources: Sources) -> str | None:
    """The equal parts in one phrase and the last, which may differ by cents; None where the parts are not regular."""
    *equal, last = plan.instalments
    gaps = {(b.due_date - a.due_date).days for a, b in pairwise(plan.instalments)}
    every = (
        "weekly"
        if gaps == {7}
        else "fortnightly"
        if gaps == {14}
        else "monthly"
        if min(gaps) >= 28 and max(gaps) <= 31
        else None
    )
    if every is None or len({part.amount_minor for part in equal}) != 1:
        return None
    said = _phrases(sources.language)
    money = [Money(part.amount_minor, plan.currency).format(sources.language) for part in (equal[0], last)]
    first = said[every].format(count=len(equal), amount=money[0], date=day(equal[0].due_date, sources))
    final = said["payment"].format(amount=money[1], date=day(last.due_date, sources))
    return format_list([first, final], locale=LOCALES[sources.language])


def _schedule(payments: Sequence[tuple[Money, date]], sources: Sources, form: Form) -> str | None:
    phrase = _phrases(sources.language)["payment"]
    parts = [
        phrase.format(amount=amount.format(sources.language), date=day(on, sources))
        for amount, on in payments
    ]
    if not parts:
        return None
    if form == "block":
        return "\n".join(f"- {part}" for part in parts)
    return format_list(parts, locale=LOCALES[sources.language])


def _item(kind: str, invoice: Invoice, sources: Sources) -> str:
    return _phrases(sources.language)[kind].format(
        number=invoice.number,
        amount=invoice.balance.format(sources.language),
        due_date=day(invoice.due_date, sources) if invoice.due_date else "",
    )


@cache
def _phrases(language: str) -> Mapping[str, str]:
    phrases: Mapping[str, str] = tomllib.loads(load("messages/phrases.toml").text)[language]
    return phrases
