"""The fake SendGrid: it remembers, signs what it posts, lets customers answer in the thread, and misbehaves as it is told."""

import email
import email.policy
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from evals.providers.loopback import Answer, Loopback, Request
from evals.providers.sendgrid import FakeSendGrid, Kept, Mails, Webhooks
from evals.providers.sendgrid.fake import Fate
from evals.providers.sendgrid.inbound import Vouched
from evals.providers.twilio import Lies
from tools.channels.base import Outbound
from tools.channels.mail.inbound_parse import InboundMail, read_inbound
from tools.channels.sendgrid.channel import SendGridChannel
from tools.channels.sendgrid.events import Event, Meaning, read_events
from tools.channels.sendgrid.reply_token import Tokens
from tools.channels.sendgrid.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, is_signed, public_key

CUSTOMER, HOST, TOKENS = "dana@buyer.example", "parse.seller.example", Tokens({"a": b"k" * 32})
MAIL = Outbound("71", "email", CUSTOMER, "Invoice 4711", "Invoice 4711 is due.", datetime.now(UTC))


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

    def events(self) -> list[Event]:
        """The events, read."""
        return [event for one in self.came if one.path == "/events" for event in read_events(one.body).events]

    def mails(self) -> list[InboundMail]:
        """The mails, split from their forms."""
        return [read_inbound(one.headers["content-type"], one.body) for one in self.came if one.path == "/inbound"]  # fmt: skip

    def signed(self, webhooks: Webhooks) -> list[bool]:
        """Whether each request is signed by these webhooks' key."""
        keys = [public_key(webhooks.public_key)]
        return [
            is_signed(one.body, one.headers.get(SIGNATURE_HEADER.lower()), one.headers.get(TIMESTAMP_HEADER.lower()), keys, now=datetime.now(UTC))
            for one in self.came
        ]  # fmt: skip


@pytest.fixture
async def ours() -> AsyncIterator[Ours]:
    service = Ours()
    await service.server.start()
    yield service
    await service.server.stop()


def sendgrid(ours: Ours, webhooks: Webhooks | None = None, **other: Any) -> FakeSendGrid:
    """A SendGrid that posts to our service."""
    url = ours.server.url
    return FakeSendGrid(other.pop("mails", Mails()), webhooks or Webhooks(pause=0.0), events=f"{url}/events", inbound=f"{url}/inbound", **other)  # fmt: skip


async def sent(
    fake: FakeSendGrid, message: Outbound = MAIL, public_url: str = "https://dunwell.example"
) -> Kept:
    """The mail as SendGrid holds it, once its events were posted."""
    async with SendGridChannel(
        fake.api_key,
        fake.senders[0],
        tokens=TOKENS,
        reply_host=HOST,
        public_url=public_url,
        base_url=fake.url,
    ) as channel:
        receipt = await channel.send(message)
    await fake.idle()
    return fake.mails.held[receipt.provider_id]


def parsed(mail: InboundMail) -> EmailMessage:
    """A mail's headers and text."""
    return email.message_from_bytes(mail.raw, policy=email.policy.default)


async def test_a_mail_is_processed_and_delivered_by_signed_events(ours: Ours) -> None:
    async with sendgrid(ours) as fake:
        mail = await sent(fake)

    events = ours.events()
    assert [event.kind for event in events] == ["processed", "delivered"]
    assert {(event.key, event.provider_id, event.internet_id, event.address) for event in events} == {("71", mail.id, mail.message_id, CUSTOMER)}  # fmt: skip
    assert ours.signed(fake.webhooks) == [True, True]
    assert ours.signed(Webhooks(seed=1)) == [False, False]


@pytest.mark.parametrize(
    ("fate", "kinds", "last"),
    [
        ("bounces", ["processed", "bounce"], Meaning("failed", "bad")),
        ("blocks", ["processed", "blocked"], Meaning("failed", "later")),
        ("defers", ["processed", "deferred", "delivered"], Meaning("delivered")),
    ],
)
async def test_an_address_has_its_fate(ours: Ours, fate: Fate, kinds: list[str], last: Meaning) -> None:
    async with sendgrid(ours, fates={CUSTOMER: fate}) as fake:
        await sent(fake)

    assert [event.kind for event in ours.events()] == kinds
    assert ours.events()[-1].meaning == last


