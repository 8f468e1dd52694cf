"""Denied wording: phrases that no message of ours may hold, found through the simple ways to hide them."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from operator import attrgetter

from tools.dunning.segments import visible

# Letters of other alphabets that look Latin, and digits or signs that stand for letters inside a word.
_LOOKALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТХаеѕіјорсухѵԁɡոΑΒΕΖΗΙΚΜΝΟΡΤΥΧαεικορτυνıℓ",
    "ABESIJKMHOPCTXaesijopcuxvdgnABEZHIKMNOPTYXaeikoptuvil",
)
_LEET = str.maketrans("013457@$!|", "oieastasil")
_LEET_SIGN = re.compile(r"[013457@$!|]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_ASCII_SPACE = {code: " " for code in range(128) if not chr(code).isalnum()}
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W_]+")
_SPACED = re.compile(r"\b(?:[a-z] ){2,}[a-z]\b")
_BOUNDARY = r"\b"
_LONG_ENOUGH = 6  # letters from which a word is also found with gaps in it: shorter ones would hit by chance


@dataclass(frozen=True, slots=True)
class _Phrase:
    place: int  # in the list
    rule: str
    text: str
    concession: bool
    letters: str
    plain: re.Pattern[str]
    gapped: re.Pattern[str] | None


def denied(text: str, *, conceded: bool = False) -> list[str]:
    """The denied phrases in `text`, each as "rule: phrase"; empty means that none was found.

    Case, accents, punctuation, spaced-out letters, look-alike letters and digits for letters do not hide a phrase.
    With `conceded` the wording of concessions is allowed, because an approved offer makes one.
    """
    found = ["disguise: letters of several alphabets in one word"] if _mixes_alphabets(visible(text)) else []
    spellings = _spellings(text)
    # Looking for a phrase's letters is ten times as fast as its patterns, and misses in nearly every text.
    squeezed = "\n".join({spelling.replace(" ", "") for spelling in spellings})
    starts = set(zip(squeezed, squeezed[1:], squeezed[2:], strict=False))
    by_start = _by_start()
    maybe = [p for start in by_start.keys() & starts for p in by_start[start] if p.letters in squeezed]
    for phrase in sorted(maybe, key=attrgetter("place")):
        if phrase.concession and conceded:
            continue
        if any(phrase.plain.search(spelling) for spelling in spellings) or (
            phrase.gapped and any(phrase.gapped.search(spelling) for spelling in spellings)
        ):
            found.append(f"{phrase.rule}: {phrase.text}")
    return found


def _spellings(text: str) -> list[str]:
    """Readings of `text` in plain lower-case words: as it stands, with digits as letters, with spaced letters joined."""
    latin = unicodedata.normalize("NFKD", visible(text))
    if not latin.isascii():
        latin = latin.translate(_LOOKALIKES)
    tokens = [
        token
        if token.isalpha() or not (_LEET_SIGN.search(token) and _LETTER.search(token))
        else token.translate(_LEET)
        for token in latin.split()
    ]
    words = dict.fromkeys((_words(latin), _words(" ".join(tokens))))
    joined = [_SPACED.sub(lambda run: run[0].replace(" ", ""), each) for each in words]
    return list(dict.fromkeys([*words, *joined]))


def _words(text: str) -> str:
    if text.isascii():  # the same, and several times as fast
        return " ".join(text.lower().translate(_ASCII_SPACE).split())
    text = _NOT_ASCII.sub(lambda char: "" if unicodedata.combining(char[0]) else char[0], text)
    return " ".join(_WORD.findall(text.casefold()))


def _mixes_alphabets(text: str) -> bool:
    """Whether one word has Latin letters and Cyrillic or Greek ones: no honest word does."""
    for word in re.findall(r"[^\W\d_]+", text) if not text.isascii() else ():
        if word.isascii():
            continue
        alphabets = {unicodedata.name(char, "").split(" ")[0] for char in word}
        if "LATIN" in alphabets and alphabets & {"CYRILLIC", "GREEK", "ARMENIAN"}:
            return True
    return False


@cache
def _phrases() -> tuple[_Phrase, ...]:
    data = tomllib.loads(resources.files("tools.dunning").joinpath("denied_wording.toml").read_text("utf-8"))
    return tuple(
        _Phrase(
            place,
            rule["id"],
            phrase,
            rule.get("concession", False),
            _letters(phrase),
            _pattern(phrase),
            _gapped(phrase),
        )
        for place, (rule, phrase) in enumerate(
            (rule, each) for rule in data["rule"] for each in rule["phrases"]
        )
    )


@cache
def _by_start() -> Mapping[tuple[str, ...], list[_Phrase]]:
    """The phrases by their first three letters: a look at how one begins spares most searches for the whole of it."""
    found: dict[tuple[str, ...], list[_Phrase]] = {}
    for phrase in _phrases():
        found.setdefault(tuple(phrase.letters[:3]), []).append(phrase)
    return found


def _letters(phrase: str) -> str:
    """A run of letters that a text holds, its spaces left out, wherever either pattern of the phrase finds it."""
    return max((_words(part).replace(" ", "") for part in re.split(r"\.\.\.|[#*]", phrase)), key=len)


def _pattern(phrase: str) -> re.Pattern[str]:
    special = {
        "...": r"(?:\w+ ){0,4}",
        "#": r"(?:\d+|[a-z]+ty|one|two|three|four|five|six|seven|ten|twelve) ",
    }
    parts = [
        special.get(token) or (re.escape(_words(token)) + (r"\w* " if token.endswith("*") else " "))
        for token in phrase.split()
    ]
    return re.compile(_BOUNDARY + "".join(parts).rstrip(" ") + r"\b")


def _gapped(phrase: str) -> re.Pattern[str] | None:
    """The phrase with up to one gap after each letter, as in "a r r e s t" or "ar-rest"."""
    letters = _words(phrase).replace(" ", "")
    if "..." in phrase or "#" in phrase or len(letters) < _LONG_ENOUGH + 2 * phrase.count(" "):
        return None
    return re.compile(_BOUNDARY + " ?".join(letters) + ("" if phrase.endswith("*") else r"\b"))
