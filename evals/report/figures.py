"""The numbers of a report: pass^k with its uncertainty, who is measured and who is a yardstick, cost, attacks."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from statistics import fmean
from typing import Any

from evals.bench.meter import percentile
from evals.consent.measure import wilson
from evals.scenarios.baselines import BASELINES
from evals.scenarios.perturb import AS_WRITTEN
from evals.suites.result import Run, Trial

K = 8  # draws: all eight changes that keep the meaning, or eight trials with an endpoint (evals.md 5.3)
YARDSTICKS = (*(baseline.name for baseline in BASELINES), "code-alone", "langgraph-default")
ORACLE, HOSTILE = "oracle", "hostile"
_SCORED = (
    "scenarios",
    "validity",
)  # suites whose trials are scenarios; of an agent in both, the first one's count


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over `n` scenarios of values between 0 and 1."""

    value: float
    n: int

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's at 95 %, with scenarios as what was drawn: the variants of one are not independent of each other."""
        return wilson(self.value, self.n)


@dataclass(frozen=True, slots=True)
class Score:
    """What one agent scored in some scenarios. `hats`: pass^1, pass^2, ... as far as scenarios were played often enough."""

    as_written: Mean
    hats: Sequence[Mean]

    @property
    def first(self) -> Mean:
        """pass^1."""
        return self.hats[0]

    @property
    def last(self) -> Mean:
        """pass^k of the highest k."""
        return self.hats[-1]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one agent's plays took: seconds that half and 95 % of them stayed within, tokens and calls of all."""

    agent: str
    plays: int
    p50: float
    p95: float
    prompt_tokens: int
    completion_tokens: int
    model_calls: int


@dataclass(frozen=True, slots=True)
class Attack:
    """What attackers got and what customers still got: shares with `low`, `high`, `hits` and `n`, as suites give them."""

    suite: str
    success: Mapping[str, Any]
    utility: Mapping[str, Any]
    benign: Mapping[str, Any] | None


def pass_hat(passed: int, played: int, k: int) -> float:
    """The chance that `k` draws of one scenario all pass, of which `passed` of `played` did: C(c, k) / C(n, k), unbiased.

    Raises ValueError where fewer than `k` were played.
    """
    if not 1 <= k <= played or not 0 <= passed <= played:
        raise ValueError(f"pass^{k} of {passed} passed in {played}")
    return comb(passed, k) / comb(played, k)


def score(trials: Iterable[Trial]) -> Score | None:
    """The score of one agent's trials; None without any.

    Draws are the variants that keep the meaning; a scenario that was only played as written is drawn as such.
    """
    written: dict[tuple[str, str], list[bool]] = defaultdict(list)
    changed: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for trial in trials:
        (written if trial.variant == AS_WRITTEN else changed)[trial.split, trial.scenario].append(
            trial.passed
        )
    draws = written | changed
    if not draws:
        return None
    hats = []
    for k in range(1, K + 1):
        values = [pass_hat(sum(drawn), len(drawn), k) for drawn in draws.values() if len(drawn) >= k]
        if not values:
            break
        hats.append(Mean(fmean(values), len(values)))
    whole = [float(all(drawn)) for drawn in written.values()]
    return Score(Mean(fmean(whole) if whole else 0.0, len(whole)), hats)


def scored(run: Run) -> list[Trial]:
    """The trials that scores are made of: scenarios, each agent's from one suite only."""
    found: dict[str, list[Trial]] = {}
    for name in _SCORED:
        here: dict[str, list[Trial]] = defaultdict(list)
        for suite in run.suites:
            for trial in suite.trials if suite.suite == name else ():
                here[trial.agent].append(trial)
        found = here | found
    return [trial for agent in agents(found) for trial in found[agent]]


def judged(agent: str) -> bool:
    """Whether this agent is what the run is about, or its oracle: its failures are faults."""
    return agent not in YARDSTICKS and agent != HOSTILE


def agents(names: Iterable[str]) -> list[str]:
    """Agents in the order of a table: those in question, the oracle, the hostile model, yardsticks."""
    order = (ORACLE, HOSTILE, *YARDSTICKS)
    return sorted(set(names), key=lambda name: (order.index(name) + 1 if name in order else 0, name))


def splits(trials: Iterable[Trial]) -> list[str]:
    """Their splits in the order of a table: ours, the fresh ones, others."""
    return sorted({t.split for t in trials}, key=lambda name: (name != "cases", name != "fresh", name))


def costs(run: Run) -> list[Cost]:
    """What every agent's trials took, in all suites."""
    by_agent: dict[str, list[Trial]] = defaultdict(list)
    for suite in run.suites:
        for trial in suite.trials:
            by_agent[trial.agent].append(trial)
    return [_cost(agent, by_agent[agent]) for agent in agents(by_agent)]


def _cost(agent: str, trials: Sequence[Trial]) -> Cost:
    seconds = [trial.seconds for trial in trials]
    return Cost(
        agent, len(trials), percentile(seconds, 50), percentile(seconds, 95),
        sum(t.prompt_tokens for t in trials), sum(t.completion_tokens for t in trials), sum(t.model_calls for t in trials),
    )  # fmt: skip


def attacks(run: Run) -> list[Attack]:
    """Attack success beside utility, of every suite whose details give both."""
    found = []
    for suite in run.suites:
        hostile, offline = suite.details.get("hostile"), suite.details.get("offline")
        if isinstance(hostile, Mapping) and isinstance(offline, Mapping):
            success, utility = hostile.get("asr_effect"), offline.get("utility_under_attack")
            if success and utility and success["n"] and utility["n"]:
                found.append(Attack(suite.suite, success, utility, offline.get("benign_utility")))
    return found


def percent(share: float) -> str:
    """As a person reads it; only all is 100 %, and only nothing is 0 %."""
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    if share < 0.001:
        return "<0.1%"
    return ">99.9%" if share > 0.999 else f"{share:.1%}"


def between(interval: tuple[float, float]) -> str:
    """An interval as a person reads it."""
    low, high = interval
    places = 0 if high - low > 0.02 else 2
    return f"{100 * low:.{places}f}–{100 * high:.{places}f}%"


def at_most(n: int) -> str:
    """Where nothing was seen in `n`: what share there may still be at most, with 95 % confidence (the rule of three)."""
    return f"{min(1.0, 3 / n) if n else 1.0:.2%}"
