"""What every suite is given: the terms of the run and the processes to share its work with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evals.scenarios.load import FRESH, OURS, digest, load, ours
from evals.scenarios.scenario import Scenario
from evals.suites.result import SuiteResult
from evals.suites.workers import Crew
from tools.errors import Invalid

MODELS = ("offline", "oracle", "hostile", "code-alone", "openai", "replay")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run was asked for. `fast`: a seeded part of everything, for every submission."""

    model: str = "offline"
    trials: int = 1
    seed: int = 1
    dataset: Path | None = None  # scenarios from outside, instead of ours
    agent: str | None = None  # the address of a foreign agent, instead of the product
    only: tuple[str, ...] = ()  # categories or ids, where somebody asked for a few
    fast: bool = False
    full: bool = False  # every case of every suite, however long it takes
    floor: float | None = None  # of pass^8, instead of its target
    attacks: Path | None = None  # the folder of public attacks; ours go beside them
    cassettes: Path | None = None

    @property
    def player(self) -> str:
        """The agent whose score is asked for."""
        return self.agent or self.model

    def replay(self, player: str, scenario: str) -> str:
        """The command that plays one scenario again with the same player; baselines are played by `validity`."""
        words = ["dunwell eval", "scenarios" if player == self.player or player in MODELS else "validity"]
        if player.startswith(("http://", "https://")):
            words.append(f"--agent {player}")
        elif player in MODELS:
            words.append(f"--model {player}")
        words += [f"--dataset {self.dataset}"] if self.dataset else []
        words += [f"--cassettes {self.cassettes}"] if self.cassettes else []
        words += [f"--trials {self.trials}"] if self.trials > 1 else []
        return " ".join([*words, f"--seed {self.seed}", f"--only {scenario}"])


@dataclass(frozen=True, slots=True)
class Ground:
    """A run's terms, its scenarios by split, and its processes."""

    terms: Terms
    crew: Crew
    scenarios: dict[str, list[Scenario]]


Suite = Callable[[Ground], SuiteResult]
_FAST_SHARE = 8  # of the scenarios one in so many


def chosen(terms: Terms) -> dict[str, list[Scenario]]:
    """The scenarios that a run plays, by split: ours and the fresh ones, or the given dataset. Raises Invalid."""
    splits = (
        {terms.dataset.name: load(terms.dataset)} if terms.dataset else {OURS: ours(OURS), FRESH: ours(FRESH)}
    )
    parts = {name: _part(scenarios, terms) for name, scenarios in splits.items()}
    if terms.only and not any(parts.values()):
        raise Invalid(f"No scenario and no category is called {' or '.join(terms.only)}.")
    return parts


def described(scenarios: dict[str, list[Scenario]]) -> dict[str, dict[str, object]]:
    """Number and digest of each split."""
    return {
        name: {"scenarios": len(some), "sha256": digest(some)} for name, some in scenarios.items() if some
    }


def _part(scenarios: list[Scenario], terms: Terms) -> list[Scenario]:
    if terms.only:
        return [s for s in scenarios if s.id in terms.only or s.category in terms.only]
    return scenarios[terms.seed % _FAST_SHARE :: _FAST_SHARE] if terms.fast else scenarios
