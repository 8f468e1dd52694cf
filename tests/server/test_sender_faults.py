"""Clocks that are set, machines that sleep and providers that answer oddly: nothing leaves twice, is lost or waits for ever."""

import asyncio
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from typing_extensions import override

from server.sender import Dispatched, Lane, Reconciled, call, dispatch, dispatch_due, reconcile, run_sender
from server.sender.claim import Claimed, claim
from server.sender.lanes import REST, lanes
from tests.server.providers import Provider
from tests.server.test_fates import later, over, queued, states
from tests.server.test_run_sender import _until
from tests.world import NOW, World
from tools.channels.base import CannotSay, Channel, NotTaken, Outbound, Receipt, everywhere
from tools.errors import Unavailable

HOUR = timedelta(hours=1)
_RECONCILE = import_module("server.sender.reconcile")  # the package gives its function that name


async def test_not_found_right_after_the_clock_was_put_forward_does_not_mean_never(world: World) -> None:
    """The provider needs two minutes, and by the clock they are over at once: whoever believed it would send twice."""
    engine = await queued(world)
    provider = Provider(loses=lambda _: True, fails=lambda _: Unavailable("no answer"))
    assert await dispatch_due(engine, everywhere(provider)) == Dispatched(unknown=1)

    assert await later(world, engine, provider, hours=1) == Reconciled()
    assert states(world) == ["unknown"]
    provider.taken += provider.calls  # only now it has it
    assert await later(world, engine, provider, minutes=2) == Reconciled(found=1)

    assert (states(world), len(provider.calls)) == (["sent"], 1)


async def test_what_the_provider_never_had_is_sent_again_although_the_clock_was_put_forward(
    world: World,
) -> None:
    engine = await queued(world)
    provider = Provider(loses=lambda _: True, fails=lambda _: Unavailable("no answer"))
    await dispatch_due(engine, everywhere(provider))
    await later(world, engine, provider, hours=1)
    provider.loses, provider.fails = lambda _: False, lambda _: None

    assert await later(world, engine, provider, minutes=3) == Reconciled(queued=1)
    assert await dispatch_due(engine, everywhere(provider)) == Dispatched(sent=1)


async def test_clocks_that_never_agree_end_with_a_person(world: World) -> None:
    engine = await queued(world)
    provider = Provider(loses=lambda _: True, fails=lambda _: Unavailable("no answer"))
    await dispatch_due(engine, everywhere(provider))

    looks = [await later(world, engine, provider, hours=7) for _ in range(4)]

    assert looks == [Reconciled()] * 3 + [Reconciled(handed_over=1)]
    assert world.count("follow_up", "kind = 'review'") == 1


class ByWords(Provider):
    """One that knows no keys of ours: it is asked for the words, and all its messages have the same."""

    @override
    async def find(self, message: Outbound) -> Receipt | None:
        held = [f"sm-{taken.key}" for taken in self.taken]
        return next((Receipt(sid) for sid in held if sid not in message.others), None)


async def test_another_message_to_the_same_address_is_not_taken_for_a_lost_one(world: World) -> None:
    """The chaos harness found two replies in the same words: one left, and the lost one was called sent."""
    engine = await queued(world, "k0", "k1")
    lost: set[str] = set()

    def first_is_lost(message: Outbound) -> bool:
        lost.update({message.key} if not lost else ())
        return message.key in lost

    provider = ByWords(
        loses=first_is_lost, fails=lambda m: Unavailable("no answer") if m.key in lost else None
    )
    await dispatch_due(engine, everywhere(provider))
    assert states(world) == ["sent", "unknown"]
    world.sql("UPDATE contact SET address = 'office@buyer.example' WHERE channel = 'email'")

    assert await later(world, engine, provider, minutes=2) == Reconciled(queued=1)


