"""Pseudonymisation: what the model reads of free text names nobody. Placeholders stand for people and addresses."""

import re
from functools import lru_cache

import phonenumbers

from tools.ledger.model import Account

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LINK = re.compile(r"https?://\S+|www\.\S+", re.IGNORECASE)
_CARD = re.compile(r"\b(?:\d[ -]?){13,19}\b")
# A house number before a street's name. In small letters its name is one word: "200 by the end of the road" is an amount.
_NO_STREET = r"(?!(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|Jan|Feb|March|April|May|June|July|Aug|Sept|Oct|Nov|Dec|USD|EUR|Dollars)"
_STREET = re.compile(
    r"\b\d{1,6}[A-Za-z]?,? +(?:(?:[NSEW]|[NS][EW])\.? +)?"
    rf"(?:(?:{_NO_STREET}[A-Z\d][\w'\u2019-]* +){{1,4}}"
    r"(?:(?i:street|avenue|lane|road|boulevard|st|ave|blvd|ln|rd)|Drive|Dr|Court|Ct|Place|Pl|Terrace|Ter|Circle|Cir|Parkway|Pkwy|Highway|Hwy)\b"
    r"|(?!(?:the|your|my|our|this|that|any|one|two|for|from|per|off|down)\b)[a-z]{3,} +(?:street|avenue|lane|road|boulevard|ave|blvd|ln)\b)"
)
_CALLE = re.compile(
    r"\b(?:calle|avenida|av\.|paseo|carrera|camino) +(?:[\w'.-]+ +){0,4}?(?:n\.? ?[\u00ba\u00b0o]\.? *|# *)?\d{1,6}\b",
    re.IGNORECASE,
)
# Seven digits in a row, or a plus sign: without either there is no valid number, and the matcher is a thousand times
# as slow as this look. (A number of the US has ten, and from abroad every one has at least seven with its country.)
_MAYBE_PHONE = re.compile(r"(?:\d[\W_xX]{0,8}){6}\d|[+\uff0b]")


@lru_cache(maxsize=4096)
def _names(people: tuple[str, ...], firms: tuple[str, ...]) -> re.Pattern[str] | None:
    # A person's names count one by one; a firm's name only as a whole, for its parts are ordinary words.
    parts = {part for name in people for part in (name, *name.split()) if len(part) > 2} | set(firms)
    longest_first = sorted(parts, key=len, reverse=True)
    return (
        re.compile(r"\b(" + "|".join(map(re.escape, longest_first)) + r")\b", re.IGNORECASE)
        if parts
        else None
    )


def without_addresses(text: str) -> str:
    """`text` with any e-mail address, link, street with its number, card-like or phone number replaced."""
    text = _EMAIL.sub("[email]", _LINK.sub("[link]", text))
    text = _CARD.sub("[number]", text)
    text = _CALLE.sub("[address]", _STREET.sub("[address]", text))
    if _MAYBE_PHONE.search(text):
        for match in reversed(list(phonenumbers.PhoneNumberMatcher(text, "US"))):
            text = text[: match.start] + "[phone]" + text[match.end :]
    return text


def pseudonymise(text: str, account: Account) -> str:
    """`text` without addresses (as `without_addresses`), and with this customer's names replaced.

    A quote that the model copies from the result is found again by `restore_quote`.
    """
    text = without_addresses(text)
    people = tuple(c.name for c in account.contacts if c.name)
    own = (account.customer.name,)
    named = _names(people, own) if account.customer.kind == "business" else _names((*people, *own), ())
    return named.sub("[name]", text) if named else text


def restore_quote(quote: str, original: str, account: Account) -> str | None:
    """The span of `original` that `quote` was copied from, when it was copied from the pseudonymised text; else None.

    Exact words first; then the sentence of the original whose pseudonymised form contains the quote.
    """
    if quote in original:
        return quote
    folded = " ".join(quote.split()).casefold()
    for sentence in re.split(r"(?<=[.!?\n])\s+", original):
        if folded in " ".join(pseudonymise(sentence, account).split()).casefold():
            return sentence
    whole = " ".join(pseudonymise(original, account).split()).casefold()
    return original if folded in whole else None
