"""The memory suite is green for the product, and turns red when its window is cut, dates are lost or something leaks."""

from dataclasses import replace

from agent.deps import Bounds, Deps
from evals.consent.measure import Share
from evals.memory import changed, planted, private
from evals.memory.changed import Told, changes
from evals.memory.planted import Recalled, facts
from evals.suites.memory import result
from evals.suites.result import SuiteResult
from tests.world import World, proposing

_SOME = list(facts())[::6]


async def _recalled(deps: Deps) -> SuiteResult:
    found = await planted.measure(deps, backs=[100], planted=_SOME)
    return result([(False, one) for one in found], [], {})


def _deps(world: World, **bounds: int) -> Deps:
    return replace(world.engine(proposing()).deps, bounds=Bounds(**bounds))


async def test_the_products_own_window_is_green(world: World) -> None:
    assert (await _recalled(_deps(world))).verdict == "green"


async def test_a_window_that_is_cut_to_nothing_turns_it_red_and_names_the_questions(world: World) -> None:
    found = await _recalled(_deps(world, memory_hits=0, window_messages=1))

    assert found.verdict == "red"
    assert len(found.failing) == len(_SOME)


async def test_a_prompt_that_grows_with_the_history_turns_it_red(world: World) -> None:
    found = await _recalled(_deps(world, prompt_tokens=20_000, window_messages=400, memory_hits=200))

    assert [missed for missed in found.missed if "tokens" in missed]


async def test_what_changed_is_told_as_the_newest(world: World) -> None:
    told = await changed.measure(_deps(world), world.clock, back=30, changed=changes()[:3])

    assert [one.wrong for one in told] == [None, None, None]


async def test_a_change_that_memory_does_not_bring_back_turns_it_red(world: World) -> None:
    deps = _deps(world, memory_hits=0, window_messages=1, standing_facts=0)

    told = await changed.measure(deps, world.clock, back=30, changed=changes()[:2])

    assert result([], told, {}).verdict == "red"


async def test_a_wish_that_is_not_kept_as_a_fact_turns_it_red(world: World) -> None:
    [told] = await changed.measure(_deps(world, standing_facts=0), world.clock, back=5, changed=changes()[:1])

    assert told.wrong == "what holds now does not stand as a fact"


async def test_neither_another_customers_words_nor_erased_ones_come_back(world: World) -> None:
    deps = _deps(world)

    assert await private.leaks(deps, "another customer's", planted=_SOME) == []
    assert await private.leaks(deps, "erased", planted=_SOME) == []


async def test_an_erasure_that_forgets_the_messages_is_found(world: World) -> None:
    """The same questions to a customer whose words are still there: the suite's eye is not blind."""
    deps = _deps(world)
    await planted.store_customer(deps, "told")
    ids = await planted.store(deps, "told", planted.history(_SOME, 10, 7))
    prompt = await planted.prompt_of(deps, "told", ids[10])
    assert _SOME[0].key in prompt[1].text

    found = result([], [], {"erased": Share(0, 1, [_SOME[0].asked])})

    assert found.verdict == "unsafe"
    assert found.missed


def test_figures_are_read_by_distance_and_kind() -> None:
    near = Recalled(10, 20, 18, 10, 9, 3600, ["Who?", "What?"])
    apart = Recalled(10, 5, 1, 5, 1, 3701, ["Why?"])
    found = result([(False, near), (True, apart)], [Told(10, "When?", "lost")], {})

    assert [figure.met for figure in found.figures] == [False, True, True, False, False]
    assert found.failing == [
        "10 messages back: Who?",
        "10 messages back: What?",
        "changed 10 messages ago, When? (lost)",
    ]
