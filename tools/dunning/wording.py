"""Denied wording: phrases that no message of ours may hold, found through the simple ways to hide them."""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import resources

from tools.dunning.segments import visible

# Letters of other alphabets that look Latin, and digits or signs that stand for letters inside a word.
_LOOKALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТХаеѕіјорсухѵԁɡոΑΒΕΖΗΙΚΜΝΟΡΤΥΧαεικορτυνıℓ",
    "ABESIJKMHOPCTXaesijopcuxvdgnABEZHIKMNOPTYXaeikoptuvil",
)
_LEET = str.maketrans("013457@$!|", "oieastasil")
_BOUNDARY = r"\b"
_LONG_ENOUGH = 6  # letters from which a word is also found with gaps in it: shorter ones would hit by chance


@dataclass(frozen=True, slots=True)
class _Phrase:
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
    for phrase in [phrase for phrase in _phrases() if phrase.letters in squeezed]:
        if phrase.concession and conceded:
            continue
        if any(phrase.plain.search(spelling) for spelling in spellings) or (
            phrase.gapped and any(phrase.gapped.search(spelling) for spelling in spellings)
        ):
            found.append(f"{phrase.rule}: {phrase.text}")
    return found


def _spellings(text: str) -> list[str]:
    """Readings of `text` in plain lower-case words: as it stands, with digits as letters, with spaced letters joined."""
    latin = unicodedata.normalize("NFKD", visible(text)).translate(_LOOKALIKES)
    tokens = [token.translate(_LEET) if re.search(r"[^\W\d_]", token) else token for token in latin.split()]
    words = [_words(latin), _words(" ".join(tokens))]
    joined = [re.sub(r"\b(?:[a-z] ){2,}[a-z]\b", lambda run: run[0].replace(" ", ""), each) for each in words]
    return list(dict.fromkeys(words + joined))


def _words(text: str) -> str:
    bare = "".join(char for char in text if char.isascii() or not unicodedata.combining(char)).casefold()
    return " ".join(re.findall(r"[^\W_]+", bare))


def _mixes_alphabets(text: str) -> bool:
    """Whether one word has Latin letters and Cyrillic or Greek ones: no honest word does."""
    for word in re.findall(r"[^\W\d_]+", text):
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
            rule["id"],
            phrase,
            rule.get("concession", False),
            _letters(phrase),
            _pattern(phrase),
            _gapped(phrase),
        )
        for rule in data["rule"]
        for phrase in rule["phrases"]
    )


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
