"""The carriers of a run with real channels: where the fakes and the served app are, and who knows which key."""

import hashlib
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, get_args

import uvicorn
from fastapi import FastAPI

from agent.engine.run import Engine
from evals.providers.sendgrid import Webhooks
from server.access import Services
from server.providers import webhooks_of
from server.settings import Settings
from tools.channels.base import Channel, ChannelName
from tools.channels.sendgrid.channel import SendGridChannel
from tools.channels.sendgrid.reply_token import Tokens
from tools.channels.twilio.channel import TwilioChannel
from tools.clock import Clock

Providers = Literal["stand-in", "twilio-sendgrid"]
PROVIDERS: tuple[Providers, ...] = get_args(Providers)
ACCOUNT, NUMBER, TOKEN = "AC" + "1" * 32, "+13125550199", "a made up token"
SENDER, PARSE_HOST, API_KEY = "billing@seller.example", "parse.seller.example", "SG.fake"
_LINK_KEY = "k" * 32
_TIMEOUT = 1.0  # seconds
_CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Carriers:
    """Ports of loopback, and how the fakes are. `lists_texts`: Twilio shows the texts that it holds, so it can be asked."""

    seed: int
    app: int
    sms: int
    email: int
    lists_texts: bool

    @property
    def origin(self) -> str:
        """Where providers reach the served app."""
        return f"http://127.0.0.1:{self.app}"

    @property
    def addresses(self) -> Mapping[ChannelName, str]:
        """Where the fakes listen."""
        return {"sms": f"http://127.0.0.1:{self.sms}", "email": f"http://127.0.0.1:{self.email}"}

    def settings(self) -> Settings:
        """The settings of an installation with both providers; its engine comes from elsewhere."""
        key = Webhooks(seed=self.seed).public_key
        given: dict[str, Any] = {
            "env": "production", "database_url": "postgresql:///", "sms": "twilio", "email": "sendgrid",
            "public_origin": self.origin, "link_key": _LINK_KEY, "twilio_account_sid": ACCOUNT, "twilio_auth_token": TOKEN,
            "twilio_sender": NUMBER, "twilio_base_url": self.addresses["sms"], "sendgrid_api_key": API_KEY,
            "sendgrid_sender": SENDER, "sendgrid_parse_host": PARSE_HOST, "sendgrid_events_key": key,
            "sendgrid_parse_key": key, "sendgrid_base_url": self.addresses["email"],
        }  # fmt: skip
        return Settings(**given)

    @asynccontextmanager
    async def channels(self, clock: Clock, settling: timedelta) -> AsyncIterator[dict[ChannelName, Channel]]:
        """The channels that these settings open, but impatient: a run lasts seconds."""
        async with (
            TwilioChannel(
                ACCOUNT, TOKEN, NUMBER, status_callback=f"{self.origin}/webhooks/twilio/status",
                base_url=self.addresses["sms"], timeout=_TIMEOUT, connections=_CONNECTIONS,
            ) as sms,
            SendGridChannel(
                API_KEY, SENDER, tokens=Tokens({"a": _LINK_KEY.encode()}), reply_host=PARSE_HOST, public_url=self.origin,
                base_url=self.addresses["email"], timeout=_TIMEOUT, connections=_CONNECTIONS, clock=clock,
            ) as email,
        ):  # fmt: skip
            sms.settling = email.settling = settling
            yield {"sms": sms, "email": email}

    async def serve(self, app: FastAPI, engine: Engine, channels: Mapping[ChannelName, Channel]) -> None:
        """Serve the product's own app, with this engine, until the process is killed."""
        settings = self.settings()
        app.state.services = Services(engine, channels, settings, webhooks_of(settings))
        config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, loop="asyncio")
        with reserve(self.app) as door:
            await uvicorn.Server(config).serve(sockets=[door])


def reserve(port: int = 0) -> socket.socket:
    """A socket bound to that port of loopback, or a free one: beside others that are bound so, and before strangers."""
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    door.bind(("127.0.0.1", port))
    return door


def provider_id(sid: str, channel: ChannelName) -> str:
    """How a provider calls the customer's message that the story calls `sid`."""
    if channel == "email":
        return f"<{sid}@buyer.example>"
    return f"SM{hashlib.md5(sid.encode(), usedforsecurity=False).hexdigest()}"
