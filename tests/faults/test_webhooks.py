"""Webhooks come twice, at once and in the wrong order: each message is stored once, and none is lost."""

import asyncio
from datetime import timedelta

import pytest

from agent.models.offline import OfflineCollector
from server.inbound import accept, known
from server.jobs.queue import defer_waiting
from server.sender import dispatch_due
from tests.server.jobs.working import Died, dying_at, jobs, unhandled, until, worker, writes
from tests.server.providers import Provider
from tests.world import World, message, proposing
from tools.channels.base import everywhere
from tools.memory.arrival import Arrival

ADDRESS = "+13125551001"


async def test_one_message_delivered_many_times_at_once_is_one_message_one_job_and_one_answer(
    world: World,
) -> None:
    world.customer(segment="automatic")
    stored = await asyncio.gather(*(writes(world, sid="sid-1") for _ in range(8)))
    assert sum(one.new for one in stored) == 1
    assert len({one.message_id for one in stored}) == 1
    assert jobs(world) == 1

    async with worker(world.engine(proposing(message()))):
        await until(lambda: unhandled(world) == 0)
        again = await writes(world, sid="sid-1")
        await until(lambda: jobs(world) == 0)

    assert not again.new
    assert (world.count("message", "direction = 'in'"), world.count("outbox")) == (1, 1)


async def test_a_delivery_that_died_before_it_was_acknowledged_is_stored_by_the_next_one(
    world: World,
) -> None:
    world.customer()
    with pytest.raises(Died), dying_at("inbound.before_commit"):
        await writes(world, sid="sid-1")
    assert (world.count("message"), jobs(world)) == (0, 0)
    with pytest.raises(Died), dying_at("inbound.stored"):
        await writes(world, sid="sid-1")

    assert not (await writes(world, sid="sid-1")).new
    assert (world.count("message"), jobs(world)) == (1, 1)


async def test_an_older_message_that_comes_after_a_newer_one_is_answered_too_and_keeps_its_time(
    world: World,
) -> None:
    world.customer()
    engine, now = world.engine(proposing()), world.clock.now()
    newer = known(
        await accept(
            world.pool, Arrival(channel="sms", address=ADDRESS, body="And by when?", at=now, provider_id="s2")
        )
    )
    async with worker(engine):
        await until(lambda: unhandled(world) == 0)
        earlier = now - timedelta(minutes=5)
        older = known(
            await accept(
                world.pool,
                Arrival(channel="sms", address=ADDRESS, body="What do I owe?", at=earlier, provider_id="s1"),
            )
        )
        await until(lambda: unhandled(world) == 0)

    assert world.sql("SELECT id FROM message WHERE direction = 'in' ORDER BY at") == [
        older.message_id,
        newer.message_id,
    ]
    assert world.count("episode") == 2


async def test_a_stop_that_comes_late_still_stops_what_is_queued(world: World) -> None:
    """It was written before the question that is answered, and delivered after it."""
    world.customer(segment="automatic")
    now = world.clock.now()
    engine, provider = world.engine(OfflineCollector()), Provider()
    await accept(
        world.pool,
        Arrival(channel="sms", address=ADDRESS, body="How much do I owe?", at=now, provider_id="s2"),
    )
    async with worker(engine):
        await until(lambda: unhandled(world) == 0)
        assert world.count("outbox", "state = 'queued'") == 1
        earlier = now - timedelta(minutes=5)
        await accept(
            world.pool, Arrival(channel="sms", address=ADDRESS, body="STOP", at=earlier, provider_id="s1")
        )
        await until(lambda: unhandled(world) == 0)
    await dispatch_due(engine, everywhere(provider))

    assert world.count("suppression", "channel = 'sms'") == 1
    assert [sent.body for sent in provider.taken if "$" in sent.body] == []
    assert await defer_waiting(engine.deps) == 0
