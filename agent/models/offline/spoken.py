"""Sums that are written in words: "a hundred dollars", "dos mil", "seven-forty"."""

import re
from collections.abc import Collection
from decimal import Decimal

_ONES = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "uno": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8, "nueve": 9,
}  # fmt: skip
_TEENS = {
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
    "eighteen": 18, "nineteen": 19, "diez": 10, "once": 11, "doce": 12, "trece": 13, "catorce": 14, "quince": 15,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    "veinte": 20, "treinta": 30, "cuarenta": 40, "cincuenta": 50, "sesenta": 60, "setenta": 70, "ochenta": 80, "noventa": 90,
}  # fmt: skip
_HUNDREDS = {
    "cien": 100, "ciento": 100, "doscientos": 200, "trescientos": 300, "cuatrocientos": 400, "quinientos": 500,
    "seiscientos": 600, "setecientos": 700, "ochocientos": 800, "novecientos": 900,
}  # fmt: skip
_SMALL = _ONES | _TEENS | _TENS
_NUMBERS = _SMALL | _HUNDREDS
_WORD = "|".join(sorted((*_NUMBERS, "hundred", "thousand", "grand", "mil"), key=len, reverse=True))
# A number of one word is a sum only with its unit; "the first of two" is none.
SPOKEN = rf"(?:an? (?=hundred|thousand|grand))?(?:{_WORD})(?:(?:[ -]| and | y | con )(?:{_WORD}))*"


def spoken(words: str, figures: Collection[Decimal], *, unit: bool) -> Decimal | None:
    """The sum that `words` name, or None. `figures` are what is owed: said as in "seven-forty", a sum is one of these.

    Without a `unit` ("dollars") it needs a hundred or a thousand in it, or to be such a figure.
    """
    parts = [part for part in re.split(r"[ -]+", words) if part not in ("a", "an", "and", "y", "con")]
    total, group, last = 0, 0, 0
    for part in parts:
        if part in ("hundred", "thousand", "grand", "mil"):
            scale = 100 if part == "hundred" else 1000
            group = (group or 1) * scale
            if scale == 1000:
                total, group = total + group, 0
            last = scale
            continue
        value = _NUMBERS[part]
        fits = last == 0 or (value < last and not (last < 20 and value < 100))
        if not fits:
            return _as_figure(parts, figures)
        group, last = group + value, value
    big = any(part in ("hundred", "thousand", "grand", "mil") or part in _HUNDREDS for part in parts)
    sum_ = Decimal(total + group)
    if unit or big:
        return sum_
    return sum_ if len(parts) > 1 and sum_ in figures else _as_figure(parts, figures)


def _as_figure(parts: list[str], figures: Collection[Decimal]) -> Decimal | None:
    """Read "seven-forty" as 740, "ninety-eight sixty" as 98.60: whichever is owed; None where neither or both are."""
    if not all(part in _SMALL for part in parts):
        return None
    found = set()
    for cut in range(1, len(parts)):
        before, after = (sum(_SMALL[part] for part in side) for side in (parts[:cut], parts[cut:]))
        if before < 100 and 10 <= after < 100:
            read = {Decimal(before * 100 + after), before + Decimal(after) / 100}
            found |= {figure for figure in figures if figure in read}
    return found.pop() if len(found) == 1 else None
