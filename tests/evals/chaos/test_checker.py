"""The checker sees what it is there to see: without the fence, the claim or the lock there are violations, with them none."""

from collections.abc import Sequence

import pytest

from evals.chaos.campaign import wage
from evals.chaos.checks import count
from evals.chaos.run import Result, Terms
from evals.chaos.story import story
from evals.chaos.switches import Protection

# Where a process must die for the missing protection to be missed, and what is seen then.
MISSED: tuple[tuple[Protection, str, str, str], ...] = (
    ("fence", "turn.committed", "duplicates", "turn-commits-once"),
    ("claim", "sender.called", "duplicates", "message-leaves-once"),
    ("lock", "episode.deliberated", "out_of_order", "messages-in-order"),
)


@pytest.fixture(scope="module")
def results() -> Sequence[Result]:
    """Every run of this file, each on a database of its own, side by side on one server."""
    unprotected = [
        Terms(seed, point, without=(protection,)) for protection, point, *_ in MISSED for seed in (0, 2)
    ]
    played, _ = wage([*unprotected, Terms(0, "episode.committed")], side_by_side=2)
    return played


@pytest.mark.parametrize(("protection", "point", "kind", "rule"), MISSED)
def test_the_checker_reports_a_missing_protection(
    results: Sequence[Result], protection: Protection, point: str, kind: str, rule: str
) -> None:
    played = [result for result in results if result.terms.without == (protection,)]

    assert {result.terms.point for result in played} == {point}
    violations = [violation for result in played for violation in result.violations]
    assert count(violations)[kind] > 0
    assert rule in {violation.rule for violation in violations}


def test_a_run_with_every_protection_breaks_no_promise(results: Sequence[Result]) -> None:
    [result] = [result for result in results if not result.terms.without]

    assert result.violations == []
    assert result.kills_at["episode.committed"] > 0
    assert result.turns > 10


def test_a_seed_tells_the_same_story_again() -> None:
    assert story(7) == story(7)
    assert story(7) != story(8)