async def test_to_an_address_that_bounced_or_complained_nothing_is_tried_again(ours: Ours) -> None:
    other = replace(MAIL, key="72", to="lee@buyer.example")
    async with sendgrid(ours, fates={CUSTOMER: "bounces"}) as fake:
        await sent(fake)
        await fake.complain(await sent(fake, other))
        ours.came.clear()
        await sent(fake, replace(MAIL, key="73"))
        await sent(fake, replace(other, key="74"))

    assert [(event.key, event.kind, event.meaning) for event in ours.events()] == [
        ("73", "dropped", Meaning("failed", "bad")),
        ("74", "dropped", Meaning("failed", "look", "complaint")),
    ]


async def test_a_customer_answers_in_the_thread_to_the_signed_address(ours: Ours) -> None:
    async with sendgrid(ours) as fake:
        mail = await sent(fake, replace(MAIL, follows=("<first@buyer.example>",)))
        message_id = await fake.reply(mail, "I pay on Friday – ok?")

    (inbound,) = ours.mails()
    answer = parsed(inbound)
    body = answer.get_body()
    assert TOKENS.answered(inbound.to, HOST) == 71
    assert (inbound.envelope_from, answer["From"], answer["To"]) == (CUSTOMER, CUSTOMER, mail.reply_to)
    assert (answer["Message-ID"], answer["In-Reply-To"], answer["Subject"]) == (message_id, mail.message_id, "Re: Invoice 4711")  # fmt: skip
    assert answer["References"].split() == ["<first@buyer.example>", mail.message_id]
    assert body is not None
    assert body.get_content().startswith("I pay on Friday – ok?")
    assert "> Invoice 4711 is due." in body.get_content()
    assert ([(each.domain, each.result) for each in inbound.dkim], inbound.spf) == ([("buyer.example", "pass")], "pass")  # fmt: skip
    assert all(ours.signed(fake.webhooks))


async def test_a_mail_comes_through_to_the_byte_with_what_the_checks_found(ours: Ours) -> None:
    raw = b"From: dana@buyer.example\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\n" + "Завтра\r\n".encode("koi8-r") * 3  # fmt: skip
    async with sendgrid(ours) as fake:
        await fake.receive(raw, from_="evil@attacker.example", to=[f"billing@{HOST}"], vouched=Vouched(dkim="none", spf="fail"))  # fmt: skip

    (inbound,) = ours.mails()
    assert inbound.raw == raw
    assert (inbound.envelope_from, inbound.dkim, inbound.spf) == ("evil@attacker.example", (), "fail")


async def test_a_scanner_that_follows_every_link_says_nothing(ours: Ours) -> None:
    async with sendgrid(ours) as fake:
        mail = await sent(fake)
        ours.came.clear()
        await fake.click_through(mail)

    assert (len(ours.came), ours.events()) == (2, [])


async def test_a_mail_program_unsubscribes_with_one_click(ours: Ours) -> None:
    async with sendgrid(ours) as fake:
        mail = await sent(fake, public_url=ours.server.url)
        ours.came.clear()
        assert [await fake.one_click(mail), await fake.one_click(mail, method="GET")] == [204, 204]
        await fake.unsubscribe(mail)

    link, looked, event = ours.came
    assert (link.method, link.form) == ("POST", {"List-Unsubscribe": "One-Click"})
    assert TOKENS.read("unsubscribe", link.path.rpartition("/")[2]) == 71
    assert (looked.method, looked.body) == ("GET", b"")
    assert read_events(event.body).events[0].meaning.stop == "opt_out"


async def test_events_come_twice_and_in_another_order_when_it_lies(ours: Ours) -> None:
    lies = Lies(duplicates=1.0, reorders=1.0)
    async with sendgrid(ours, Webhooks(lies, seed=3), fates={CUSTOMER: "defers"}) as fake:
        await sent(fake)

    kinds = [event.kind for event in ours.events()]
    assert len(kinds) == 6
    assert len({event.event_id for event in ours.events()}) == 3
    assert kinds[::2] == kinds[1::2]
    assert kinds[::2] != ["processed", "deferred", "delivered"]


