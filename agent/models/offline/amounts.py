"""Amounts as customers write them: "$250", "250 bucks", "half", "everything"."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from babel.numbers import NumberFormatError, parse_decimal

from agent.models.offline.dates import FoundDate
from agent.models.offline.spoken import SPOKEN, spoken
from agent.signals.reading import fold
from agent.signals.record import spans
from tools.errors import Invalid
from tools.money import Money

# exact: a sum; all: everything owed; half: of that; rest: what another sum leaves; same: what was promised before;
# unclear: a part nobody could name
Kind = Literal["exact", "all", "half", "rest", "same", "unclear"]

_REST = r"(?:the )?other half|(?:la )?otra mitad|the rest|remainder|remaining|the balance|el resto|lo demas|lo que falta|restante"
_SAME = r"(?:the )?same (?:amount|sum|total|money)|(?:la )?misma cantidad|(?:el )?mismo monto"
_ALL = (
    r"all of it|it all|pay all|everything|in full|full(?: amount| balance| payment)?|the whole(?: thing| amount)?"
    r"|entire(?: amount| balance)?|every (?:dime|penny|cent|dollar|bit)(?: of it)?|the lot|(?:hasta )?el ultimo (?:centavo|peso)|todo|toda|complet(?:o|a|it[oa]s?)|el total|en su totalidad"
)
_HALF = r"(?:a |the )?half(?: of it)?|(?:la )?mitad"
_UNCLEAR = (
    r"a third|some(?: of it| money)?|something|part(?: of it|ial|ially)?|a bit|a little|a few|what i can|as much as"
    r"|(?:a )?(?:couple|few) (?:of )?(?:hundred|thousand|grand)|hundreds|thousands|una parte|algo|un poco|lo que pueda|parcial|cientos"
    r"|\d+ ?(?:%|percent|por ciento)"
)
_WORDS: tuple[tuple[Kind, str], ...] = (
    ("same", _SAME), ("rest", _REST), ("all", _ALL), ("half", _HALF), ("unclear", _UNCLEAR),
)  # fmt: skip
_CLOSE = re.compile(r",? (?:of |the |is |los |las )?")
_UNIT = r"dol{1,2}are?s?|bucks|usd|pesos|mxn|euros?|eur|k\b"
_NOT_MONEY = (
    r"\s*(?:%|(?:more |equal |small |smaller |monthly |weekly |easy )?(?:payments?|instal+ments?|pagos)|sure\b|u\b|you\b|me\b|the\b|real\b|now\b|percent|por ciento|days?|weeks?|months?|years?|hours?|hrs?|minutes?|times?|payments?|instal+ments?|invoices?|bills?"
    r"|units?|parts?|more\b|dias?|semanas?|mes(?:es)?|anos?|horas?|veces|pagos?|cuotas?|facturas?|partes?|plazos?|quincenas?"
    r"|mensualidades|am\b|pm\b|a\.m|p\.m|o'?clock|st\b|nd\b|rd\b|th\b|of\b(?! (?:it|that|them)\b)|de cada|x\b|/|:)"
)
_NUMBER = r"\d+(?:[.,]\d+)*(?![.,]?\d)"
# What has a number and is no money.
_LABELS = "".join(
    rf"(?<!\b{label} )"
    for label in (
        "lot", "unit", "apt", "suite", "room", "house", "site", "store", "route", "floor", "bldg", "no", "po", "number", "ticket",
        "case", "order", "check", "cheque", "job", "casa", "lote", "depto", "numero", "unidad", "orden", "ch", "chapter", "page", "line", "las", "at",
    )
)  # fmt: skip
_PATTERN = re.compile(
    rf"(?P<signed>[$€£]\s?{_NUMBER}k?)|(?P<unit>(?<![\w.,-]){_NUMBER}\s?(?:{_UNIT}))"
    rf"|(?P<bare>(?<![\w.,:/#+-]){_LABELS}{_NUMBER})(?![\w@-])(?!{_NOT_MONEY})|"
    + "|".join(rf"(?<![\w.,])(?P<{kind}>{words})(?!\w)" for kind, words in _WORDS)
    + rf"|(?<![\w.,$-])(?P<words>{SPOKEN})(?P<worded> (?:{_UNIT}))?(?![\w-])(?!{_NOT_MONEY})"
)


@dataclass(frozen=True, slots=True)
class FoundAmount:
    """An amount at `start` of the text; `value` is set for kind "exact" only."""

    kind: Kind
    value: Decimal | None
    start: int
    end: int


def find_amounts(
    text: str,
    currency: str,
    *,
    dates: Iterable[FoundDate] = (),
    numbers: Iterable[str] = (),
    figures: Collection[Decimal] = (),
) -> list[FoundAmount]:
    """The amounts of `text` in order, dates and invoice `numbers` left out. `figures` are sums that are owed.

    What cannot be one sum of that currency ("1.250" in dollars, "some of it") is "unclear": the customer is asked.
    """
    folded = fold(text)
    for on in dates:
        folded = folded[: on.start] + "_" * (on.end - on.start) + folded[on.end :]
    for start, end in (span for number in numbers for span in spans(number, text)):
        folded = folded[:start] + "_" * (end - start) + folded[end:]
    found: list[FoundAmount] = []
    for match in _PATTERN.finditer(folded):
        if match["words"]:
            if (worth := spoken(match["words"], figures, unit=match["worded"] is not None)) is not None:
                found.append(FoundAmount("exact", worth, match.start(), match.end()))
            continue
        kind = next((kind for kind, _ in _WORDS if kind == match.lastgroup), None)
        said = FoundAmount(kind, None, *match.span()) if kind else _sum(match.group(), currency, match.span())
        found.append(said)
    return _named_twice(found, folded)


def _named_twice(found: Sequence[FoundAmount], text: str) -> list[FoundAmount]:
    """A sum with a word beside it that says what part it is as the sum alone: "the remaining 275", "325 completo"."""
    kept: list[FoundAmount] = []
    for amount in found:
        last = kept[-1] if kept else None
        if last is not None and amount.kind != last.kind and "exact" in (amount.kind, last.kind):
            sum_, word = (amount, last) if amount.kind == "exact" else (last, amount)
            if word.kind in ("all", "rest", "same") and _CLOSE.fullmatch(text[last.end : amount.start]):
                kept[-1] = FoundAmount("exact", sum_.value, last.start, amount.end)
                continue
        kept.append(amount)
    return kept


def _sum(words: str, currency: str, span: tuple[int, int]) -> FoundAmount:
    number = re.search(_NUMBER, words)
    value = _decimal(number.group(), currency) if number else None
    if value is not None and re.search(r"\dk\b|\d k\b", words):
        value *= 1000
    if value is None or value <= 0 or value >= Decimal(10) ** 12:
        return FoundAmount("unclear", None, *span)
    return FoundAmount("exact", value, *span)


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
