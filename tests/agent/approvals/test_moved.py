"""The world moves while something waits: it is judged anew, and the approver is told why nothing was done."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from agent.approvals import decide
from agent.cycle.sweep import rejudge, sweep
from tests.world import (
    MANAGER,
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
    Gone,
)


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
        note(), message("clarify"), text="Hm, the price is wrong. What do I owe?"
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


async def test_an_approval_whose_thread_was_lost_is_asked_again_or_expires_and_is_never_stuck(
    world: World,
) -> None:
    world.customer(segment="draft")
    engine, (first, second) = await world.asked(message(), far_follow_up())
    decision = await world.decision(first)
    for table in ("checkpoints", "checkpoint_blobs", "checkpoint_writes"):
        world.sql(f"DELETE FROM {table}")

    with pytest.raises(BalanceChanged, match="It waits again as"):
        await decide.decide(engine, first, decision, MANAGER)
    (again,) = set(await world.pending()) - {second}
    assert (await decide.decide(engine, again, await world.decision(again), MANAGER)).took_effect
    world.clock.advance(timedelta(hours=48))
    assert (await sweep(engine)).approvals_expired == 1
    assert world.state(second) == "expired"


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
