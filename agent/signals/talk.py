"""What a message says besides business: the question who writes, and thanks that want no answer."""

from collections.abc import Sequence

from agent.signals import phrases
from agent.signals.reading import own_words, sentences


def intents() -> Sequence[phrases.Rule]:
    """What a sentence may want besides business: `bot`, an answer who writes, and `thanks`, nothing."""
    return [rule for rule in _rules() if rule.name != "courtesy"]


def asks_who_writes(text: str) -> bool:
    """Whether it is asked who, or what, is writing: then the answer says so (policy.md 5.4)."""
    bot = next(rule for rule in _rules() if rule.name == "bot")
    return any(bot.find(sentence.plain) for sentence in sentences(own_words(text)))


def is_courtesy(text: str) -> bool:
    """Whether `text` thanks, nods or says farewell and nothing else, so that silence may answer it politely.

    "Yes" is none: it agrees to something.
    """
    courtesy = next(rule for rule in _rules() if rule.name == "courtesy")
    read = sentences(own_words(text))
    return bool(read) and not any(
        phrases.mask(courtesy.phrases, sentence.plain).replace("_", "").strip() for sentence in read
    )


def _rules() -> Sequence[phrases.Rule]:
    return phrases.load("agent.signals", "talk.toml").rules
