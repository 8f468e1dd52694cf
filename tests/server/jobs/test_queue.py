"""The queue: message and job are one, a customer's turns are in order, and no turn waits for a look at the clock."""

import asyncio
from datetime import timedelta

import psycopg
import pytest

from agent.engine.trigger import inbound
from server.conversation import hear
from server.inbound import Kept, accept
from server.jobs.queue import defer_waiting, drop_turn
from tests.server.jobs.working import Died, dying_at, jobs, unhandled, until, worker, writes
from tests.world import World, far_follow_up, message, note, proposing
from tools.channels.base import everywhere
from tools.channels.local import LocalChannel
from tools.memory.arrival import Arrival


async def test_a_message_and_its_job_are_stored_together_and_a_second_delivery_adds_neither(
    world: World,
) -> None:
    world.customer()
    first = await writes(world, sid="sid-1")
    again = await writes(world, sid="sid-1")

    assert (first.new, again.new, again.message_id) == (True, False, first.message_id)
    assert world.sql(
        "SELECT task_name, lock, args->>'key', args->>'customer_id' FROM procrastinate_jobs"
    ) == [("turn", "cust-1", f"message:{first.message_id}", "cust-1")]
    assert world.sql("SELECT count(*) FROM procrastinate_jobs WHERE args::text LIKE '%%owe%%'") == [0]


async def test_no_message_is_stored_where_its_job_cannot_be(world: World) -> None:
    world.customer()
    world.sql("ALTER TABLE procrastinate_jobs ADD CONSTRAINT full_up CHECK (task_name <> 'turn')")

    with pytest.raises(psycopg.errors.CheckViolation):
        await writes(world)

    assert world.count("message") == 0


async def test_a_message_of_an_unknown_sender_leaves_nothing_in_the_queue(world: World) -> None:
    kept = await accept(
        world.pool,
        Arrival(channel="sms", address="+13125559999", body="hi", at=world.clock.now(), provider_id="x"),
    )
    assert isinstance(kept, Kept)
    assert jobs(world) == 0


async def test_a_worker_answers_what_came_before_it_and_what_comes_while_it_works(world: World) -> None:
    world.customer()
    await writes(world)
    async with worker(world.engine(proposing(note(), message()))):
        await until(lambda: unhandled(world) == 0)
        await writes(world, "And by when?")
        await until(lambda: unhandled(world) == 0 and jobs(world) == 0)

    assert world.count("episode") == 2
    assert world.count("fence") == 2
    assert world.without_decision() == []
    assert await world.chain_holds()


async def test_a_customers_messages_are_answered_in_their_order_and_never_two_at_once(world: World) -> None:
    """The worker is never told that a lock is free again: it has to notice by itself."""
    world.customer()
    for n in range(6):
        await writes(world, f"question {n}")
    engine = world.engine(proposing())

    async with worker(engine, concurrency=4):
        await until(lambda: unhandled(world) == 0)

    answered = world.sql("SELECT (trigger->>'message_id')::bigint FROM episode ORDER BY committed_at, ctid")
    assert answered == sorted(answered)
    assert len(answered) == 6


async def test_many_customers_at_once_and_no_wake_up_is_lost(world: World) -> None:
    """Messages arrive while the worker fetches, which is when the stock worker forgets that it was told."""
    for n in range(12):
        world.customer(f"cust-{n}")
    async with worker(world.engine(proposing()), concurrency=3):
        for _ in range(4):
            for n in range(12):
                await writes(world, customer=f"cust-{n}")
            await until(lambda: unhandled(world) == 0)

    assert world.count("episode") == 48


async def test_a_customer_with_many_messages_does_not_hold_up_another(world: World) -> None:
    world.customer("chatty")
    world.customer("quiet")
    for n in range(120):
        await writes(world, f"and another thing {n}", "chatty")
    last = await writes(world, customer="quiet")

    async with worker(world.engine(proposing()), concurrency=2):
        await until(lambda: world.count("message", f"id = {last.message_id} AND handled_at IS NOT NULL"))
        left = unhandled(world)
        await until(lambda: unhandled(world) == 0)

    assert left > 60, "it did not wait for the others to be done"


