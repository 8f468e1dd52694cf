"""A simulated year: nothing that a rule of contact forbids ever leaves, and the checker would see it if it did (issue 5)."""

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.agent.policy.year.checker import CHECKS
from tests.agent.policy.year.lives import Life, life
from tests.agent.policy.year.places import NUMBERS, STATES, home
from tests.agent.policy.year.report import CHANGES, page, play, play_all
from tests.proofs import proof_size

PAGE = Path(__file__).parents[3] / "infra" / "measured" / "contact_year.md"
FULL = 10_000
SAMPLE = [
    3 * n + n % 3 for n in range(2 * len(STATES))
]  # two lives in every state, with every kind of number
ZONES = {zone for zones in STATES.values() for zone in zones}


def _any_life(_: Life) -> bool:
    return True


# Lives in which a rule has something to say: what is seldom would take hundreds of others to meet.
LIKELY: dict[str, Callable[[Life], bool]] = {
    "one confirmation": lambda lived: sum("opt_out" in heard.signals for heard in lived.heard) > 1,
    "dispute": lambda lived: bool(lived.disputes) and not lived.holds,
    "plan": lambda lived: bool(lived.plans),
    "do not contact": lambda lived: bool(lived.marked),
    "place hours": lambda lived: (
        home(lived.place.region) in ("FL", "MA", "OK") and lived.kind != "business" and not lived.third_party
    ),
    "place budget": lambda lived: (
        home(lived.place.region) == "MA" and lived.kind != "business" and not lived.third_party
    ),
    "place consent": lambda lived: home(lived.place.region) in ("NY", "DC") and lived.kind != "business",
}


@pytest.mark.proof
def test_in_a_year_nothing_leaves_that_a_rule_of_contact_forbids(
    record_property: Callable[[str, object], None],
) -> None:
    lives = proof_size(test=len(SAMPLE), prove=FULL)
    outcome = play_all(lives) if lives == FULL else play(SAMPLE)
    record_property("cases", outcome.judged)
    assert outcome.violations.total() == 0, outcome.violations
    # Not because nothing ever left: in every zone something did, on either side of the profile, and on both days.
    assert set(outcome.zones) >= ZONES | {"unknown"}
    assert outcome.left["first_party"] > lives
    assert outcome.left["third_party"] > lives
    assert set(outcome.on_changes) == CHANGES
    assert outcome.left.total() * 100 > outcome.judged
    if lives == FULL:
        assert {name for name in CHECKS if not outcome.stopped[name]} == set()
        PAGE.write_text(page(outcome), "utf-8")


@pytest.mark.parametrize("name", CHECKS)
def test_the_checker_counts_what_leaves_once_the_rule_is_switched_off(name: str) -> None:
    likely = LIKELY.get(name, _any_life)
    outcome = play((n for n in range(2000) if likely(life(n))), CHECKS[name].watches, until=name)
    assert outcome.violations[name] > 0, outcome


def test_the_places_are_real_and_all_are_there() -> None:
    assert len(STATES) == 50 + 1 + 5  # the states, the District of Columbia and the territories
    assert all(ZoneInfo(zone) for zone in ZONES)
    assert all(ZoneInfo(zone) for _, zone in NUMBERS if zone)
