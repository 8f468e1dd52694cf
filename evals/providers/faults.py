"""How a provider misbehaves, and the dice that say when."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from tools.errors import Invalid

Fault = Literal[
    "slow",  # accepts, and answers late
    "silent_before",  # never answers, and does not accept
    "silent_after",  # accepts, and never answers
    "error_before",  # answers 500, and does not accept
    "error_after",  # accepts, and answers 500
    "busy",  # answers 429, and does not accept
    "rejects",  # answers 400: it never will
    "closes_before",  # closes the connection, and does not accept
    "closes_after",  # accepts, and closes the connection
    "twice",  # accepts two times, for itself
]
ACCEPTS_NOT = frozenset({"silent_before", "error_before", "busy", "rejects", "closes_before"})


@dataclass(slots=True)
class Dice:
    """`faults` gives the probability of each; `script` the faults of single keys, one a call, before the dice are thrown."""

    faults: Mapping[Fault, float] = field(default_factory=dict)
    script: dict[str, list[Fault | None]] = field(default_factory=dict)
    seed: int = 0
    _dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)

    def throw(self, key: str) -> Fault | None:
        """The fault of this call, if any."""
        if scripted := self.script.get(key):
            return scripted.pop(0)
        thrown = self._dice.random()
        for fault, probability in self.faults.items():
            thrown -= probability
            if thrown < 0:
                return fault
        return None


def checked(faults: Mapping[Any, Any]) -> Mapping[Fault, float]:
    """Probabilities as somebody gave them. Raises Invalid for a fault that no provider has."""
    if unknown := set(faults) - set(get_args(Fault)):
        raise Invalid(f"A provider has no such faults: {', '.join(sorted(unknown))}.")
    return dict(faults)
