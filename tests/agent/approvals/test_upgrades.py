"""Approvals that wait while the program is upgraded: none is resumed into the wrong place, none is lost."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from agent.approvals import decide
from agent.approvals.queries import list_approvals
from agent.cycle.sweep import sweep, upgrade_approvals
from agent.engine.deliberation import Deliberation
from agent.engine.run import Engine
from agent.graph import Graph
from agent.nodes.ask_human import ask_human
from agent.nodes.judge import judge
from agent.nodes.think import think
from agent.state import EpisodeState
from tests.world import MANAGER, World, far_follow_up, message
from tools.errors import BalanceChanged


def _graph(engine: Engine, asks: Callable[..., Any], *, name: str = "ask_human") -> Graph:
    """An approval's graph as a later version may have it, without having said so in its version."""
    graph = StateGraph(EpisodeState, context_schema=Deliberation)
    graph.add_node(name, asks)
    graph.add_node("judge", judge)
    graph.add_node("think", think)
    graph.add_edge(START, name)
    graph.add_edge(name, "judge")
    return graph.compile(checkpointer=engine.saver, name="dunwell")


async def _asks_twice(state: EpisodeState) -> Any:
    answered = await ask_human(state)
    interrupt({"are you sure": state["digest"]})
    return answered


UPGRADES = {
    "its node has another name": lambda engine: _graph(engine, ask_human, name="ask_person"),
    "it asks one thing more": lambda engine: _graph(engine, _asks_twice),
}


@pytest.mark.parametrize("upgrade", UPGRADES)
async def test_an_answer_to_a_thread_that_the_graph_no_longer_fits_is_never_lost_and_never_counts_twice(
    world: World, upgrade: str
) -> None:
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())
    decision = await world.decision(waiting)
    before, engine.graph = engine.graph, UPGRADES[upgrade](engine)

    took_effect = False
    with suppress(BalanceChanged):  # "It waits again as ..."
        took_effect = (await decide.decide(engine, waiting, decision, MANAGER)).took_effect

    assert world.count("outbox") == took_effect
    again = await world.pending()
    assert len(again) == (not took_effect), "it took effect, or it waits again"
    if upgrade == "it asks one thing more":
        engine.graph = before  # nobody here has a second answer
    for approval_id in again:
        assert world.sql("SELECT state, outcome FROM approval WHERE id = %s", waiting) == [
            ("superseded", "its thread was lost")
        ]
        assert (
            await decide.decide(engine, approval_id, await world.decision(approval_id), MANAGER)
        ).took_effect
    assert world.count("outbox") == 1
    assert world.checkpoints() == 0
    assert await world.chain_holds()


async def test_what_another_version_of_the_graph_asked_is_asked_anew_before_anybody_answers_it(
    world: World,
) -> None:
    """The old question says what became of it, and the new one which it replaces."""
    world.customer(segment="draft")
    engine, waiting = await world.asked(message(), far_follow_up())
    world.sql("UPDATE approval SET graph_version = '0'")

    assert await upgrade_approvals(engine) == 2
    assert (await upgrade_approvals(engine), (await sweep(engine)).approvals_upgraded) == (0, 0)

    async with world.pool.connection() as conn:
        listed = {row["id"]: row for row in await list_approvals(conn, state=None)}
    for old in waiting:
        assert listed[old]["state"] == "superseded"
        assert listed[old]["outcome"] == "the program was upgraded after it was asked"
    again = await world.pending()
    assert {listed[new]["replaces"] for new in again} == set(waiting)
    assert set(world.sql("SELECT DISTINCT thread_id FROM checkpoints")) == set(again)
    for new in again:
        assert (await decide.decide(engine, new, await world.decision(new), MANAGER)).took_effect


async def test_an_answer_whose_process_died_before_an_upgrade_is_asked_anew(world: World) -> None:
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())
    world.sql(
        """UPDATE approval SET state = 'resuming', graph_version = '0', decided_by = 'mona', claimed_at = asked_at,
                               answer = jsonb_build_object('decision', 'approve', 'args', args, 'by', jsonb_build_object(
                                        'name', 'mona', 'role', 'manager', 'limit_minor', 10000000))"""
    )
    assert not (await decide.resume_stranded(engine, waiting)).took_effect

    assert world.state(waiting) == "superseded"
    (again,) = await world.pending()
    assert (await decide.decide(engine, again, await world.decision(again), MANAGER)).took_effect
    assert world.count("outbox") == 1
