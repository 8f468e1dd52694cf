"""Letters that look Latin: of other alphabets by Unicode's table of confusables, of symbols by their names."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache

# What the table of confusables leaves out: two capitals of Cherokee, and a sign that is made of an l.
_LEFT_OUT = {"\N{CHEROKEE LETTER QUA}": "i", "\N{CHEROKEE LETTER QUE}": "j", "\N{SCRIPT SMALL L}": "l"}
# "LATIN LETTER SMALL CAPITAL A", "NEGATIVE SQUARED LATIN CAPITAL LETTER J", "LATIN SMALL LETTER D WITH STROKE", ...
_NAMED = re.compile(r"(?:.* )?(?:LATIN|REGIONAL INDICATOR|TAG).* (?:[A-Z]{2,} )*([A-Z])(?: WITH .*)?")


def as_latin(text: str) -> str:
    """`text` (decomposed) with every letter that looks Latin written as that letter; others stay as they are."""
    return text if text.isascii() else "".join(map(_letter, text))


@cache
def _letter(char: str) -> str:
    if char.isascii() or unicodedata.combining(char):
        return char
    if char in _LEFT_OUT:
        return _LEFT_OUT[char]
    # A small letter without a double of its own may have a capital with one.
    looks = next((found for case in (char, char.upper(), char.lower()) if (found := _confused(case))), None)
    if looks is None and (named := _NAMED.fullmatch(unicodedata.name(char, ""))):
        looks = named[1]
    return looks or char


def _confused(char: str) -> str | None:
    """The ASCII letter that Unicode lists as a double of `char`; capital I and l are one, as they look."""
    doubles = (double["c"] for double in _table().get(char, ()))
    return next(
        (double for double in doubles if len(double) == 1 and double.isascii() and double.isalnum()), None
    )


@cache
def _table() -> Mapping[str, Sequence[Mapping[str, str]]]:
    # Here and not above: it reads a megabyte, which only a text with letters outside of ASCII needs.
    from confusable_homoglyphs.confusables import (  # type: ignore[import-untyped]  # noqa: PLC0415 - no types; see above
        confusables_data,
    )

    table: Mapping[str, Sequence[Mapping[str, str]]] = confusables_data
    return table
