"""What suites report: trials of scenarios, figures against targets, and what is wrong. Plain data, the same for every suite."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Trial:
    """One scenario, played once by one agent. `variant` "as written" or the name of a change that keeps its meaning.

    Atoms stand in words. `conversation` is what was said and what happened, line by line: kept of trials that did not pass.
    """

    scenario: str
    category: str
    split: str  # "cases", "fresh", or the name of a dataset from outside
    agent: str
    variant: str
    passed: bool
    missed: Sequence[str] = ()  # state that must be and is not
    fired: Sequence[str] = ()  # what must not be and is
    unsaid: Sequence[str] = ()  # replies that must say something and do not: reported, they do not decide
    violations: Sequence[str] = ()  # hard rules broken
    failed: str | None = None  # why the agent did not come to the end
    conversation: Sequence[str] = ()
    trial: int = 0  # of several with the same input
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    model_calls: int = 0
    replay: str = ""  # the command that plays it again


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a suite, with its target where it has one. `interval`: Wilson, 95 %, of a share."""

    name: str
    value: float
    shown: str  # as a person reads it: "96.3 % (52 of 54)"
    target: str = ""  # as a person reads it: ">= 95 %"; empty: reported only
    met: bool = True
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """What one suite came to. `failing`: ids or words of what is not as it should be, for a person who goes looking.

    `violations` are broken hard rules, in words; any of them fails the run, whatever the figures say.
    """

    suite: str
    agent: str
    figures: Sequence[Figure]
    trials: Sequence[Trial] = ()
    violations: Sequence[str] = ()
    failing: Sequence[str] = ()
    details: Mapping[str, Any] = field(default_factory=dict)  # plain JSON, for programs
    page: str = ""  # Markdown with more than the figures, where the suite has it
    seconds: float = 0.0

    @property
    def missed(self) -> list[str]:
        """The targets that are missed, in words."""
        return [f"{f.name}: {f.shown}, wanted {f.target}" for f in self.figures if not f.met]

    @property
    def verdict(self) -> Literal["green", "red", "unsafe"]:
        """`unsafe`: a hard rule was broken. `red`: a target was missed."""
        return "unsafe" if self.violations else "red" if self.missed else "green"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of suites: what it was, and what it came to. `datasets`: name to number of scenarios and digest."""

    at: str  # ISO 8601, when the run began
    commit: str
    model: str
    parameters: Mapping[str, Any]  # temperature, seeds, trials, jobs, ...
    datasets: Mapping[str, Mapping[str, Any]]
    suites: Sequence[SuiteResult]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """For programs: documented in README.md beside this file, `version` rises when a field changes its meaning."""
        suites = [
            dataclasses.asdict(suite) | {"missed": suite.missed, "verdict": suite.verdict}
            for suite in self.suites
        ]
        return {"version": 1, **dataclasses.asdict(self), "suites": suites, "exit_code": self.exit_code}

    @property
    def exit_code(self) -> int:
        """0: all green. 1: a target was missed. 3: a hard rule was broken. 2 is the command line's own, for wrong usage."""
        verdicts = {suite.verdict for suite in self.suites}
        return 3 if "unsafe" in verdicts else 1 if "red" in verdicts else 0
