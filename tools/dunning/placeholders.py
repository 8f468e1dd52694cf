"""The closed set of placeholders, and how the ledger fills each. A body is text, never a program."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from tools.dunning.errors import Undraftable
from tools.dunning.lists import (
    Form,
    day,
    days_past_due,
    invoice_list,
    payment_link,
    plan_schedule,
    promise_schedule,
)
from tools.dunning.sources import Sources
from tools.ledger.model import Invoice, Promise
from tools.money import Money

PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_ABSENT_NAME = re.compile(r"(?<=\w)(?:,[ ]?|[ ])\{\{\s*customer\.first_name\s*\}\}")
_LEFT_OPEN = re.compile(r"[{}]|\[[^\W\d_][^\]\n]*\]|<[^\W\d_][^>\n]*>")
Fill = Callable[[Sources, Form], str | None]


@dataclass(frozen=True, slots=True)
class Placeholder:
    """How one placeholder is filled (None: the ledger cannot), and what to do where it cannot."""

    fill: Fill
    missing: str


def _text(read: Callable[[Sources], str | None]) -> Fill:
    return lambda sources, _form: read(sources)


def _money(read: Callable[[Sources], Money | None]) -> Fill:
    def fill(sources: Sources, _form: Form) -> str | None:
        money = read(sources)
        return money.format(sources.language) if money else None

    return fill


def _invoice(read: Callable[[Invoice, Sources], str | None]) -> Fill:
    return lambda sources, _form: read(sources.invoices[0], sources) if len(sources.invoices) == 1 else None


def _promise(read: Callable[[Promise, Sources], str]) -> Fill:
    return lambda sources, _form: read(sources.promises[0], sources) if len(sources.promises) == 1 else None


_ONE_INVOICE = "name exactly one invoice that has it, or write {{invoice_list}}"
_ONE_PROMISE = "it needs one promised payment; write {{promise.schedule}} for several"
_AN_OFFER = "give the id of an approved plan in `offer`"
PLACEHOLDERS: Mapping[str, Placeholder] = {
    "company": Placeholder(
        _text(lambda s: s.company_name or None), "the company has no name in the settings"
    ),
    "customer.name": Placeholder(
        _text(lambda s: s.customer_name or None), "the customer has no name on file"
    ),
    "customer.first_name": Placeholder(
        _text(lambda s: s.first_name),
        "no first name is on file; write it after a greeting only, or leave it out",
    ),
    "balance": Placeholder(_money(lambda s: s.balance), "name open invoices, in one currency"),
    "invoice_list": Placeholder(invoice_list, "there is no open invoice to list"),
    "invoice.number": Placeholder(_invoice(lambda i, _: i.number), _ONE_INVOICE),
    "invoice.amount": Placeholder(_invoice(lambda i, s: i.balance.format(s.language)), _ONE_INVOICE),
    "invoice.due_date": Placeholder(
        _invoice(lambda i, s: day(i.due_date, s) if i.due_date else None), _ONE_INVOICE
    ),
    "days_past_due": Placeholder(days_past_due, "none of the invoices is past due"),
    "payment_link": Placeholder(
        payment_link, "these invoices have no payment link to send; leave the sentence out"
    ),
    "promise.amount": Placeholder(
        _promise(lambda p, s: Money(p.amount_minor, p.currency).format(s.language)), _ONE_PROMISE
    ),
    "promise.date": Placeholder(_promise(lambda p, s: day(p.due_date, s)), _ONE_PROMISE),
    "promise.schedule": Placeholder(promise_schedule, "there is no open promise"),
    "plan.total": Placeholder(
        _money(lambda s: Money(s.plan.total_minor, s.plan.currency) if s.plan else None), _AN_OFFER
    ),
    "plan.schedule": Placeholder(plan_schedule, _AN_OFFER),
    "payment.amount": Placeholder(_money(lambda s: s.payment), "there is no payment to thank for"),
}
ABOUT_INVOICES = frozenset(
    {
        "balance",
        "invoice_list",
        "invoice.number",
        "invoice.amount",
        "invoice.due_date",
        "days_past_due",
        "payment_link",
    }
)


# The lines of reviewed texts recur from message to message.
@lru_cache(maxsize=1024)
def names_in(text: str) -> tuple[str, ...]:
    """The placeholders that `text` uses. Raises Undraftable for one that does not exist."""
    names = tuple(PLACEHOLDER.findall(text))
    for name in names:
        if name not in PLACEHOLDERS:
            known = ", ".join(f"{{{{{known}}}}}" for known in PLACEHOLDERS)
            raise Undraftable(f"There is no placeholder {{{{{name}}}}}; there are {known}.")
    return names


def fillable(name: str, sources: Sources) -> bool:
    """Whether the ledger has what the placeholder asks for; an absent first name is left out of a greeting."""
    return name == "customer.first_name" or PLACEHOLDERS[name].fill(sources, "inline") is not None


@lru_cache(maxsize=1024)
def _left_open(line: str) -> bool:
    return _LEFT_OPEN.search(PLACEHOLDER.sub("", line)) is not None


def substitute(line: str, sources: Sources) -> str:
    """`line` with every placeholder filled; after a greeting, an absent first name vanishes with its comma or space.

    Raises Undraftable for a placeholder that is unknown or cannot be filled, and for any other kind of blank.
    Values are never read again as templates.
    """
    names = names_in(line)
    if _left_open(line):
        raise Undraftable(
            "The text still has a blank in brackets; write placeholders such as {{balance}} instead."
        )
    if not names:
        return line
    if sources.first_name is None:
        line = _ABSENT_NAME.sub("", line)
    form: Form = "block" if sources.channel == "email" and PLACEHOLDER.fullmatch(line.strip()) else "inline"

    def value(match: re.Match[str]) -> str:
        placeholder = PLACEHOLDERS[match[1]]
        filled = placeholder.fill(sources, form)
        if filled is None:
            raise Undraftable(f"{{{{{match[1]}}}}} cannot be filled: {placeholder.missing}.")
        return filled

    return PLACEHOLDER.sub(value, line)
