"""The clock jumps by an hour, either way: no day is planned twice, no follow-up is lost, no claim stays stuck."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from agent.approvals import decide
from agent.cycle.sweep import watch_promises
from server.cycle import handle_waiting
from server.jobs.queue import defer_waiting
from server.jobs.schedule import Hands, Terms, mind_approvals, plan_the_day
from server.sender import dispatch_due
from tests.server.jobs.working import Died, dying_at
from tests.server.providers import Provider
from tests.server.test_fates import later, queued, states
from tests.world import MANAGER, World, follow_up, message, proposing, record, reminder
from tools.channels.base import Outbound, everywhere

HOUR = timedelta(hours=1)


def _at(world: World, instant: datetime) -> None:
    world.clock.advance(instant - world.clock.now())


async def test_a_clock_that_goes_back_over_midnight_plans_no_day_twice(world: World) -> None:
    world.customer()
    hands = Hands(world.engine(proposing(reminder())), Terms(cycle_hour=0))
    _at(world, datetime(2026, 3, 10, 6, 30, tzinfo=UTC))  # half past one in Chicago
    assert await plan_the_day(hands)
    _at(world, datetime(2026, 3, 11, 5, 30, tzinfo=UTC))  # half past midnight
    assert await plan_the_day(hands)

    for jump in (-HOUR, HOUR, -HOUR, HOUR):
        world.clock.advance(jump)
        assert not await plan_the_day(hands)

    assert world.count("cycle_day") == 2
    assert world.count("cycle_step") == 1


@pytest.mark.parametrize("jumps", [(-HOUR, HOUR), (HOUR, -HOUR)], ids=["back", "forward"])
async def test_a_step_that_ran_is_not_run_again_after_a_jump(
    world: World, jumps: tuple[timedelta, ...]
) -> None:
    world.customer()
    engine = world.engine(proposing(reminder()))
    hands, provider = Hands(engine, Terms(cycle_hour=0)), Provider()
    for jump in (timedelta(0), *jumps, timedelta(0)):
        world.clock.advance(jump)
        await plan_the_day(hands)
        await handle_waiting(engine)
        await dispatch_due(engine, everywhere(provider))

    assert len(provider.taken) == 1
    assert world.count("episode") == 1
    assert await world.chain_holds()


async def test_a_follow_up_waits_through_a_jump_back_and_is_handled_once_after_it(world: World) -> None:
    world.customer()
    engine = world.engine(proposing(follow_up(in_days=2)))
    await engine.run(await world.hears())
    [due_at] = world.sql("SELECT due_at FROM follow_up")
    engine = world.engine(proposing())

    _at(world, due_at - timedelta(minutes=30))
    assert await defer_waiting(engine.deps) == 0
    world.clock.advance(HOUR)
    assert await defer_waiting(engine.deps) == 1
    world.clock.advance(-HOUR)
    assert await defer_waiting(engine.deps) == 0
    handled, failed = await handle_waiting(engine)
    assert [trigger.kind for trigger, _ in handled] == ["inbound"] or handled == []
    world.clock.advance(HOUR)
    both = await asyncio.gather(handle_waiting(engine), handle_waiting(engine))

    assert failed == []
    assert (
        sum(o.state == "committed" for handled, _ in both for t, o in handled if t.kind == "follow_up") == 1
    )
    assert world.sql("SELECT count(*) FROM episode WHERE trigger->>'kind' = 'follow_up'") == [1]


@pytest.mark.parametrize("jump", [-HOUR, HOUR], ids=["back", "forward"])
async def test_a_claim_of_a_dead_sender_is_settled_after_a_jump(world: World, jump: timedelta) -> None:
    """Going back an hour puts it off by that hour at most; the message leaves once."""
    engine, provider = await queued(world), Provider()
    with pytest.raises((Died, BaseExceptionGroup)), dying_at("sender.claimed"):
        await dispatch_due(engine, everywhere(provider))
    assert states(world) == ["sending"]

    world.clock.advance(jump)
    await dispatch_due(engine, everywhere(provider))
    assert len(provider.taken) == 0
    await later(world, engine, provider, hours=1, minutes=3)  # unknown, as its sender is gone
    await later(world, engine, provider, minutes=3)  # the provider never had it
    await dispatch_due(engine, everywhere(provider))

    assert states(world) == ["sent"]
    assert len(provider.taken) == 1


@pytest.mark.parametrize("jump", [-HOUR, HOUR], ids=["back", "forward"])
async def test_an_answer_whose_process_died_is_finished_at_once_after_a_jump(
    world: World, jump: timedelta
) -> None:
    """Back: its claim is of the future now, and nobody waits for that."""
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())
    with pytest.raises(Died), dying_at("approval.claimed"):
        await decide.decide(engine, waiting, await world.decision(waiting), MANAGER)
    await mind_approvals(Hands(engine, Terms()))
    assert world.state(waiting) == "resuming", "it may still be at work"

    world.clock.advance(jump)
    await asyncio.gather(*(mind_approvals(Hands(engine, Terms())) for _ in range(3)))

    assert world.state(waiting) == "approved"
    assert world.count("outbox") == 1
    assert await world.chain_holds()


async def test_an_approval_is_brought_up_and_ended_once_whatever_the_clock_does(world: World) -> None:
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())
    hands = Hands(engine, Terms())

    for start, said in ((timedelta(hours=24), 1), (timedelta(hours=24), 1)):
        world.clock.advance(start)
        for jump in (-HOUR, HOUR, HOUR, -HOUR):
            await mind_approvals(hands)
            world.clock.advance(jump)
        await mind_approvals(hands)
        assert world.count("activity_log", "action = 'approval.reminded'") == said

    assert world.state(waiting) == "expired"
    assert world.count("activity_log", "action = 'approval.expired'") == 1
    assert world.checkpoints() == 0
    assert await world.chain_holds()


async def test_a_promise_is_settled_once_when_the_clock_goes_back_over_its_day(world: World) -> None:
    world.customer()
    paying = record("promise", payments=[{"amount": "100.00", "on": "2026-03-12"}], invoices=["inv-1"])
    engine = world.engine(proposing(paying))
    await engine.run(await world.hears("I will pay 100.00 on 12 March."))
    [due] = world.sql("SELECT due_date FROM promise")
    _at(world, datetime(due.year, due.month, due.day, 12, 30, tzinfo=UTC) + timedelta(hours=17))
    for jump in (timedelta(0), -HOUR, HOUR, -HOUR):
        world.clock.advance(jump)
        await watch_promises(engine)

    assert world.sql("SELECT state FROM promise") == ["broken"]
    assert world.count("activity_log", "action = 'promise.broken'") == 1
    assert await world.chain_holds()


async def test_a_dispute_holds_although_it_was_opened_in_what_is_now_the_future(world: World) -> None:
    world.customer(segment="automatic")
    quote = "The heater never worked"
    disputing = record("dispute", reason="quality", invoices=["inv-1"], amount=None, quote=quote)
    await world.engine(proposing(disputing)).run(await world.hears(quote))
    assert world.count("dispute", "state = 'open' AND source = 'customer'") == 1
    world.clock.advance(-HOUR)

    assert await plan_the_day(Hands(world.engine(proposing()), Terms(cycle_hour=0)))
    assert world.count("cycle_step") == 0
    await world.engine(proposing(reminder())).run(world.step())
    assert world.count("outbox") == 0


async def test_a_call_that_is_under_way_when_the_clock_jumps_is_not_made_twice(world: World) -> None:
    """An hour later by the clock the claim looks abandoned: somebody else asks the provider, and does not send."""
    engine = await queued(world)

    async def jump(_: Outbound) -> None:
        await later(world, engine, provider, hours=1)
        await later(world, engine, provider, minutes=3)

    provider = Provider(first=jump)
    await dispatch_due(engine, everywhere(provider))
    await dispatch_due(engine, everywhere(provider))

    assert len(provider.calls) == len(provider.taken) == 1
    assert states(world) == ["sent"]
    assert await world.chain_holds()
