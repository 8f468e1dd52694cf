"""Which trials are faults, and how they are put together for a reader."""

from evals.report.findings import breaches, failing, flickers, unseen
from tests.evals.report.made import run, suite, trial

BROKE = "turn 2: a reminder while the account is held"


def test_variants_that_fail_in_the_same_way_are_one_fault() -> None:
    trials = [
        trial(variant="as written"),
        trial(variant="typos", passed=False, missed=["hold reason=dispute"]),
        trial(variant="emoji", passed=False, missed=["hold reason=dispute"]),
        trial(variant="upper case", passed=False, failed="turn 1: TimeoutError"),
    ]
    (scenario,) = failing(run(suite(trials)))
    assert (scenario.passed, scenario.played) == (1, 4)
    assert [fault.variants for fault in scenario.faults] == [["typos", "emoji"], ["upper case"]]
    assert scenario.faults[1].words == [("stopped", "turn 1: TimeoutError")]


def test_what_yardsticks_fail_is_no_fault() -> None:
    made = run(
        suite([trial("null", passed=False, violations=[BROKE]), trial("langgraph-default", passed=False)])
    )
    assert failing(made) == []
    assert breaches(made) == []


def test_the_hostile_model_may_fail_but_not_break_a_rule() -> None:
    made = run(
        suite(
            [trial("hostile", passed=False), trial("hostile", scenario="b", passed=False, violations=[BROKE])]
        )
    )
    assert [fault.example.scenario for fault in breaches(made)] == ["b"]
    assert failing(made) == []


def test_the_oracle_that_fails_is_a_fault() -> None:
    assert len(failing(run(suite([trial("oracle", passed=False)])))) == 1


def test_a_violation_that_no_play_shows_is_still_shown_by_its_words() -> None:
    shown = trial(passed=False, violations=[BROKE])
    words = [f"offline, promise-friday (as written): {BROKE}", "3 messages after a hold in 10,000 histories"]
    assert unseen(run(suite([shown], violations=words))) == [("scenarios", words[1])]


def test_a_violation_of_another_scenario_is_not_taken_for_one_that_is_shown() -> None:
    shown = trial(scenario="other", passed=False, violations=[BROKE])
    words = [f"offline, promise-friday (as written): {BROKE}"]
    assert unseen(run(suite([shown], violations=words))) == [("scenarios", words[0])]


def test_the_same_input_with_different_verdicts_flickers() -> None:
    trials = [
        trial(trial=0),
        trial(trial=1, passed=False),
        trial(variant="typos", trial=0),
        trial(variant="typos", trial=1),
    ]
    (flicker,) = flickers(run(suite(trials)))
    assert (flicker.trial.variant, flicker.passed, flicker.played) == ("as written", 1, 2)
