"""The suite `validity`: whether the scenarios are worth anything. An oracle solves all, and who understands nothing next to none."""

from evals.scenarios.baselines import BASELINES
from evals.suites.agents import FOREIGN
from evals.suites.ground import Ground
from evals.suites.result import Figure, SuiteResult, Trial
from evals.suites.scenarios import as_written, played, shown

_MOST = {"null": 0.05, "escalate-all": 0.35}  # evals.md 5.4


def run(ground: Ground) -> SuiteResult:
    """The oracle, the baselines, the product's code without any model, and the default stack."""
    solvable = [s for some in ground.scenarios.values() for s in some if any(turn.oracle for turn in s.turns)]
    names = [*(["oracle"] if solvable else []), *(b.name for b in BASELINES), "code-alone", FOREIGN]
    figures, trials, failing = [], [], []
    for name in names:
        mine: list[Trial] = played(ground, name, perturbed=False)
        trials += mine
        share = as_written(mine)
        target, met = "", True
        if name == "oracle":
            target, met = "100 %", share.hits == share.n
            failing = list(share.failing)
        elif name in _MOST:
            target, met = f"<= {_MOST[name]:.0%}", share.value <= _MOST[name]
        figures.append(Figure(f"{name} passes", share.value, shown(share), target, met, share.interval))
    oracle = [t for t in trials if t.agent == "oracle"]
    violations = [f"{t.agent}, {t.scenario}: {v}" for t in oracle for v in t.violations]
    return SuiteResult("validity", "oracle", figures, trials, violations, failing)
