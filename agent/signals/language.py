"""The language that a message is written in: English, Spanish, or one that we have no words for.

Libraries were tried on our 1,187 labelled messages and 59 foreign ones: lingua called 87 of ours foreign (96 MB on
disk, 1.1 GB in memory, 6 s to load), py3langid 91, langdetect 179, for "STOP", "ok" and typo-laden SMS look like
anything. Counting small words that only one side uses calls none of ours foreign, knows 57 of those 59 and 24 of 28
written afterwards, in 0.02 ms; what it does not know is hardly understood either, and goes to a person as well.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Literal

from agent.signals.reading import fold

_WORD = re.compile(r"[^\W\d_]+")
Written = Literal["en", "es", "other"]


def written_in(text: str) -> Written | None:
    """The language with most words in `text`, "other" also for another script; None where no language leads."""
    words = _WORD.findall(fold(text))
    letters = "".join(words)
    other_script = sum(1 for letter in letters if not unicodedata.name(letter, "").startswith("LATIN"))
    if other_script * 2 > len(letters):
        return "other"
    lists = _lists()
    english, spanish, ours, others = (
        sum(word in lists[name] for word in words) for name in ("en", "es", "ours", "others")
    )
    if others > ours:
        return "other"
    if english == spanish:
        return None
    return "en" if english > spanish else "es"


@cache
def _lists() -> Mapping[str, frozenset[str]]:
    data = tomllib.loads(resources.files("agent.signals").joinpath("languages.toml").read_text("utf-8"))
    shared = frozenset(data["shared"].split())
    english, spanish = (frozenset(data["ours"][name].split()) - shared for name in ("english", "spanish"))
    others = frozenset(word for words in data["others"].values() for word in words.split())
    ours = english | spanish
    return {
        "en": english - spanish, "es": spanish - english, "ours": ours, "others": others - ours - shared,
    }  # fmt: skip
