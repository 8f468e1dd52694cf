"""STOP in the middle of a conversation, the way back, and what mailboxes and carriers say of a customer."""

import pytest

from tests.server.channels.conftest import ADDRESS, NUMBER, Line
from tests.world import message, proposing

BY_TWILIO: dict[str, bool] = {}
BY_US = {"twilio_confirms_keywords": False}


async def queue(line: Line, *channels: str) -> None:
    """Answers that wait to leave, one on each of these channels, whose questions somebody else has asked."""
    for channel in channels:
        asked = await line.world.hears("How much do I owe?", channel=channel)
        await line.world.engine(proposing(message(channel=channel))).run(asked)
    assert line.outbox() == [(channel, "queued") for channel in channels]


@pytest.mark.parametrize(("more_settings", "confirmed"), [(BY_TWILIO, 0), (BY_US, 1)])
async def test_stop_takes_back_every_text_that_waits_and_is_confirmed_once_at_most(
    line: Line, confirmed: int
) -> None:
    await queue(line, "sms", "email", "sms")

    await line.text("Stop")
    assert line.outbox() == [("sms", "withdrawn"), ("email", "queued"), ("sms", "withdrawn")]
    line.twilio.messages.opted_out.clear()  # Twilio itself holds nothing back here
    for _ in range(2):
        await line.works()
        await line.text("STOP")
    await line.works()

    assert ["you are opted out" in text.body for text in line.texts] == [True] * confirmed
    assert [mail.to for mail in line.mails] == [ADDRESS]  # they asked for no more texts
    assert ("opt_out", "sms", "keyword") in line.consent()
    assert await line.world.chain_holds()


@pytest.mark.parametrize(
    ("words", "left", "confirmed"),
    [("Please stop texting me.", 1, 1), ("Never contact me again in any way, no calls, no emails, no texts!", 0, 1)],
)  # fmt: skip
async def test_free_words_stop_what_waits_before_anybody_has_thought_about_them(
    line: Line, words: str, left: int, confirmed: int
) -> None:
    await queue(line, "sms", "email", "sms")

    await line.text(words)
    await line.sends()
    assert (len(line.texts), len(line.mails)) == (0, left)

    for _ in range(2):
        await line.works()
    assert ["you are opted out" in text.body for text in line.texts] == [True] * confirmed
    assert len(line.mails) == left


async def test_stop_by_email_is_a_stop_of_emails(line: Line) -> None:
    await queue(line, "email")
    await line.sends()
    await line.sendgrid.reply(line.mails[0], "stop")
    for _ in range(2):
        await line.works()

    assert set(line.consent()) >= {("opt_out", "email", "keyword")}
    assert len(line.mails) == 2  # one confirmation
    await line.text("How much do I owe?")
    await line.works()
    assert len(line.texts) == 1


async def test_start_brings_texts_back_and_yes_only_for_somebody_who_is_out(line: Line) -> None:
    await line.text("Yes")
    assert line.consent() == []
    for word in ("START", "YES"):
        await line.text("STOP")
        await line.text("How much do I owe?")
        await line.works()
        silent = len(line.texts)
        await line.text(word)
        await line.text("And how much is it now?")
        await line.works()
        assert len(line.texts) > silent
        assert any("$1,000.00" in text.body for text in line.texts[silent:])
        assert line.consent()[-2:] == [("opt_out", "sms", "keyword"), ("opt_in", "sms", "keyword")]
    assert {state for _, state in line.outbox()} == {"delivered"}


async def test_one_click_unsubscribes_and_looking_at_the_link_does_not(line: Line) -> None:
    await queue(line, "email")
    await line.sends()
    (mail,) = line.mails
    assert await line.sendgrid.one_click(mail, method="GET") == 200
    await line.sendgrid.click_through(mail)
    assert line.consent() == []

    for _ in range(2):
        assert await line.sendgrid.one_click(mail) == 200
    assert set(line.consent()) == {("opt_out", "email", "unsubscribe")}
    assert line.world.count("suppression") == 1
    forged = mail.headers["List-Unsubscribe"].strip("<>")[:-1] + "a"
    for method in ("GET", "POST"):
        assert (await line.client.request(method, forged)).status_code == 404


async def test_a_spam_complaint_and_a_bounce_end_emails_and_a_person_hears_of_the_bounce(line: Line) -> None:
    world = line.world
    await queue(line, "email")
    await line.sends()
    await line.sendgrid.complain(line.mails[0])
    assert line.consent() == [("complaint", "email", "provider")]

    world.customer("cust-2", segment="automatic")
    line.sendgrid.fates["billing@cust-2.example"] = "bounces"
    await world.engine(proposing(message(channel="email"))).run(
        await world.hears(customer="cust-2", channel="email")
    )
    await line.sends()
    assert line.outbox() == [("email", "delivered"), ("email", "bounced")]
    assert world.sql("SELECT channel, contact_id, reason FROM suppression WHERE customer_id = 'cust-2'") == [
        (None, "cust-2-email", "bounced")
    ]
    assert world.count("follow_up", "kind = 'review' AND customer_id = 'cust-2'") == 1
    before = line.consent(), world.count("follow_up"), world.count("activity_log")
    line.sendgrid.webhooks.lies.duplicates = 1.0
    await line.sendgrid.complain(line.mails[0])  # one event, posted twice
    assert len(line.consent()) == len(before[0]) + 1
    assert await world.chain_holds()


@pytest.mark.parametrize("told", ["at once", "later"])
async def test_an_opt_out_that_only_the_carrier_knows_is_ours_from_then_on(line: Line, told: str) -> None:
    (line.twilio.refuses if told == "at once" else line.twilio.fails)[NUMBER] = 21610
    await queue(line, "sms")

    await line.sends()

    assert line.outbox() == [("sms", "failed")]
    assert line.consent() == [("opt_out", "sms", "carrier")]
    line.twilio.refuses.clear()
    await line.text("How much do I owe?")
    await line.works()
    assert line.outbox() == [("sms", "failed")]  # nothing more is even queued
    assert line.world.sql("SELECT reason, channel FROM suppression") == [("opt_out", "sms")]
    assert await line.world.chain_holds()
