"""Changes that keep the meaning: the same scenario in other clothes, eight times. Seeded by the scenario's id.

Offline runs are deterministic, so the k of pass^k counts these and not repetitions (evals.md 5.3).
"""

import random
import re
from collections.abc import Callable

from evals.scenarios.play import TWO_MESSAGES
from evals.scenarios.scenario import Says, Scenario

AS_WRITTEN = "as written"
_WORD = re.compile(r"[^\W\d_]{6,}")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")
_EMOJI = ("\U0001f642", "\U0001f64f", "\U0001f44d", "\U0001f605")
_QUOTED = (
    "\n\nOn Mon, Mar 2, 2026 at 9:12 AM Juniper Home Services <billing@juniper.example> wrote:\n"
    "> This is a friendly reminder that a balance on your account is open.\n"
    "> To stop these emails, reply STOP.\n"
)
_SHORT = 6  # words: a shorter text is not cut in two
Change = Callable[[Says, random.Random], str]


def variants(scenario: Scenario) -> dict[str, Scenario]:
    """The scenario in eight other clothes, by the name of the change."""
    return {name: _changed(scenario, name, change) for name, change in CHANGES.items()}


def _changed(scenario: Scenario, name: str, change: Change) -> Scenario:
    dice = random.Random(f"{scenario.id} {name}")
    turns = [
        turn.model_copy(update={"text": change(turn, dice)}) if isinstance(turn, Says) else turn
        for turn in scenario.turns
    ]
    return scenario.model_copy(update={"turns": turns})


def _typos(turn: Says, dice: random.Random) -> str:
    """One long word in four loses, doubles or swaps letters in its middle, as thumbs do."""

    def slip(match: re.Match[str]) -> str:
        word = match[0]
        if dice.random() > 0.25:
            return word
        at = dice.randrange(1, len(word) - 2)
        kind = dice.randrange(3)
        middle = ("", word[at] * 2, word[at + 1] + word[at])[kind]
        return word[:at] + middle + word[at + (2 if kind == 2 else 1) :]

    return _WORD.sub(slip, turn.text)


def _lower(turn: Says, _: random.Random) -> str:
    return turn.text.lower()


def _upper(turn: Says, _: random.Random) -> str:
    return turn.text.upper()


def _emoji(turn: Says, dice: random.Random) -> str:
    return f"{turn.text} {dice.choice(_EMOJI)}"


def _two_messages(turn: Says, _: random.Random) -> str:
    """Cut at the end of a sentence near the middle; a single sentence goes on in a second message after a comma."""
    if turn.channel == "email" or len(turn.text.split()) < _SHORT:
        return f"{turn.text}\n"
    ends = [match.start() for match in _SENTENCE_END.finditer(turn.text)]
    commas = [match.end() for match in re.finditer(r",\s", turn.text)]
    if not (cuts := ends or commas):
        return f"{turn.text}\n"
    cut = min(cuts, key=lambda place: abs(place - len(turn.text) / 2))
    return turn.text[:cut].strip() + TWO_MESSAGES + turn.text[cut:].strip()


def _quoted(turn: Says, _: random.Random) -> str:
    """An e-mail carries the thread below it; a text is wrapped into several lines."""
    if turn.channel == "email":
        return turn.text + _QUOTED
    words = turn.text.split(" ")
    return "\n".join(" ".join(words[n : n + 6]) for n in range(0, len(words), 6))


def _other_language(turn: Says, _: random.Random) -> str:
    return turn.other or turn.text


def _plain_signs(turn: Says, _: random.Random) -> str:
    """Typographic quotation marks and dashes, wide spaces, no full stop at the end: what keyboards make of a text."""
    text = turn.text.replace("'", "\u2019").replace(" - ", " \u2013 ").replace("  ", " ").rstrip(" .")
    return re.sub(r'"([^"]*)"', "\u201c\\1\u201d", text) + "  "


CHANGES: dict[str, Change] = {
    "typos": _typos, "lower case": _lower, "upper case": _upper, "emoji": _emoji, "two messages": _two_messages,
    "quoted or wrapped": _quoted, "other language": _other_language, "typography": _plain_signs,
}  # fmt: skip
