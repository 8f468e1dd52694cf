"""A trained second reader beside the lexicon: logistic regression on words and letters weighed by rarity, one row per signal.

The lexicon knows what somebody wrote down; this knows what messages of several authors had in common. It only adds
signals (infra/decisions/0007-signals.md). Weights and thresholds are `classifier.npz`, made by
`python -m evals.consent.train`, which states the digest of what it was trained on.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from zlib import crc32

import numpy as np
import numpy.typing as npt

_LONGEST = 1000  # characters: what stands later in a long message is the lexicon's
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Classifier:
    """Weights and thresholds of a trained file: one row of `weights` for each gram, one column for each name."""

    names: Sequence[str]
    grams: npt.NDArray[np.uint32]  # hashes in ascending order; the rows of the next two
    rarity: Floats
    weights: Floats  # of a gram for each name
    offset: Floats  # bias less threshold

    def margins(self, plain: str) -> dict[str, float]:
        """How far past its threshold each name's score is for these plain words; above zero it is likely there."""
        total = self.offset
        for counts in grams(plain):
            hashes = np.fromiter(counts, dtype=np.uint32, count=len(counts))
            rows = np.minimum(np.searchsorted(self.grams, hashes), len(self.grams) - 1)
            known = self.grams[rows] == hashes
            rows, times = rows[known], np.fromiter(counts.values(), dtype=np.int64, count=len(counts))[known]
            total = total + weigh(times, self.rarity[rows]) @ self.weights[rows]
        return dict(zip(self.names, total.tolist(), strict=True))


def grams(plain: str) -> tuple[Mapping[int, int], Mapping[int, int]]:
    """How often a message's plain words hold each run of one to three words, and each run of letters; by their hashes."""
    plain = plain[:_LONGEST].strip()
    words = ["^", *plain.split(), "$"]
    runs = (" ".join(words[at : at + n]) for n in (1, 2, 3) for at in range(len(words) - n + 1))
    letters = (piece for word in plain.split() for piece in _pieces(f" {word} "))
    return _counted("w", runs), _counted("c", letters)


def _pieces(word: str) -> Iterator[str]:
    return (word[at : at + n] for n in (2, 3, 4, 5) for at in range(max(1, len(word) - n + 1)))


def _counted(group: str, found: Iterator[str]) -> Mapping[int, int]:
    return Counter(crc32((group + gram).encode()) for gram in found)


def weigh(counts: Sequence[int] | npt.NDArray[np.int64], rarity: Floats) -> Floats:
    """What each gram of one group counts (sublinear tf-idf of length 1): long messages have many, and together they count alike."""
    weighed = (1 + np.log(np.asarray(counts, dtype=np.float32))) * rarity
    return np.asarray(weighed / (np.linalg.norm(weighed) or 1.0), dtype=np.float32)


@cache
def load(package: str, file: str) -> Classifier:
    """The classifier that a package's file holds."""
    with resources.as_file(resources.files(package).joinpath(file)) as path, np.load(path) as data:
        return Classifier(
            names=tuple(str(name) for name in data["names"]),
            grams=data["grams"],
            rarity=data["rarity"].astype(np.float32),
            weights=data["weights"].astype(np.float32) * data["scale"],
            offset=data["bias"] - data["thresholds"],
        )


def margins(plain: str) -> dict[str, float]:
    """How far past its threshold each signal's score is for these plain words."""
    return load("agent.signals", "classifier.npz").margins(plain)
