"""Denied wording: phrases that no message of ours may hold, found through the simple ways to hide them."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from operator import attrgetter

from tools.dunning.lookalikes import as_latin
from tools.dunning.segments import visible

# Digits and signs that stand for letters inside a word. Capital I, l, 1 and | look alike in many faces, so all of them
# are read as l, in the phrases as in the text.
_LEET = str.maketrans("013457@$!|", "oleastasll")
_ALIKE = str.maketrans("i", "l")
_LEET_SIGN = re.compile(r"[013457@$!|]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_ASCII_WORDS = {code: " " for code in range(128) if not chr(code).isalnum()} | _ALIKE
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W_]+")
_SPACED = re.compile(r"\b(?:[a-z] ){2,}[a-z]\b")
_BOUNDARY = r"\b"
_STRETCHED = re.compile(r"([a-z])\1{2,}")
_LONG_ENOUGH = (
    6  # letters from which a phrase is also found with gaps in it: shorter ones would hit by chance
)
_LONE = (
    "aeiouysdtml"  # single letters that stand beside a word for good reasons: "A/C heat", "y", "o", "it's"
)


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
    """Readings of `text` in plain lower-case words: as it stands, digits as letters, stretched and spaced letters joined."""
    latin = as_latin(unicodedata.normalize("NFKD", visible(text)))
    tokens = [
        token
        if token.isalpha() or not (_LEET_SIGN.search(token) and _LETTER.search(token))
        else token.translate(_LEET)
        for token in latin.split()
    ]
    words = [_words(latin), _words(" ".join(tokens))]
    if any(map(_STRETCHED.search, words)):
        words += [_STRETCHED.sub(kept, each) for each in words for kept in (r"\1", r"\1\1")]
    joined = [_SPACED.sub(lambda run: run[0].replace(" ", ""), each) for each in words]
    return list(dict.fromkeys([*words, *joined]))


def _words(text: str) -> str:
    if text.isascii():  # the same, and several times as fast
        return " ".join(text.lower().translate(_ASCII_WORDS).split())
    text = _NOT_ASCII.sub(lambda char: "" if unicodedata.combining(char[0]) else char[0], text)
    return " ".join(_WORD.findall(text.casefold().translate(_ALIKE)))


def _mixes_alphabets(text: str) -> bool:
    """Whether one word has Latin letters and Cyrillic or Greek ones: no honest word does."""
    for word in re.findall(r"[^\W\d_]+", text) if not text.isascii() else ():
        if word.isascii():
            continue
        alphabets = {unicodedata.name(char, "").split(" ")[0] for char in word}
        if "LATIN" in alphabets and alphabets & {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}:
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
        "#": r"(?:\d+|[a-z]+ty|one|two|three|four|five|six|seven|ten|twelve) ".translate(_ALIKE),
    }
    parts = [
        special.get(token) or (re.escape(_words(token)) + (r"\w* " if token.endswith("*") else " "))
        for token in phrase.split()
    ]
    return re.compile(_BOUNDARY + "".join(parts).rstrip(" ") + r"\b")


def _gapped(phrase: str) -> re.Pattern[str] | None:
    """The phrase with up to one gap after each letter, as in "a r r e s t" or "ar-rest"; in a short word with one gap."""
    letters = _words(phrase).replace(" ", "")
    if "..." in phrase or "#" in phrase:
        return None
    end = "" if phrase.endswith("*") else r"\b"
    if len(letters) in (_LONG_ENOUGH - 2, _LONG_ENOUGH - 1) and " " not in phrase:
        # One gap: with more of them too many honest words would do.
        parts = ((letters[:at], letters[at:]) for at in range(1, len(letters)))
        split = [f"{one} {other}" for one, other in parts if not {one, other} & set(_LONE)]
        return re.compile(rf"{_BOUNDARY}(?:{'|'.join(split)}){end}")
    if len(letters) < _LONG_ENOUGH:
        return None
    return re.compile(_BOUNDARY + " ?".join(letters) + end)
