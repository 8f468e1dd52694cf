"""Forged webhooks over HTTP: whatever somebody makes of a signed one, nothing is taken and nothing falls over."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlencode

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.providers.twilio import Webhooks as TwilioWebhooks
from server.app import create_app
from server.settings import Settings
from tests.contracts import test_sendgrid_signature as sendgrid
from tests.contracts.mutations import SETTINGS, SIGNATURE, Webhook, forgeries, recuts
from tests.proofs import proof_size
from tests.server.channels.conftest import NUMBER
from tests.world import World, message, proposing
from tools.channels.sendgrid.reply_token import Tokens
from tools.channels.sendgrid.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER
from tools.channels.twilio.webhook import inbound, read_form, status
from tools.errors import Invalid

URL, TOKEN, ACCOUNT, SECRET = "https://desk.seller.example", "invented", "AC" + "1" * 32, "s" * 16
SHARED = ("KEY1", "invented-too")
TEXT = {"MessageSid": "SM" + "a" * 32, "AccountSid": ACCOUNT, "From": NUMBER, "To": "+13125550199", "Body": "Stop — now!", "NumMedia": "0"}  # fmt: skip
FATE = {"MessageSid": "SM" + "b" * 32, "AccountSid": ACCOUNT, "From": "+13125550199", "To": NUMBER, "MessageStatus": "undelivered",
        "ErrorCode": "21610"}  # fmt: skip
TABLES = (
    "message",
    "unmatched_message",
    "consent_event",
    "provider_event",
    "suppression",
    "procrastinate_jobs",
)


@dataclass(frozen=True, slots=True)
class Behind:
    """An application with gates of one kind."""

    app: FastAPI
    world: World

    async def asked(self, target: str, headers: Mapping[str, str], body: bytes, method: str = "POST") -> int:
        """The status of a request whose target goes over the wire as it is."""
        path, _, query = target.partition("?")
        answers: list[int] = []
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "https",
            "path": unquote(path), "raw_path": path.encode("latin-1", "replace"), "root_path": "",
            "query_string": query.encode("latin-1", "replace"), "client": ("192.0.2.7", 4711), "server": ("testserver", 443),
            "headers": [(n.lower().encode(), v.encode("latin-1", "replace")) for n, v in {"host": "10.0.0.5", **headers}.items()],
        }  # fmt: skip

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(said: Mapping[str, Any]) -> None:
            if said["type"] == "http.response.start":
                answers.append(said["status"])

        await self.app(scope, receive, send)
        return answers[0]

    def rows(self) -> list[int]:
        """What a webhook could change."""
        return [self.world.count(table) for table in TABLES]


@pytest.fixture
async def behind(
    world: World, monkeypatch: pytest.MonkeyPatch, more_settings: dict[str, Any]
) -> AsyncIterator[Behind]:
    """The application with both providers, and a customer who has had an e-mail."""
    monkeypatch.setattr(Settings, "make_clock", lambda _: world.clock)
    key = sendgrid.SENDGRID.public_key
    world.clock.advance(sendgrid.NOW - world.clock.now())
    app = create_app(Settings.model_validate({
        "database_url": world.conninfo, "public_origin": URL, "link_key": "k" * 32, "sms": "twilio", "email": "sendgrid",
        "twilio_account_sid": ACCOUNT, "twilio_auth_token": TOKEN, "twilio_sender": "+13125550199", "sendgrid_api_key": "SG.x",
        "sendgrid_sender": "billing@seller.example", "sendgrid_parse_host": "parse.seller.example", "sendgrid_events_key": key,
        **more_settings,
    }))  # fmt: skip
    async with app.router.lifespan_context(app):
        world.customer(segment="automatic")
        await world.engine(proposing(message())).run(await world.hears())
        yield Behind(app, world)


def signed(by: TwilioWebhooks, target: str, form: Mapping[str, str]) -> Webhook:
    """As Twilio posts it."""
    headers = by.headers(URL + target, form)
    return Webhook(target, urlencode(form).encode(), headers[SIGNATURE], headers.get(SETTINGS))


def says_another_thing(cut: Webhook) -> bool:
    """Whether a signed form that was cut anew would be read as something that Twilio did not say."""
    target, _, query = cut.target.partition("?")
    try:
        form = read_form(cut.body)
        if target == "/webhooks/twilio/messages":
            return inbound(form) != inbound(read_form(urlencode(TEXT).encode()))
        said = status(form, query.encode("latin-1", "replace"))
    except Invalid:
        return True
    ours = (said.sid, said.account, said.key) == (FATE["MessageSid"], ACCOUNT, "1")
    # At worst its error code is lost: never better news (tests/contracts/test_twilio_signature.py).
    return not ours or said.stage not in ("failed", None)


PARSE_KEY = {"sendgrid_parse_key": sendgrid.SENDGRID.public_key}
PARSE_SECRET = {"sendgrid_parse_secret": SECRET, "twilio_shared_keys": ":".join(SHARED)}


@pytest.mark.proof
@pytest.mark.parametrize(
    "more_settings", [PARSE_KEY, PARSE_SECRET], ids=["SHA-1 and signed mail", "SHA-256 and secret path"]
)
async def test_no_forged_webhook_is_taken_and_none_is_a_500(
    behind: Behind, more_settings: dict[str, str], record_property: Callable[[str, object], None]
) -> None:
    sha256 = "twilio_shared_keys" in more_settings
    twilio = TwilioWebhooks(TOKEN, shared_key=SHARED if sha256 else None)
    text, fate = (
        signed(twilio, "/webhooks/twilio/messages", TEXT),
        signed(twilio, "/webhooks/twilio/status?key=1", FATE),
    )
    weaker = TwilioWebhooks(TOKEN) if sha256 else TwilioWebhooks(TOKEN, shared_key=SHARED)
    other_scheme = [signed(weaker, one.target, form) for one, form in ((text, TEXT), (fate, FATE))]
    token = Tokens({"a": b"k" * 32}).sign("unsubscribe", 1)
    loop, before, cases = asyncio.get_running_loop(), behind.rows(), 0

    def ask(target: str, headers: Mapping[str, str], body: bytes, method: str = "POST") -> int:
        return asyncio.run_coroutine_threadsafe(behind.asked(target, headers, body, method), loop).result(60)

    def of_twilio(data: st.DataObject) -> int:
        one, other = data.draw(st.sampled_from([(text, fate), (fate, text)]))
        forged = data.draw(
            st.one_of(
                forgeries(one, other), recuts(one).filter(says_another_thing), st.sampled_from(other_scheme)
            )
        )
        return ask(forged.target, forged.headers, forged.body)

    def of_sendgrid(data: st.DataObject) -> int:
        true, other = data.draw(
            st.sampled_from([(sendgrid.EVENTS, sendgrid.PARSED), (sendgrid.PARSED, sendgrid.EVENTS)])
        )
        forged = data.draw(sendgrid.forgeries(true, other))
        names = {SIGNATURE_HEADER: forged.signature, TIMESTAMP_HEADER: forged.timestamp}
        headers = {name: value for name, value in names.items() if value is not None}
        by = timedelta(0)
        if forged.why == "a replay":  # beyond the longest window
            by = forged.at - sendgrid.NOW + timedelta(days=3 if forged.at > sendgrid.NOW else -3)
        behind.world.clock.advance(by)
        try:
            place = data.draw(st.sampled_from(["events", "inbound"]))
            return ask(f"/webhooks/sendgrid/{place}", headers, forged.body)
        finally:
            behind.world.clock.advance(-by)

    def of_paths(data: st.DataObject) -> int:
        guess = data.draw(
            st.text("sS0-_~.%25", max_size=18) | st.sampled_from(["", SECRET[1:], SECRET + "s", "é"])
        )
        if data.draw(st.booleans()) and guess != SECRET:
            return ask(f"/webhooks/sendgrid/inbound/{guess}", {}, sendgrid.PARSED.body)
        at, letter = data.draw(st.integers(0, len(token) - 1)), data.draw(st.sampled_from("abcXYZ234-_.%"))
        forged = (token[:at] + letter + token[at + 1 :]) if token[at] != letter.lower() else token + letter
        return ask(
            f"/unsubscribe/{forged}",
            {},
            b"List-Unsubscribe=One-Click",
            data.draw(st.sampled_from(["GET", "POST"])),
        )

    @settings(max_examples=proof_size(test=100, prove=5000), suppress_health_check=list(HealthCheck))
    @given(st.data(), st.sampled_from([of_twilio, of_twilio, of_sendgrid, of_paths]))
    def attack(data: st.DataObject, kind: Any) -> None:
        nonlocal cases
        cases += 1
        assert 400 <= kind(data) < 500

    await asyncio.to_thread(attack)
    record_property("cases", cases)
    assert behind.rows() == before
    # What was forged is taken when it is true.
    taken = [await behind.asked(one.target, one.headers, one.body) for one in (text, fate)]
    assert taken == [200, 204]
    assert behind.rows() != before
