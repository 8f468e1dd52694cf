"""What changed since an earlier run."""

import json
from typing import Any

import pytest

from evals.report.compare import Changes, compare
from evals.report.headline import headline
from evals.suites.result import Figure, Run
from tests.evals.report.made import run, suite, trial


def since(before: Run, now: Run) -> Changes:
    """As it is compared: the earlier run has been JSON."""
    earlier: dict[str, Any] = json.loads(json.dumps(before.as_json()))
    return compare(now.as_json(), earlier)


def figure(value: float, target: str, *, met: bool = True) -> Figure:
    return Figure("recall", value, f"{value:.0%}", target, met)


def test_a_verdict_that_turned_names_its_variants() -> None:
    before = run(suite([trial(variant="typos"), trial(variant="emoji", passed=False)]))
    now = run(suite([trial(variant="typos", passed=False), trial(variant="emoji")]))
    (turned,) = since(before, now).turned
    assert (turned.scenario, turned.lost, turned.gained) == ("promise-friday", ["typos"], ["emoji"])


def test_verdicts_of_yardsticks_and_of_the_hostile_model_do_not_count() -> None:
    before = run(suite([trial("null"), trial("hostile")]))
    now = run(suite([trial("null", passed=False), trial("hostile", passed=False)]))
    assert since(before, now).trend == "same"


def test_scenarios_that_are_new_or_gone_are_named_and_turn_nothing() -> None:
    changes = since(run(suite([trial(scenario="old")])), run(suite([trial(scenario="new", passed=False)])))
    assert (changes.new, changes.gone, changes.turned) == (["cases/new"], ["cases/old"], [])


@pytest.mark.parametrize(
    ("target", "better"), [(">= 95%", True), ("100%", True), ("<= 2%", False), ("0", False), ("", None)]
)
def test_which_way_is_better_is_read_from_the_target(target: str, better: bool | None) -> None:
    (moved,) = since(
        run(suite(figures=[figure(0.5, target)])), run(suite(figures=[figure(0.6, target)]))
    ).moved
    assert moved.better is better


def test_a_figure_that_stayed_is_not_listed() -> None:
    same = run(suite(figures=[figure(0.5, ">= 1%")]))
    assert since(same, same).moved == []


def test_more_broken_rules_are_worse_whatever_else_got_better() -> None:
    before = run(suite([trial(passed=False)]))
    now = run(suite([trial()], violations=["a message after an opt-out"]))
    assert since(before, now).trend == "worse"
    assert since(now, before).trend == "better"


@pytest.mark.parametrize(
    ("first", "second", "trend"),
    [((True, True), (False, True), "worse"), ((False, True), (True, True), "better"),
     ((False, True), (True, False), "mixed"), ((True, False), (True, False), "same")],
)  # fmt: skip
def test_the_trend_follows_the_scenarios_that_turned(
    first: tuple[bool, bool], second: tuple[bool, bool], trend: str
) -> None:
    before, now = (
        run(suite([trial(scenario="a", passed=a), trial(scenario="b", passed=b)])) for a, b in (first, second)
    )
    assert since(before, now).trend == trend


def test_a_target_that_is_missed_now_is_worse() -> None:
    before, now = (
        run(suite(figures=[figure(0.95, ">= 95%")])),
        run(suite(figures=[figure(0.9, ">= 95%", met=False)])),
    )
    assert since(before, now).trend == "worse"


@pytest.mark.parametrize("before", [{}, {"version": 0, "suites": []}, {"version": 1}])
def test_json_that_is_no_report_of_this_version_is_refused(before: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not of version 1"):
        compare(run().as_json(), before)


def test_the_headline_says_safe_only_where_something_was_measured_and_nothing_broken() -> None:
    missed = figure(0.9, ">= 95%", met=False)
    verdicts = {
        headline(made, None).verdict
        for made in (run(), run(suite()), run(suite([trial()])), run(suite(figures=[missed])),
                     run(suite([trial()], [missed], violations=["x"])))
    }  # fmt: skip
    assert verdicts == {
        "Nothing was measured", "Safe, and every target is met", "Safe, but 1 target is missed",
        "Not safe: hard rules were broken once",
    }  # fmt: skip


def test_the_headline_bounds_what_was_not_seen_by_three_over_n() -> None:
    made = run(suite([trial(scenario=f"s{n}") for n in range(300)] + [trial("null", passed=False)]))
    assert "in 300 conversations" in headline(made, None).because
    assert "at most 1.00%" in headline(made, None).because
