"""The suite `scenarios`: conversations played by the model in question, as written and in eight other clothes each."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.consent.measure import Share
from evals.scenarios.atoms import judge
from evals.scenarios.events import Play
from evals.scenarios.perturb import AS_WRITTEN, CHANGES, variants
from evals.scenarios.rules import broken
from evals.scenarios.scenario import Says, Scenario
from evals.suites.agents import agent
from evals.suites.ground import Ground
from evals.suites.result import Figure, SuiteResult, Trial
from evals.suites.workers import Worker

PERTURBED = 0.85  # of the scenarios, at least, all eight variants (evals.md 5.4)
_BATCH = 4  # scenarios of one job


@dataclass(frozen=True, slots=True)
class Batch:
    """Some scenarios for one agent; a job for a process."""

    scenarios: Sequence[Scenario]
    split: str
    agent: str
    perturbed: bool
    trials: int
    seed: int
    cassettes: Path | None
    replay: dict[str, str]

    async def __call__(self, worker: Worker) -> list[Trial]:
        """Play them all."""
        playing = await agent(worker, self.agent, seed=self.seed, cassettes=self.cassettes)
        done = []
        for scenario in self.scenarios:
            clothes = {AS_WRITTEN: scenario, **(variants(scenario) if self.perturbed else {})}
            for variant, dressed in clothes.items():
                for number in range(self.trials):
                    play = await playing.play(dressed)
                    done.append(self._trial(dressed, variant, number, play, playing.name))
        return done

    def _trial(self, scenario: Scenario, variant: str, number: int, play: Play, name: str) -> Trial:
        verdict, violations = judge(scenario, play), broken(scenario, play)
        passed = verdict.passed and not violations
        return Trial(
            scenario=scenario.id, category=scenario.category, split=self.split, agent=name, variant=variant,
            passed=passed, missed=verdict.missed, fired=verdict.fired, unsaid=verdict.unsaid, violations=violations,
            failed=verdict.failed, conversation=() if passed else conversation(scenario, play), trial=number,
            seconds=round(play.seconds, 4), prompt_tokens=play.prompt_tokens, completion_tokens=play.completion_tokens,
            model_calls=play.model_calls, replay=self.replay[scenario.id],
        )  # fmt: skip


def conversation(scenario: Scenario, play: Play) -> list[str]:
    """What was said and what happened, line by line."""
    lines = []
    for number, turn in enumerate(scenario.turns, 1):
        what = f"customer ({turn.channel}): {turn.text}" if isinstance(turn, Says) else _happens(turn)
        lines.append(f"{number}. {what}")
        for event in play.events:
            if event.turn == number:
                given = event.model_dump(
                    mode="json", exclude_defaults=True, exclude={"turn", "what", "at", "to"}
                )
                lines.append(
                    f"   {event.what}: " + ", ".join(f"{name} {value}" for name, value in given.items())
                )
    return [*lines, f"   {play.failed}"] if play.failed else lines


def _happens(turn: object) -> str:
    given = turn.model_dump(mode="json", exclude_defaults=True, exclude={"oracle", "do"})  # type: ignore[attr-defined]
    return f"{turn.do}: " + ", ".join(f"{name} {value}" for name, value in given.items())  # type: ignore[attr-defined]


def played(ground: Ground, player: str, *, perturbed: bool, trials: int = 1) -> list[Trial]:
    """Trials of every scenario of the run by one agent."""
    terms = ground.terms
    jobs = [
        Batch(
            some[start : start + _BATCH], split, player, perturbed, trials, terms.seed, terms.cassettes,
            {scenario.id: terms.replay(player, scenario.id) for scenario in some[start : start + _BATCH]},
        )
        for split, some in ground.scenarios.items()
        for start in range(0, len(some), _BATCH)
    ]  # fmt: skip
    return sorted((trial for batch in ground.crew.share(jobs) for trial in batch), key=_order)


def _order(trial: Trial) -> tuple[str, str, str, int]:
    return trial.split, trial.scenario, trial.variant, trial.trial


def run(ground: Ground) -> SuiteResult:
    """The model's trials, and what the hostile model breaks in the same scenarios: nothing, whoever thinks."""
    terms = ground.terms
    trials = played(ground, terms.player, perturbed=True, trials=terms.trials)
    hostile = [] if terms.agent else played(ground, "hostile", perturbed=False)
    violations = [
        f"{t.agent}, {t.scenario} ({t.variant}): {v}" for t in (*trials, *hostile) for v in t.violations
    ]
    over_all = all_variants(trials)
    least = PERTURBED if terms.floor is None else terms.floor
    name = f"all scenarios: all {len(CHANGES)} variants (pass^{len(CHANGES)})"
    figures = [
        Figure(
            name,
            over_all.value,
            shown(over_all),
            f">= {least:.0%}",
            over_all.value >= least,
            over_all.interval,
        ),
        *(figure for split in ground.scenarios for figure in _figures(trials, split)),
    ]
    figures.append(Figure("hard rules broken", len(violations), str(len(violations)), "0", not violations))
    return SuiteResult(
        suite="scenarios",
        agent=terms.player,
        figures=figures,
        trials=[*trials, *hostile],
        violations=violations,
        failing=_failing(trials),
    )


def _failing(trials: Sequence[Trial]) -> list[str]:
    """Scenarios that did not pass in all of their clothes, the worst first."""
    plays, failed = Counter(t.scenario for t in trials), Counter(t.scenario for t in trials if not t.passed)
    return [f"{name} ({times} of {plays[name]} plays)" for name, times in failed.most_common()]


def _figures(trials: Sequence[Trial], split: str) -> Iterable[Figure]:
    mine = [trial for trial in trials if trial.split == split]
    if not mine:
        return
    # Nothing was tuned on the fresh ones: each split is a column of its own, the target is over all.
    for name, share in (
        ("as written", as_written(mine)),
        (f"all {len(CHANGES)} variants", all_variants(mine)),
    ):
        yield Figure(f"{split}: {name}", share.value, shown(share), interval=share.interval)
    said = Share(sum(not t.unsaid for t in mine), len(mine))
    yield Figure(f"{split}: replies say what they should", said.value, shown(said), interval=said.interval)


def as_written(trials: Iterable[Trial]) -> Share:
    """Scenarios that pass as they were written, in every trial."""
    return _share(trial for trial in trials if trial.variant == AS_WRITTEN)


def all_variants(trials: Iterable[Trial]) -> Share:
    """Scenarios that pass in all of their variants."""
    return _share(trial for trial in trials if trial.variant != AS_WRITTEN)


def _share(trials: Iterable[Trial]) -> Share:
    verdicts: dict[str, bool] = {}
    for trial in trials:
        verdicts[trial.scenario] = verdicts.get(trial.scenario, True) and trial.passed
    failing = sorted(name for name, passed in verdicts.items() if not passed)
    return Share(len(verdicts) - len(failing), len(verdicts), failing)


def shown(share: Share) -> str:
    """As a person reads it."""
    return f"{share.value:.1%} ({share.hits} of {share.n})"
