"""Find the signals of a message. Pure: the same words give the same signals, whatever any model thinks."""

import re

from agent.signals import phrases
from agent.signals.model import Signal
from agent.signals.reading import Sentence, own_words, sentences

_QUOTE = 500  # what a record's quote may hold
_BROADEN = "opt_out_broaden"


def detect(text: str) -> tuple[Signal, ...]:
    """Every signal in the customer's own words, one per kind and detail, gravest first; never raises.

    Recall comes before precision: what only may be a signal is one. A dispute has one reason, the first rule
    in the lexicon that fits; an opt-out covers this channel, or all where any words are broader.
    """
    lexicon = phrases.load("agent.signals", "lexicon")
    read = [(sentence, lexicon.masked(sentence.plain)) for sentence in sentences(own_words(text))]
    found: dict[tuple[str, str | None], Signal] = {}
    for rule in lexicon.rules:
        for sentence, plain in read:
            hit = rule.find(plain)
            if hit and (rule.name, rule.detail) not in found:
                found[rule.name, rule.detail] = Signal(rule.name, _quote(sentence, hit), rule.detail)
    return _settled(found)


def _settled(found: dict[tuple[str, str | None], Signal]) -> tuple[Signal, ...]:
    """One opt-out and one dispute at most: a message has one scope and, for the record, one reason."""
    broad = any(name == _BROADEN for name, _ in found)
    settled: list[Signal] = []
    seen: set[str] = set()
    for signal in found.values():
        if signal.kind == _BROADEN or (signal.kind in ("opt_out", "dispute") and signal.kind in seen):
            continue
        seen.add(signal.kind)
        whole = signal.kind == "opt_out" and broad
        settled.append(Signal(signal.kind, signal.quote, "all") if whole else signal)
    return tuple(settled)


def _quote(sentence: Sentence, hit: re.Match[str]) -> str:
    """The sentence, or where that is too long for a record, its words from shortly before the hit on."""
    if len(sentence.text) <= _QUOTE:
        return sentence.text
    start = max(0, sentence.source(hit.start()) - 100)
    return sentence.text[start : start + _QUOTE].strip()
