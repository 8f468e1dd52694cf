"""Every figure, date, number and link in a finished text, traced to a record: what no record explains is named.

The text is read afresh and what placeholders put there is not taken on trust: the forms in which the records may
appear are computed here from the records themselves, those that occur are struck out, and whatever still looks like
a figure, a date, a link or an address is untraced. An allow-list fails safe: a form we forgot is refused, not sent.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from babel.dates import format_date, format_skeleton
from babel.numbers import get_currency_precision
from babel.units import format_unit

from tools.dunning.figures import STRUCK, UNITS, suspicious
from tools.dunning.lists import LISTED, LOCALES
from tools.dunning.segments import sms_text, visible
from tools.dunning.sources import Sources
from tools.money import Money

CRISIS_LINES = (
    "call or text 988",
    "call 911",
    "findahelpline.com",
    "llamar al 988",
    "marcar el 2",
    "llame al 911",
)
# A form counts only as a whole: not inside a longer number or word, nor with another currency or a unit beside it.
_BEFORE = r"(?<![\w.,\-+@/=&?%$£€¥¤₡₦₩₪₫₱₲₴₹₺₽])"
_AFTER = rf"(?!\w|[.,:/\-]\w|[@%=&]|\s*(?i:{UNITS})\b|\s*%)"
_BEGINS, _ENDS = re.compile(_BEFORE), re.compile(_AFTER)
# A number made of digits only is an invoice's where it is called one, alone or in a list; elsewhere it could be
# read as an amount. Details in parentheses have been struck out by then.
_DIGITS_ONLY = re.compile(r"[\d.,\- ]+")
_LABEL = r"(?i:(?:invoices?|facturas?)(?: number| numero| no\.?)? ?#?|#)\s?"
_DETAILS = r"(?: \([^()\d]*\))?"
_NEXT = r"(?:,? and |,? y |, )"


def untraced(text: str, sources: Sources, *, crisis: bool = False) -> list[str]:
    """What in `text` looks like a figure, a date, an address or a link and is explained by none of `sources`."""
    plain = normal(text)
    forms = known_forms(sources) | (set(CRISIS_LINES) if crisis else set())
    present = sorted((form for form in forms if form and form in plain), key=len, reverse=True)
    bare = [form for form in present if _DIGITS_ONLY.fullmatch(form)]
    if telling := [form for form in present if form not in bare]:
        plain = _strike(plain, telling)
    if bare:
        number = _any(bare) + _AFTER + _DETAILS
        plain = re.sub(rf"(?<!\w){_LABEL}{number}(?:{_NEXT}{number})*", STRUCK, plain)
        plain = re.sub(rf"{_BEFORE}{_any(bare)}: {STRUCK}", STRUCK, plain)  # a link with its invoice
    # A numeral that is one sign (Ⅻ) is letters in the one spelling, and letters are no figure.
    signs = [] if text.isascii() else [char for char in text if unicodedata.category(char) == "Nl"]
    return [*dict.fromkeys(signs), *suspicious(plain, sources.language)]


def _strike(plain: str, forms: Iterable[str]) -> str:
    """`plain` with every form struck out that stands there as a whole; where several begin, the longest is meant.

    Every message has forms of its own, and a pattern of them all costs more to compile than everything else here.
    """
    found = []
    for form in forms:
        at = plain.find(form)
        while at >= 0:
            if _BEGINS.match(plain, at) and _ENDS.match(plain, at + len(form)):
                found.append((at, -len(form)))
            at = plain.find(form, at + 1)
    parts, done = [], 0
    for at, length in sorted(found):
        if at >= done:
            parts += [plain[done:at], STRUCK]
            done = at - length
    return "".join([*parts, plain[done:]])


def _any(forms: Iterable[str]) -> str:
    return "(?:" + "|".join(map(re.escape, forms)) + ")"


def normal(text: str) -> str:
    """`text` in one spelling: compatibility forms resolved, accents and invisible characters gone, spaces single."""
    plain = sms_text(visible(text))
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", plain)
        plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return re.sub(r"\s+", " ", plain)


def known_forms(sources: Sources) -> set[str]:
    """Every form in which the records of this message may appear in it, in the one spelling."""
    texts = [sources.company_name, sources.customer_name, sources.first_name or ""]
    amounts: list[Money | None] = [sources.balance, sources.payment]
    days: list[date | None] = []
    for invoice in sources.invoices:
        texts += [invoice.number, invoice.payment_url or ""]
        amounts += [invoice.balance, Money(invoice.total_minor, invoice.currency)]
        days += [invoice.issue_date, invoice.due_date]
    for promise in sources.promises:
        amounts.append(Money(promise.amount_minor, promise.currency))
        days.append(promise.due_date)
    if sources.plan:
        amounts.append(Money(sources.plan.total_minor, sources.plan.currency))
        amounts += [Money(part.amount_minor, sources.plan.currency) for part in sources.plan.instalments]
        days += [part.due_date for part in sources.plan.instalments]
    forms = {normal(text) for text in texts}
    return forms.union(
        *(_amount_forms(amount) for amount in set(amounts) if amount is not None),
        *(_date_forms(day) for day in set(days) if day is not None),
        _count_forms(sources.days_past_due, len(sources.invoices) - LISTED),
        _part_forms(len(sources.plan.instalments) - 1 if sources.plan else 0),
    )


# Amounts, dates and counts recur from message to message, and writing one in every form costs more than judging it.
@lru_cache(maxsize=4096)
def _amount_forms(amount: Money) -> frozenset[str]:
    plain = f"{amount.decimal:,}"
    forms = [f"{amount.currency} {plain}", f"{plain} {amount.currency}"]
    for language in LOCALES:
        written = amount.format(language)
        forms.append(written)
        precision = get_currency_precision(amount.currency)
        if precision and written.endswith("." + "0" * precision):
            forms.append(written[: -precision - 1])
    return frozenset(map(normal, forms))


@lru_cache(maxsize=4096)
def _date_forms(day: date) -> frozenset[str]:
    forms = [day.isoformat()]
    for locale in LOCALES.values():
        forms += [format_date(day, length, locale=locale) for length in ("full", "long", "medium")]
        forms.append(format_skeleton("MMMMd", day, locale=locale))
    return frozenset(map(normal, forms))


@lru_cache(maxsize=4096)
def _count_forms(days_past_due: int, not_listed: int) -> frozenset[str]:
    """Days past due and "9 more": never a bare number, which would explain any other use of it."""
    forms = [f"{not_listed} {more}" for more in ("more", "más")]
    if days_past_due > 0:
        forms += [
            format_unit(days_past_due, "duration-day", length="long", locale=locale)
            for locale in LOCALES.values()
        ]
    return frozenset(map(normal, forms))


@lru_cache(maxsize=64)
def _part_forms(equal: int) -> frozenset[str]:
    """How many equal parts a plan has before its last: as `plan_schedule` says it, never a bare number."""
    parts = (
        "weekly payments",
        "monthly payments",
        "payments",
        "pagos semanales",
        "pagos quincenales",
        "pagos mensuales",
    )
    return frozenset(f"{equal} {part}" for part in parts) if equal > 0 else frozenset()