@pytest.mark.parametrize("dead", [True, False], ids=["claimed", "unknown"])
async def test_a_clock_that_is_set_back_strands_no_claim_and_no_unknown_fate(
    world: World, dead: bool
) -> None:
    engine = await queued(world)
    provider = Provider(loses=lambda _: True, fails=lambda _: Unavailable("no answer"))
    if dead:
        await claim(engine, provider, "email", limit=1)
    else:
        await dispatch_due(engine, everywhere(provider))
    world.clock.advance(-HOUR)

    assert await reconcile(engine, over(provider)) == Reconciled(lost=int(dead))
    assert states(world) == ["unknown"]
    assert await later(world, engine, provider, minutes=2) == Reconciled(queued=1)


async def test_a_breaker_that_a_clock_of_the_future_opened_lets_one_message_try(world: World) -> None:
    engine = await queued(world, *(f"k{n}" for n in range(8)))
    world.clock.advance(HOUR)
    provider = Provider(loses=lambda _: True, fails=lambda _: NotTaken("refused"))
    await dispatch_due(engine, everywhere(provider))
    world.clock.advance(-HOUR)
    async with world.pool.connection() as conn:
        [lane] = await lanes(conn, channel="email")

    assert lane.state(world.clock.now()) == "half-open"
    assert Lane("sms", open_until=NOW + REST).state(NOW) == "open"


async def test_a_machine_that_slept_between_claim_and_call_does_not_call(world: World) -> None:
    """Its own stopwatch slept as well; the clock did not."""
    engine, provider = await queued(world), Provider()
    [departure] = (await claim(engine, provider, "email", limit=1)).departures
    world.clock.advance(timedelta(minutes=5))

    late = asyncio.get_running_loop().time() + 60
    fate = await call.call(provider, departure, deadline=late, clock=world.clock)

    assert (fate.move.state, fate.answered, provider.calls) == ("queued", None, [])


async def test_the_time_that_a_provider_needs_begins_after_the_call_and_not_before(world: World) -> None:
    engine = await queued(world)

    async def slowly(_: Outbound) -> None:
        world.clock.advance(timedelta(seconds=9))

    provider = Provider(
        first=slowly,
        loses=lambda _: True,
        fails=lambda _: Unavailable("no answer"),
        settling=timedelta(seconds=5),
    )
    await dispatch_due(engine, everywhere(provider))

    assert world.sql("SELECT check_at FROM outbox") == [world.clock.now() + timedelta(seconds=5)]


@pytest.mark.parametrize("wish", [timedelta(days=365), timedelta.max], ids=["a year", "for ever"])
async def test_a_provider_may_put_a_message_off_by_a_day_at_most(world: World, wish: timedelta) -> None:
    engine = await queued(world)
    provider = Provider(loses=lambda _: True, fails=lambda _: NotTaken("busy", wish))

    assert await dispatch_due(engine, everywhere(provider)) == Dispatched(not_taken=1)

    assert world.sql("SELECT not_before FROM outbox") == [world.clock.now() + timedelta(days=1)]


class _Odd(Provider):
    """Gives one message an id that no database holds, and cannot be asked."""

    @override
    async def send(self, message: Outbound) -> Receipt:
        receipt = await super().send(message)
        return Receipt("a\x00b") if message.to == "billing@k0.example" else receipt


async def test_an_id_that_the_database_cannot_hold_is_stored_as_well_as_it_can(world: World) -> None:
    engine = await queued(world, *(f"k{n}" for n in range(4)))

    assert await dispatch_due(engine, everywhere(_Odd())) == Dispatched(sent=4)

    assert world.sql("SELECT provider_id FROM outbox WHERE customer_id = 'k0'") == ["a\ufffdb"]


async def test_a_row_that_cannot_be_settled_takes_no_other_with_it(world: World) -> None:
    """They happen to be settled together, by a provider that cannot be asked: each of them would need a person."""
    engine = await queued(world, *(f"k{n}" for n in range(4)))
    world.sql(
        "ALTER TABLE outbox ADD CONSTRAINT odd CHECK (customer_id <> 'k1' OR state <> 'sent') NOT VALID"
    )

    await dispatch_due(engine, everywhere(Provider(unable=CannotSay("it has no search"))))

    assert world.sql("SELECT state FROM outbox ORDER BY customer_id") == ["sent", "sending", "sent", "sent"]
    assert await world.chain_holds()


