"""The sender as a worker runs it: it sends what comes due until it is stopped, and finishes what it began."""

import asyncio
from collections.abc import Callable

from server.sender import run_sender
from tests.server.providers import Provider
from tests.server.test_fates import queued, states
from tests.world import World, message, proposing
from tools.channels.base import NotTaken, Outbound


async def _until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not happened():  # noqa: ASYNC110 - the database has no event
            await asyncio.sleep(0.02)


async def test_it_sends_what_comes_due_while_it_runs_and_ends_when_it_is_told_to(world: World) -> None:
    engine, provider, stop = await queued(world, "k1", "k2"), Provider(), asyncio.Event()
    sending = asyncio.create_task(run_sender(engine, {"email": provider, "sms": provider}, stop))
    await _until(lambda: states(world) == ["sent", "sent"])
    await queued(world, "k3")
    await _until(lambda: states(world) == ["sent", "sent", "sent"])
    stop.set()
    await sending

    await queued(world, "k4")
    assert sorted(taken.to for taken in provider.taken) == [f"billing@k{n}.example" for n in (1, 2, 3)]


async def test_a_call_that_was_begun_is_settled_although_the_sender_was_told_to_stop(world: World) -> None:
    engine, stop, answer = await queued(world), asyncio.Event(), asyncio.Event()

    async def wait(_: Outbound) -> None:
        await answer.wait()

    sending = asyncio.create_task(run_sender(engine, {"email": Provider(first=wait)}, stop))
    await _until(lambda: states(world) == ["sending"])
    stop.set()
    await asyncio.sleep(0)
    assert not sending.done()
    answer.set()
    await sending

    assert states(world) == ["sent"]


async def test_trouble_on_one_channel_is_no_trouble_on_the_other(world: World) -> None:
    engine = await queued(world, *(f"k{n}" for n in range(6)))
    world.customer("k9")
    await world.engine(proposing(message())).run(
        await world.hears(customer="k9")
    )  # an answer by text message
    down = Provider(loses=lambda _: True, fails=lambda _: NotTaken("refused"))
    texts, stop = Provider(), asyncio.Event()

    sending = asyncio.create_task(run_sender(engine, {"email": down, "sms": texts}, stop))
    await _until(lambda: len(down.calls) == 6 and states(world).count("sent") == 1)
    stop.set()
    await sending

    assert [taken.channel for taken in texts.taken] == ["sms"]
    assert world.sql("SELECT DISTINCT state FROM outbox WHERE channel = 'email'") == ["queued"]
