"""What is wrong, for a person who goes looking: faults with their conversation, broken rules, verdicts that flicker."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evals.report.figures import HOSTILE, YARDSTICKS, judged
from evals.suites.result import Run, SuiteResult, Trial


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that went wrong in one scenario, in some or all of its variants; the conversation is the first one's."""

    suite: str
    example: Trial
    variants: Sequence[str]

    @property
    def words(self) -> list[tuple[str, str]]:
        """What went wrong: its kind, and the thing itself."""
        trial = self.example
        return [
            *(("hard rule broken", what) for what in trial.violations),
            *(("missing", what) for what in trial.missed),
            *(("must not happen", what) for what in trial.fired),
            *([("stopped", trial.failed)] if trial.failed else []),
        ]


@dataclass(frozen=True, slots=True)
class Failing:
    """A scenario that an agent did not pass in every variant: how many of its plays passed, and every way it failed."""

    scenario: str
    category: str
    split: str
    agent: str
    passed: int
    played: int
    faults: Sequence[Fault]


@dataclass(frozen=True, slots=True)
class Flicker:
    """The same input with different verdicts."""

    trial: Trial
    passed: int
    played: int


def wrong(trial: Trial) -> bool:
    """Whether this trial is a fault: yardsticks are there to fail, and the hostile model may do all but break a rule."""
    if trial.agent in YARDSTICKS:
        return False
    return bool(trial.violations) if trial.agent == HOSTILE else not trial.passed


def breaches(run: Run) -> list[Fault]:
    """Plays that broke a hard rule, with their conversation."""
    return [fault for suite in run.suites for fault in _faults(suite) if fault.example.violations]


def unseen(run: Run) -> list[tuple[str, str]]:
    """Broken hard rules that a suite reports and no play of it shows: the suite's name and its words."""
    return [
        (suite.suite, words)
        for suite in run.suites
        for words in suite.violations
        if not any(
            wrong(t) and t.scenario in words and any(broken in words for broken in t.violations) for t in suite.trials
        )
    ]  # fmt: skip


def failing(run: Run) -> list[Failing]:
    """Scenarios of the agents in question that did not always pass, the worst first."""
    found = []
    for suite in run.suites:
        plays: dict[tuple[str, str, str], list[Trial]] = defaultdict(list)
        faults: dict[tuple[str, str, str], list[Fault]] = defaultdict(list)
        for trial in suite.trials:
            plays[_key(trial)].append(trial)
        for fault in _faults(suite):
            faults[_key(fault.example)].append(fault)
        for key, some in faults.items():
            trial, played = some[0].example, plays[key]
            if judged(trial.agent):
                passed = sum(each.passed for each in played)
                found.append(
                    Failing(trial.scenario, trial.category, trial.split, trial.agent, passed, len(played), some)
                )  # fmt: skip
    return sorted(found, key=lambda f: (f.passed / f.played, f.category, f.scenario))


def flickers(run: Run) -> list[Flicker]:
    """Trials with the same input and different verdicts, by any agent."""
    found = []
    for suite in run.suites:
        same: dict[tuple[str, ...], list[Trial]] = defaultdict(list)
        for trial in suite.trials:
            same[*_key(trial), trial.variant].append(trial)
        for trials in same.values():
            passed = sum(trial.passed for trial in trials)
            if 0 < passed < len(trials):
                found.append(Flicker(trials[0], passed, len(trials)))
    return found


def _key(trial: Trial) -> tuple[str, str, str]:
    return trial.agent, trial.split, trial.scenario


def _faults(suite: SuiteResult) -> Iterator[Fault]:
    """Trials that went wrong in the same way are one fault."""
    alike: dict[tuple[object, ...], list[Trial]] = defaultdict(list)
    for trial in suite.trials:
        if wrong(trial):
            how = (*trial.missed, None, *trial.fired, None, *trial.violations, trial.failed)
            alike[*_key(trial), *how].append(trial)
    for trials in alike.values():
        yield Fault(suite.suite, trials[0], list(dict.fromkeys(trial.variant for trial in trials)))