@pytest.mark.parametrize(("first", "tries"), [(503, 2), (500, 2), (404, 1), (302, 1), (204, 1)])
async def test_a_customers_mail_is_tried_again_after_5xx_and_gone_after_anything_else(
    ours: Ours, first: int, tries: int
) -> None:
    async with sendgrid(ours) as fake:
        mail = await sent(fake)
        ours.came.clear()
        ours.answers = [first]
        await fake.reply(mail, "Hello")

    assert len(ours.came) == tries


@pytest.mark.parametrize(("first", "tries"), [(503, 2), (404, 2), (302, 2), (200, 1)])
async def test_events_are_tried_again_until_they_are_taken(ours: Ours, first: int, tries: int) -> None:
    async with sendgrid(ours) as fake:
        mail = await sent(fake)
        ours.came.clear()
        ours.answers = [first]
        await fake.complain(mail)

    assert len(ours.came) == tries
    assert len({event.event_id for event in ours.events()}) == 1


async def test_an_account_without_a_policy_does_not_sign(ours: Ours) -> None:
    async with sendgrid(ours, Webhooks(signs=False)) as fake:
        await sent(fake)

    assert ours.signed(fake.webhooks) == [False, False]


async def test_it_remembers_what_it_took_when_it_is_started_anew(ours: Ours, tmp_path: Path) -> None:
    record = tmp_path / "record"
    async with sendgrid(ours, mails=Mails(record)) as fake:
        mail = await sent(fake)
        await fake.complain(mail)

    async with sendgrid(ours, mails=Mails(record)) as again:
        assert again.mails.held == {mail.id: mail}
        assert again.mails.suppressed == {CUSTOMER: "Spam Reporting Address"}
        assert again.mails.of("71") == mail
        assert [(one.key, one.id, one.channel) for one in again.mails.accepted] == [("71", mail.id, "email")]


async def test_it_is_told_over_http_how_to_misbehave_and_who_answers(ours: Ours) -> None:
    async with sendgrid(ours) as fake, httpx.AsyncClient(base_url=fake.url, trust_env=False) as client:
        mail = await sent(fake)
        told = await client.put("/faults", json={"busy": 1.0})
        refused = await client.post("/v3/mail/send", json={}, headers={"Authorization": "Bearer SG.fake"})
        answered = await client.post("/replies", json={"key": "71", "body": "Hello", "from": "lee@buyer.example"})  # fmt: skip
        accepted = (await client.get("/accepted")).json()["accepted"]

    assert told.json() == {"busy": 1.0}
    assert (refused.status_code, refused.json()["errors"][0]["message"]) == (429, "too many requests")
    assert int(refused.headers["X-RateLimit-Reset"]) > 0
    assert (answered.status_code, parsed(ours.mails()[-1])["From"]) == (201, "lee@buyer.example")
    assert [one["key"] for one in accepted] == [mail.key]


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"personalizations": []}, 400, "personalizations"),
        ({"personalizations": [{"to": [{"email": "nobody"}]}]}, 400, "personalizations.0.to.0.email"),
        ({"from": {"email": "billing"}}, 400, "from.email"),
        ({"from": {"email": "other@seller.example"}}, 403, "from"),
        ({"subject": ""}, 400, "subject"),
        ({"content": []}, 400, "content.0.value"),
        ({"headers": {"Reply-To": "x@y.example"}}, 400, "headers"),
        ({"headers": {"X-A": "a\r\nBcc: x@y.example"}}, 400, "headers"),
        ({"headers": [1]}, 400, "headers"),
    ],
)
async def test_it_objects_to_what_sendgrid_objects_to(ours: Ours, change: dict[str, Any], status: int, field: str) -> None:  # fmt: skip
    right = {
        "personalizations": [{"to": [{"email": CUSTOMER}]}], "from": {"email": "billing@seller.example"}, "subject": "Hello",
        "content": [{"type": "text/plain", "value": "Hello"}],
    }  # fmt: skip
    key = {"Authorization": "Bearer SG.fake"}
    async with sendgrid(ours) as fake, httpx.AsyncClient(base_url=fake.url, trust_env=False) as client:
        taken = await client.post("/v3/mail/send", json=right, headers=key)
        refused = await client.post("/v3/mail/send", json=right | change, headers=key)
        nobodys = await client.post("/v3/mail/send", json=right)

    assert (taken.status_code, nobodys.status_code) == (202, 401)
    assert (refused.status_code, json.loads(refused.text)["errors"][0]["field"]) == (status, field)
    assert len(fake.mails.accepted) == 1
