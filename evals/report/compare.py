"""What changed since an earlier run: verdicts that turned, figures that moved, scenarios that are new. Reads plain JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evals.report.figures import judged

_NOTHING = 1e-9  # figures closer than this are the same
Key = tuple[str, str, str]  # agent, split, scenario


@dataclass(frozen=True, slots=True)
class Turned:
    """A scenario whose verdict turned, and in which variants."""

    scenario: str
    split: str
    agent: str
    lost: Sequence[str]
    gained: Sequence[str]


@dataclass(frozen=True, slots=True)
class Moved:
    """A figure that moved. `better` None: nobody said which way is better."""

    suite: str
    name: str
    before: str
    now: str
    better: bool | None
    met_before: bool
    met: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed. `before` and `now` count broken hard rules."""

    at: str
    commit: str
    model: str
    before: int
    now: int
    turned: Sequence[Turned]
    moved: Sequence[Moved]
    new: Sequence[str]
    gone: Sequence[str]

    @property
    def lost(self) -> list[Turned]:
        """Scenarios with a variant that passed and does not any more."""
        return [turned for turned in self.turned if turned.lost]

    @property
    def gained(self) -> list[Turned]:
        """Scenarios with a variant that passes now and did not."""
        return [turned for turned in self.turned if turned.gained and not turned.lost]

    @property
    def trend(self) -> Literal["better", "worse", "mixed", "same"]:
        """Safety decides; where as many hard rules were broken, scenarios that turned and targets that were met or missed."""
        if self.now != self.before:
            return "worse" if self.now > self.before else "better"
        worse = self.lost or any(moved.met_before and not moved.met for moved in self.moved)
        better = self.gained or any(moved.met and not moved.met_before for moved in self.moved)
        if worse and better:
            return "mixed"
        return "worse" if worse else "better" if better else "same"


def compare(now: Mapping[str, Any], before: Mapping[str, Any]) -> Changes:
    """What changed from one run's JSON to the other's. Raises ValueError for JSON that is no report of this version."""
    if before.get("version") != now["version"] or not isinstance(before.get("suites"), list):
        raise ValueError(f"the earlier report is not of version {now['version']}")
    was, is_ = dict(_verdicts(before)), dict(_verdicts(now))
    return Changes(
        at=before["at"],
        commit=before["commit"],
        model=before["model"],
        before=_broken(before),
        now=_broken(now),
        turned=[turned for key in is_ if key in was if (turned := _turned(key, was[key], is_[key]))],
        moved=list(_moved(now, before)),
        new=sorted(_scenarios(is_) - _scenarios(was)),
        gone=sorted(_scenarios(was) - _scenarios(is_)),
    )


def _broken(run: Mapping[str, Any]) -> int:
    return sum(len(suite["violations"]) for suite in run["suites"])


def _verdicts(run: Mapping[str, Any]) -> Iterator[tuple[Key, dict[str, bool]]]:
    """By scenario, whether each variant passed in all of its trials."""
    found: dict[Key, dict[str, bool]] = {}
    for suite in run["suites"]:
        for trial in suite["trials"]:
            if judged(trial["agent"]):
                variants = found.setdefault((trial["agent"], trial["split"], trial["scenario"]), {})
                variants[trial["variant"]] = variants.get(trial["variant"], True) and trial["passed"]
    yield from found.items()


def _scenarios(verdicts: Mapping[Key, Any]) -> set[str]:
    return {f"{split}/{scenario}" for _, split, scenario in verdicts}


def _turned(key: Key, was: Mapping[str, bool], is_: Mapping[str, bool]) -> Turned | None:
    agent, split, scenario = key
    both = [variant for variant in is_ if variant in was]
    lost = [variant for variant in both if was[variant] and not is_[variant]]
    gained = [variant for variant in both if is_[variant] and not was[variant]]
    return Turned(scenario, split, agent, lost, gained) if lost or gained else None


def _moved(now: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[Moved]:
    was = {(s["suite"], s["agent"], f["name"]): f for s in before["suites"] for f in s["figures"]}
    for suite in now["suites"]:
        for figure in suite["figures"]:
            old = was.get((suite["suite"], suite["agent"], figure["name"]))
            if old and abs(figure["value"] - old["value"]) > _NOTHING:
                yield Moved(
                    suite["suite"], figure["name"], old["shown"], figure["shown"],
                    _better(figure["target"], figure["value"] - old["value"]), old["met"], figure["met"],
                )  # fmt: skip


def _better(target: str, by: float) -> bool | None:
    """Which way is better is read from the target: at least, at most, all, nothing."""
    if target.startswith((">", "100")):
        return by > 0
    return by < 0 if target.startswith(("<", "0")) else None
