"""What becomes of a message when its provider fails: nothing is lost, nothing leaves twice, and a person hears of the rest."""

import asyncio
from datetime import timedelta

import pytest

from agent.engine.run import Engine
from server.sender import Dispatched, Reconciled, call, confirm, dispatch_due, reconcile, retry
from tests.server.providers import Provider
from tests.world import COLLECTOR, MANAGER, NOW, World, proposing, reminder
from tools.channels.base import CannotSay, Channel, ChannelName, NotTaken, Outbound, Rejected, everywhere
from tools.errors import Conflict, Forbidden, NotFound, Unavailable

ALL: tuple[ChannelName, ...] = ("sms", "email")
VIEWER = COLLECTOR.__class__("vera", "viewer", 0)


def over(channel: Channel) -> dict[ChannelName, Channel]:
    return dict.fromkeys(ALL, channel)


async def queued(world: World, *customers: str) -> Engine:
    """An engine that has queued one reminder for each of these customers."""
    engine = None
    for customer in customers or ("cust-1",):
        world.customer(customer)
        invoice = "inv-1" if customer == "cust-1" else f"inv-{customer}"
        engine = world.engine(proposing(reminder([invoice])))
        await engine.run(world.step(customer=customer, invoice=invoice))
    assert engine is not None
    return engine


def states(world: World) -> list[str]:
    return sorted(world.sql("SELECT state FROM outbox"))


async def later(world: World, engine: Engine, provider: Provider, **by: float) -> Reconciled:
    world.clock.advance(timedelta(**by))
    return await reconcile(engine, over(provider))


@pytest.mark.parametrize("lost", [True, False])
async def test_a_message_of_unknown_fate_is_asked_for_at_the_provider(world: World, lost: bool) -> None:
    """What it holds is sent; what it surely never had is judged and sent again. Both reach the customer once."""
    engine = await queued(world)
    provider = Provider(loses=lambda _: lost, fails=lambda _: Unavailable("no answer"))

    assert await dispatch_due(engine, everywhere(provider)) == Dispatched(unknown=1)
    assert await later(world, engine, provider, minutes=1) == Reconciled()  # it may still come to hold it
    provider.loses, provider.fails = lambda _: False, lambda _: None
    assert await later(world, engine, provider, minutes=2) == Reconciled(found=not lost, queued=lost)
    assert await dispatch_due(engine, everywhere(provider)) == Dispatched(sent=lost)

    assert len(provider.taken) == 1
    assert states(world) == ["sent"]
    assert await world.chain_holds()


async def test_a_message_that_comes_back_is_judged_on_the_facts_of_then(world: World) -> None:
    engine = await queued(world)
    provider = Provider(loses=lambda _: True, fails=lambda _: Unavailable("no answer"))
    await dispatch_due(engine, everywhere(provider))
    world.paid()

    assert await later(world, engine, provider, minutes=5) == Reconciled(queued=1)
    assert await dispatch_due(engine, everywhere(provider)) == Dispatched(withdrawn=1)

    assert len(provider.calls) == 1


async def test_a_provider_that_does_not_answer_the_question_is_asked_for_a_day_and_then_a_person(
    world: World,
) -> None:
    engine = await queued(world)
    provider = Provider(fails=lambda _: Unavailable("no answer"), unable=Unavailable("nor now"))
    await dispatch_due(engine, everywhere(provider))

    for _ in range(3):
        assert await later(world, engine, provider, hours=7) == Reconciled()
    assert await later(world, engine, provider, hours=7) == Reconciled(handed_over=1)
    assert await later(world, engine, provider, hours=7) == Reconciled()

    assert (states(world), len(provider.calls)) == (["unknown"], 1)
    assert world.count("follow_up", "kind = 'review'") == 1


async def test_whoever_looks_at_once_for_one_unknown_message_hands_it_over_once(world: World) -> None:
    engine = await queued(world)
    provider = Provider(fails=lambda _: Unavailable("no answer"), unable=CannotSay("it has no search"))
    await dispatch_due(engine, everywhere(provider))
    world.clock.advance(timedelta(minutes=5))

    await asyncio.gather(*(reconcile(engine, over(provider)) for _ in range(3)))

    assert world.count("follow_up", "kind = 'review'") == 1
    assert world.count("activity_log", "action = 'message.unknown'") == 1


