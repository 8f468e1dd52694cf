"""Whether a message is in a language that we have no words for: neither English nor Spanish.

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

from agent.signals.reading import fold

_WORD = re.compile(r"[^\W\d_]+")


def is_foreign(text: str) -> bool:
    """Whether `text` has more words of other languages than of English and Spanish, or another script than ours."""
    words = _WORD.findall(fold(text))
    letters = "".join(words)
    other_script = sum(1 for letter in letters if not unicodedata.name(letter, "").startswith("LATIN"))
    if other_script * 2 > len(letters):
        return True
    lists = _lists()
    ours = sum(word in lists["ours"] for word in words)
    others = sum(word in lists["others"] for word in words)
    return others > ours


@cache
def _lists() -> Mapping[str, frozenset[str]]:
    data = tomllib.loads(
        resources.files("agent.models.offline").joinpath("languages.toml").read_text("utf-8")
    )
    shared = frozenset(data["shared"].split())
    ours = frozenset(word for words in data["ours"].values() for word in words.split())
    others = frozenset(word for words in data["others"].values() for word in words.split())
    return {"ours": ours - shared, "others": others - ours - shared}
