"""The stand-in provider and the channel to it: each of its lies ends as the sender promises."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agent.engine.run import Engine
from evals.providers import Fault, HttpChannel, StandIn
from server.sender import dispatch_due, reconcile
from tests.world import NOW, World, proposing, reminder
from tools.channels.base import NotTaken, Outbound, Rejected, everywhere
from tools.errors import Unavailable

MESSAGE = Outbound("7", "sms", "+13125550100", None, "Hello.", NOW)
# What the sender makes of each lie at first, and how often the provider has accepted the message in the end.
ENDS: dict[Fault, tuple[str, str, int]] = {
    "slow": ("sent", "sent", 1),
    "silent_before": ("unknown", "sent", 1),
    "silent_after": ("unknown", "sent", 1),
    "error_before": ("unknown", "sent", 1),
    "error_after": ("unknown", "sent", 1),
    "busy": ("queued", "sent", 1),
    "rejects": ("failed", "failed", 0),
    "closes_before": ("unknown", "sent", 1),
    "closes_after": ("unknown", "sent", 1),
    "twice": ("sent", "sent", 2),
}


async def _queued(world: World) -> Engine:
    world.customer()
    engine = world.engine(proposing(reminder()))
    await engine.run(world.step())
    return engine


@pytest.mark.parametrize("fault", ENDS)
async def test_whatever_the_provider_does_once_the_message_ends_where_it_should(
    world: World, fault: Fault
) -> None:
    engine = await _queued(world)
    at_first, at_last, accepted = ENDS[fault]
    async with StandIn(script={"1": [fault]}) as provider, HttpChannel(provider.url, timeout=0.5) as channel:
        await dispatch_due(engine, everywhere(channel))
        assert world.sql("SELECT state FROM outbox") == [at_first]
        world.clock.advance(timedelta(minutes=5))
        await reconcile(engine, {"email": channel})
        await dispatch_due(engine, everywhere(channel))

    assert world.sql("SELECT state FROM outbox") == [at_last]
    assert len(provider.accepted) == accepted


async def test_a_provider_that_nobody_runs_did_not_take_it(world: World) -> None:
    engine = await _queued(world)
    async with StandIn() as provider:
        gone = provider.url
    async with HttpChannel(gone) as channel:
        assert (await dispatch_due(engine, everywhere(channel))).not_taken == 1


async def test_a_restarted_provider_holds_what_it_recorded(tmp_path: Path) -> None:
    async with StandIn(record=tmp_path / "record") as provider, HttpChannel(provider.url) as channel:
        receipt = await channel.send(MESSAGE)
    async with StandIn(record=tmp_path / "record") as provider, HttpChannel(provider.url) as channel:
        assert await channel.find(MESSAGE) == receipt
        assert await channel.find(replace(MESSAGE, key="8")) is None


async def test_its_faults_come_as_often_as_they_are_asked_for() -> None:
    async with StandIn(faults={"busy": 0.3, "rejects": 0.2, "error_after": 0.1}, seed=3) as provider, HttpChannel(provider.url) as channel:  # fmt: skip
        ended = dict.fromkeys((NotTaken, Rejected, Unavailable), 0)
        for n in range(200):
            try:
                await channel.send(Outbound(str(n), "sms", "", None, "", NOW))
            except (NotTaken, Rejected, Unavailable) as failure:
                ended[type(failure)] += 1

    assert 40 <= ended[NotTaken] <= 80
    assert 25 <= ended[Rejected] <= 55
    assert 8 <= ended[Unavailable] <= 35
    assert len(provider.accepted) == 200 - ended[NotTaken] - ended[Rejected]
