"""Who may decide what, and what each answer comes to: one clear answer, and never a stuck thread."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from agent.approvals import decide
from agent.approvals.model import Decision, User
from agent.cycle.sweep import rejudge, sweep
from agent.cycle.work import waiting_work
from agent.engine.run import Engine
from tests.world import (
    COLLECTOR,
    MANAGER,
    SECOND_MANAGER,
    World,
    far_follow_up,
    message,
    note,
    proposing,
    record,
    reminder,
)
from tools.errors import (
    AlreadyDecided,
    BalanceChanged,
    CollectionsError,
    Conflict,
    Forbidden,
    Gone,
    NotFound,
    Refused,
)

FEE = record("concession_request", quote="waive the fee")
FREE = message(None, body="Thank you, {{customer.first_name}}: {{balance}} is open.")


async def _refused(
    engine: Engine, world: World, approval_id: str, user: User, **given: Any
) -> CollectionsError:
    """The error that this decision comes to; it leaves the approval as it is."""
    before = world.sql("SELECT to_jsonb(a) FROM approval a ORDER BY id"), world.effects(), world.checkpoints()
    with pytest.raises(CollectionsError) as told:
        await decide.decide(engine, approval_id, await world.decision(approval_id, **given), user)
    after = world.sql("SELECT to_jsonb(a) FROM approval a ORDER BY id"), world.effects(), world.checkpoints()
    assert after == before
    return told.value


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

    assert "needs a manager" in str(await _refused(engine, world, fee, COLLECTOR))
    assert "needs a collector" in str(await _refused(engine, world, reply, viewer))
    assert "needs a collector" in str(await _refused(engine, world, reply, viewer, word="reject"))
    assert "above carla's limit" in str(await _refused(engine, world, reply, COLLECTOR))
    for told in (
        await _refused(engine, world, fee, COLLECTOR), await _refused(engine, world, reply, COLLECTOR)
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

    assert "another person" in str(await _refused(engine, world, waiting, MANAGER))
    assert (await decide.decide(engine, waiting, await world.decision(waiting), SECOND_MANAGER)).took_effect


async def test_what_is_handed_up_is_the_next_roles_to_decide(world: World) -> None:
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())

    handed = await decide.decide(
        engine, waiting, await world.decision(waiting, "hand_up", reason="odd"), COLLECTOR
    )

    assert (handed.state, handed.took_effect) == ("pending", False)
    assert world.sql("SELECT role, assignee, note FROM approval") == [("manager", None, "odd")]
    assert isinstance(await _refused(engine, world, waiting, COLLECTOR), Forbidden)
    assert (await decide.decide(engine, waiting, await world.decision(waiting), MANAGER)).took_effect
    assert world.count("activity_log", "action = 'approval.handed_up'") == 1


async def test_an_edit_that_policy_allows_takes_effect_at_once_and_names_its_author(world: World) -> None:
    world.customer()
    engine, (waiting,) = await world.asked(far_follow_up())
    edit = await world.decision(
        waiting, "edit", edited_args={**far_follow_up()["args"], "on": "2026-03-20"}
    )

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
    told = await _refused(engine, world, waiting, MANAGER, word="edit", edited_args=args)

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
    assert isinstance(await _refused(engine, world, again, MANAGER), Forbidden)
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


async def _promised(world: World) -> None:
    friday = {"amount": "100.00", "on": "2026-03-13"}
    engine = world.engine(proposing(record("promise", payments=[friday], invoices=[])))
    await engine.run(await world.hears("I will pay 100 on Friday."))


async def _opted_out(world: World) -> None:
    await world.engine(proposing(message("opt_out_confirmation", purpose="opt_out_confirmation"))).run(
        await world.hears("STOP")
    )


MOVES: dict[str, Callable[[World], Any]] = {
    "paid": lambda world: world.paid(),
    "disputed": lambda world: world.disputed(),
    "opted out in the ledger": lambda world: world.opted_out(),
    "balance changed": lambda world: world.sql("UPDATE invoice SET total_minor = 290000, balance_minor = 290000"),
    "not to be contacted": lambda world: world.sql("UPDATE customer SET do_not_contact = true"),
    "another address": lambda world: world.sql("UPDATE contact SET address = 'new@else.example' WHERE channel = 'email'"),
    "promised": _promised,
    "opted out by message": _opted_out,
}  # fmt: skip


@pytest.mark.parametrize("move", MOVES)
async def test_what_moved_after_it_was_asked_is_not_done_and_the_approver_is_told_why(
    world: World, move: str
) -> None:
    world.customer(segment="assisted")
    world.sql(
        "UPDATE invoice SET total_minor = 300000, balance_minor = 300000"
    )  # above the limit: somebody is asked
    engine = world.engine(proposing(reminder()))
    (waiting,) = (await engine.run(world.step())).approvals
    decision = await world.decision(waiting)
    moved = MOVES[move](world)
    if moved is not None and hasattr(moved, "__await__"):
        await moved
    before = world.count("outbox", "reply_to IS NULL")

    with pytest.raises(BalanceChanged) as told:
        await decide.decide(engine, waiting, decision, MANAGER)

    assert told.value.status == 409
    assert "Nothing was done" in str(told.value)
    assert world.count("outbox", "reply_to IS NULL") == before == 0
    assert world.state(waiting) in ("superseded", "withdrawn")
    again = await world.pending()
    if world.state(waiting) == "superseded":
        assert len(again) == 1, "asked anew, on the facts of now"
        assert again[0] in str(told.value)
        assert (await decide.decide(engine, again[0], await world.decision(again[0]), MANAGER)).took_effect
    else:
        assert again == []
    assert world.checkpoints() == 0
    with pytest.raises(Gone):
        await decide.decide(engine, waiting, decision, MANAGER)
    assert await world.chain_holds()


async def test_a_sibling_that_takes_effect_does_not_void_what_waits_beside_it(world: World) -> None:
    """The hold that a turn's own dispute places is known to whoever decides its reply."""
    world.customer(segment="draft")
    engine, waiting = await world.asked(
        dispute, note(), message(), text="Hm, the price is wrong. What do I owe?"
    )
    assert len(waiting) == 1
    assert world.count("hold") == 1

    assert (await decide.decide(engine, waiting[0], await world.decision(waiting[0]), MANAGER)).took_effect