async def test_an_answer_that_comes_after_the_row_was_withdrawn_still_counts(world: World) -> None:
    engine = await queued(world)

    async def sleep(_: Outbound) -> None:
        for _attempt in range(2):
            await later(world, engine, Provider(), minutes=3)
        world.paid()
        await dispatch_due(engine, everywhere(Provider()))
        assert states(world) == ["withdrawn"]

    provider = Provider(first=sleep)
    await dispatch_due(engine, everywhere(provider))

    assert (states(world), len(provider.taken)) == (["sent"], 1)
    assert await world.chain_holds()


async def test_a_message_whose_customer_somebody_holds_for_a_moment_leaves_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A webhook is about to commit while the sender looks, and nobody would look again before the next round."""
    engine, passed_over = await queued(world), []

    async def look(*given: Any, **named: Any) -> Claimed:
        found = await claim(*given, **named)
        if found.held:
            passed_over.append(found)
            world.sql("COMMIT")
        return found

    monkeypatch.setattr(dispatch, "claim", look)
    world.sql("BEGIN")
    world.sql("SELECT id FROM customer FOR UPDATE")

    assert await dispatch_due(engine, everywhere(Provider())) == Dispatched(sent=1)
    assert passed_over == [Claimed(held=True)]


async def test_what_opened_an_episode_and_cannot_be_read_holds_up_no_other(world: World) -> None:
    engine = await queued(world, "k1", "k2")
    world.sql("UPDATE episode SET trigger = '{}' WHERE customer_id = 'k1'")

    assert await dispatch_due(engine, everywhere(Provider())) == Dispatched(sent=1, failed=1)

    assert world.sql("SELECT state FROM outbox ORDER BY customer_id") == ["failed", "sent"]


async def test_a_provider_that_stumbles_over_a_question_keeps_nobody_from_sending(world: World) -> None:
    engine, stop = await queued(world), asyncio.Event()
    broken = Provider(fails=lambda _: Unavailable("no answer"), unable=ValueError("not JSON"))
    await dispatch_due(engine, everywhere(broken))
    world.clock.advance(timedelta(minutes=3))
    broken.fails = lambda _: None

    sending = asyncio.create_task(run_sender(engine, over(broken), stop))
    await _until(lambda: world.sql("SELECT reason FROM outbox") == ["the provider does not answer"])
    await queued(world, "k2")
    await _until(lambda: states(world) == ["sent", "unknown"])
    stop.set()
    await sending


async def test_a_provider_that_answers_no_question_keeps_nobody_waiting_for_each(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await queued(world, *(f"k{n}" for n in range(6)))
    provider = _Mute(fails=lambda _: Unavailable("no answer"))
    await dispatch_due(engine, everywhere(provider))
    monkeypatch.setattr(_RECONCILE, "SEND_TIMEOUT", 0.05)

    await later(world, engine, provider, minutes=3)

    assert provider.asked == 3
    assert world.sql("SELECT DISTINCT state, check_at FROM outbox") == [
        ("unknown", world.clock.now() + timedelta(minutes=1))
    ]


class _Mute(Provider):
    asked = 0

    @override
    async def find(self, message: Outbound) -> Receipt | None:
        self.asked += 1
        await asyncio.sleep(3600)
        return None


async def test_a_channel_that_nobody_serves_blocks_no_other_and_ends_with_a_person(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_RECONCILE, "_BATCH", 1)
    engine = await queued(world, "k1", "k2")
    provider = Provider(fails=lambda _: Unavailable("no answer"))
    await dispatch_due(engine, everywhere(provider))
    world.sql("UPDATE outbox SET channel = 'sms' WHERE customer_id = 'k1'")
    world.clock.advance(timedelta(minutes=3))
    only_email: dict[str, Channel] = {"email": provider}

    assert await reconcile(engine, only_email) == Reconciled(found=1)  # type: ignore[arg-type]  # a literal is a string
    world.clock.advance(timedelta(days=1))
    assert await reconcile(engine, only_email) == Reconciled(handed_over=1)  # type: ignore[arg-type]  # as above

    assert world.sql("SELECT state FROM outbox ORDER BY customer_id") == ["unknown", "sent"]
