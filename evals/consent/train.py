"""Train agent/signals/classifier.npz on the development messages; `python -m evals.consent.train`.

Deterministic: the same messages give the same file. Thresholds come from leaving one author out at a time: each is
the score that a small share of the messages without the signal, by an author the model has not seen, exceed.
"""

import hashlib
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]  # ships no types
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # ships no types

from agent.signals.classifier import BUCKETS, buckets, weight
from agent.signals.reading import plain_words
from evals.consent.measure import SAFETY, SIGNALS, Message, load, read

FALSE_ALARMS = {signal: 0.01 if signal in ("opt_out", *SAFETY) else 0.004 for signal in SIGNALS}
# No threshold below: there the model says hardly more than that a signal is rare.
CAUTIOUS = {signal: -2.5 if signal in ("opt_out", "threat", *SAFETY) else -2.0 for signal in SIGNALS}
Floats = npt.NDArray[np.float64]


def features(messages: Sequence[Message]) -> csr_matrix:
    """One row a message, one column a bucket."""
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    for row, message in enumerate(messages):
        for group in buckets(plain_words(message.text)):
            rows += [row] * len(group)
            columns += group
            values += [weight(group)] * len(group)
    return csr_matrix((values, (rows, columns)), shape=(len(messages), BUCKETS))


def labels(messages: Sequence[Message]) -> npt.NDArray[np.bool_]:
    """One row a message, one column a signal."""
    return np.array([[signal in message.signals for signal in SIGNALS] for message in messages])


def fit(matrix: csr_matrix, said: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Weights (signals by buckets) and bias."""
    models = [
        LogisticRegression(C=10.0, solver="liblinear", max_iter=2000, tol=1e-3).fit(matrix, said[:, column])
        for column in range(len(SIGNALS))
    ]
    return np.vstack([model.coef_ for model in models]), np.array([model.intercept_[0] for model in models])


def author(message: Message) -> str:
    """Who wrote a message: what its id begins with."""
    return message.id.rstrip("0123456789")


def unseen(messages: Sequence[Message]) -> Floats:
    """Every message's scores by a model that was not shown its author's messages; zero for the first author's."""
    matrix, said = features(messages), labels(messages)
    authors = np.array([author(message) for message in messages])
    scores = np.zeros(said.shape)
    for name in sorted({*authors.tolist()} - {authors[0]}):
        coefficients, bias = fit(matrix[authors != name], said[authors != name])
        scores[authors == name] = matrix[authors == name] @ coefficients.T + bias
    return scores


def thresholds(messages: Sequence[Message], scores: Floats) -> Floats:
    """Per signal the score that FALSE_ALARMS of the others' messages exceed.

    The first author's are not counted: without that third of all messages the model has seen too little.
    """
    said = labels(messages)
    judged = np.array([author(message) != author(messages[0]) for message in messages])
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


def main() -> None:
    """Write the file into the package; print what is in it and what it does for authors it had not seen."""
    text = load("messages.jsonl") or ""
    messages = read(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    coefficients, bias = fit(features(messages), labels(messages))
    scale = np.abs(coefficients).max(axis=1) / 127
    scores = unseen(messages)
    limits = thresholds(messages, scores)
    place = Path(str(resources.files("agent.signals").joinpath("classifier.npz")))
    np.savez_compressed(
        place,
        names=np.array(SIGNALS),
        weights=np.round(coefficients / scale[:, None]).astype(np.int8).T,
        scale=scale.astype(np.float32),
        bias=bias.astype(np.float32),
        thresholds=limits.astype(np.float32),
        trained_on=np.array(digest),
    )
    sys.stdout.write(
        f"{place.name}: {place.stat().st_size} bytes, {len(messages)} messages, sha256 {digest}\n"
    )
    sys.stdout.write(table(messages, scores, limits) + "\n")


if __name__ == "__main__":
    main()
