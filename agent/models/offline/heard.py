"""The customer's words as they were meant: lines that a telephone broke put together, slips of the thumb undone."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources

from agent.models.offline.dates import spelled_words
from agent.models.offline.document import Said
from agent.signals.reading import fold, own_words

_LONG = 6  # letters: in a shorter word a slip makes another word
_WORD = re.compile(r"[^\W\d_]{5,}")
_LINE_ENDS = re.compile(r"(?<![.!?;:\n])[ \t]*\n(?![ \t]*\n)[ \t]*")
_MANY = 4  # words: a shorter line is one by itself


def words_of(said: Said) -> str:
    """What the customer wrote themselves in one message."""
    text = own_words(said.text)
    return _unwrapped(text) if said.channel == "sms" else text


def _unwrapped(text: str) -> str:
    """Lines that end in the middle of a sentence as one."""
    lines = text.split("\n")
    if len(lines) < 2 or any(len(line.split()) < _MANY for line in lines[:-1]):
        return text
    return _LINE_ENDS.sub(" ", text)


def corrected(text: str) -> str:
    """`text` with one slip of the thumb undone in each longer word that we would know without it."""

    def right(match: re.Match[str]) -> str:
        return _slips().get(fold(match[0]), match[0])

    return _WORD.sub(right, text)


@cache
def _slips() -> Mapping[str, str]:
    """Longer words of ours as thumbs write them: a letter left out, doubled, or swapped with the next."""
    known = {word for word in _vocabulary() if len(word) >= _LONG}
    slips: dict[str, set[str]] = {}
    for word in known:
        for slip in _slipped(word):
            slips.setdefault(slip, set()).add(word)
    return {
        slip: words.pop() for slip, words in slips.items() if len(words) == 1 and slip not in _plain_words()
    }


def _slipped(word: str) -> Iterator[str]:
    for at in range(1, len(word) - 1):
        yield word[:at] + word[at + 1 :]
        yield word[: at + 1] + word[at:]
        yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]


@cache
def _plain_words() -> frozenset[str]:
    """Every word of our lexicons, of any length: what is a word itself is no slip."""
    return frozenset(_vocabulary())


@cache
def _vocabulary() -> Sequence[str]:
    texts = [
        resources.files(package).joinpath(name).read_text("utf-8")
        for package, name in (("agent.models.offline", "intents.toml"), ("agent.signals", "talk.toml"))
    ]
    return [
        *spelled_words(),
        *(word for text in texts for word in re.findall(r"(?<![a-z*])[a-z]{3,}(?![a-z*])", text)),
    ]
