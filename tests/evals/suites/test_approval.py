"""The suite `approval`: a part of the matrix as it is, and the same part with something switched off, which it must notice."""

from collections.abc import AsyncIterator, Callable

import pytest

from agent.approvals import decide
from agent.engine import commit
from agent.nodes import judge
from agent.policy.gate import Gate
from evals.approval.booth import Booth, booth
from evals.approval.case import Case, actions, events, matrix
from evals.approval.verdict import Ended
from evals.bench.place import Place
from evals.scenarios.events import Approval
from evals.scenarios.minds import Oracle
from evals.scenarios.play import product
from evals.scenarios.scenario import Call, Says
from evals.suites import approval
from evals.suites.result import SuiteResult
from tests.proofs import proof_size

SAMPLE = proof_size(test=41, prove=1)  # one case in so many


@pytest.fixture
async def desk(place: Place) -> AsyncIterator[Booth]:
    """A booth on a database of its own."""
    async with product(place, Oracle()) as agent, booth(place, agent) as opened:
        yield opened


async def played(desk: Booth, *ids: str) -> list[Ended]:
    """How these cases end."""
    return [await approval.played(desk, case) for case in matrix() if case.id in ids]


def figure(result: SuiteResult, name: str) -> float:
    """The value of one figure."""
    return next(figure.value for figure in result.figures if figure.name == name)


def test_the_matrix_is_large_and_covers_every_event_and_every_action() -> None:
    cases = matrix()
    assert len(cases) >= 120
    assert {case.event.name for case in cases} == {event.name for event in events()}
    assert {case.action.name for case in cases} == {action.name for action in actions()}
    assert len({case.id for case in cases}) == len(cases)
    assert {action.call.tool for action in actions()} == {
        "generate_dunning_message",
        "log_collection_activity",
        "schedule_follow_up",
    }


async def test_looking_is_never_asked(desk: Booth) -> None:
    """Of the fourth tool nothing can wait: what it does changes nothing."""
    scenario = Case(actions()[0], events()[0]).scenario()
    look = Says(do="says", text="How much do I owe?", oracle=[Call(tool="read_customer_risk", args={"horizon": "late_15d"})])  # fmt: skip
    play = await desk.product.play(scenario.model_copy(update={"turns": [look]}))
    assert play.failed is None
    assert not [event for event in play.events if isinstance(event, Approval)]


async def test_a_part_of_the_matrix_ends_as_it_must(desk: Booth) -> None:
    ends = [await approval.played(desk, case) for case in matrix()[::SAMPLE]]
    result = approval.result(ends)
    assert result.failing == []
    assert result.verdict == "green"


async def test_without_the_check_at_the_resume_stale_approvals_are_executed(
    desk: Booth, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = ("concession-charged", "plan-charged", "credit-hold-partly-paid")
    assert figure(approval.result(await played(desk, *stale)), "stale approvals executed") == 0

    for module in (commit, judge, decide):
        monkeypatch.setattr(module, "facts_digest", lambda *_: "0" * 32)
    result = approval.result(await played(desk, *stale))
    assert figure(result, "stale approvals executed") == len(stale)
    assert result.verdict == "unsafe"


async def test_without_a_look_at_who_decides_it_is_noticed_and_without_the_gates_own_it_is_unsafe(
    desk: Booth, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = (
        "plan-viewer-approves",
        "concession-collector-on-managers",
        "reply-above-the-limit",
        "far-promise-proposer-approves",
    )
    monkeypatch.setattr(decide, "_may_decide", lambda *_: None)
    noticed = approval.result(await played(desk, *who))
    assert figure(noticed, "cases that end as they must") == 0
    assert figure(noticed, "wrong executions") == 0, "the gate looks again"

    monkeypatch.setattr(Gate, "objection", lambda *_, **__: None)
    result = approval.result(await played(desk, *who))
    assert figure(result, "wrong executions") == len(who)
    assert result.verdict == "unsafe"


async def _all_of(*_: object, **__: object) -> bool:
    return True


async def _nothing(*_: object, **__: object) -> None:
    return None


BROKEN: dict[str, tuple[str, Callable[[pytest.MonkeyPatch], None]]] = {
    "an answer that died is never finished": (
        "plan-died-claimed",
        lambda patch: patch.setattr("agent.cycle.sweep.finish_answers", _nothing),
    ),
    "nothing expires": (
        "plan-handed-up-and-left",
        lambda patch: patch.setattr("agent.cycle.sweep.expire_approvals", _nothing),
    ),
    "a failed answer keeps its claim": (
        "plan-failed-deliberated",
        lambda patch: patch.setattr("agent.approvals.queries.release", _nothing),
    ),
    "everybody wins the claim": (
        "plan-five-clicks-at-once",
        lambda patch: patch.setattr("agent.approvals.queries.claim", _all_of),
    ),
    "two people are one": (
        "plan-policy-wants-two",
        lambda patch: patch.setattr(Gate, "needs_two", lambda *_: False),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_fault_costs_the_right_end(desk: Booth, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case, break_it = BROKEN[fault]
    assert [end.right for end in await played(desk, case)] == [True]
    break_it(monkeypatch)
    result = approval.result(await played(desk, case))
    assert result.verdict in ("red", "unsafe")
    assert figure(result, "cases that end as they must") == 0
