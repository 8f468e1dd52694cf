"""The SendGrid channel: what a mail carries, and what its settings must be."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from evals.providers.loopback import Answer, Loopback, Request
from evals.providers.sendgrid import FakeSendGrid, Mails, Webhooks
from tools.channels.base import NotTaken, Outbound, Receipt, Rejected
from tools.channels.sendgrid.channel import SendGridChannel
from tools.channels.sendgrid.reply_token import Tokens
from tools.errors import Misconfigured, Unavailable

MAIL = Outbound("71", "email", "dana@buyer.example", "Invoice 4711", "250.00 is due.", datetime.now(UTC))
TOKENS, HOST, OURS = Tokens({"a": b"k" * 32}), "parse.seller.example", "https://dunwell.example"


def channel(url: str, **other: Any) -> SendGridChannel:
    """A channel to whoever listens at `url`."""
    given = {"api_key": "SG.fake", "sender": "billing@seller.example", "tokens": TOKENS, "reply_host": HOST, "public_url": OURS}  # fmt: skip
    return SendGridChannel(**{**given, "base_url": url, "timeout": 2.0, **other})


@pytest.fixture
async def fake() -> AsyncIterator[FakeSendGrid]:
    async with FakeSendGrid(Mails(), Webhooks()) as running:
        yield running


async def asked(fake: FakeSendGrid, message: Outbound, **other: Any) -> dict[str, Any]:
    """What SendGrid is asked for a message."""
    async with channel(fake.url, **other) as opened:
        await opened.send(message)
    body: dict[str, Any] = json.loads(fake.requests[-1].body)
    return body


async def test_the_receipt_names_the_mail_that_sendgrid_holds(fake: FakeSendGrid) -> None:
    async with channel(fake.url) as opened:
        receipt = await opened.send(MAIL)

    assert fake.mails.held[receipt.provider_id].key == "71"
    assert not receipt.delivered


async def test_replies_and_unsubscribing_come_back_with_tokens_of_the_message(fake: FakeSendGrid) -> None:
    said = await asked(fake, MAIL)
    link = said["headers"]["List-Unsubscribe"].removeprefix(f"<{OURS}/unsubscribe/").removesuffix(">")

    assert TOKENS.answered([said["reply_to"]["email"]], HOST) == 71
    assert TOKENS.read("unsubscribe", link) == 71
    assert said["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


async def test_nothing_is_rewritten_or_tracked(fake: FakeSendGrid) -> None:
    assert (await asked(fake, MAIL))["tracking_settings"] == {
        "click_tracking": {"enable": False, "enable_text": False},
        "open_tracking": {"enable": False},
        "subscription_tracking": {"enable": False},
    }


async def test_an_answer_stands_in_its_thread(fake: FakeSendGrid) -> None:
    headers = (await asked(fake, replace(MAIL, follows=("<1@a.example>", "<2@b.example>"))))["headers"]

    assert headers["In-Reply-To"] == "<2@b.example>"
    assert headers["References"] == "<1@a.example> <2@b.example>"
    assert not {"In-Reply-To", "References"} & set((await asked(fake, MAIL))["headers"])


async def test_a_long_thread_keeps_its_first_and_latest_mails_on_one_line(fake: FakeSendGrid) -> None:
    follows = tuple(f"<{n:03}.{'x' * 40}@mail.example>" for n in range(100))
    references = (await asked(fake, replace(MAIL, follows=follows)))["headers"]["References"]

    assert len(references) <= 900
    kept = references.split()
    assert (kept[0], kept[1:]) == (follows[0], list(follows[-len(kept) + 1 :]))


@pytest.mark.parametrize(
    "forged", ["<a@b>\r\nBcc: <x@y.example>", "a@b.example", "<a b@c.example>", "<ü@b.example>", "<>", f"<{'x' * 300}@b.example>"]
)  # fmt: skip
async def test_what_is_no_message_id_gets_into_no_header(fake: FakeSendGrid, forged: str) -> None:
    headers = (await asked(fake, replace(MAIL, follows=(forged, "<1@a.example>", forged))))["headers"]

    assert headers["In-Reply-To"] == headers["References"] == "<1@a.example>"


async def test_a_subject_is_one_line_and_an_address_is_no_name(fake: FakeSendGrid) -> None:
    said = await asked(fake, replace(MAIL, subject="Invoice\r\nBcc: x@y.example", to="o'neil+a@buyer.example"))  # fmt: skip

    assert said["subject"] == "Invoice Bcc: x@y.example"
    assert said["personalizations"][0]["to"] == [{"email": "o'neil+a@buyer.example"}]


async def test_the_sandbox_checks_a_mail_and_sends_none(fake: FakeSendGrid) -> None:
    async with channel(fake.url, sandbox=True) as opened:
        assert await opened.send(MAIL) == Receipt("sandbox-71")
        with pytest.raises(Rejected):
            await opened.send(replace(MAIL, to="nobody"))

    assert fake.mails.accepted == []


@pytest.mark.parametrize(
    ("message", "words"),
    [({"to": "nobody"}, "address"), ({"subject": None}, "no subject"), ({"subject": " \n"}, "no subject"), ({"body": ""}, "no text")],
)  # fmt: skip
async def test_a_mail_that_sendgrid_objects_to_is_rejected(
    fake: FakeSendGrid, message: dict[str, Any], words: str
) -> None:
    async with channel(fake.url) as opened:
        with pytest.raises(Rejected, match=words) as refused:
            await opened.send(replace(MAIL, **message))

    assert refused.value.stop == ("bounced" if "to" in message else None)


@pytest.mark.parametrize("wrong", [{"api_key": "SG.other"}, {"sender": "unverified@seller.example"}])
async def test_a_mail_waits_for_a_person_where_our_settings_are_wrong(
    fake: FakeSendGrid, wrong: dict[str, Any]
) -> None:
    async with channel(fake.url, **wrong) as opened:
        with pytest.raises(NotTaken) as refused:
            await opened.send(MAIL)

    assert refused.value.retry_after is not None
    assert fake.mails.accepted == []


async def test_a_key_is_checked_before_anything_is_sent(fake: FakeSendGrid) -> None:
    async with channel(fake.url) as opened:
        await opened.check()
        fake.scopes = ("stats.read", "mail.send.read")
        with pytest.raises(Misconfigured, match=r"mail\.send"):
            await opened.check()
    async with channel(fake.url, api_key="SG.other") as opened:
        with pytest.raises(Misconfigured, match="key is wrong"):
            await opened.check()
    await fake.__aexit__()
    async with channel(fake.url) as opened:
        with pytest.raises(Unavailable):
            await opened.check()


@pytest.mark.parametrize(
    "sender", ["other@seller.example", "billing@notseller.example", "billing@evil.example"]
)
async def test_a_sender_that_nobody_verified_is_found_as_far_as_the_key_may_ask(
    fake: FakeSendGrid, sender: str
) -> None:
    async with channel(fake.url, sender=sender) as opened:
        with pytest.raises(Misconfigured, match="sender is not verified"):
            await opened.check()
        fake.shows_senders = False
        await opened.check()


@pytest.mark.parametrize("sender", ["Other@Seller.example", "other@mail.seller.example"])
async def test_a_sender_of_an_authenticated_domain_is_good(fake: FakeSendGrid, sender: str) -> None:
    fake.domains = ("seller.example",)
    async with channel(fake.url, sender=sender) as opened:
        await opened.check()


@pytest.mark.parametrize(
    "wrong",
    [{"api_key": " "}, {"sender": "billing"}, {"sender": "A <a@b.example>"}, {"reply_host": "no host"}],
)
def test_what_sendgrid_could_never_accept_is_a_wrong_setting(wrong: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured):
        channel("http://127.0.0.1:9", **wrong)


@pytest.mark.parametrize("answer", [Answer(200), Answer(204), Answer(302, None, {"Location": "http://127.0.0.1:9/"})])  # fmt: skip
async def test_an_answer_that_is_none_of_sendgrids_leaves_it_unknown(answer: Answer) -> None:
    asks: list[Request] = []

    async def portal(request: Request) -> Answer:
        asks.append(request)
        return answer

    server = Loopback(portal)
    await server.start()
    async with channel(server.url) as opened:
        with pytest.raises(Unavailable):
            await opened.send(MAIL)
    await server.stop()

    assert len(asks) == 1  # neither repeated nor redirected


async def test_a_mail_without_an_id_was_taken_all_the_same() -> None:
    async def nameless(_: Request) -> Answer:
        return Answer(202)

    server = Loopback(nameless)
    await server.start()
    async with channel(server.url) as opened:
        assert await opened.send(MAIL) == Receipt("unnamed-71")
    await server.stop()


async def test_who_waits_for_a_connection_has_not_begun_to_send(fake: FakeSendGrid) -> None:
    fake.dice.script["71"] = ["silent_before"]
    async with channel(fake.url, timeout=0.4, connections=1) as opened:
        stuck = asyncio.create_task(opened.send(MAIL))
        await asyncio.sleep(0)
        with pytest.raises(NotTaken):
            await opened.send(replace(MAIL, key="72"))
        with pytest.raises(Unavailable):
            await stuck

    assert fake.calls == 1


async def test_no_mail_is_logged_by_the_sdk(fake: FakeSendGrid, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await asked(fake, MAIL)

    assert "buyer.example" not in caplog.text
    assert "SG.fake" not in caplog.text


async def test_a_connection_that_was_closed_in_the_meantime_is_not_used_again() -> None:
    async def takes(_: Request) -> Answer:
        return Answer(202, None, {"X-Message-Id": "taken"})

    first = Loopback(takes)
    await first.start()
    async with channel(first.url) as opened:
        await opened.send(MAIL)
        await first.stop()
        second = Loopback(takes, first.port)
        await second.start()
        assert await opened.send(MAIL) == Receipt("taken")
    await second.stop()
