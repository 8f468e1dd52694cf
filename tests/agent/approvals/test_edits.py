"""Edits are new actions, rejections come back as new drafts, and both end."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from agent.approvals import decide
from agent.cycle.work import waiting_work
from server.erasure import erase_customer
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
    Forbidden,
    Refused,
)

FREE = message(None, body="Thank you, {{customer.first_name}}: {{balance}} is open.")


async def test_an_edit_that_policy_allows_takes_effect_at_once_and_names_its_author(world: World) -> None:
    world.customer()
    engine, (waiting,) = await world.asked(far_follow_up())
    edit = await world.decision(waiting, "edit", edited_args={**far_follow_up()["args"], "on": "2026-03-20"})

    decided = await decide.decide(engine, waiting, edit, COLLECTOR)

    assert (decided.state, decided.took_effect) == ("edited", True)
    assert world.sql("SELECT due_at::date::text FROM follow_up") == ["2026-03-20"]
    assert world.sql("SELECT actor FROM decision WHERE verdict = 'allow'") == ["carla"]
    assert world.without_decision() == []
    assert world.checkpoints() == 0


REFUSED_EDITS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "denied wording": lambda args: {**args, "template": None, "body": "Pay or you go to jail."},
    "an invented figure": lambda args: {**args, "template": None, "body": "You owe $5,000.00."},
    "another customer's invoice": lambda args: {**args, "invoices": ["inv-cust-2"]},
    "another tool's arguments": lambda _: far_follow_up()["args"],
    "a stronger action": lambda _: record("concession_request", quote="waive")["args"],
    "an argument too many": lambda args: {**args, "customer_id": "cust-2"},
    "nothing": lambda _: {},
}


@pytest.mark.parametrize("edit", REFUSED_EDITS)
async def test_an_edit_that_policy_refuses_leaves_the_approval_waiting(world: World, edit: str) -> None:
    world.customer(segment="draft")
    world.customer("cust-2")
    engine, (waiting,) = await world.asked(message())

    args = REFUSED_EDITS[edit](message()["args"])
    told = await refused(engine, world, waiting, MANAGER, word="edit", edited_args=args)

    assert isinstance(told, Refused)
    assert told.status == 422
    assert (await decide.decide(engine, waiting, await world.decision(waiting), MANAGER)).took_effect


async def test_an_edit_that_needs_somebody_else_waits_for_them(world: World) -> None:
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())
    edit = await world.decision(waiting, "edit", edited_args=FREE["args"])

    decided = await decide.decide(engine, waiting, edit, MANAGER)

    assert (decided.state, decided.took_effect, len(decided.asked_again)) == ("edited", False, 1)
    again = decided.asked_again[0]
    assert world.sql("SELECT proposed_by, replaces FROM approval WHERE id = %s", again) == [("mona", waiting)]
    assert "did not write it" in decided.outcome
    assert isinstance(await refused(engine, world, again, MANAGER), Forbidden)
    assert (await decide.decide(engine, again, await world.decision(again), SECOND_MANAGER)).took_effect
    assert world.count("outbox") == 1
    assert world.checkpoints() == 0


async def test_a_rejection_with_a_reason_is_redrafted_twice_at_most_and_then_a_persons(world: World) -> None:
    world.customer(segment="draft")
    drafts = iter(["clarify", "promise_question"])
    engine, (waiting,) = await world.asked(message())
    told: list[str] = []

    for round_ in range(3):
        reject = await world.decision(waiting, "reject", reason=f"too short, {round_}")
        decided = await decide.decide(engine, waiting, reject, COLLECTOR)
        assert (decided.state, decided.took_effect) == ("rejected", False)
        async with world.pool.connection() as conn:
            work = await waiting_work(conn, now=world.clock.now())
        if round_ == 2:
            assert work == []
            break
        assert [t.kind for t in work] == ["redraft"]
        model = proposing(message(next(drafts)))
        (waiting,) = (await world.engine(model).run(work[0])).approvals
        told.append(json.loads(str(model.asked[0][1].text))["task"]["note"])

    assert told == ["too short, 0", "too short, 1"]
    assert world.count("approval", "state = 'rejected'") == 3
    assert world.sql("SELECT max(redrafts) FROM approval") == [2]
    assert world.sql("SELECT kind, assignee FROM follow_up") == [("review", "carla")]
    assert world.count("outbox") == 0
    assert world.checkpoints() == 0


async def test_a_rejection_without_a_reason_is_final(world: World) -> None:
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())
    await decide.decide(engine, waiting, await world.decision(waiting, "reject"), COLLECTOR)
    async with world.pool.connection() as conn:
        assert await waiting_work(conn, now=world.clock.now()) == []


async def test_what_an_edit_made_of_a_draft_goes_with_its_customer_and_how_much_it_changed_stays(
    world: World,
) -> None:
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())
    edit = await world.decision(waiting, "edit", edited_args=FREE["args"])
    await decide.decide(engine, waiting, edit, MANAGER)
    assert "Odalys" in world.sql("SELECT edited_preview ->> 'body' FROM approval WHERE id = %s", waiting)[0]

    await erase_customer(engine, "cust-1", by="dana")

    rows = world.sql("SELECT edited_preview, edit_permille > 0 FROM approval WHERE id = %s", waiting)
    assert rows == [(None, True)]
