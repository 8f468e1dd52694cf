"""Excerpts: of a long text, the part that a question is about."""

import re
from operator import mul

from tools.memory.embeddings import embed_locally

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
MARK = " […]"
_MOST = 60  # sentences that are compared: a text that has more is long past what a message says


def head(text: str, limit: int) -> str:
    """The beginning of `text`, marked where it was cut."""
    return text if len(text) <= limit else text[: limit - len(MARK)].rstrip() + MARK


def excerpt(text: str, question: str, limit: int) -> str:
    """At most `limit` characters of `text` around the sentence nearest in meaning to `question`, marked where cut.

    The bundled model compares them, whichever embeds messages: it is there, and fast enough for a prompt.
    """
    if len(text) <= limit:
        return text
    sentences = [s for s in _SENTENCE.split(text) if s.strip()][:_MOST]
    asked, *found = embed_locally([question, *sentences])
    nearness = [sum(map(mul, asked, vector)) for vector in found]
    first = last = max(range(len(sentences)), key=nearness.__getitem__)
    room = limit - 2 * len(MARK) - len(sentences[first])
    while room > 0:
        grown = room
        if last + 1 < len(sentences) and len(sentences[last + 1]) < room:
            last += 1
            room -= len(sentences[last]) + 1
        if first > 0 and len(sentences[first - 1]) < room:
            first -= 1
            room -= len(sentences[first]) + 1
        if room == grown:
            break
    body = head(" ".join(sentences[first : last + 1]), limit - len(MARK))
    before = MARK.strip() + " " if first > 0 else ""
    after = MARK if last + 1 < len(sentences) and not body.endswith(MARK) else ""
    return before + body + after
