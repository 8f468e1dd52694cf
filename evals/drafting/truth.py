"""What may stand in a message: a second reading of the records, which shares no code with the product's own tracing."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import combinations

_EN = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_ES = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
]
_SIGNS = {
    "USD": ("$", "$"),
    "EUR": ("€", "EUR"),
}  # in English and, as Spanish in the US writes it, in Spanish
_CRISIS = ("call or text 988", "call 911", "al 988", "el 2 para", "al 911", "findahelpline.com")
_LEFT = re.compile(r"\S*\d\S*|\S*(?:https?:|www\.|@)\S*|\b\S+\.(?:com|org|net|example)\b\S*")
_FEW = 5  # invoices: of so many, any of them together may be what a message is about


@dataclass(frozen=True, slots=True)
class Bill:
    """An open invoice as the customer may read of it."""

    number: str
    balance: Decimal
    total: Decimal
    due: date | None
    link: str | None


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of one account: the only figures, dates, links and names that a message to it may hold."""

    company: str
    customer: str
    first_name: str | None
    currency: str
    bills: Sequence[Bill]
    amounts: Sequence[Decimal] = ()  # promised, planned, paid
    days: Sequence[date] = ()

    @property
    def balance(self) -> Decimal:
        """All that is owed."""
        return sum((bill.balance for bill in self.bills), Decimal(0))

    def money(self, amount: Decimal, language: str) -> str:
        """As a customer reads an amount."""
        return f"{_SIGNS[self.currency][language == 'es']}{amount:,.2f}"

    def unexplained(self, text: str, language: str, *, crisis: bool = False) -> list[str]:
        """Whatever in `text` has a digit or looks like a link, and is none of what is known."""
        sums = {bill.balance for bill in self.bills} | {bill.total for bill in self.bills} | set(self.amounts)
        owed = [bill.balance for bill in self.bills]
        if len(owed) <= _FEW:
            sums |= {sum(some, Decimal(0)) for n in range(1, len(owed) + 1) for some in combinations(owed, n)}
        known: list[str] = [self.money(amount, language) for amount in {*sums, self.balance}]
        known += [bill.number for bill in self.bills] + [bill.link for bill in self.bills if bill.link]
        known += [f"{len(self.bills) - 3} {more}" for more in ("more", "más")]
        known += _dates({*self.days, *(bill.due for bill in self.bills if bill.due)})
        known += [self.company, self.customer, self.first_name or "", *(_CRISIS if crisis else ())]
        text = plain(text)
        for form in sorted({plain(form) for form in known if form}, key=len, reverse=True):
            if form not in text:
                continue
            text = re.sub(rf"(?<![\w$€]){re.escape(form)}(?![\w%])(?![.,]\d)", "_", text)
        return _LEFT.findall(text)


@cache
def plain(text: str) -> str:
    """Without accents, which a text message leaves out where they would cost a segment."""
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))


def _dates(days: Iterable[date]) -> list[str]:
    forms = []
    for day in days:
        english, spanish = _EN[day.month - 1], _ES[day.month - 1]
        forms += [f"{name} {day.day}, {day.year}" for name in (english, english[:3])]
        forms += [f"{day.day} de {spanish} de {day.year}"]
        forms += [f"{day.day} {name} {day.year}" for name in (spanish[:3], spanish[:4])]
    return forms
