"""Chores: what time alone brings about happens once, with any number of workers and after any pause."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from server.jobs.queue import defer_waiting
from server.jobs.schedule import Chore, Hands, Terms, mind_approvals, plan_the_day, tidy
from tests.server.jobs.working import jobs, until, worker, writes
from tests.world import MANAGER, World, far_follow_up, message, note, proposing, reminder

FEB = Terms(cycle_hour=6)


async def test_two_workers_do_a_chore_once_a_tick_and_never_twice_at_a_time(world: World) -> None:
    running, most, done = 0, 0, list[int]()

    async def count(_: Hands) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.2)
        done.append(1)
        running -= 1

    engine = world.engine(proposing())
    every_second = (Chore("count", "* * * * * *", count),)
    async with worker(engine, chores=every_second), worker(engine, chores=every_second):
        await until(lambda: len(done) >= 3)

    ticks = world.sql("SELECT count(*), count(DISTINCT defer_timestamp) FROM procrastinate_periodic_defers")
    assert most == 1
    assert ticks[0][0] == ticks[0][1]


async def test_a_chore_that_fails_is_tried_at_the_next_tick(world: World) -> None:
    tries = list[int]()

    async def fail(_: Hands) -> None:
        tries.append(1)
        raise RuntimeError("not today")

    async with worker(world.engine(proposing()), chores=(Chore("fail", "* * * * * *", fail),)):
        await until(lambda: len(tries) >= 2)


@pytest.mark.parametrize(("hour", "planned"), [(5, 0), (6, 2)])
async def test_the_portfolio_is_planned_once_a_day_from_the_hour_on(
    world: World, hour: int, planned: int
) -> None:
    for name in ("cust-1", "cust-2"):
        world.customer(name, segment="assisted")
    world.clock.advance(
        datetime(2026, 3, 11, hour + 5, 30, tzinfo=UTC) - world.clock.now()
    )  # Chicago, summer time
    engine = world.engine(proposing(reminder()))
    hands = Hands(engine, FEB)

    told = await asyncio.gather(*(plan_the_day(hands) for _ in range(3)))
    again = await plan_the_day(hands)

    assert (sum(told), again) == (bool(planned), False)
    assert world.count("cycle_step") == planned
    assert await defer_waiting(engine.deps) == planned
    assert await defer_waiting(engine.deps) == 0


async def test_planned_steps_run_as_turns_and_are_gone_when_their_episode_has_committed(world: World) -> None:
    world.customer("cust-1")
    world.customer("cust-2")
    engine = world.engine(proposing(reminder(["inv-1"])))
    await plan_the_day(Hands(engine, FEB))
    await defer_waiting(engine.deps)
    await writes(world, customer="cust-2")
    assert jobs(world, "priority < 0") == 2

    async with worker(engine, concurrency=1):
        await until(lambda: jobs(world) == 0)

    assert world.count("cycle_step") == 0
    kinds = world.sql("SELECT trigger->>'kind' FROM episode ORDER BY committed_at, ctid")
    assert kinds == ["inbound", "ladder", "ladder"], "who wrote goes before what was planned"


async def test_a_plan_that_was_not_finished_is_replaced_by_the_next_days(world: World) -> None:
    world.customer()
    hands = Hands(world.engine(proposing(reminder())), FEB)
    await plan_the_day(hands)
    world.clock.advance(timedelta(days=1))
    await plan_the_day(hands)

    assert world.sql("SELECT day::text, turn_key LIKE '%%2026-03-11' FROM cycle_step") == [
        ("2026-03-11", True)
    ]
    assert world.count("cycle_day") == 2


async def test_an_approval_is_brought_up_once_to_the_next_role_and_leaves_a_task_when_it_lapses(
    world: World,
) -> None:
    world.customer(segment="draft")
    engine, waiting = await world.asked(message(), far_follow_up())
    hands = Hands(engine, FEB)
    tasks = world.count("follow_up")
    await mind_approvals(hands)
    assert world.count("approval", "reminded_at IS NOT NULL") == 0

    world.clock.advance(timedelta(hours=24))
    await asyncio.gather(*(mind_approvals(hands) for _ in range(3)))
    assert world.sql("SELECT DISTINCT role, reminded_role, state FROM approval") == [
        ("collector", "manager", "pending")
    ]
    assert world.count("activity_log", "action = 'approval.reminded'") == len(waiting)

    world.clock.advance(timedelta(hours=24))
    await asyncio.gather(*(mind_approvals(hands) for _ in range(3)))
    assert {world.state(a) for a in waiting} == {"expired"}
    assert world.count("follow_up", "kind = 'review' OR kind = 'call_task'") > tasks
    assert world.checkpoints() == 0
    assert await world.chain_holds()


async def test_an_answer_whose_process_died_is_finished_by_any_worker(world: World) -> None:
    from agent.approvals import decide
    from tests.server.jobs.working import Died, dying_at

    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())
    with pytest.raises(Died), dying_at("approval.claimed"):
        await decide.decide(engine, waiting, await world.decision(waiting), MANAGER)
    assert world.state(waiting) == "resuming"

    world.clock.advance(timedelta(seconds=11))
    await asyncio.gather(*(mind_approvals(Hands(engine, FEB)) for _ in range(3)))

    assert world.state(waiting) == "approved"
    assert world.count("outbox") == 1


async def test_words_are_erased_when_nothing_was_heard_for_the_retention_time_and_nothing_is_open(
    world: World,
) -> None:
    for name in ("gone", "owes", "wrote"):
        world.customer(name)
        await world.engine(proposing(note())).run(await world.hears("Call me at the bakery.", name))
    world.paid("inv-gone")
    world.paid("inv-wrote")
    world.clock.advance(timedelta(days=3 * 365 + 1))
    await world.engine(proposing(note())).run(await world.hears("Hello again.", "wrote"))

    await tidy(Hands(world.engine(proposing()), Terms()))

    assert world.sql("SELECT id FROM customer WHERE status = 'erased'") == ["gone"]
    assert world.sql("SELECT DISTINCT customer_id FROM message WHERE body IS NOT NULL ORDER BY 1") == [
        "owes",
        "wrote",
    ]
    assert await world.chain_holds()
