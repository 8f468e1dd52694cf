"""Run suites one after the other, each shared among all processes."""

import importlib
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from evals.suites.agents import assert_playable
from evals.suites.ground import Ground, Suite, Terms, chosen, described
from evals.suites.result import Run, SuiteResult
from evals.suites.workers import crew
from tools.clock import SystemClock

SUITES = (
    "validity",
    "scenarios",
    "consent",
    "injection",
    "negotiation",
    "approval",
    "memory",
    "drafting",
    "crash",
)
EVERY = SUITES[:-1]  # crash takes minutes: it runs where it is named


def run(terms: Terms, suites: Sequence[str], *, jobs: int | None, say: Callable[[str], None]) -> Run:
    """Run these suites. Raises Invalid for a dataset that cannot be read, Misconfigured for an unknown model."""
    clock = SystemClock()
    began, at = time.perf_counter(), clock.now()
    scenarios = chosen(terms)
    assert_playable(terms)
    results: list[SuiteResult] = []
    with crew(jobs) as hands:
        ground = Ground(terms, hands, scenarios)
        for name in suites:
            say(name)
            started = time.perf_counter()
            suite = cast(Suite, importlib.import_module(f"evals.suites.{name}").run)
            results.append(replace(suite(ground), seconds=round(time.perf_counter() - started, 1)))
        size = hands.size
    parameters: Mapping[str, object] = {
        "seed": terms.seed,
        "trials": terms.trials,
        "jobs": size,
        "fast": terms.fast,
    }
    return Run(
        at=at.isoformat(timespec="seconds"), commit=_commit(), model=terms.player, parameters=parameters,
        datasets=described(scenarios), suites=results, seconds=round(time.perf_counter() - began, 1),
    )  # fmt: skip


def _commit() -> str:
    """The commit that is checked out, with a + where files differ from it; empty outside of a checkout."""
    here = Path(__file__).parent
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12"],  # noqa: S607 - whichever git there is
            cwd=here, capture_output=True, text=True, check=False, timeout=10,
        )  # fmt: skip
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return said.stdout.strip()