async def test_a_provider_that_never_answers_is_waited_for_no_longer_than_the_timeout(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "SEND_TIMEOUT", 0.05)
    engine, provider = await queued(world, "k1", "k2"), Provider(first=lambda _: asyncio.sleep(3600))

    assert await dispatch_due(engine, everywhere(provider)) == Dispatched(unknown=2)


async def test_one_slow_message_keeps_no_other_from_being_settled(world: World) -> None:
    engine = await queued(world, *(f"k{n}" for n in range(4)))
    others_are_settled = asyncio.Event()

    async def slow(message: Outbound) -> None:
        if message.to == "billing@k0.example":
            await others_are_settled.wait()

    dispatching = asyncio.create_task(dispatch_due(engine, everywhere(Provider(first=slow))))
    async with asyncio.timeout(30):
        while states(world) != ["sending", "sent", "sent", "sent"]:  # noqa: ASYNC110 - the database has no event
            await asyncio.sleep(0.02)
    others_are_settled.set()

    assert await dispatching == Dispatched(sent=4)


async def test_what_the_provider_did_not_take_comes_back_later_and_later_and_ends_as_a_dead_letter(
    world: World,
) -> None:
    engine = await queued(world)
    provider = Provider(loses=lambda _: True, fails=lambda _: NotTaken("busy", timedelta(seconds=7)))
    waits = []
    for _ in range(call.ATTEMPTS - 1):
        assert await dispatch_due(engine, everywhere(provider)) == Dispatched(not_taken=1)
        waits.append(world.sql("SELECT not_before FROM outbox")[0] - world.clock.now())
        world.clock.advance(timedelta(seconds=1))
        assert await dispatch_due(engine, everywhere(provider)) == Dispatched()  # not yet
        world.clock.advance(waits[-1])

    assert await dispatch_due(engine, everywhere(provider)) == Dispatched(failed=1)

    assert min(waits) >= timedelta(seconds=7)  # as the provider asked
    assert (
        timedelta(seconds=160) <= waits[-1] <= timedelta(seconds=320)
    )  # 5 s doubled six times, or half of it
    assert world.sql("SELECT state, reason FROM outbox") == [("failed", "not taken in 8 attempts: busy")]
    assert len(provider.calls) == call.ATTEMPTS
    assert await world.chain_holds()


async def test_a_rejected_message_is_a_dead_letter_that_a_person_may_send_again(world: World) -> None:
    world.user(COLLECTOR)
    engine = await queued(world)
    provider = Provider(loses=lambda _: True, fails=lambda _: Rejected("21211", "not a valid number"))
    assert await dispatch_due(engine, everywhere(provider)) == Dispatched(failed=1)
    (dead,) = world.sql(
        "SELECT id FROM outbox WHERE state = 'failed' AND reason = '21211: not a valid number'"
    )
    provider.loses, provider.fails = lambda _: False, lambda _: None
    assert await dispatch_due(engine, everywhere(provider)) == Dispatched()

    with pytest.raises(Forbidden):
        await retry(engine, dead, VIEWER)
    with pytest.raises(Conflict, match="is known"):
        await confirm(engine, dead, COLLECTOR)
    await retry(engine, dead, COLLECTOR)
    with pytest.raises(Conflict):
        await retry(engine, dead, COLLECTOR)

    assert await dispatch_due(engine, everywhere(provider)) == Dispatched(sent=1)
    assert "message.retried" in world.sql("SELECT action FROM activity_log WHERE actor = 'carla'")
    assert await world.chain_holds()


