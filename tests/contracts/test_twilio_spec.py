"""Every request that the real SDK makes for us is as Twilio's official description has it.

Defects of the description that this works around (also in ../shared/specs/SOURCE.md): `To` is a message's only required
field, numbers are not checked against their format and texts have no longest length, so that the first test asks for
sender and text itself; unknown fields pass, so that it asks for known names; lists answer relative paths where the
description has `format: uri`, so that answers are not checked against it. Services are in another description.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from evals.providers.loopback import Request
from evals.providers.twilio import FakeTwilio, Webhooks
from evals.providers.twilio.messages import Messages
from tests.contracts.descriptions import defects, described, fields
from tests.contracts.test_channel_contract import TEXT
from tools.channels.twilio.channel import TwilioChannel

FILE, HOST = "twilio_api_v2010.json", "https://api.twilio.com"
_ROOT = "/2010-04-01/Accounts/{AccountSid}"
MESSAGES, PATHS = f"{_ROOT}/Messages.json", (f"{_ROOT}/Messages.json", f"{_ROOT}/Messages/{{Sid}}.json", f"{_ROOT}/IncomingPhoneNumbers.json")  # fmt: skip


@pytest.fixture
async def fake() -> AsyncIterator[FakeTwilio]:
    async with FakeTwilio(Messages(), Webhooks("token")) as running:
        yield running


@pytest.mark.parametrize("sender", ["+13125550199", "MG" + "2" * 32])
async def test_every_request_of_the_sdk_is_as_twilio_describes_it(fake: FakeTwilio, sender: str) -> None:
    description = described(FILE, PATHS)
    async with TwilioChannel(
        fake.account, "token", sender, status_callback="http://127.0.0.1:9/twilio/status", base_url=fake.url
    ) as channel:
        receipt = await channel.send(TEXT)
        await channel.send(
            replace(TEXT, key="72", body="¿Podrá pagar el viernes? 100 % + IVA & más 😀\nGracias")
        )
        await channel.find(TEXT)
        await channel.progress(receipt.provider_id)
        await channel.check()

    asked = [one for one in fake.requests if not one.path.startswith("/v1/Services/")]
    assert len(asked) == (5 if sender.startswith("+") else 4)
    assert [defects(description, one, HOST) for one in asked] == [[]] * len(asked)
    sent = [one.form for one in asked if one.method == "POST"]
    assert all(set(form) <= fields(FILE, MESSAGES) for form in sent)
    assert all(form.keys() == sent[0].keys() >= {"To", "Body", "StatusCallback", "ValidityPeriod"} for form in sent)  # fmt: skip
    assert sent[1]["Body"] == "¿Podrá pagar el viernes? 100 % + IVA & más 😀\nGracias"
    assert (sent[0].get("From") or sent[0]["MessagingServiceSid"]) == sender


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "Messages.json", b"Body=hello"),
        ("POST", "Messages.json", b"To=%2B13125550100&ValidityPeriod=soon"),
        ("POST", "Messages.json", b"To=%2B13125550100&MessagingServiceSid=MG1"),
        ("GET", "Messages.json?PageSize=5000", b""),
        ("GET", "Messages/SM1.json", b""),
        ("GET", "Texts.json", b""),
    ],
)
def test_a_request_that_is_not_as_described_is_noticed(method: str, target: str, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    request = Request(method, f"/2010-04-01/Accounts/AC{'1' * 32}/{target}", headers, body)

    assert defects(described(FILE, PATHS), request, HOST)


async def test_the_fake_shows_a_message_with_the_fields_that_twilio_describes(fake: FakeTwilio) -> None:
    async with TwilioChannel(fake.account, "token", fake.numbers[0], base_url=fake.url) as channel:
        receipt = await channel.send(TEXT)

    shown = fake.messages.held[receipt.provider_id].resource(fake.account, redacted=False)
    assert set(json.loads(json.dumps(shown))) == fields(FILE, MESSAGES, schema="api.v2010.account.message")
