"""Amounts as customers write them: "$250", "250 bucks", "half", "everything"."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from babel.numbers import NumberFormatError, parse_decimal

from agent.models.offline.dates import FoundDate
from agent.signals.reading import fold
from agent.signals.record import spans
from tools.errors import Invalid
from tools.money import Money

# exact: a sum; all: everything owed; half: of that; rest: what another sum leaves; unclear: a part nobody could name
Kind = Literal["exact", "all", "half", "rest", "unclear"]

_REST = r"(?:the )?other half|(?:la )?otra mitad|the rest|remainder|remaining|the balance|el resto|lo demas|lo que falta|restante"
_ALL = (
    r"all of it|it all|pay all|everything|in full|full(?: amount| balance| payment)?|the whole(?: thing| amount)?"
    r"|entire(?: amount| balance)?|todo|toda|completo|completa|el total|en su totalidad"
)
_HALF = r"(?:a |the )?half(?: of it)?|(?:la )?mitad"
_UNCLEAR = (
    r"a third|some(?: of it| money)?|something|part(?: of it|ial|ially)?|a bit|a little|a few|what i can|as much as"
    r"|hundred|thousand|grand|couple hundred|una parte|algo|un poco|lo que pueda|parcial|cien|ciento|cientos"
    r"|doscientos|trescientos|quinientos|mil|\d+ ?(?:%|percent|por ciento)"
)
_WORDS: tuple[tuple[Kind, str], ...] = (
    ("rest", _REST), ("all", _ALL), ("half", _HALF), ("unclear", _UNCLEAR),
)  # fmt: skip
_UNIT = r"dollars?|dolares|dolar|bucks|usd|pesos|mxn|euros?|eur|k\b"
_NOT_MONEY = (
    r"\s*(?:%|(?:more |equal |small |smaller |monthly |weekly |easy )?(?:payments?|instal+ments?|pagos)|sure|u\b|you|me\b|the|real|now|percent|por ciento|days?|weeks?|months?|years?|hours?|hrs?|minutes?|times?|payments?|instal+ments?|invoices?|bills?"
    r"|units?|parts?|more|dias?|semanas?|mes(?:es)?|anos?|horas?|veces|pagos?|cuotas?|facturas?|partes?|plazos?|quincenas?"
    r"|mensualidades|am\b|pm\b|a\.m|p\.m|o'?clock|st\b|nd\b|rd\b|th\b|of\b|de cada|x\b|/|:)"
)
_NUMBER = r"\d+(?:[.,]\d+)*"
_PATTERN = re.compile(
    rf"(?P<signed>[$€£]\s?{_NUMBER}k?)|(?P<unit>(?<![\w.,-]){_NUMBER}\s?(?:{_UNIT}))"
    rf"|(?P<bare>(?<![\w.,:/#+-]){_NUMBER})(?![\w@-])(?!{_NOT_MONEY})|"
    + "|".join(rf"(?<![\w.,])(?P<{kind}>{words})(?!\w)" for kind, words in _WORDS)
)


@dataclass(frozen=True, slots=True)
class FoundAmount:
    """An amount at `start` of the text; `value` is set for kind "exact" only."""

    kind: Kind
    value: Decimal | None
    start: int


def find_amounts(
    text: str, currency: str, *, dates: Iterable[FoundDate] = (), numbers: Iterable[str] = ()
) -> list[FoundAmount]:
    """The amounts of `text` in order, dates and invoice `numbers` left out.

    What cannot be one sum of that currency ("1.250" in dollars, "some of it") is "unclear": the customer is asked.
    """
    folded = fold(text)
    for on in dates:
        folded = folded[: on.start] + "_" * (on.end - on.start) + folded[on.end :]
    for start, end in (span for number in numbers for span in spans(number, text)):
        folded = folded[:start] + "_" * (end - start) + folded[end:]
    found: list[FoundAmount] = []
    for match in _PATTERN.finditer(folded):
        kind = next((kind for kind, _ in _WORDS if kind == match.lastgroup), None)
        said = (
            FoundAmount(kind, None, match.start()) if kind else _sum(match.group(), currency, match.start())
        )
        found.append(said)
    return found


def _sum(words: str, currency: str, start: int) -> FoundAmount:
    number = re.search(_NUMBER, words)
    value = _decimal(number.group(), currency) if number else None
    if value is not None and re.search(r"\dk\b|\d k\b", words):
        value *= 1000
    if value is None or value <= 0 or value >= Decimal(10) ** 12:
        return FoundAmount("unclear", None, start)
    return FoundAmount("exact", value, start)


def _decimal(number: str, currency: str) -> Decimal | None:
    """`number` by the grouping of English, else of Spanish; None where it is no amount of `currency`."""
    for locale in ("en_US", "es_ES"):
        try:
            value = parse_decimal(number, locale=locale, strict=True)
            Money.of(value, currency)
        except (NumberFormatError, Invalid):
            continue
        # "1.250" is 1.25 here and 1,250 there.
        return None if re.fullmatch(r"\d{1,3}\.\d{3}", number) else value
    return None
