"""The fake Twilio: it remembers, signs what it posts, and misbehaves as it is told."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from evals.providers.loopback import Answer, Loopback, Request
from evals.providers.twilio import FakeTwilio, Lies, Webhooks
from evals.providers.twilio.messages import Messages
from tools.channels.base import Outbound
from tools.channels.twilio.channel import TwilioChannel
from tools.channels.twilio.signature import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    Algorithm,
    Keys,
    is_signed,
    public_url,
)
from tools.channels.twilio.webhook import StatusUpdate, inbound, rank, read_form, status

CUSTOMER, TOKEN, KEY = "+13125550100", "token", ("webhooks_sharedkey_1", "shared secret")
TEXT = Outbound("71", "sms", CUSTOMER, None, "Invoice 4711 is due.", datetime.now(UTC))


@dataclass(slots=True)
class Ours:
    """Our service, as far as webhooks see it: it keeps what came, and answers `answers` first, then 204."""

    came: list[Request] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    server: Loopback = field(init=False)

    def __post_init__(self) -> None:
        self.server = Loopback(self._answer)

    async def _answer(self, request: Request) -> Answer:
        self.came.append(request)
        return Answer(self.answers.pop(0) if self.answers else 204)

    def updates(self) -> list[StatusUpdate]:
        """The callbacks, read."""
        return [status(read_form(one.body), one.target.partition("?")[2].encode()) for one in self.came]

    def signed(self, request: Request, keys: Keys) -> bool:
        """Whether it is signed for the URL under which Twilio knows us."""
        url = public_url(self.server.url, request.path.encode(), request.target.partition("?")[2].encode())
        named = [request.headers.get(name.lower()) for name in (SIGNATURE_HEADER, SIGNATURE_SETTINGS_HEADER)]
        return is_signed(url, read_form(request.body), named[0], named[1], keys)


@pytest.fixture
async def ours() -> AsyncIterator[Ours]:
    service = Ours()
    await service.server.start()
    yield service
    await service.server.stop()


def _fake(ours: Ours, **more: object) -> FakeTwilio:
    webhooks = Webhooks(TOKEN, pause=0.0)
    fake = FakeTwilio(Messages(), webhooks, inbound=f"{ours.server.url}/text")
    for name, value in more.items():
        setattr(webhooks if hasattr(webhooks, name) else fake, name, value)
    return fake


async def _sent(fake: FakeTwilio, ours: Ours) -> str:
    callback = f"{ours.server.url}/status"
    async with TwilioChannel(
        fake.account, TOKEN, fake.numbers[0], base_url=fake.url, status_callback=callback
    ) as channel:
        receipt = await channel.send(TEXT)
    await fake.idle()
    return receipt.provider_id


@pytest.mark.parametrize("algorithm", ["HMAC_SHA1", "HMAC_SHA256"])
async def test_texts_and_callbacks_are_signed_as_the_endpoint_demands(
    ours: Ours, algorithm: Algorithm
) -> None:
    shared = KEY if algorithm == "HMAC_SHA256" else None
    async with _fake(ours, shared_key=shared) as fake:
        await fake.text(CUSTOMER, " Can I pay on Friday? ")
        await _sent(fake, ours)

    keys = Keys(algorithm, (TOKEN,), dict([KEY]))
    assert [ours.signed(one, keys) for one in ours.came] == [True, True, True]
    assert inbound(read_form(ours.came[0].body)).body == " Can I pay on Friday? "


async def test_a_message_goes_from_queued_to_delivered_and_says_so_with_our_key(ours: Ours) -> None:
    async with _fake(ours) as fake:
        sid = await _sent(fake, ours)

    assert [(one.sid, one.status, one.key) for one in ours.updates()] == [
        (sid, "sent", "71"),
        (sid, "delivered", "71"),
    ]
    assert fake.messages.held[sid].status == "delivered"


async def test_a_phone_that_is_off_shows_in_the_callback(ours: Ours) -> None:
    async with _fake(ours, fails={CUSTOMER: 30003}) as fake:
        await _sent(fake, ours)

    assert [(one.status, one.error_code) for one in ours.updates()] == [
        ("sent", None),
        ("undelivered", "30003"),
    ]


async def test_callbacks_come_twice_and_in_any_order_and_the_farthest_status_is_the_same(ours: Ours) -> None:
    async with _fake(ours, lies=Lies(duplicates=1.0, reorders=1.0), seed=1) as fake:
        for _ in range(6):
            await _sent(fake, ours)

    orders = [[one.status for one in ours.updates()][n : n + 4] for n in range(0, 24, 4)]
    assert all(sorted(order) == ["delivered", "delivered", "sent", "sent"] for order in orders)
    assert ["delivered", "delivered", "sent", "sent"] in orders
    assert all(max(order, key=rank) == "delivered" for order in orders)


async def test_a_callback_that_we_did_not_take_comes_again_as_its_url_asks(ours: Ours) -> None:
    ours.answers += [503, 500]
    async with _fake(ours) as fake:
        await _sent(fake, ours)

    assert [one.status for one in ours.updates()] == ["sent", "sent", "sent", "delivered"]


async def test_a_text_whose_webhook_failed_does_not_come_again_unless_its_url_asks(ours: Ours) -> None:
    ours.answers += [503]
    async with _fake(ours) as fake:
        await fake.text(CUSTOMER, "Hello?")

    assert len(ours.came) == 1
    assert fake.webhooks.answers == [503]


@pytest.mark.parametrize("advanced", [True, False])
async def test_stop_is_named_only_by_services_with_advanced_opt_out(ours: Ours, advanced: bool) -> None:
    async with _fake(ours, advanced_opt_out=advanced) as fake:
        await fake.text(CUSTOMER, "STOP")
        await fake.text(CUSTOMER, "stop please")

    read = [inbound(read_form(one.body)).opt_out for one in ours.came]
    assert read == (["STOP", None] if advanced else [None, None])
    assert (CUSTOMER, fake.numbers[0]) in fake.messages.opted_out


async def test_a_restarted_twilio_holds_what_it_recorded(tmp_path: Path) -> None:
    record = tmp_path / "record"
    async with FakeTwilio(Messages(record), Webhooks(TOKEN)) as fake:
        async with TwilioChannel(fake.account, TOKEN, fake.numbers[0], base_url=fake.url) as channel:
            receipt = await channel.send(TEXT)
        await fake.idle()
        await fake.text(CUSTOMER, "Stop")
    again = FakeTwilio(Messages(record), Webhooks(TOKEN))
    async with again, TwilioChannel(again.account, TOKEN, again.numbers[0], base_url=again.url) as channel:
        found = await channel.find(TEXT)

    assert found is not None
    assert (found.provider_id, found.delivered) == (receipt.provider_id, True)
    assert again.messages.opted_out == {(CUSTOMER, again.numbers[0])}
    assert [one.id for one in again.messages.accepted] == [receipt.provider_id]


async def test_a_harness_tells_it_over_http_to_misbehave_and_to_let_a_customer_write(ours: Ours) -> None:
    async with _fake(ours) as fake, httpx.AsyncClient(base_url=fake.url) as harness:
        assert (await harness.put("/faults", json={"busy": 1.0})).json() == {"busy": 1.0}
        said = (await harness.post("/texts", json={"from": CUSTOMER, "body": "Hi"})).json()
        form = {"To": CUSTOMER, "From": fake.numbers[0], "Body": "x"}
        path = f"/2010-04-01/Accounts/{fake.account}/Messages.json"
        refused = await harness.post(path, data=form, auth=(fake.account, TOKEN))
        accepted = (await harness.get("/accepted")).json()["accepted"]

    assert inbound(read_form(ours.came[0].body)).sid == said["sid"]
    assert (refused.status_code, refused.json()["code"]) == (429, 20429)
    assert accepted == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"To": ""}, 21604), ({"To": "hello"}, 21211), ({"From": ""}, 21603), ({"From": "+13125550111"}, 21660), ({"Body": ""}, 21602),
     ({"Body": "x" * 1601}, 21617), ({"StatusCallback": "ftp://x"}, 21609), ({"From": "", "MessagingServiceSid": "MG" + "9" * 32}, 21701)],
)  # fmt: skip
async def test_it_refuses_with_twilios_codes(ours: Ours, changed: dict[str, str], code: int) -> None:
    async with _fake(ours) as fake, httpx.AsyncClient(base_url=fake.url) as client:
        form = {"To": CUSTOMER, "From": fake.numbers[0], "Body": "x", **changed}
        path = f"/2010-04-01/Accounts/{fake.account}/Messages.json"
        answer = await client.post(path, data=form, auth=(fake.account, TOKEN))

    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_long_lists_come_in_pages(ours: Ours) -> None:
    async with (
        _fake(ours) as fake,
        httpx.AsyncClient(base_url=fake.url, auth=(fake.account, TOKEN)) as client,
    ):
        async with TwilioChannel(fake.account, TOKEN, fake.numbers[0], base_url=fake.url) as channel:
            sent = [(await channel.send(TEXT)).provider_id for _ in range(5)]
        uri, pages = f"/2010-04-01/Accounts/{fake.account}/Messages.json?PageSize=2&To=%2B13125550100", []
        while uri:
            page = (await client.get(uri)).json()
            pages.append([one["sid"] for one in page["messages"]])
            uri = page["next_page_uri"]

    assert [len(page) for page in pages] == [2, 2, 1]
    assert [sid for page in pages for sid in page] == sent[::-1]
