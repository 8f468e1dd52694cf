"""What providers say of messages: in any order, twice, and before their own answer is in our books."""

from typing import Literal

import pytest

from server.sender import dispatch_due
from server.webhooks.fates import Word, heed
from tests.server.channels.conftest import ADDRESS, NUMBER, Line
from tests.server.providers import Provider
from tests.world import World, message, proposing
from tools.channels.base import Outbound, everywhere


async def test_the_same_webhook_again_changes_nothing(line: Line) -> None:
    world = line.world
    line.twilio.webhooks.lies.duplicates = line.sendgrid.webhooks.lies.duplicates = 1.0
    line.twilio.webhooks.lies.reorders = line.sendgrid.webhooks.lies.reorders = 1.0
    await line.text("How much do I owe?")
    await line.text("Who are you?", "+13125550777")
    await line.works()
    assert line.outbox() == [("sms", "delivered")]
    await line.text("Stop")
    assert [world.count(t) for t in ("message", "unmatched_message", "consent_event")] == [3, 1, 1]
    assert world.count("provider_event") == 2  # sent and delivered, whichever came first
    assert line.refused() == []
    assert await world.chain_holds()


async def test_what_could_not_be_delivered_is_tried_later_and_then_a_person_hears_of_it(line: Line) -> None:
    world = line.world
    line.twilio.fails[NUMBER] = 30003
    await line.text("How much do I owe?")
    await line.works()
    ((state, wait),) = world.sql("SELECT state, not_before - %s FROM outbox", world.clock.now())
    assert (state, wait.total_seconds()) == ("queued", 4 * 3600)
    for _ in range(2):
        world.clock.advance(wait)
        await line.sends()

    assert (line.outbox(), len(line.texts)) == ([("sms", "failed")], 3)
    assert world.count("follow_up", "kind = 'review'") == 1
    assert line.consent() == []
    assert ADDRESS not in str(world.sql("SELECT reason FROM outbox"))


@pytest.mark.parametrize(
    ("failed", "state"),
    [("later", "queued"), ("look", "failed"), ("bad", "bounced"), ("opted_out", "failed")],
)
async def test_a_failure_that_is_told_before_the_answer_is_settled_stands(
    world: World, failed: Literal["later", "look", "bad", "opted_out"], state: str
) -> None:
    world.customer(segment="automatic")
    engine = world.engine(proposing(message()))
    await engine.run(await world.hears())

    async def told(sent: Outbound) -> None:
        word = Word(
            provider="twilio", event_id="e1", kind="undelivered", at=world.clock.now(), key=sent.key,
            provider_id=f"sm-{sent.key}", state="failed", failed=failed,
        )  # fmt: skip
        assert await heed(engine, word)
        assert not await heed(engine, word)

    await dispatch_due(engine, everywhere(Provider(first=told)))

    assert world.sql("SELECT state FROM outbox") == [state]
    assert await world.chain_holds()