async def test_what_waits_without_a_job_is_given_one_and_only_one(world: World) -> None:
    """Messages of an older version, ledger events, follow-ups that fall due: rows are the truth, jobs only announce them."""
    world.customer()
    engine = world.engine(proposing(far_follow_up()))
    await world.hears()
    world.paid(event=True)

    assert [await defer_waiting(engine.deps) for _ in range(3)] == [2, 0, 0]
    assert sorted(await asyncio.gather(*(defer_waiting(engine.deps) for _ in range(4)))) == [0, 0, 0, 0]
    assert jobs(world) == 2

    async with worker(engine):
        await until(lambda: jobs(world) == 0)
    assert unhandled(world) == 0
    assert world.count("ledger_event", "handled_at IS NULL") == 0
    assert await defer_waiting(engine.deps) == 0


async def test_a_follow_up_becomes_a_job_when_it_is_due_and_not_before(world: World) -> None:
    world.customer()
    engine = world.engine(proposing({"name": "schedule_follow_up", "args": {
        "kind": "message", "on": None, "in_days": 5, "reason": "look again"}}))  # fmt: skip
    await engine.run(await world.hears())
    assert world.count("follow_up", "state = 'waiting'") == 1
    assert await defer_waiting(engine.deps) == 0

    world.clock.advance(timedelta(days=6))
    assert await defer_waiting(engine.deps) == 1
    async with worker(world.engine(proposing())):
        await until(lambda: world.count("follow_up", "state = 'done'") == 1)


async def test_who_answers_in_its_own_process_leaves_no_job_behind(world: World) -> None:
    world.customer()
    done = await hear(
        world.engine(proposing(message())),
        everywhere(LocalChannel()),
        customer_id="cust-1",
        body="What do I owe?",
    )

    assert done["state"] == "committed"
    assert jobs(world) == 0


async def test_who_dies_while_answering_in_its_own_process_leaves_a_job_for_later(world: World) -> None:
    """It waits on a lock of its own, so that it holds up nothing of its customer's."""
    world.customer()

    with pytest.raises(Died), dying_at("episode.deliberated"):
        await hear(
            world.engine(proposing(message())),
            everywhere(LocalChannel()),
            customer_id="cust-1",
            body="Hello?",
        )

    [(lock, later)] = world.sql("SELECT lock, scheduled_at > now() + interval '50 s' FROM procrastinate_jobs")
    assert (lock != "cust-1", later) == (True, True)
    assert await defer_waiting(world.engine(proposing()).deps) == 0, "it has its job"
    async with worker(world.engine(proposing(message()))):
        second = await writes(world, "Still there?")
        await until(lambda: world.count("message", f"id = {second.message_id} AND handled_at IS NOT NULL"))
        world.sql("UPDATE procrastinate_jobs SET scheduled_at = now()")
        world.sql(
            'SELECT pg_notify(\'procrastinate_any_queue_v1\', \'{"type": "job_inserted", "job_id": 0}\')'
        )
        await until(lambda: unhandled(world) == 0)


async def test_a_job_whose_turn_was_done_elsewhere_does_nothing(world: World) -> None:
    world.customer()
    stored = await writes(world)
    trigger = inbound("cust-1", stored.message_id)
    engine = world.engine(proposing(note(), message()))
    assert (await engine.run(trigger)).state == "committed"
    before = world.effects()

    async with worker(engine):
        await until(lambda: jobs(world) == 0)

    assert world.effects() == before
    assert world.count("fence") == 1
    async with world.pool.connection() as conn:
        await drop_turn(conn, trigger)


def test_the_agents_role_has_no_right_on_the_queue(world: World) -> None:
    reachable = world.sql(
        """SELECT relname FROM pg_class WHERE relkind = 'r' AND (relname LIKE 'procrastinate%%' OR relname = 'cycle_day')
              AND has_table_privilege('dunwell_agent', oid, 'SELECT, INSERT, UPDATE, DELETE')"""
    )
    assert reachable == []
