"""The whole line on loopback: the application behind uvicorn, and a fake Twilio and SendGrid that call it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from agent.engine.run import Engine
from agent.policy.verdict import ROLES
from evals.providers.sendgrid import FakeSendGrid, Kept, Mails
from evals.providers.sendgrid import Webhooks as SendGridWebhooks
from evals.providers.twilio import FakeTwilio, Message
from evals.providers.twilio import Webhooks as TwilioWebhooks
from evals.providers.twilio.messages import Messages
from server.access import Services
from server.app import create_app
from server.cycle import handle_waiting
from server.sender import Dispatched, dispatch_due
from server.settings import Settings
from server.users import add_user
from tests.world import NOW, World, policy

AUTH_TOKEN = "invented-auth-token"
NUMBER, ADDRESS = "+13125551001", "billing@cust-1.example"  # of the world's first customer


@dataclass(frozen=True, slots=True)
class Line:
    """The running application, both providers, and the world that they share."""

    world: World
    running: Services
    twilio: FakeTwilio
    sendgrid: FakeSendGrid
    client: httpx.AsyncClient
    keys: dict[str, str]

    @property
    def engine(self) -> Engine:
        """The application's."""
        return self.running.engine

    @property
    def texts(self) -> list[Message]:
        """What left by SMS, oldest first."""
        return [one for one in self.twilio.messages.held.values() if one.direction == "outbound-api"]

    @property
    def mails(self) -> list[Kept]:
        """What left by e-mail, oldest first."""
        return list(self.sendgrid.mails.held.values())

    async def works(self) -> Dispatched:
        """A worker's round: what waits is handled, what is due leaves, and the providers have said what became of it."""
        await handle_waiting(self.engine)
        return await self.sends()

    async def sends(self) -> Dispatched:
        """What is due leaves, and the providers have said what became of it."""
        done = await dispatch_due(self.engine, self.running.channels)
        await self.twilio.idle()
        await self.sendgrid.idle()
        return done

    async def text(self, body: str, number: str = NUMBER, **more: Any) -> str:
        """The customer texts us."""
        return await self.twilio.text(number, body, **more)

    async def api(self, method: str, path: str, role: str = "manager", **more: Any) -> httpx.Response:
        """A person asks our API."""
        headers = {"Authorization": f"Bearer {self.keys[role]}"}
        return await self.client.request(method, path, headers=headers, **more)

    async def inbox(self) -> list[dict[str, Any]]:
        """What waits for a person to say whom it concerns."""
        waiting: list[dict[str, Any]] = (await self.api("GET", "/v1/inbox")).json()["inbox"]
        return waiting

    def refused(self) -> list[int]:
        """The answers of ours that told a provider that something is wrong."""
        return [
            code for code in (*self.twilio.webhooks.answers, *self.sendgrid.webhooks.answers) if code >= 300
        ]

    def outbox(self) -> list[tuple[str, str]]:
        """Channel and state of every message, oldest first."""
        return self.world.sql("SELECT channel, state FROM outbox ORDER BY id")

    def consent(self) -> list[tuple[str, str | None, str]]:
        """Change, channel and source of each entry in the ledger of consent."""
        return self.world.sql("SELECT change, channel, source FROM consent_event ORDER BY id")


@pytest.fixture
def more_settings() -> dict[str, Any]:
    """What an operator sets besides; a test may say otherwise."""
    return {}


@pytest.fixture
async def line(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more_settings: dict[str, Any]
) -> AsyncIterator[Line]:
    """Everything running, on one clock, with one customer who has an e-mail address and a mobile number."""
    monkeypatch.setattr(Settings, "make_clock", lambda _: world.clock)
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    tells = SendGridWebhooks(clock=world.clock, attempts=2)
    twilio = FakeTwilio(
        Messages(), TwilioWebhooks(AUTH_TOKEN), inbound=f"{url}/webhooks/twilio/messages", clock=world.clock
    )
    sendgrid = FakeSendGrid(
        Mails(), tells, events=f"{url}/webhooks/sendgrid/events", inbound=f"{url}/webhooks/sendgrid/inbound"
    )
    async with twilio, sendgrid:
        settings = Settings.model_validate(
            {**_settings(world, tmp_path, url, twilio, sendgrid), **more_settings}
        )
        async with world.pool.connection() as conn, conn.transaction():
            keys: dict[str, str] = {
                role: await add_user(conn, name=f"a {role}", role=role, limit_minor=10**9, now=NOW)
                for role in ROLES
            }
        app = create_app(settings)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        world.customer(segment="automatic")
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            yield Line(world, app.state.services, twilio, sendgrid, client, keys)
        server.should_exit = True
        await serving


def _settings(
    world: World, folder: Path, url: str, twilio: FakeTwilio, sendgrid: FakeSendGrid
) -> dict[str, Any]:
    """What an operator sets, but for the base URLs, which lead to the fakes."""
    file = folder / "policy.toml"
    file.write_text(policy().text, "utf-8")
    return {
        "database_url": world.conninfo, "policy": file, "public_origin": url, "link_key": "k" * 32,
        "sms": "twilio", "twilio_base_url": twilio.url, "twilio_account_sid": twilio.account,
        "twilio_auth_token": AUTH_TOKEN, "twilio_sender": twilio.numbers[0],
        "email": "sendgrid", "sendgrid_base_url": sendgrid.url, "sendgrid_api_key": sendgrid.api_key,
        "sendgrid_sender": sendgrid.senders[0], "sendgrid_parse_host": "parse.seller.example",
        "sendgrid_events_key": sendgrid.webhooks.public_key, "sendgrid_parse_key": sendgrid.webhooks.public_key,
    }  # fmt: skip
