"""Train agent/signals/classifier.npz on messages.jsonl and lessons.jsonl; `python -m evals.consent.train`.

Deterministic: the same messages give the same file. Thresholds come from leaving one author out at a time: each is
the score that a small share of ordinary messages without the signal, by an author the model has not seen, exceed.
"""

import hashlib
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]  # ships no types
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # ships no types

from agent.signals.classifier import grams, weigh
from agent.signals.reading import plain_words
from evals.consent.measure import SAFETY, SIGNALS, Message, load, read

FALSE_ALARMS = dict.fromkeys(SIGNALS, 0.003) | dict.fromkeys(SAFETY, 0.006) | {"opt_out": 0.012}
# Who wrote messages as they come; the others wrote mostly what is hard to tell apart, which no threshold should follow.
_ORDINARY = ("f", "a", "b", "c", "g", "j")
# No threshold below: there the model says hardly more than that a signal is rare.
CAUTIOUS = {signal: -2.5 if signal in ("opt_out", "threat", *SAFETY) else -2.0 for signal in SIGNALS}
_STRENGTH = 20.0  # of the regression: the inverse of its regularisation
_SEEN = 2  # messages that a gram must stand in
_FAINT = 0.02  # a gram whose largest weight is below this share of the largest of all is left out
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Words:
    """Messages as counts of grams, which are numbered by their place in `hashes`."""

    hashes: npt.NDArray[np.uint32]
    # Per message its groups of grams, each as places and counts.
    counts: Sequence[Sequence[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]]

    @classmethod
    def of(cls, plain: Sequence[str]) -> "Words":
        """Read messages, as plain words; a gram that stands in too few of them is no gram."""
        found = [grams(words) for words in plain]
        spread = Counter(gram for groups in found for group in groups for gram in group)
        hashes = np.array(sorted(gram for gram, times in spread.items() if times >= _SEEN), dtype=np.uint32)
        places = {int(gram): place for place, gram in enumerate(hashes)}
        return cls(
            hashes,
            [
                [
                    (
                        np.array([places[g] for g in group if g in places]),
                        np.array([n for g, n in group.items() if g in places]),
                    )
                    for group in groups
                ]
                for groups in found
            ],
        )

    def rarity(self, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
        """The inverse document frequency of each gram among these messages, smoothed."""
        held = np.zeros(len(self.hashes))
        for row in np.flatnonzero(rows).tolist():
            for places, _ in self.counts[row]:
                held[places.astype(np.int64)] += 1
        return np.asarray(np.log((1 + rows.sum()) / (1 + held)) + 1, dtype=np.float32)

    def matrix(self, rarity: npt.NDArray[np.float32]) -> csr_matrix:
        """One row a message, one column a gram."""
        starts, columns, values = [0], [], []
        for groups in self.counts:
            for places, counts in groups:
                columns.append(places.astype(np.int64))
                values.append(weigh(counts, rarity[places.astype(np.int64)]))
            starts.append(starts[-1] + sum(len(places) for places, _ in groups))
        return csr_matrix(
            (np.concatenate(values), np.concatenate(columns), starts),
            shape=(len(self.counts), len(self.hashes)),
        )


def labels(messages: Sequence[Message]) -> npt.NDArray[np.bool_]:
    """One row a message, one column a signal."""
    return np.array([[signal in message.signals for signal in SIGNALS] for message in messages])


def fit(matrix: csr_matrix, said: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Weights (what is said by grams) and bias."""
    models = [
        LogisticRegression(C=_STRENGTH, solver="liblinear", max_iter=2000, tol=1e-3).fit(
            matrix, said[:, column]
        )
        for column in range(said.shape[1])
    ]
    return np.vstack([model.coef_ for model in models]), np.array([model.intercept_[0] for model in models])


def author(message: Message) -> str:
    """Who wrote a message: what its id begins with."""
    return message.id.rstrip("0123456789")


def unseen(words: Words, messages: Sequence[Message]) -> Floats:
    """Every message's scores by a model that was not shown its author's messages; zero for the first author's."""
    said = labels(messages)
    authors = np.array([author(message) for message in messages])
    scores = np.zeros(said.shape)
    for name in sorted({*authors.tolist()} - {authors[0]}):
        others = authors != name
        matrix = words.matrix(words.rarity(others))
        coefficients, bias = fit(matrix[others], said[others])
        scores[~others] = matrix[~others] @ coefficients.T + bias
    return scores


def thresholds(messages: Sequence[Message], scores: Floats) -> Floats:
    """Per signal the score that FALSE_ALARMS of the ordinary messages without it exceed."""
    said = labels(messages)
    judged = np.array([author(message) in _ORDINARY for message in messages])
    return np.array(
        [
            max(
                np.quantile(scores[judged & ~said[:, column], column], 1 - FALSE_ALARMS[signal]),
                CAUTIOUS[signal],
            )
            for column, signal in enumerate(SIGNALS)
        ]
    )


def table(messages: Sequence[Message], scores: Floats, limits: Floats) -> str:
    """Recall and false alarms per author the model had not seen: by the classifier alone."""
    said, found = labels(messages), scores > limits
    authors = np.array([author(message) for message in messages])
    names = list(dict.fromkeys(authors.tolist()))[1:]
    lines = [f"| signal | threshold | {' | '.join(names)} |", "| --- |" + " --- |" * (len(names) + 1)]
    for column, signal in enumerate(SIGNALS):
        cells = []
        for name in names:
            theirs = authors == name
            hits, alarms = found[theirs & said[:, column], column], found[theirs & ~said[:, column], column]
            cells.append(f"{hits.sum()} / {hits.size}, {alarms.mean():.1%}")
        lines.append(f"| {signal} | {limits[column]:.2f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def kept_of(coefficients: Floats) -> npt.NDArray[np.bool_]:
    """The grams that are worth keeping."""
    strongest = np.abs(coefficients).max(axis=0)
    return np.asarray(strongest >= _FAINT * strongest.max())


def save(
    place: Path,
    names: Sequence[str],
    hashes: npt.NDArray[np.uint32],
    rarity: npt.NDArray[np.float32],
    coefficients: Floats,
    bias: Floats,
    limits: Floats,
    trained_on: str,
) -> None:
    """Write a file that `agent.signals.classifier.load` reads: weights in a byte each."""
    kept = kept_of(coefficients)
    scale = np.abs(coefficients).max(axis=1) / 127
    np.savez_compressed(
        place,
        names=np.array(names),
        grams=hashes[kept],
        rarity=rarity[kept].astype(np.float16),
        weights=np.round(coefficients[:, kept] / scale[:, None]).astype(np.int8).T,
        scale=scale.astype(np.float32),
        bias=bias.astype(np.float32),
        thresholds=limits.astype(np.float32),
        trained_on=np.array(trained_on),
    )


def main() -> None:
    """Write the file into the package; print what is in it and what it does for authors it had not seen."""
    text = (load("messages.jsonl") or "") + (load("lessons.jsonl") or "")
    messages = read(text)
    words, everything = (
        Words.of([plain_words(message.text) for message in messages]),
        np.full(len(messages), fill_value=True),
    )
    rarity = words.rarity(everything)
    coefficients, bias = fit(words.matrix(rarity), labels(messages))
    scores = unseen(words, messages)
    limits = thresholds(messages, scores)
    kept = kept_of(coefficients)
    place = Path(str(resources.files("agent.signals").joinpath("classifier.npz")))
    save(
        place,
        SIGNALS,
        words.hashes,
        rarity,
        coefficients,
        bias,
        limits,
        hashlib.sha256(text.encode()).hexdigest(),
    )
    sys.stdout.write(
        f"{place.name}: {place.stat().st_size} bytes, {kept.sum()} of {kept.size} grams, {len(messages)} messages\n"
    )
    sys.stdout.write(table(messages, scores, limits) + "\n")


if __name__ == "__main__":
    main()