async def test_an_approval_of_another_graph_version_is_asked_again_and_never_resumed(world: World) -> None:
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())
    decision = await world.decision(waiting)
    world.sql("UPDATE approval SET graph_version = '0'")

    with pytest.raises(BalanceChanged, match="It waits again as"):
        await decide.decide(engine, waiting, decision, MANAGER)

    assert world.state(waiting) == "superseded"
    (again,) = await world.pending()
    assert world.sql("SELECT DISTINCT thread_id FROM checkpoints") == [again]
    assert (await decide.decide(engine, again, await world.decision(again), MANAGER)).took_effect
    assert world.checkpoints() == 0


async def test_a_payment_re_judges_what_waits_and_leaves_alone_what_it_does_not_concern(world: World) -> None:
    world.customer(segment="draft")
    world.invoice("inv-2")
    engine, (about_it, other) = await world.asked(
        message(invoices=["inv-1"]), message("clarify", invoices=["inv-2"])
    )
    world.paid("inv-1")

    assert await rejudge(engine, "cust-1", "ledger: payment") == 1

    assert world.state(other) == "pending"
    assert world.state(about_it) in ("superseded", "withdrawn")
    with pytest.raises((Gone, AlreadyDecided)):
        await decide.decide(engine, about_it, await world.decision(about_it), MANAGER)


async def test_a_promise_by_somebody_who_owes_nothing_cannot_be_approved_into_an_error(world: World) -> None:
    world.customer()
    world.paid()
    friday = {"amount": "50.00", "on": "2026-03-13"}
    engine, waiting = await world.asked(record("promise", payments=[friday], invoices=[]))

    for approval_id in waiting:
        await decide.decide(engine, approval_id, await world.decision(approval_id), MANAGER)
    assert world.count("promise") == 0


@pytest.mark.parametrize("on", ["9999-12-31", "2126-01-01"])
async def test_a_promise_for_the_end_of_time_does_not_break_the_customer(world: World, on: str) -> None:
    world.customer()
    far = record("promise", payments=[{"amount": "50.00", "on": on}], invoices=[])
    engine, waiting = await world.asked(far)
    for approval_id in waiting:
        await decide.decide(engine, approval_id, await world.decision(approval_id), MANAGER)

    assert (await engine.run(await world.hears())).state == "committed"
    assert (await world.engine(proposing(reminder())).run(world.step())).state == "committed"
