"""Who has to notice a seeded fault: small parts of the suites, each told what it sees as plain words; none is green."""

from collections.abc import Awaitable, Callable, Collection
from functools import cache

from evals.approval.booth import booth
from evals.approval.case import matrix
from evals.bench.place import Place
from evals.consent.measure import Share
from evals.drafting import plays as conversations
from evals.drafting.portfolio import portfolio
from evals.drafting.templates import drafts
from evals.memory import planted
from evals.scenarios.atoms import judge
from evals.scenarios.load import FRESH, OURS, ours
from evals.scenarios.minds import Mind, Oracle, nobody
from evals.scenarios.play import product
from evals.scenarios.rules import broken
from evals.scenarios.scenario import Scenario
from evals.suites import approval, drafting, memory
from evals.suites.result import SuiteResult
from tools.dunning.templates import templates as reviewed

NOTHING: frozenset[str] = frozenset()
Eye = Callable[[Place, Collection[str]], Awaitable[list[str]]]  # rules that are switched off; what is red


@cache
def _scenarios() -> dict[str, Scenario]:
    return {scenario.id: scenario for split in (OURS, FRESH) for scenario in ours(split)}


def scenarios(*ids: str, mind: Callable[[], Mind] = Oracle) -> Eye:
    """These scenarios, played with this mind: atoms on state, and hard rules."""

    async def look(place: Place, without: Collection[str]) -> list[str]:
        red = []
        async with product(place, mind(), without=frozenset(without)) as playing:
            for scenario in map(_scenarios().__getitem__, ids):
                play = await playing.play(scenario)
                assert play.failed is None, "a fault that ends the play proves nothing about its judges"
                verdict = judge(scenario, play)
                found = [*verdict.missed, *verdict.fired, *broken(scenario, play)]
                red += [f"{scenario.id}: {what}" for what in found]
        return red

    return look


def templates(*names: str) -> Eye:
    """These templates, drafted for one account: the suite `drafting`."""

    async def look(_place: Place, _without: Collection[str]) -> list[str]:
        debtor = next(debtor for debtor in portfolio() if debtor.id == "plain")
        messages = [one for name in names for one in drafts(reviewed()[name], [debtor])]
        return _seen(
            drafting.result("offline", messages, wrote=Share(1, 1), honest={}, asked=set(), stuck=[])
        )

    return look


def answers(*names: str, mind: Callable[[], Mind]) -> Eye:
    """What is answered in these conversations: the suite `drafting`."""

    async def look(place: Place, without: Collection[str]) -> list[str]:
        messages = []
        async with product(place, mind(), without=frozenset(without)) as playing:
            for name, scenario in (*conversations.begun(), *conversations.answered()):
                if name in names:
                    play = await playing.play(scenario)
                    messages += conversations.judged(name, "written by the model", scenario, play)
        wrote = {message.id for message in messages}
        share = Share(len(wrote), len(names), sorted(set(names) - wrote))
        return _seen(drafting.result("offline", messages, wrote=share, honest={}, asked=set(), stuck=[]))

    return look


def approvals(*ids: str) -> Eye:
    """These cases of the suite `approval`."""

    async def look(place: Place, without: Collection[str]) -> list[str]:
        async with product(place, Oracle(), without=frozenset(without)) as agent, booth(place, agent) as desk:
            return _seen(approval.result([await approval.played(desk, c) for c in matrix() if c.id in ids]))

    return look


async def recall(place: Place, without: Collection[str]) -> list[str]:
    """Some facts of a hundred messages ago: the suite `memory`."""
    async with product(place, nobody(), without=frozenset(without)) as agent:
        agent.stage.clear()
        found = await planted.measure(agent.engine.deps, backs=[100], planted=planted.facts()[::12])
    return _seen(memory.result([(False, one) for one in found], [], {}))


def _seen(result: SuiteResult) -> list[str]:
    """What the suite calls red; nothing where its verdict is green."""
    if result.verdict == "green":
        return []
    return [*result.violations, *result.missed, *result.failing]