async def test_a_dead_letter_that_no_longer_may_leave_is_withdrawn_when_it_is_sent_again(
    world: World,
) -> None:
    engine = await queued(world)
    provider = Provider(loses=lambda _: True, fails=lambda _: Rejected("21211", "not a valid number"))
    await dispatch_due(engine, everywhere(provider))
    world.opted_out()

    await retry(engine, world.sql("SELECT id FROM outbox")[0], MANAGER)

    assert await dispatch_due(engine, everywhere(provider)) == Dispatched(withdrawn=1)
    assert len(provider.calls) == 1


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_person_who_looked_at_the_provider_settles_what_it_cannot_say(
    world: World, arrived: bool
) -> None:
    engine = await queued(world)
    provider = Provider(fails=lambda _: Unavailable("no answer"), unable=CannotSay("it has no search"))
    await dispatch_due(engine, everywhere(provider))
    (unknown,) = world.sql("SELECT id FROM outbox")
    with pytest.raises(Conflict, match="still being asked"):
        await confirm(engine, unknown, MANAGER)
    await later(world, engine, provider, minutes=5)

    with pytest.raises(Conflict, match="look at the provider first"):
        await retry(engine, unknown, MANAGER)
    if arrived:
        await confirm(engine, unknown, MANAGER)
    else:
        await retry(engine, unknown, MANAGER, never_arrived=True)
    with pytest.raises(NotFound):
        await retry(engine, 99, MANAGER)

    assert states(world) == (["sent"] if arrived else ["queued"])
    assert await world.chain_holds()


async def test_an_answer_that_comes_after_the_claim_was_given_up_still_counts(world: World) -> None:
    """A process that slept through its claim finds the row queued again: the message left, so it does not leave again."""
    engine = await queued(world)
    nobody_has_it = Provider()

    async def sleep(_: Outbound) -> None:
        for _attempt in range(2):  # given up and, as nothing is found yet, queued again
            await later(world, engine, nobody_has_it, minutes=3)
        assert states(world) == ["queued"]

    sleepy = Provider(first=sleep)
    assert await dispatch_due(engine, everywhere(sleepy)) == Dispatched(sent=1)

    assert await dispatch_due(engine, everywhere(sleepy)) == Dispatched()
    assert (states(world), len(sleepy.taken)) == (["sent"], 1)


async def test_a_process_that_sleeps_between_its_claim_and_its_call_does_not_call(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.sender.dispatch.BEGINS_WITHIN", timedelta(seconds=-1))
    engine, provider = await queued(world), Provider()

    await dispatch_due(engine, everywhere(provider), limit=1)

    assert (states(world), provider.calls) == (["queued"], [])


async def test_a_message_that_cannot_be_judged_never_leaves_and_holds_up_no_other(world: World) -> None:
    engine = await queued(world, "k1", "k2")
    world.sql(
        """UPDATE outbox SET action = '{"tool": "generate_dunning_message"}' WHERE customer_id = 'k1'"""
    )

    assert await dispatch_due(engine, everywhere(Provider())) == Dispatched(sent=1, failed=1)

    assert world.sql("SELECT state FROM outbox ORDER BY customer_id") == ["failed", "sent"]
    assert await world.chain_holds()


async def test_what_now_needs_a_person_reaches_one_although_the_sender_died_after_it_withdrew_it(
    world: World,
) -> None:
    engine = await queued(world)
    world.sql("UPDATE customer SET segment = 'draft'")
    claimed = await call_claim(engine, Provider())
    assert (claimed, states(world), world.count("follow_up")) == (1, ["withdrawn"], 0)

    assert await reconcile(engine, over(Provider())) == Reconciled(handed_over=1)
    assert await reconcile(engine, over(Provider())) == Reconciled()

    assert world.count("episode") == 2


async def call_claim(engine: Engine, provider: Provider) -> int:
    from server.sender.claim import claim

    return (await claim(engine, provider, "email", limit=1)).withdrawn


def test_the_wait_grows_and_is_never_the_same_for_all() -> None:
    waits = {call.backoff(1) for _ in range(20)}
    assert len(waits) > 1
    assert all(timedelta(seconds=2.5) <= wait <= timedelta(seconds=5) for wait in waits)
    assert NOW + call.backoff(call.ATTEMPTS) > NOW + timedelta(minutes=5)
