"""Find the signals of a message. Pure: the same words give the same signals, whatever any model thinks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from agent.signals import classifier, phrases
from agent.signals.model import Signal
from agent.signals.phrases import mask
from agent.signals.reading import Sentence, own_words, sentences
from agent.signals.scope import scope

_QUOTE = 500  # what a record's quote may hold
_BROADEN = "opt_out_broaden"
_BOTH = (_BROADEN, "both")  # several channels in one sentence: all of them, unless one is welcome
# Gravest first, by the names that the classifier knows: an escalation's why, every other signal's kind.
_GRAVITY = (
    "self_harm", "threat", "deceased", "wrong_party", "fraud_claim", "representation", "opt_out",
    "payment_claim", "dispute", "hardship", "asked_for_person", "complaint",
)  # fmt: skip
# What a record must say of a signal that no phrase explains.
_UNEXPLAINED = {"dispute": "other", "representation": "attorney"}
# Words that a message must have for the classifier: of fewer, one unknown word decides ("thx bye" was an opt-out).
_ENOUGH = 4
_ESCALATIONS = ("self_harm", "threat", "asked_for_person", "complaint")


def detect(text: str, channel: str | None = None) -> tuple[Signal, ...]:
    """Every signal in the customer's own words, one per kind and detail, gravest first; never raises.

    Recall comes before precision: what only may be a signal is one, whether the lexicon or the classifier says
    so. A dispute has one reason, the first rule in the lexicon that fits; an opt-out covers the `channel` that the
    message came by, another one where the words name that alone, or all where any words are broader.
    """
    lexicon = phrases.load("agent.signals", "lexicon")
    read = [(sentence, lexicon.masked(sentence.plain)) for sentence in sentences(own_words(text))]
    found: dict[tuple[str, str | None], Signal] = {}
    for rule in lexicon.rules:
        # Who reports a death is family, not a stranger whom we reached by mistake.
        told_of_death = rule.name == "wrong_party" and ("deceased", None) in found
        for sentence, plain in read:
            hit = rule.find(mask(lexicon.bereaved, plain) if told_of_death else plain)
            if hit and (rule.name, rule.detail) not in found:
                found[rule.name, rule.detail] = Signal(rule.name, _quote(sentence, hit), rule.detail)
    settled = _settled(found)
    settled += _unexplained([sentence for sentence, _ in read], {_name(signal) for signal in settled})
    for index, signal in enumerate(settled):
        if signal.kind == "opt_out":
            settled[index] = replace(signal, detail=_scope(read, found, signal, channel))
    return tuple(sorted(settled, key=lambda signal: _GRAVITY.index(_name(signal))))


def _scope(
    read: Sequence[tuple[Sentence, str]],
    found: Mapping[tuple[str, str | None], Signal],
    signal: Signal,
    channel: str | None,
) -> str:
    """What an opt-out covers, by every sentence that says it: a rule's, or the one that the classifier found."""
    rules = [rule for rule in phrases.load("agent.signals", "lexicon").rules if rule.name == "opt_out"]
    said = [
        (plain, any(rule.find(plain) for rule in rules) or _quote(sentence) == signal.quote)
        for sentence, plain in read
    ]
    return scope(said, broad=(_BROADEN, None) in found, both=_BOTH in found, channel=channel)


def _name(signal: Signal) -> str:
    return signal.detail or signal.kind if signal.kind == "escalation" else signal.kind


def _unexplained(read: Sequence[Sentence], found: set[str]) -> list[Signal]:
    """What only the classifier finds, with the sentence that says it most."""
    plain = "".join(sentence.plain for sentence in read)
    if len(plain.split()) < _ENOUGH:
        return []
    likely = classifier.margins(plain)
    names = [name for name, margin in likely.items() if margin > 0 and name not in found]
    if not names:
        return []
    each = [(sentence, classifier.margins(sentence.plain)) for sentence in read]
    signals = []
    for name in names:
        sentence = max(each, key=lambda one: one[1][name])[0]
        if name in _ESCALATIONS:
            signals.append(Signal("escalation", _quote(sentence), name))
        else:
            signals.append(Signal(name, _quote(sentence), _UNEXPLAINED.get(name)))
    return signals


def _settled(found: dict[tuple[str, str | None], Signal]) -> list[Signal]:
    """One opt-out and one dispute at most: a message has one scope and, for the record, one reason."""
    settled: list[Signal] = []
    seen: set[str] = set()
    for signal in found.values():
        if signal.kind == _BROADEN or (signal.kind in ("opt_out", "dispute") and signal.kind in seen):
            continue
        seen.add(signal.kind)
        settled.append(signal)
    return settled


def _quote(sentence: Sentence, hit: re.Match[str] | None = None) -> str:
    """The sentence, or where that is too long for a record, its words from shortly before the hit on."""
    if len(sentence.text) <= _QUOTE:
        return sentence.text
    start = max(0, sentence.source(hit.start()) - 100) if hit else 0
    return sentence.text[start : start + _QUOTE].strip()
