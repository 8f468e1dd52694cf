"""A wish to be left alone is heeded wherever it stands and whoever first understood it; the way back is for who stopped."""

from typing import Any

from server.inbound import Kept, Stored, accept
from tests.world import World, message, proposing
from tools.memory.arrival import Arrival

STOPPED = "reason = 'opt_out' AND lifted_at IS NULL"


async def says(world: World, **given: Any) -> Stored | Kept:
    channel = given.setdefault("channel", "sms")
    [address] = world.sql("SELECT min(address) FROM contact WHERE channel = %s", channel)
    number = f"in-{world.count('message')}-{world.count('unmatched_message')}"
    whole = {"address": address, "body": "", "at": world.clock.now(), "provider_id": number} | given
    return await accept(world.pool, Arrival(**whole))


async def test_a_word_of_the_carriers_own_stops_and_starts(world: World) -> None:
    """Advanced Opt-Out lets a company choose the words: only the carrier knows them."""
    world.customer()
    await says(world, body="NOMORE", carrier="STOP", carrier_answered=True)
    assert world.count("suppression", STOPPED) == 1
    assert world.sql("SELECT change || ' ' || source FROM consent_event") == ["opt_out carrier"]
    await says(world, body="BACKIN", carrier="START", carrier_answered=True)
    assert world.count("suppression", STOPPED) == 0


async def test_stop_as_the_subject_of_an_empty_mail_stops(world: World) -> None:
    world.customer()
    await says(world, channel="email", subject="Unsubscribe", body="Unsubscribe")
    assert world.count("suppression", STOPPED) == 1


async def test_a_subject_of_ours_that_comes_back_is_nobodys_wish(world: World) -> None:
    world.customer()
    await says(world, channel="email", subject="Re: stop emailing you? Tell us", body="Which invoice is it?")
    assert world.count("suppression", STOPPED) == 0


async def test_another_number_does_not_undo_a_stop(world: World) -> None:
    world.customer()
    [first] = world.sql("SELECT address FROM contact WHERE channel = 'sms'")
    await says(world, body="STOP")
    world.sql(
        """INSERT INTO contact (id, customer_id, channel, address, consent)
           VALUES ('second', 'cust-1', 'sms', '+13125550177', 'granted')"""
    )
    await says(world, body="START", address="+13125550177")
    assert world.count("suppression", STOPPED) == 1
    await says(world, body="START", address=first)
    assert world.count("suppression", STOPPED) == 0


async def test_a_persons_words_in_a_help_desks_mail_are_heeded_and_shown_to_a_person(world: World) -> None:
    world.customer()
    kept = await says(
        world, channel="email", subject="Ticket 7", body="Please stop emailing us.", automatic="auto_reply"
    )
    assert isinstance(kept, Kept)
    assert kept.why == "automatic"
    assert world.count("suppression", STOPPED) == 1


async def test_a_stop_at_our_signed_address_counts_from_any_mailbox(world: World) -> None:
    world.customer()
    [outbox_id] = await _sent(world)
    kept = await says(
        world,
        channel="email",
        address="alias@elsewhere.example",
        body="STOP",
        answers=outbox_id,
        vouched_for=True,
    )
    assert isinstance(kept, Kept)
    assert world.count("suppression", STOPPED) == 1


async def _sent(world: World) -> list[int]:
    asked = await world.hears("How much do I owe?", channel="email")
    await world.engine(proposing(message(channel="email"))).run(asked)
    return world.sql("SELECT id FROM outbox")
