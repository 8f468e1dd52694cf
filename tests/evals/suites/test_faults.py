"""Every fault that is seeded turns a verdict red; without it the same verdicts are green."""

from collections.abc import Iterator

import pytest

from agent.policy.registry import REGISTRY
from evals.bench.place import Place
from tests.evals.suites.eyes import NOTHING
from tests.evals.suites.faults import FAULTS, Fault
from tools.dunning.placeholders import names_in


@pytest.fixture(autouse=True)
def _templates_are_read_anew() -> Iterator[None]:
    yield
    names_in.cache_clear()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_the_fault_turns_a_verdict_red(
    fault: Fault, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await fault.noticed_by(place, NOTHING) == []

    fault.breaks(monkeypatch)

    assert await fault.noticed_by(place, fault.without), fault.imitates


def test_the_list_is_long_and_names_rules_that_exist() -> None:
    assert len(FAULTS) >= 20
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert {rule for fault in FAULTS for rule in fault.without} <= set(REGISTRY)
