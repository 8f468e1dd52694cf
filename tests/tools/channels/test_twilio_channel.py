"""What is Twilio's own about its channel: codes, callbacks, looking a message up, settings that cannot work."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evals.providers.loopback import Answer, Loopback, Request
from evals.providers.twilio import FakeTwilio, Webhooks
from evals.providers.twilio.messages import Messages
from tools.channels.base import CannotSay, NotTaken, Outbound, Rejected
from tools.channels.twilio.channel import TwilioChannel
from tools.errors import Misconfigured, Unavailable

TOKEN = "token"
CUSTOMER, ACCOUNT, SERVICE = "+13125550100", "AC" + "1" * 32, "MG" + "2" * 32
TEXT = Outbound("71", "sms", CUSTOMER, None, "Invoice 4711 is due.", datetime.now(UTC))


@pytest.fixture
async def fake() -> AsyncIterator[FakeTwilio]:
    async with FakeTwilio(Messages(), Webhooks("token"), keys={"SK" + "3" * 32: "key secret"}) as running:
        yield running


@pytest.fixture
async def channel(fake: FakeTwilio) -> AsyncIterator[TwilioChannel]:
    async with _channel(fake) as opened:
        yield opened


def _channel(
    fake: FakeTwilio, secret: str = TOKEN, sender: str = "+13125550199", **more: Any
) -> TwilioChannel:
    return TwilioChannel(ACCOUNT, secret, sender, base_url=fake.url, timeout=2.0, **more)


@pytest.mark.parametrize("code", [21610, 21211, 21614, 30007, 21617, 29999])
async def test_what_twilio_never_takes_is_rejected_with_its_code_and_words_of_ours(
    fake: FakeTwilio, channel: TwilioChannel, code: int
) -> None:
    fake.refuses[CUSTOMER] = code

    with pytest.raises(Rejected) as refused:
        await channel.send(TEXT)

    assert refused.value.code == str(code)
    assert CUSTOMER not in str(refused.value)


async def test_settings_that_a_person_has_to_change_leave_the_message_waiting(fake: FakeTwilio) -> None:
    async with _channel(fake, secret="wrong") as wrong:
        with pytest.raises(NotTaken) as refused:
            await wrong.send(TEXT)

    assert refused.value.retry_after == timedelta(minutes=15)
    assert "20003" in str(refused.value)
    assert not fake.messages.held


async def test_a_customer_who_said_stop_is_not_texted_until_they_start_again(
    fake: FakeTwilio, channel: TwilioChannel
) -> None:
    await fake.text(CUSTOMER, " Stop ")
    with pytest.raises(Rejected, match="21610"):
        await channel.send(TEXT)
    await fake.text(CUSTOMER, "START")

    assert (await channel.send(TEXT)).provider_id


async def test_each_message_asks_for_a_callback_with_its_key_and_a_time_limit(fake: FakeTwilio) -> None:
    async with _channel(fake, status_callback="https://dunwell.example/status", validity=timedelta(hours=2)) as channel:  # fmt: skip
        await channel.send(replace(TEXT, key="7&1"))

    form = fake.requests[-1].form
    assert form["StatusCallback"] == "https://dunwell.example/status?key=7%261#rc=3&rp=ct,rt,5xx"
    assert form["ValidityPeriod"] == "7200"


async def test_an_api_key_serves_as_well_as_the_token(fake: FakeTwilio) -> None:
    async with _channel(fake, "key secret", api_key="SK" + "3" * 32) as channel:
        assert (await channel.send(TEXT)).provider_id


async def test_a_message_of_a_service_is_found_whichever_number_it_left_from(fake: FakeTwilio) -> None:
    async with _channel(fake, sender=SERVICE) as channel:
        receipt = await channel.send(TEXT)
        await fake.idle()
        found = await channel.find(TEXT)

    assert found is not None
    assert (found.provider_id, found.delivered) == (receipt.provider_id, True)
    assert fake.messages.held[receipt.provider_id].from_ == "+13125550199"


async def test_a_message_is_found_after_the_sender_in_the_settings_has_changed(
    fake: FakeTwilio, channel: TwilioChannel
) -> None:
    async with _channel(fake, sender=SERVICE) as before:
        sent = await before.send(TEXT)

    found = await channel.find(TEXT)

    assert found is not None
    assert found.provider_id == sent.provider_id


async def test_what_the_customer_wrote_is_no_message_of_ours(
    fake: FakeTwilio, channel: TwilioChannel
) -> None:
    await fake.text(fake.numbers[0], TEXT.body, to=CUSTOMER)

    assert await channel.find(TEXT) is None


async def test_a_trial_accounts_own_line_and_trimmed_blanks_do_not_hide_a_message(
    fake: FakeTwilio, channel: TwilioChannel
) -> None:
    sent = await channel.send(
        replace(TEXT, body="Sent from your Twilio trial account - Invoice 4711 is due.")
    )

    found = await channel.find(replace(TEXT, body="Invoice 4711\nis due. "))

    assert found is not None
    assert found.provider_id == sent.provider_id


async def test_an_account_that_shows_no_texts_cannot_say_what_it_holds(
    fake: FakeTwilio, channel: TwilioChannel
) -> None:
    await channel.send(TEXT)
    fake.redacts = True

    with pytest.raises(CannotSay):
        await channel.find(TEXT)
    assert await channel.find(replace(TEXT, to="+13125550101")) is None


@pytest.mark.parametrize("code", [None, 30003])
async def test_what_became_of_a_message_can_be_asked(
    fake: FakeTwilio, channel: TwilioChannel, code: int | None
) -> None:
    fake.fails = {CUSTOMER: code} if code else {}
    receipt = await channel.send(TEXT)
    await fake.idle()

    update = await channel.progress(receipt.provider_id)

    assert (update.sid, update.stage) == (receipt.provider_id, "failed" if code else "delivered")
    assert update.error_code == (str(code) if code else None)


async def test_a_message_that_never_got_a_connection_was_not_taken(fake: FakeTwilio) -> None:
    fake.dice.script = {"71": ["silent_after"]}
    async with TwilioChannel(
        ACCOUNT,
        TOKEN,
        SERVICE,
        base_url=fake.url,
        timeout=0.4,
        connections=1,
        status_callback="https://x.example/s",
    ) as channel:
        first, second = await asyncio.gather(
            channel.send(TEXT), channel.send(replace(TEXT, key="72")), return_exceptions=True
        )

    assert isinstance(first, Unavailable)
    assert isinstance(second, NotTaken)
    assert [one.key for one in fake.messages.accepted] == ["71"]


_BODIES: tuple[object, ...] = (
    None,
    "text",
    {},
    [],
    {"sid": None},
    {"code": "x", "message": CUSTOMER},
    {"messages": [{}]},
)


@pytest.mark.parametrize("status", [200, 201, 204, 301, 302, 400, 403, 404, 418, 429, 500, 503])
async def test_whatever_stands_there_in_place_of_twilio_ends_in_the_ports_words(status: int) -> None:
    bodies = [body for body in _BODIES for _ in range(2)]  # one to send, one to find
    expected = (NotTaken, Rejected) if 400 <= status < 500 else (Unavailable,)

    async def answer(_: Request) -> Answer:
        return Answer(status, bodies.pop())

    server = Loopback(answer)
    await server.start()
    async with TwilioChannel(ACCOUNT, TOKEN, SERVICE, base_url=server.url, timeout=2.0) as channel:
        for _ in _BODIES:
            with pytest.raises(expected) as sent:
                await channel.send(TEXT)
            assert CUSTOMER not in str(sent.value)
            with suppress(Unavailable, CannotSay):
                assert await channel.find(TEXT) is None
    await server.stop()


async def test_the_sdk_logs_neither_numbers_nor_texts(
    channel: TwilioChannel, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await channel.send(TEXT)
        await channel.find(TEXT)

    assert CUSTOMER[1:] not in caplog.text
    assert "4711" not in caplog.text


@pytest.mark.parametrize(
    ("account", "secret", "sender", "validity"),
    [("AC1", "token", SERVICE, 4), (ACCOUNT, "", SERVICE, 4), (ACCOUNT, "token", "ACME", 4), (ACCOUNT, "token", "MG1", 4),
     (ACCOUNT, "token", "312-555-0199", 4), (ACCOUNT, "token", SERVICE, 11), (ACCOUNT, "token", SERVICE, 0)],
)  # fmt: skip
def test_settings_that_twilio_could_never_accept_are_refused_at_start(
    account: str, secret: str, sender: str, validity: int
) -> None:
    with pytest.raises(Misconfigured):
        TwilioChannel(account, secret, sender, validity=timedelta(hours=validity))


@pytest.mark.parametrize(("secret", "sender"), [("wrong", "+13125550199"), ("token", "+13125550111"), ("token", "MG" + "9" * 32)])  # fmt: skip
async def test_a_check_finds_a_wrong_key_and_a_sender_of_somebody_else(
    fake: FakeTwilio, secret: str, sender: str
) -> None:
    async with _channel(fake, secret, sender) as wrong:
        with pytest.raises(Misconfigured):
            await wrong.check()


@pytest.mark.parametrize("sender", ["+13125550199", SERVICE])
async def test_a_check_of_what_fits_together_says_nothing(fake: FakeTwilio, sender: str) -> None:
    async with _channel(fake, sender=sender) as channel:
        await channel.check()
