"""A wish to be left alone is heeded wherever it stands and whoever first understood it; the way back is for who stopped."""

from typing import Any

import pytest

from server.inbound import Kept, Stored, accept
from tests.world import World, message, proposing, reminder
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


@pytest.mark.parametrize(
    ("channel", "body", "closed"),
    [
        ("email", "Not by text, e-mail is fine.", "sms"),
        ("sms", "text me, don't email", "email"),
        ("email", "por correo sí, por mensaje no", "sms"),
        ("email", "Stop emailing me.", "email"),
        ("sms", "STOP", "sms"),
        ("email", "Stop texting and emailing me.", None),
    ],
)
async def test_what_is_closed_at_the_door_is_the_channel_that_the_words_name(
    world: World, channel: str, body: str, closed: str | None
) -> None:
    """At once, before anybody thinks: and the reminder that waits on the other channel stays."""
    world.customer()
    await world.engine(proposing(reminder())).run(world.step())
    await says(world, channel=channel, body=body)
    assert world.sql("SELECT channel FROM suppression WHERE " + STOPPED) == [closed]
    waiting = "queued" if closed == "sms" else "withdrawn"
    assert world.sql("SELECT state FROM outbox") == [waiting]


async def test_a_subject_that_means_one_channel_and_words_that_mean_the_other_close_both(
    world: World,
) -> None:
    world.customer()
    await says(world, channel="email", subject="Unsubscribe", body="Stop texting me. E-mail is the worst.")
    assert world.sql("SELECT channel FROM suppression WHERE " + STOPPED) == [None]


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
