"""The checker: what must hold of every run, as a pure function of its history, its books and the provider's record."""

from collections import Counter
from collections.abc import Iterable, Sequence

from evals.chaos.books import Books
from evals.chaos.checks import authority, delivery, rest
from evals.chaos.checks.violation import KINDS, Violation
from evals.chaos.history import History
from evals.providers import Accepted

__all__ = ["KINDS", "Violation", "check", "count"]


def check(history: History, books: Books, accepted: Sequence[Accepted]) -> list[Violation]:
    """Every violation of a promise. `books` are of a service at rest: what is undone then is stuck."""
    return [
        *delivery.check(history, books, accepted),
        *authority.check(history, books, accepted),
        *rest.check(history, books, accepted),
    ]


def count(violations: Iterable[Violation]) -> dict[str, int]:
    """Violations of each kind, with a zero for each that did not happen."""
    found = Counter(violation.kind for violation in violations)
    return {kind: found[kind] for kind in KINDS}
