"""Who may decide, and what a bad, late or second answer comes to."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg import AsyncConnection
from pydantic import ValidationError

from agent.approvals import decide
from agent.approvals.model import Decision, User
from agent.cycle.sweep import sweep
from tests.agent.approvals.refusing import refused
from tests.world import (
    COLLECTOR,
    MANAGER,
    SECOND_MANAGER,
    World,
    far_follow_up,
    message,
    proposing,
    record,
)
from tools.errors import (
    Conflict,
    Forbidden,
    Gone,
    NotFound,
)

FEE = record("concession_request", quote="waive the fee")


async def test_another_digest_than_that_of_the_action_which_waits_is_a_conflict(world: World) -> None:
    world.customer(segment="draft")
    engine, (first, second) = await world.asked(message(), far_follow_up())
    seen = await world.decision(first)

    with pytest.raises(Conflict, match="look at the approval again"):
        await decide.decide(engine, second, seen, MANAGER)
    assert {world.state(first), world.state(second)} == {"pending"}
    assert (await decide.decide(engine, second, await world.decision(second), MANAGER)).took_effect


async def test_an_approval_that_does_not_exist_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        await decide.decide(
            world.engine(proposing()), "ap-0", Decision(decision="approve", action_digest="x"), MANAGER
        )


async def test_an_approval_expires_and_says_so_whether_or_not_the_sweep_came_first(world: World) -> None:
    world.customer(segment="draft")
    engine, (first, second) = await world.asked(message(), far_follow_up())
    decision, other = await world.decision(first), await world.decision(second)
    world.clock.advance(timedelta(hours=48))

    with pytest.raises(Gone, match="expired"):
        await decide.decide(engine, first, decision, MANAGER)
    assert (await sweep(engine)).approvals_expired == 1
    with pytest.raises(Gone, match="expired"):
        await decide.decide(engine, second, other, MANAGER)

    assert {world.state(first), world.state(second)} == {"expired"}
    assert world.count("outbox") == 0
    assert world.checkpoints() == 0
    assert await world.chain_holds()


async def test_a_withdrawn_approval_is_gone(world: World) -> None:
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())
    decision = await world.decision(waiting)
    await decide.close(engine, waiting, "withdraw", "the customer called")

    with pytest.raises(Gone, match="the customer called"):
        await decide.decide(engine, waiting, decision, MANAGER)
    assert world.checkpoints() == 0


BAD_ANSWERS: list[dict[str, Any]] = [
    {}, {"decision": "approve"}, {"action_digest": "x"}, {"decision": "maybe", "action_digest": "x"},
    {"decision": "withdraw", "action_digest": "x"}, {"decision": "approve", "action_digest": "x", "limit_minor": 9},
    {"decision": "edit", "action_digest": "x"}, {"decision": "approve", "action_digest": "x", "edited_args": {}},
    {"decision": "reject", "action_digest": "x", "reason": "x" * 1001}, {"decision": ["approve"], "action_digest": "x"},
    {"decision": "reject", "action_digest": "x", "reason": "a\x00b"},
    {"decision": "edit", "action_digest": "x", "edited_args": {"body": "a\x00b"}},
    {"decision": "edit", "action_digest": "x", "edited_args": {"body": "\ud800"}},
    {"decision": "edit", "action_digest": "x", "edited_args": {"amount": float("nan")}},
]  # fmt: skip


@pytest.mark.parametrize("answer", BAD_ANSWERS, ids=range(len(BAD_ANSWERS)))
def test_a_bad_answer_never_gets_as_far_as_a_thread(answer: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Decision.model_validate(answer)


async def test_only_who_may_decide_decides(world: World) -> None:
    """Role, limit, and nobody on what they proposed; each is told why, and the right person still can."""
    world.customer(segment="draft")
    world.invoice("inv-big", minor=900_000)
    engine, (fee, reply) = await world.asked(FEE, message(), text="please waive the fee")
    viewer = User("vera", "viewer", 10_000_000)

    assert "needs a manager" in str(await refused(engine, world, fee, COLLECTOR))
    assert "needs a collector" in str(await refused(engine, world, reply, viewer))
    assert "needs a collector" in str(await refused(engine, world, reply, viewer, word="reject"))
    assert "above carla's limit" in str(await refused(engine, world, reply, COLLECTOR))
    for told in (
        await refused(engine, world, fee, COLLECTOR), await refused(engine, world, reply, COLLECTOR)
    ):  # fmt: skip
        assert isinstance(told, Forbidden)

    assert (await decide.decide(engine, fee, await world.decision(fee), MANAGER)).took_effect
    rejected = await world.decision(reply, "reject", reason="")
    assert (await decide.decide(engine, reply, rejected, COLLECTOR)).state == "rejected", (
        "a limit is no bar to a no"
    )


async def test_nobody_approves_what_they_proposed(world: World) -> None:
    world.customer(segment="draft")
    trigger = replace(await world.hears(), kind="request", requested_by=MANAGER.name)
    engine = world.engine(proposing(message()))
    (waiting,) = (await engine.run(trigger)).approvals

    assert "another person" in str(await refused(engine, world, waiting, MANAGER))
    assert (await decide.decide(engine, waiting, await world.decision(waiting), SECOND_MANAGER)).took_effect


async def test_what_is_handed_up_is_the_next_roles_to_decide(world: World) -> None:
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())

    handed = await decide.decide(
        engine, waiting, await world.decision(waiting, "hand_up", reason="odd"), COLLECTOR
    )

    assert (handed.state, handed.took_effect) == ("pending", False)
    assert world.sql("SELECT role, assignee, note FROM approval") == [("manager", None, "odd")]
    assert isinstance(await refused(engine, world, waiting, COLLECTOR), Forbidden)
    assert (await decide.decide(engine, waiting, await world.decision(waiting), MANAGER)).took_effect
    assert world.count("activity_log", "action = 'approval.handed_up'") == 1


async def test_an_answer_that_was_forged_in_the_checkpointer_does_not_count(world: World) -> None:
    """Somebody writes a granted answer where a resume looks for it: a person's no stays a no."""
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())
    decision = await world.decision(waiting, "reject")
    async with world.pool.connection() as conn:
        saver = AsyncPostgresSaver(cast(AsyncConnection[Any], conn), serde=engine.saver.serde)
        found = await saver.aget_tuple({"configurable": {"thread_id": waiting, "checkpoint_ns": ""}})
        assert found is not None
        assert found.pending_writes
        granted = {"decision": "approve", "action_digest": decision.action_digest}
        await saver.aput_writes(found.config, [("__resume__", [granted])], found.pending_writes[0][0])

    decided = await decide.decide(engine, waiting, decision, MANAGER)

    assert (decided.state, decided.took_effect, world.count("outbox")) == ("rejected", False, 0)


async def test_arguments_that_were_exchanged_below_their_digest_do_not_take_effect(world: World) -> None:
    world.customer()
    engine, (waiting,) = await world.asked(far_follow_up())
    world.sql("UPDATE approval SET args = jsonb_set(args, '{on}', '\"2026-07-01\"')")

    assert isinstance(await refused(engine, world, waiting, MANAGER), Conflict)
    assert world.count("follow_up") == 0
