"""Train agent/models/offline/intents.npz on the lessons beside this file; `python -m evals.intents.train`.

Deterministic, and measured as the signals are (evals/consent/train.py): each author's messages are scored by a model
that was not shown them, and a threshold is the score that a small share of messages without the intent exceed.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt

from agent.signals.reading import plain_words
from evals.consent.train import Floats, Words, fit, kept_of, save

INTENTS = (
    "pay", "hedge", "refusal", "plan", "balance", "copy", "link", "remittance", "concession", "contact_change",
    "preference", "accept", "thanks", "bot", "later",
)  # fmt: skip
# Of the messages without the intent: so many may look as if they had it. Single sentences are read, and every one of
# them may alarm; what only makes us ask is read more eagerly.
FALSE_ALARMS = dict.fromkeys(INTENTS, 0.005) | {
    "pay": 0.01,
    "hedge": 0.015,
    "refusal": 0.01,
    "plan": 0.007,
    "preference": 0.0005,
}


@dataclass(frozen=True, slots=True)
class Lesson:
    """One message and what it wants; `id` begins with its author's letter."""

    id: str
    lang: str
    text: str
    intents: Sequence[str]


def lessons() -> tuple[str, list[Lesson]]:
    """The files' text and what is in it. Raises KeyError for an intent that is none."""
    folder = Path(str(resources.files("evals.intents")))
    text = "".join(file.read_text("utf-8") for file in sorted(folder.glob("lessons_*.jsonl")))
    read = [Lesson(**json.loads(line)) for line in text.splitlines() if line.strip()]
    unknown = {intent for lesson in read for intent in lesson.intents} - set(INTENTS)
    if unknown:
        raise KeyError(f"no intents: {', '.join(sorted(unknown))}")
    return text, read


def labels(read: Sequence[Lesson]) -> npt.NDArray[np.bool_]:
    """One row a message, one column an intent."""
    return np.array([[intent in lesson.intents for intent in INTENTS] for lesson in read])


def unseen(words: Words, read: Sequence[Lesson]) -> Floats:
    """Every message's scores by a model that was not shown its author's messages."""
    said = labels(read)
    authors = np.array([lesson.id[0] for lesson in read])
    scores = np.zeros(said.shape)
    for name in sorted({*authors.tolist()}):
        others = authors != name
        matrix = words.matrix(words.rarity(others))
        coefficients, bias = fit(matrix[others], said[others])
        scores[~others] = matrix[~others] @ coefficients.T + bias
    return scores


def main() -> None:
    """Write the file into the package; print what it finds in the words of authors whom it had not read."""
    text, read = lessons()
    words = Words.of([plain_words(lesson.text) for lesson in read])
    said = labels(read)
    rarity = words.rarity(np.full(len(read), fill_value=True))
    coefficients, bias = fit(words.matrix(rarity), said)
    scores = unseen(words, read)
    limits = np.array(
        [np.quantile(scores[~said[:, n], n], 1 - FALSE_ALARMS[intent]) for n, intent in enumerate(INTENTS)]
    )
    place = Path(str(resources.files("agent.models.offline").joinpath("intents.npz")))
    save(
        place,
        INTENTS,
        words.hashes,
        rarity,
        coefficients,
        bias,
        limits,
        hashlib.sha256(text.encode()).hexdigest(),
    )
    kept = kept_of(coefficients)
    sys.stdout.write(
        f"{place.name}: {place.stat().st_size} bytes, {kept.sum()} of {kept.size} grams, {len(read)} messages\n"
    )
    for n, intent in enumerate(INTENTS):
        found = scores[:, n] > limits[n]
        sys.stdout.write(
            f"{intent}: {found[said[:, n]].mean():.0%} found, {found[~said[:, n]].mean():.1%} false alarms\n"
        )


if __name__ == "__main__":
    main()
