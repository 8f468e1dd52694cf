"""The checker sees what it is there to see: without the fence, the claim or the lock there are violations, with them none."""

import pytest

from evals.chaos.campaign import wage
from evals.chaos.checks import count
from evals.chaos.run import Terms
from evals.chaos.story import story
from evals.chaos.switches import Protection

# Where a process must die for the missing protection to be missed, and what is seen then.
MISSED: tuple[tuple[Protection, str, str, str], ...] = (
    ("fence", "turn.committed", "duplicates", "turn-commits-once"),
    ("claim", "sender.called", "duplicates", "message-leaves-once"),
    ("lock", "episode.deliberated", "out_of_order", "messages-in-order"),
)


@pytest.mark.parametrize(("protection", "point", "kind", "rule"), MISSED)
def test_the_checker_reports_a_missing_protection(
    protection: Protection, point: str, kind: str, rule: str
) -> None:
    terms = [Terms(seed, point, without=(protection,)) for seed in (0, 2)]

    results, _ = wage(terms, side_by_side=2)

    violations = [violation for result in results for violation in result.violations]
    assert count(violations)[kind] > 0
    assert rule in {violation.rule for violation in violations}


def test_a_run_with_every_protection_breaks_no_promise() -> None:
    [result], _ = wage([Terms(0, "episode.committed")], side_by_side=1)

    assert result.violations == []
    assert result.kills_at["episode.committed"] > 0
    assert result.turns > 10


def test_a_seed_tells_the_same_story_again() -> None:
    assert story(7) == story(7)
    assert story(7) != story(8)
