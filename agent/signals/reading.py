"""How a message is read before any phrase is looked for: the customer's own words, sentences, plain words."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import OSA

_SENTENCE = re.compile(r"(?<=[.!?;…])\s+|[\r\n]+")
_TOKEN = re.compile(
    r"#(?!\S)|[👍👌✅🙏🛑🚫🔕]|\d+(?:[.,:/-]\d+)*|[^\W\d_]+(?:['’`´][^\W\d_]+)*(?:\d+[^\W_]*)?"
)
_REPLY_HEADER = re.compile(
    r"^\s*(on\b.{0,200}\bwrote:|el\b.{0,200}\bescribi[oó]:|-{2,}\s*(original message|mensaje original)\b.*"
    r"|(from|de|sent|enviado):\s.{0,300})\s*$",
    re.IGNORECASE,
)
_HEADER_START = re.compile(r"^\s*(on|el)\b.*\d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: its text as written, and its plain words, each followed by one space."""

    text: str
    plain: str
    starts: Sequence[tuple[int, int]]  # where each plain word starts, in `plain` and in `text`

    def source(self, plain_start: int) -> int:
        """Where in `text` the word at `plain_start` begins."""
        return max((text for plain, text in self.starts if plain <= plain_start), default=0)


def fold(text: str) -> str:
    """`text` in lower case without accents, character for character, so that positions stay true."""
    return "".join(_fold(char) for char in text)


@lru_cache(maxsize=4096)
def _fold(char: str) -> str:
    base = unicodedata.normalize("NFKD", char)[:1].lower()
    return base if len(base) == 1 else char


def own_words(message: str) -> str:
    """What the customer wrote themselves: quotations, everything below a reply header and legal footers left out.

    A message that is nothing but these is returned whole: better read twice than not at all.
    A library does this for more mail programs, but needs a minute for 40 kB of hostile text.
    """
    kept: list[str] = []
    begun = False  # nothing is below a reply header that opens the message
    lines = message.splitlines()
    for index, line in enumerate(lines):
        following = lines[index + 1] if index + 1 < len(lines) else ""
        # Mail programs wrap a long header over two lines.
        wrapped = _HEADER_START.match(line) and _REPLY_HEADER.match(f"{line.strip()} {following.strip()}")
        if begun and (_REPLY_HEADER.match(line[:600]) or (len(line) + len(following) < 400 and wrapped)):
            break
        if not line.lstrip().startswith(">"):
            kept.append(line)
            begun = begun or bool(line.strip())
    own = _without_footers("\n".join(kept).strip())
    return own or message


def _without_footers(text: str) -> str:
    """`text` without the paragraphs below the first that are a mail program's or a lawyer's."""
    first, *rest = re.split(r"\n[ \t]*\n", text)
    return "\n\n".join([first, *(part for part in rest if len(set(_footer().findall(fold(part)))) < 2)])


@cache
def _footer() -> re.Pattern[str]:
    marks = tomllib.loads(resources.files("agent.signals").joinpath("footers.toml").read_text("utf-8"))[
        "marks"
    ]
    return re.compile(
        r"\b(?:" + "|".join(f"{mark[:-1]}\\w*" if mark[-1] == "*" else mark for mark in marks) + r")\b"
    )


def sentences(text: str) -> list[Sentence]:
    """The sentences of `text` in order, those without a word left out."""
    found = (_sentence(part.strip()) for part in _SENTENCE.split(text) if part and part.strip())
    return [sentence for sentence in found if sentence.plain]


def plain_words(message: str) -> str:
    """The plain words of what the customer wrote themselves, all sentences in one."""
    return "".join(sentence.plain for sentence in sentences(own_words(message)))


def _sentence(text: str) -> Sentence:
    words = [(match.group(), match.start()) for match in _TOKEN.finditer(fold(text))]
    plain: list[str] = []
    starts: list[tuple[int, int]] = []
    length = 0
    for word, start in _joined(words):
        for simple in _plain(word).split():
            plain.append(simple)
            starts.append((length, start))
            length += len(simple) + 1
    return Sentence(text, "".join(f"{word} " for word in plain), starts)


def _joined(words: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Spelled-out words put together: "s t o p" is "stop"."""
    joined: list[tuple[str, int]] = []
    run: list[tuple[str, int]] = []
    for word, start in [*words, ("", -1)]:
        if len(word) == 1 and word.isalpha():
            run.append((word, start))
            continue
        joined += [("".join(letter for letter, _ in run), run[0][1])] if len(run) > 3 else run
        run = []
        if word:
            joined.append((word, start))
    return joined


@cache
def spelling() -> Mapping[str, Any]:
    """`spelling.toml`: how texters write, and which words a typo may hide."""
    return tomllib.loads(resources.files("agent.signals").joinpath("spelling.toml").read_text("utf-8"))


@cache
def _known() -> frozenset[str]:
    """Every longer word of the lexicon: what a phrase names is no typo of something else."""
    folder = resources.files("agent.signals").joinpath("lexicon")
    texts = (file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(".toml"))
    return frozenset(word for text in texts for word in re.findall(r"[a-z]{6,}", text))


@lru_cache(maxsize=65_536)
def _plain(word: str) -> str:
    """One written word as plain words: contractions spelled out, slang and typos undone."""
    data = spelling()
    word = re.sub(r"[’`´]", "'", word)
    if word not in data["words"] and not word[0].isdigit():
        word = re.sub(r"(.)\1{2,}", r"\1", word)
    if word in data["words"]:
        return str(data["words"][word])
    for ending, spelled in data["endings"].items():
        if word.endswith(ending) and len(word) > len(ending):
            return f"{word.removesuffix(ending)}{spelled}"
    word = word.replace("'", "")
    if len(word) < 6 or word[0].isdigit() or word in data["not_typos"] or word in _known():
        return word
    # Two slips only in long words: "bankrupcty" yes, "change" for "charge" no.
    allowed = 2 if len(word) >= 10 else 1
    best = process.extractOne(word, data["typos"], scorer=OSA.distance, score_cutoff=allowed)
    return best[0] if best and best[0][0] == word[0] else word
