"""The sender: what was right when it was queued is judged again when it leaves, and leaves once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typing_extensions import override

from agent.approvals import decide
from agent.engine.run import Engine
from agent.policy.document import parse_policy
from agent.signals import detect
from server.sender import Dispatched, dispatch_due
from tests.world import MANAGER, World, message, policy, proposing, record, reminder
from tools.channels.base import Channel, Outbound, Receipt, everywhere
from tools.errors import Unavailable

NIGHT = datetime(2026, 3, 11, 7, 0, tzinfo=UTC)  # two in the morning in Chicago
MORNING = datetime(2026, 3, 11, 13, 0, tzinfo=UTC)  # eight there


@dataclass(slots=True)
class Provider(Channel):
    """Takes what it is given and remembers it; `fails` makes a call end in that error, after or before it was taken."""

    fails: Exception | None = None
    taken: list[Outbound] = field(default_factory=list)

    @override
    async def send(self, message: Outbound) -> Receipt:
        self.taken.append(message)
        await asyncio.sleep(0)  # others get their turn while a provider thinks
        if self.fails is not None:
            raise self.fails
        return Receipt(f"sm-{message.key}")


async def _queued(world: World, customer: str = "cust-1") -> Engine:
    """An engine that has queued one reminder for that customer."""
    invoice = "inv-1" if customer == "cust-1" else f"inv-{customer}"
    engine = world.engine(proposing(reminder([invoice])))
    await engine.run(world.step(customer=customer, invoice=invoice))
    return engine


async def test_what_is_due_leaves_once_and_is_logged(world: World) -> None:
    world.customer()
    engine, provider = await _queued(world), Provider()

    assert await dispatch_due(engine, everywhere(provider)) == Dispatched(sent=1)
    assert await dispatch_due(engine, everywhere(provider)) == Dispatched()

    (left,) = provider.taken
    assert (left.channel, left.to, left.key) == (
        "email",
        "billing@cust-1.example",
        str(world.sql("SELECT id FROM outbox")[0]),
    )
    assert world.sql("SELECT state, provider_id FROM outbox") == [("sent", f"sm-{left.key}")]
    assert left.body == world.sql("SELECT body FROM message WHERE direction = 'out'")[0]
    assert world.sql("SELECT action FROM activity_log ORDER BY seq")[-1] == "message.sent"
    assert await world.chain_holds()


MOVES: dict[str, Callable[[World], object]] = {
    "paid": lambda world: world.paid(),
    "opted out": lambda world: world.opted_out(),
    "disputed": lambda world: world.disputed(),
    "archived": lambda world: world.sql("UPDATE customer SET status = 'archived'"),
    "held by the ledger": lambda world: world.sql("UPDATE customer SET hold_reason = 'insolvency'"),
    "not to be contacted": lambda world: world.sql("UPDATE customer SET do_not_contact = true"),
    "in observation": lambda world: world.sql("UPDATE customer SET segment = 'observe'"),
    "in draft mode": lambda world: world.sql("UPDATE customer SET segment = 'draft'"),
    "above the limit": lambda world: world.invoice("inv-2", minor=900_000),
    "stale": lambda world: world.sql("UPDATE customer SET ext_fetched_at = '2026-01-01'"),
    "no longer verified": lambda world: world.sql("UPDATE contact SET verified_at = NULL"),
}  # fmt: skip


@pytest.mark.parametrize("move", MOVES)
async def test_what_moved_between_queue_and_departure_is_withdrawn_with_its_reason(
    world: World, move: str
) -> None:
    world.customer()
    engine, provider = await _queued(world), Provider()
    MOVES[move](world)

    assert await dispatch_due(engine, everywhere(provider)) == Dispatched(withdrawn=1)

    assert provider.taken == []
    ((state, reason),) = world.sql("SELECT state, reason FROM outbox")
    assert state == "withdrawn"
    assert len(reason) > 10
    # Where it needs a person now, one more episode follows that puts the customer on a person's list.
    assert "message.withdrawn" in world.sql("SELECT action FROM activity_log ORDER BY seq")
    assert await dispatch_due(engine, everywhere(provider)) == Dispatched()
    assert await world.chain_holds()


async def test_the_answer_to_one_message_outlives_a_hold_that_the_next_brings_if_it_still_may_leave(
    world: World,
) -> None:
    """Taken back with our own reminders, the one acknowledgement was lost: the next message may have no other."""
    world.customer()
    provider = Provider()
    acknowledged = message("dispute_ack", purpose="acknowledgement")
    asked = await world.hears("The boiler still leaks, I dispute the invoice.")
    owes = await world.hears("How much do I owe?", channel="email")
    await world.engine(proposing(reminder())).run(world.step())
    await world.engine(proposing(acknowledged)).run(asked)
    await world.engine(proposing(message(channel="email"))).run(owes)
    engine = world.engine(proposing())
    await engine.run(await world.hears("This is ridiculous."))

    await dispatch_due(engine, everywhere(provider))

    assert [left.channel for left in provider.taken] == ["sms"]
    assert "We will look" in provider.taken[0].body or "look into it" in provider.taken[0].body


# Words of the customer in which code finds nothing, the stop that the model records, and its answer.
HEARD: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "an opt-out": (
        "The bell has rung for the last time.",
        record("opt_out", scope="this_channel", quote="The bell has rung for the last time."),
        message("opt_out_confirmation", purpose="opt_out_confirmation"),
    ),
    "an opt-out of the other channel": (
        "The letters box upstairs has overflowed.",
        record("opt_out", scope="email", quote="The letters box upstairs"),
        message("opt_out_elsewhere", purpose="opt_out_confirmation"),
    ),
    "a hardship": (
        "It has been a long winter here.",
        record("hardship", quote="a long winter"),
        message("hardship_ack", purpose="acknowledgement"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("heard", HEARD)
async def test_the_answer_to_a_stop_that_the_model_alone_noticed_leaves(world: World, heard: str) -> None:
    """It was staged on what its own episode recorded; who judges it again sees the same."""
    words, stop, answer = HEARD[heard]
    assert detect(words, "sms") == ()
    world.customer()
    provider = Provider()
    engine = world.engine(proposing(stop, answer))
    await engine.run(await world.hears(words))
    assert await dispatch_due(engine, everywhere(provider)) == Dispatched(sent=1)
    assert [left.channel for left in provider.taken] == ["sms"]
    assert await world.chain_holds()


async def test_what_the_model_recorded_stops_its_own_other_messages_at_departure_too(world: World) -> None:
    """The record came after the answer was staged: that answer is none to a stop, and stays."""
    world.customer()
    provider = Provider()
    words, stop, _ = HEARD["an opt-out of the other channel"]
    engine = world.engine(proposing(message(), stop))
    await engine.run(await world.hears(words))
    await dispatch_due(engine, everywhere(provider))
    assert provider.taken == []


async def test_the_confirmation_of_an_opt_out_does_not_leave_for_the_stop_of_another_episode(
    world: World,
) -> None:
    """What an episode recorded speaks for its own message alone."""
    world.customer()
    provider = Provider()
    words, stop, _ = HEARD["an opt-out"]
    owes = await world.hears("How much do I owe?")
    await world.engine(proposing(message())).run(owes)
    engine = world.engine(proposing(stop))
    await engine.run(await world.hears(words))
    await dispatch_due(engine, everywhere(provider))
    assert provider.taken == []


APPROVER_MOVES: dict[str, Callable[[World], object]] = {
    "a lower limit": lambda world: world.sql("UPDATE app_user SET limit_minor = 1"),
    "a lower role": lambda world: world.sql("UPDATE app_user SET role = 'viewer'"),
    "gone": lambda world: world.sql("DELETE FROM app_user"),
    "a balance that changed": lambda world: world.sql("UPDATE invoice SET total_minor = 90000, balance_minor = 90000"),
}  # fmt: skip


@pytest.mark.parametrize("move", [*APPROVER_MOVES, None])
async def test_what_a_person_approved_leaves_on_their_word_as_long_as_it_holds(
    world: World, move: str | None
) -> None:
    world.customer(segment="draft")
    world.user(MANAGER)
    engine, (waiting,) = await world.asked(message(channel="sms"))
    await decide.decide(engine, waiting, await world.decision(waiting), MANAGER)
    if move is not None:
        APPROVER_MOVES[move](world)

    dispatched = await dispatch_due(engine, everywhere(Provider()))

    assert dispatched == (Dispatched(sent=1) if move is None else Dispatched(withdrawn=1))


@pytest.mark.parametrize("change", ["channel", "invoices", "words"])
async def test_what_a_person_edited_leaves_as_they_wrote_it(world: World, change: str) -> None:
    world.customer()
    world.invoice("inv-2", minor=200_000)
    world.user(MANAGER)
    engine = world.engine(proposing(reminder(["inv-1", "inv-2"])))
    (waiting,) = (await engine.run(world.step())).approvals
    sms = {"channel": "sms"}
    edited = {
        "channel": reminder(["inv-1", "inv-2"], **sms), "invoices": reminder(["inv-1"]),
        "words": reminder(["inv-1", "inv-2"], template=None, body="Hello {{customer.first_name}}, {{balance}} is due."),
    }[change]["args"]  # fmt: skip
    decision = await world.decision(waiting, "edit", edited_args=edited)
    decided = await decide.decide(engine, waiting, decision, MANAGER)
    if decided.asked_again:
        second = world.user(MANAGER.__class__("milo", "manager", 10_000_000))
        (again,) = decided.asked_again
        await decide.decide(engine, again, await world.decision(again), second)
    provider = Provider()

    dispatched = await dispatch_due(engine, everywhere(provider))

    assert dispatched == Dispatched(sent=1), world.sql("SELECT state, reason FROM outbox")
    assert provider.taken[0].channel == edited["channel"]


async def test_an_edit_that_needs_nobody_else_leaves_on_another_channel(world: World) -> None:
    """What the editor decided on are the facts of the edit, not those of what was asked."""
    world.customer()
    world.user(MANAGER)
    engine = world.engine(proposing(reminder(template=None, body="Hello, {{balance}} is due.")))
    (waiting,) = (await engine.run(world.step())).approvals
    edit = await world.decision(waiting, "edit", edited_args=reminder(channel="sms")["args"])
    assert (await decide.decide(engine, waiting, edit, MANAGER)).took_effect

    assert await dispatch_due(engine, everywhere(Provider())) == Dispatched(sent=1), world.sql(
        "SELECT reason FROM outbox"
    )


async def test_quiet_hours_put_a_message_off_and_it_leaves_in_the_morning(world: World) -> None:
    world.customer()
    world.clock.advance(NIGHT - world.clock.now())
    engine, provider = await _queued(world), Provider()

    assert await dispatch_due(engine, everywhere(provider)) == Dispatched()
    assert world.sql("SELECT not_before FROM outbox") == [MORNING]
    world.clock.advance(MORNING - NIGHT)
    assert await dispatch_due(engine, everywhere(provider)) == Dispatched(sent=1)


async def test_a_message_that_missed_its_hours_is_put_off_to_the_next_ones(world: World) -> None:
    world.customer()
    engine, provider = await _queued(world), Provider()
    world.clock.advance(NIGHT - world.clock.now())  # nobody sent it all day

    assert await dispatch_due(engine, everywhere(provider)) == Dispatched(deferred=1)
    assert world.sql("SELECT state, not_before FROM outbox") == [("queued", MORNING)]
    assert provider.taken == []
    world.clock.advance(MORNING - NIGHT)
    assert await dispatch_due(engine, everywhere(provider)) == Dispatched(sent=1)
    assert "7 days" in provider.taken[0].body or "2026" in provider.taken[0].body


async def test_who_writes_at_night_is_answered_at_night_and_on_the_same_channel(world: World) -> None:
    world.customer()
    world.clock.advance(NIGHT - world.clock.now())
    engine, provider = world.engine(proposing(message())), Provider()
    await engine.run(await world.hears())

    assert await dispatch_due(engine, everywhere(provider)) == Dispatched(sent=1)


@pytest.mark.parametrize("failure", [Unavailable("timeout"), RuntimeError("a defect in the channel")])
async def test_a_message_whose_fate_is_unknown_is_never_sent_again(world: World, failure: Exception) -> None:
    """The provider may have taken it before the line broke: somebody asks, nobody sends it twice."""
    world.customer()
    world.customer("cust-2")
    engine, provider = await _queued(world), Provider(failure)
    await _queued(world, "cust-2")

    dispatched = await dispatch_due(engine, everywhere(provider))
    provider.fails = None
    world.clock.advance(timedelta(minutes=10))
    for _ in range(3):
        await dispatch_due(engine, everywhere(provider))

    assert len(provider.taken) == len({sent.key for sent in provider.taken}) == 2
    assert dispatched == Dispatched(unknown=2)
    # This provider cannot be asked, so somebody is: a task for each, and the messages wait for a person's word.
    assert world.sql("SELECT DISTINCT state, check_at FROM outbox") == [("unknown", None)]
    assert world.count("follow_up", "kind = 'review'") == 2
    assert await world.chain_holds()


async def test_several_senders_at_once_send_each_message_once(world: World) -> None:
    customers = [f"k{n}" for n in range(12)]
    for customer in customers:
        world.customer(customer)
    engine = [await _queued(world, customer) for customer in customers].pop()
    provider = Provider()

    totals = await asyncio.gather(*(dispatch_due(engine, everywhere(provider)) for _ in range(3)))
    while (rest := await dispatch_due(engine, everywhere(provider))) != Dispatched():
        totals.append(rest)

    assert sorted(sent.to for sent in provider.taken) == sorted(f"billing@{c}.example" for c in customers)
    assert sum(total.sent for total in totals) == 12
    assert world.sql("SELECT DISTINCT state, attempts FROM outbox") == [("sent", 1)]


async def test_an_opt_out_that_commits_while_the_sender_looks_is_never_overtaken(world: World) -> None:
    """Whoever comes first wins: after the opt-out nothing leaves, and what left had left before it."""
    world.customer()
    engine, provider = await _queued(world), Provider()
    stop = await world.hears("STOP")
    silent = world.engine(proposing())

    await asyncio.gather(silent.run(stop), dispatch_due(engine, everywhere(provider)))
    await dispatch_due(engine, everywhere(provider))

    reminders = world.sql("SELECT state FROM outbox WHERE reply_to IS NULL")
    assert reminders in (["sent"], ["withdrawn"])
    assert len(provider.taken) == (reminders == ["sent"])


async def test_a_policy_that_changed_since_is_the_one_that_counts(world: World) -> None:
    world.customer()
    await _queued(world)
    strict = policy().text.replace('balance = "2500.00"', 'balance = "500.00"')
    engine = world.engine(proposing(), policy=parse_policy(strict))

    assert await dispatch_due(engine, everywhere(Provider())) == Dispatched(withdrawn=1)
