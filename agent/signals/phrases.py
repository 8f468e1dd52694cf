"""The phrase language of the lexicons, and the table of rules that a lexicon is.

A phrase is plain words (lower case, no accents, no apostrophes) with a few signs:
`a|b` either word · `word*` any ending · `(word)` may be left out · `..` up to two, `...` up to four and `....` up
to eight other words · `*` any one word · `#` a number · `{group}` one of a named list of phrases · `^` and `$` the sentence's ends ·
`this & that` both, in either order, up to eight words apart.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

_SIGNS = {
    "..": r"(?:\S+ ){0,2}?",
    "...": r"(?:\S+ ){0,4}?",
    "....": r"(?:\S+ ){0,8}?",
    "^": r"\A",
    "$": r"\Z",
    "#": r"\d[\d.,]* ",
    "*": r"\S+ ",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a lexicon: `name`, its `detail`, and what says so (`phrases`) or only seems to (`unless`)."""

    name: str
    detail: str | None
    phrases: re.Pattern[str]
    unless: re.Pattern[str] | None

    def find(self, plain: str) -> re.Match[str] | None:
        """Where a sentence's plain words say it, if they do."""
        # Masking takes words away and adds none, so what is not there before is not there after it.
        hit = self.phrases.search(plain)
        return self.phrases.search(mask(self.unless, plain)) if hit and self.unless else hit


@dataclass(frozen=True, slots=True)
class Lexicon:
    """A file of rules, with the guards that hold for every rule, and what the bereaved say of themselves."""

    rules: Sequence[Rule]
    guards: re.Pattern[str] | None
    bereaved: re.Pattern[str] | None

    def masked(self, plain: str) -> str:
        """The sentence with every guarded expression blanked out, position for position."""
        return mask(self.guards, plain)


def mask(pattern: re.Pattern[str] | None, plain: str) -> str:
    """`plain` with what `pattern` finds replaced by underscores; spaces and positions stay."""
    if pattern is None:
        return plain
    return pattern.sub(lambda match: re.sub(r"\S", "_", match.group()), plain)


def compile_phrases(phrases: Sequence[str], groups: Mapping[str, Sequence[str]]) -> re.Pattern[str] | None:
    """One pattern for any of `phrases`, to be searched in a sentence's plain words; None for no phrases."""
    if not phrases:
        return None
    return re.compile(r"(?<!\S)(?:" + "|".join(_phrase(phrase, groups) for phrase in phrases) + ")")


def _phrase(phrase: str, groups: Mapping[str, Sequence[str]]) -> str:
    sides = [_run(side, groups) for side in phrase.split(" & ")]
    if len(sides) == 1:
        return sides[0]
    one, other = sides
    return f"(?:{one}{_SIGNS['....']}{other}|{other}{_SIGNS['....']}{one})"


def _run(phrase: str, groups: Mapping[str, Sequence[str]]) -> str:
    elements = phrase.split()
    # What may be absent at an end says nothing, and in an `unless` would swallow the words before it.
    if not elements or elements[-1] in ("..", "...", "....") or elements[-1].endswith(")"):
        raise KeyError(f"{phrase!r} ends in something that may be left out")
    return "".join(_element(element, groups) for element in elements)


def _element(element: str, groups: Mapping[str, Sequence[str]]) -> str:
    if element in _SIGNS:
        return _SIGNS[element]
    if element.startswith("(") and element.endswith(")"):
        return f"(?:{_element(element[1:-1], groups)})?"
    return "(?:" + "|".join(_alternative(part, groups) for part in element.split("|")) + ")"


def _alternative(part: str, groups: Mapping[str, Sequence[str]]) -> str:
    if part in _SIGNS:
        return _SIGNS[part]
    if part.startswith("{") and part.endswith("}"):
        return "|".join(_phrase(member, groups) for member in groups[part[1:-1]])
    if not re.fullmatch(r"[a-z0-9]+\*?", part):
        raise KeyError(f"{part!r} is no word of a phrase")
    return f"{part[:-1]}\\S* " if part.endswith("*") else f"{part} "


@cache
def load(package: str, name: str) -> Lexicon:
    """The lexicon `name` that lies in `package`. Raises KeyError on a group that is not there.

    A name that ends in `.toml` is one file. Any other is a folder: its `groups.toml` holds what the files share and
    lists them in `order`. Rules of one name and detail may be several, each with its own `unless`.
    """
    place = resources.files(package).joinpath(name)
    data = _read(place.joinpath("groups.toml") if place.is_dir() else place)
    rows = [*data.get("rule", ())]
    for part in data.get("order", ()):
        rows += _read(place.joinpath(f"{part}.toml"))["rule"]
    groups: Mapping[str, Sequence[str]] = data.get("groups", {})
    rules = []
    for row in rows:
        phrases = compile_phrases(row["phrases"], groups)
        if phrases is None:
            raise KeyError(f"{name}: {row['name']} has no phrases")
        unless = compile_phrases(row.get("unless", []), groups)
        rules.append(Rule(row["name"], row.get("detail"), phrases, unless))
    guards, bereaved = (compile_phrases(data.get(key, []), groups) for key in ("guards", "bereaved"))
    return Lexicon(tuple(rules), guards, bereaved)


def _read(place: Traversable) -> Mapping[str, Any]:
    return tomllib.loads(place.read_text("utf-8"))
