"""A trained second reader beside the lexicon: logistic regression on hashed words and letters, one row per signal.

The lexicon knows what somebody wrote down; this knows what messages of several authors had in common. It only adds
signals (infra/decisions/0007-signals.md). Weights and thresholds are `classifier.npz`, made by
`python -m evals.consent.train`, which states the digest of what it was trained on.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

BUCKETS = 2**14
_LONGEST = 1000  # characters: what stands later in a long message is the lexicon's
_WEIGHT = 3.0


def buckets(plain: str) -> list[Sequence[int]]:
    """Where the features of a message's plain words fall: its words, its pairs around a word, its letters."""
    plain = plain[:_LONGEST].strip()
    words = ["^", *plain.split(), "$"]
    runs = (f"w{' '.join(words[at : at + n])}" for n in (1, 2, 3) for at in range(len(words) - n + 1))
    around = (f"s{words[at]} {words[at + 2]}" for at in range(len(words) - 2))
    letters = (f"c{piece}" for piece in _pieces(f" {plain} "))
    return [[crc32(gram.encode()) % BUCKETS for gram in {*grams}] for grams in (runs, around, letters)]


def _pieces(text: str) -> Iterator[str]:
    return (text[at : at + n] for n in (3, 4, 5) for at in range(len(text) - n + 1))


def weight(group: Sequence[int]) -> float:
    """What each feature of a group counts: long messages have many features, and together they count alike."""
    return _WEIGHT / len(group) ** 0.5 if group else 0.0


@cache
def _trained() -> tuple[Sequence[str], Any, Any, Any]:
    with (
        resources.as_file(resources.files("agent.signals").joinpath("classifier.npz")) as path,
        np.load(path) as data,
    ):
        # Rows are buckets, so that a message reads only its own.
        weights: npt.NDArray[np.float32] = data["weights"].astype(np.float32) * data["scale"]
        return tuple(str(name) for name in data["names"]), weights, data["bias"], data["thresholds"]


def margins(plain: str) -> dict[str, float]:
    """How far past its threshold each signal's score is for these plain words; above zero it is likely there."""
    names, weights, bias, thresholds = _trained()
    total = bias - thresholds
    for group in buckets(plain):
        if group:
            total = total + weights[group].sum(axis=0) * weight(group)
    return dict(zip(names, total.tolist(), strict=True))
