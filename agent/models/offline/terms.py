"""Terms of a payment plan as customers ask for them: "in 3 payments", "$100 a month", "cada quincena"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Literal

from agent.models.offline.amounts import find_amounts
from agent.models.offline.dates import find_dates
from agent.models.offline.document import Document
from agent.signals.reading import fold

Every = Literal["week", "fortnight", "month"]
DEFAULT_INSTALMENTS = (
    3  # asked for without a number: the shortest plan that is worth its name; a person decides
)

_WORDS = {
    "two": 2, "couple": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12,
    "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "ocho": 8, "diez": 10, "doce": 12,
}  # fmt: skip
_COUNT = re.compile(
    rf"(?<![\w$.,])(\d{{1,2}}|{'|'.join(_WORDS)}) (?:of )?(?:(?:equal|even|monthly|weekly|small|smaller|easy|the|same|more) ){{0,2}}"
    r"(?:payments?|instal+ments?|months?|weeks?|parts?|pieces?|bites?|chunks?|(?:equal |even |monthly |weekly )?ones|iguales|(?:of )?(?:th)?em\b|times"
    r"|cuotas?|pagos?|plazos?|mensualidades|meses|semanas|partes|quincenas|abonos|parcialidades|veces)"
)
_FORTNIGHT = re.compile(
    r"fortnight|bi-?weekly|every (?:two|2) weeks?|every other (?:week|mon|tues|wednes|thurs|fri|sat|sun)|every (?:other )?paycheck|si y otro no|si otro no|quincena|catorcena|cada (?:dos|2) semanas"
)
_EVERY_TWO = re.compile(r"(?:every|cada) (?:two|2|dos) \w+")  # a number, but none of payments
_BARE_COUNT = re.compile(r"(?<!\w)(?:in|en) (\d{1,2})(?=[,;. ]*(?:\w+ ){0,2}(?:every|each|un[oa]?|cada)\b)")
_RECURS = re.compile(
    r"\b(?:every|each|per|a (?:week|month)|weekly|monthly|cada|al mes|por (?:semana|mes)|mensual|semanal)"
)
_WEEK = re.compile(
    r"week|semana|(?:every|each) (?:mon|tues|wednes|thurs|fri|satur|sun)day|cada (?:lunes|martes|miercoles|jueves|viernes)"
)


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """How many payments, how often, from when (None: not said)."""

    instalments: int
    every: Every
    first_on: date | None
    said: bool = True  # how many, or how often; else it is our guess

    @classmethod
    def of_dates(cls, days: Sequence[date]) -> "PlanTerms":
        """The terms nearest to payments on these days, in order."""
        gap = (days[-1] - days[0]).days / max(1, len(days) - 1)
        every: Every = "week" if gap <= 10 else "fortnight" if gap <= 21 else "month"
        return cls(max(2, min(24, len(days))), every, days[0])


def read_terms(text: str, document: Document, *, wanted: bool) -> PlanTerms | None:
    """The terms that `text` asks for; None where it is not `wanted`. Never fewer than 2 or more than 24 payments."""
    if not wanted:
        return None
    folded = fold(text)
    every: Every = "fortnight" if _FORTNIGHT.search(folded) else "week" if _WEEK.search(folded) else "month"
    days = [day.on for day in find_dates(text, document.today) if day.on]
    counted = _COUNT.search(_EVERY_TWO.sub("_", folded)) or _BARE_COUNT.search(folded)
    if counted:
        count: int | None = int(counted[1]) if counted[1].isdigit() else _WORDS[counted[1]]
    else:
        count = _by_amount(text, document)
    said = count is not None or _RECURS.search(folded) is not None
    return PlanTerms(max(2, min(24, count or DEFAULT_INSTALMENTS)), every, min(days) if days else None, said)


def _by_amount(text: str, document: Document) -> int | None:
    """How many payments: "$100 a month" of 250 owed is three."""
    amounts = [a.value for a in find_amounts(text, document.account.currency) if a.value]
    # Held for hardship, nothing is asked for; the customer may still offer.
    bills = document.collectible() or [bill for bill in document.account.invoices if not bill.disputed]
    owed = sum((bill.balance for bill in bills), Decimal(0))
    if len(amounts) != 1 or not owed:
        return None
    count = int((owed / amounts[0]).to_integral_value(ROUND_CEILING))
    return count if count > 1 else None
