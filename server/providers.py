"""Providers: from the settings to the channels that carry messages, and to the gates that their webhooks pass."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import SecretStr

from server.settings import Settings
from server.webhooks.gates import LocalLine, SendGridGate, TwilioGate, Webhooks
from tools.channels.base import Channel, ChannelName, Channels
from tools.channels.local import LocalChannel
from tools.channels.sendgrid.reply_token import Tokens
from tools.channels.sendgrid.signature import public_key
from tools.channels.twilio.signature import Keys
from tools.errors import Misconfigured

if TYPE_CHECKING:
    from tools.channels.sendgrid.channel import SendGridChannel
    from tools.channels.twilio.channel import TwilioChannel

# A mail that is refused is lost (SendGrid repeats nothing after a 4xx), and what it repeats may carry the first time.
_EVENTS_LAST, _MAILS_LAST = timedelta(days=1), timedelta(days=3)


@asynccontextmanager
async def open_channels(settings: Settings) -> AsyncIterator[Channels]:
    """Who carries messages, by channel, until the block ends. Raises Misconfigured for what a provider could never accept."""
    async with AsyncExitStack() as opened:
        channels: dict[ChannelName, Channel] = {"sms": LocalChannel(), "email": LocalChannel()}
        if settings.sms == "twilio":
            channels["sms"] = await opened.enter_async_context(_twilio_channel(settings))
        if settings.email == "sendgrid":
            channels["email"] = await opened.enter_async_context(_sendgrid_channel(settings))
        yield channels


def _twilio_channel(settings: Settings) -> "TwilioChannel":
    from tools.channels.twilio.channel import TwilioChannel  # noqa: PLC0415 - the SDK takes a third of a second to load

    return TwilioChannel(
        settings.twilio_account_sid or "",
        _value(settings.twilio_api_secret if settings.twilio_api_key else settings.twilio_auth_token),
        settings.twilio_sender or "",
        api_key=settings.twilio_api_key,
        status_callback=f"{public_url(settings)}/webhooks/twilio/status",
        base_url=settings.twilio_base_url,
    )


def _sendgrid_channel(settings: Settings) -> "SendGridChannel":
    from tools.channels.sendgrid.channel import SendGridChannel  # noqa: PLC0415 - as above

    tokens = tokens_of(settings)
    if tokens is None:
        raise Misconfigured(
            "E-mail needs DUNWELL_LINK_KEY, which signs reply addresses and unsubscribe links."
        )
    return SendGridChannel(
        _value(settings.sendgrid_api_key),
        settings.sendgrid_sender or "",
        tokens=tokens,
        reply_host=settings.sendgrid_parse_host or "",
        public_url=public_url(settings),
        name=settings.company_name,
        sandbox=settings.sendgrid_sandbox,
        base_url=settings.sendgrid_base_url,
        clock=settings.make_clock(),
    )


def public_url(settings: Settings) -> str:
    """Where providers and mail programs reach this server, without a slash at its end."""
    return (settings.public_origin or f"http://{settings.host}:{settings.port}").rstrip("/")


def tokens_of(settings: Settings) -> Tokens | None:
    """What signs reply addresses and unsubscribe links; None where no key is set."""
    keys = {
        name: key.get_secret_value().encode()
        for name, key in (("a", settings.link_key), ("b", settings.link_key_before))
        if key is not None
    }
    return Tokens(keys) if keys else None


def webhooks_of(settings: Settings) -> Webhooks:
    """Who may tell us something, and how we know them. A local channel's customers are on the local page, in development."""
    local = LocalLine.fresh() if settings.env == "development" else None
    twilio = _twilio(settings) if settings.sms == "twilio" else local.twilio if local else None
    sendgrid = _sendgrid(settings) if settings.email == "sendgrid" else local.sendgrid if local else None
    used = local if local and "local" in (settings.sms, settings.email) else None
    return Webhooks(public_url(settings), twilio, sendgrid, tokens_of(settings), used)


def _twilio(settings: Settings) -> TwilioGate:
    pairs = _value(settings.twilio_shared_keys)
    shared = dict(_pair(each) for each in pairs.split(",")) if pairs else {}
    keys = (
        Keys("HMAC_SHA256", shared=shared)
        if shared
        else Keys(
            "HMAC_SHA1",
            auth_tokens=(_value(settings.twilio_auth_token), _value(settings.twilio_auth_token_before)),
        )
    )
    return TwilioGate(settings.twilio_account_sid or "", keys, settings.twilio_confirms_keywords)


def _pair(text: str) -> tuple[str, str]:
    name, colon, secret = text.strip().partition(":")
    if not (name and colon and secret):
        raise Misconfigured("DUNWELL_TWILIO_SHARED_KEYS is ID:SECRET, several of them with commas.")
    return name, secret


def _sendgrid(settings: Settings) -> SendGridGate:
    sender = settings.sendgrid_sender or ""
    return SendGridGate(
        events_key=public_key(settings.sendgrid_events_key or ""),
        parse_key=public_key(settings.sendgrid_parse_key) if settings.sendgrid_parse_key else None,
        parse_secret=_value(settings.sendgrid_parse_secret) or secrets.token_urlsafe(),
        reply_host=settings.sendgrid_parse_host or "",
        ours=frozenset({sender.lower(), (settings.sendgrid_parse_host or "").lower()}),
        events_last=_EVENTS_LAST,
        mails_last=_MAILS_LAST,
    )


def _value(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret is not None else ""
