"""Every request that the real SDK makes for us is as SendGrid's official description has it.

Defects of the description that this works around (also in ../shared/specs/SOURCE.md): the `custom_args` of a whole mail
are a string there, and an object at SendGrid and in the SDK, so that ours stand in the personalization; only
`personalizations` and `from` are required, so that the first test asks for recipient, subject and text itself; unknown
properties pass, so that it asks for known names; header values may be anything. Scopes are in another description.
"""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest

from evals.providers.loopback import Request
from evals.providers.sendgrid import FakeSendGrid, Mails, Webhooks
from tests.contracts.descriptions import defects, described, read
from tests.contracts.test_channel_contract import MAIL
from tools.channels.sendgrid.channel import SendGridChannel
from tools.channels.sendgrid.reply_token import Tokens

FILE, HOST, PATH = "tsg_mail_v3.json", "https://api.sendgrid.com", "/v3/mail/send"
OURS = {"personalizations", "from", "reply_to", "subject", "content", "headers", "tracking_settings"}


@pytest.fixture
async def fake() -> AsyncIterator[FakeSendGrid]:
    async with FakeSendGrid(Mails(), Webhooks()) as running:
        yield running


def _channel(fake: FakeSendGrid, **other: Any) -> SendGridChannel:
    return SendGridChannel(
        fake.api_key, fake.senders[0], tokens=Tokens({"a": b"k" * 32}), reply_host="parse.seller.example",
        public_url="https://dunwell.example", base_url=fake.url, **other,
    )  # fmt: skip


def _unknown(given: Any, schema: dict[str, Any], schemas: dict[str, Any]) -> Iterator[str]:
    """Names that the description does not have, at any depth. An object that it leaves open may hold anything."""
    if name := schema.get("$ref"):
        schema = schemas[name.rsplit("/", 1)[1]]
    if isinstance(given, list):
        for one in given:
            yield from _unknown(one, schema["items"], schemas)
    elif isinstance(given, dict) and "properties" in schema:
        for key, value in given.items():
            if key not in schema["properties"]:
                yield key
            else:
                yield from _unknown(value, schema["properties"][key], schemas)


async def test_every_request_of_the_sdk_is_as_sendgrid_describes_it(fake: FakeSendGrid) -> None:
    description, whole = described(FILE, [PATH]), read(FILE)
    body = whole["components"]["requestBodies"]["PostMailSend"]["content"]["application/json"]["schema"]
    answer = replace(MAIL, key="72", body="¿Podrá pagar el viernes? 100 % + IVA 😀\nGracias", follows=("<a@b.example>", "<c@d.example>"))  # fmt: skip
    async with _channel(fake) as plain:
        await plain.send(MAIL)
        await plain.send(answer)
    async with _channel(fake, name="Müller & Söhne, Buchhaltung", asm_group=7, sandbox=True) as full:
        await full.send(answer)

    asked = [json.loads(one.body) for one in fake.requests]
    assert [(one.method, one.target) for one in fake.requests] == [("POST", PATH)] * 3
    assert [defects(description, one, HOST) for one in fake.requests] == [[]] * 3
    assert [name for one in asked for name in _unknown(one, body, whole["components"]["schemas"])] == []
    assert [set(one) for one in asked] == [OURS, OURS, OURS | {"asm", "mail_settings"}]
    assert all(len(one["personalizations"]) == len(one["personalizations"][0]["to"]) == 1 for one in asked)
    assert [one["personalizations"][0]["custom_args"] for one in asked] == [{"message_id": key} for key in ("71", "72", "72")]  # fmt: skip
    assert [one["content"] for one in asked] == [[{"type": "text/plain", "value": text}] for text in (MAIL.body, answer.body, answer.body)]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"personalizations": None},
        {"personalizations": [{}]},
        {"from": None},
        {"from": {"name": "nobody"}},
        {"content": [{"type": "text/plain", "value": ""}]},
        {"subject": ""},
        {"send_at": "soon"},
        {"asm": {"group_id": "seven"}},
        {"custom_args": {"message_id": "71"}},
    ],
)
def test_a_request_that_is_not_as_described_is_noticed(change: dict[str, Any]) -> None:
    right = {
        "personalizations": [{"to": [{"email": "dana@buyer.example"}]}],
        "from": {"email": "billing@seller.example"},
    }
    headers = {"content-type": "application/json", "authorization": "Bearer SG.x"}
    wrong = {name: value for name, value in {**right, **change}.items() if value is not None}

    assert not defects(described(FILE, [PATH]), Request("POST", PATH, headers, json.dumps(right).encode()), HOST)  # fmt: skip
    assert defects(described(FILE, [PATH]), Request("POST", PATH, headers, json.dumps(wrong).encode()), HOST)
    assert defects(described(FILE, [PATH]), Request("POST", PATH, {"content-type": "application/json"}, json.dumps(right).encode()), HOST)  # fmt: skip
