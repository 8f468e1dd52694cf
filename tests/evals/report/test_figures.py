"""pass^k, its uncertainty, and whose trials make a score."""

from itertools import combinations
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.report.board import Board
from evals.report.figures import Mean, attacks, between, costs, pass_hat, percent, score, scored
from evals.scenarios.perturb import AS_WRITTEN
from tests.evals.report.made import realistic, run, suite, trial


@st.composite
def draws(draw: st.DrawFn) -> tuple[list[bool], int]:
    plays = draw(st.lists(st.booleans(), min_size=1, max_size=9))
    return plays, draw(st.integers(1, len(plays)))


@given(draws())
def test_pass_hat_is_the_share_of_all_draws_of_k_plays_that_all_pass(drawn: tuple[list[bool], int]) -> None:
    plays, k = drawn
    every = [all(some) for some in combinations(plays, k)]
    assert pass_hat(sum(plays), len(plays), k) == pytest.approx(fmean(every))


@given(draws())
def test_pass_hat_never_rises_with_k(drawn: tuple[list[bool], int]) -> None:
    plays, k = drawn
    assert pass_hat(sum(plays), len(plays), k) <= pass_hat(sum(plays), len(plays), 1)


@pytest.mark.parametrize(("passed", "played", "k"), [(1, 1, 2), (2, 1, 1), (0, 3, 0), (-1, 3, 1)])
def test_pass_hat_of_fewer_plays_than_k_is_refused(passed: int, played: int, k: int) -> None:
    with pytest.raises(ValueError, match="pass"):
        pass_hat(passed, played, k)


def test_pass_k_is_the_mean_over_scenarios_and_draws_variants_only() -> None:
    trials = [
        trial(scenario="a", variant=AS_WRITTEN, passed=False),
        *(trial(scenario="a", variant=v) for v in ("typos", "emoji")),
        trial(scenario="b", variant=AS_WRITTEN),
        trial(scenario="b", variant="typos"),
        trial(scenario="b", variant="emoji", passed=False),
    ]
    got = score(trials)
    assert got is not None
    assert got.as_written == Mean(0.5, 2)
    assert got.hats == [Mean(0.75, 2), Mean(0.5, 2)]


def test_an_agent_that_only_played_as_written_has_pass_1_of_that() -> None:
    got = score([trial("null", scenario="a", passed=False), trial("null", scenario="b")])
    assert got is not None
    assert got.hats == [got.as_written] == [Mean(0.5, 2)]


def test_scenarios_of_the_same_name_in_two_splits_are_two() -> None:
    got = score([trial(split="cases"), trial(split="fresh", passed=False)])
    assert got is not None
    assert got.first == Mean(0.5, 2)


@given(st.floats(0, 1), st.integers(1, 500))
def test_the_interval_holds_the_mean(value: float, n: int) -> None:
    low, high = Mean(value, n).interval
    assert 0 <= low <= value + 1e-9
    assert value - 1e-9 <= high <= 1


def test_an_agent_in_two_suites_is_counted_once_and_other_suites_are_no_scenarios() -> None:
    made = run(
        suite([trial("offline", passed=False)], suite="validity"),
        suite([trial("offline")]),
        suite([trial("null")], suite="validity"),
        suite([trial("offline", passed=False)], suite="negotiation"),
    )
    assert scored(made) == [trial("offline"), trial("null")]


def test_categories_stand_with_the_weakest_of_the_measured_agent_first() -> None:
    made = run(
        suite([
            trial(category="a", scenario="one"), trial(category="b", scenario="two", passed=False),
            trial("null", category="b", scenario="two"),
        ])
    )  # fmt: skip
    board = Board(made)
    assert board.categories == ["b", "a"]
    assert board.players == ["offline"]
    assert board.best_yardstick("cases", "b") == ("null", 1.0)
    assert board.best_yardstick("cases", "a") is None
    assert board.of("offline", "fresh") is None


def test_costs_are_of_all_plays_of_an_agent() -> None:
    trials = [
        trial(seconds=n / 100, prompt_tokens=10, completion_tokens=2, model_calls=1) for n in range(1, 101)
    ]
    (cost,) = costs(run(suite(trials)))
    assert (cost.plays, cost.p50, cost.p95) == (100, 0.5, 0.95)
    assert (cost.prompt_tokens, cost.completion_tokens, cost.model_calls) == (1000, 200, 100)


def test_attacks_are_read_where_a_suite_gives_them_and_nowhere_else() -> None:
    (attack,) = attacks(realistic())
    assert (attack.suite, attack.success["hits"], attack.utility["hits"]) == ("injection", 0, 3246)
    assert attacks(run(suite(details={"hostile": {}, "offline": "x"}))) == []


@pytest.mark.parametrize(
    ("share", "said"), [(0, "0%"), (1, "100%"), (0.0001, "<0.1%"), (0.9999, ">99.9%"), (0.8434, "84.3%")]
)
def test_only_all_is_100_percent_and_only_nothing_is_0(share: float, said: str) -> None:
    assert percent(share) == said


def test_a_narrow_interval_is_shown_with_its_decimals() -> None:
    assert between((0.0, 0.0011)) == "0.00–0.11%"
    assert between((0.53, 0.7)) == "53–70%"
