"""The doctor: looks at every part of an installation, also at what only its providers know, and says what to do.

Nothing is changed and nothing is sent to a customer.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import urlsplit

import httpx

from agent.models.factory import build_model
from agent.policy.document import Policy, load_policy
from server import db
from server.embedded import status
from server.providers import open_channels
from server.runtime import model_config
from server.settings import Settings
from server.site import is_loopback
from server.webhooks.challenge import PATH, expected
from tools.channels.base import Channels
from tools.errors import CollectionsError, Misconfigured, Unavailable

State = Literal["ok", "warn", "fail"]
_PATIENCE = 10.0  # seconds for one answer
_SKEW = (
    timedelta(seconds=10),
    timedelta(minutes=4),
)  # worth a word; and signed webhooks count for five minutes
_TEXTS, _MAILS, _EVENTS = (
    "/webhooks/twilio/messages",
    "/webhooks/sendgrid/inbound",
    "/webhooks/sendgrid/events",
)
_HOSTS = {"twilio": "https://api.twilio.com", "sendgrid": "https://api.sendgrid.com"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: how it is, and one sentence that says what to do where it is not well."""

    name: str
    state: State
    says: str


async def examine(settings: Settings) -> list[Finding]:
    """Every check there is for these settings, in the order in which one would mend things."""
    return [finding async for finding in _all(settings)]


async def _all(settings: Settings) -> AsyncIterator[Finding]:
    yield Finding("settings", "ok", "They are complete.")
    yield await _database(settings)
    policy, finding = _policy(settings)
    yield finding
    yield _model(settings)
    if settings.clock is not None:
        yield Finding(
            "clock", "warn", "DUNWELL_CLOCK stops it: unset it when you are through with trying things out."
        )
    if not settings.carriers:
        yield _local(settings)
        return
    async with httpx.AsyncClient(timeout=_PATIENCE, follow_redirects=False) as client:
        yield await _public(settings, client)
        yield await _clock(settings, client)
    try:
        async with open_channels(settings) as channels:
            if settings.sms == "twilio":
                yield _allowed(settings, policy)
                async for each in _twilio(settings, channels):
                    yield each
            if settings.email == "sendgrid":
                async for each in _sendgrid(settings, channels):
                    yield each
    except Misconfigured as wrong:
        yield Finding("channels", "fail", str(wrong))


async def _database(settings: Settings) -> Finding:
    if settings.database_url is None and not status(settings.data_dir).running:
        return Finding("database", "ok", "The embedded one is not running now; `dunwell up` starts it.")
    try:
        async with db.connect(await asyncio.to_thread(db.locate, settings)) as conn:
            if not await db.is_current(conn):
                return Finding("database", "fail", "Its schema is not current: run `dunwell migrate`.")
    except CollectionsError as wrong:
        return Finding("database", "fail", str(wrong))
    return Finding("database", "ok", "It answers, and its schema is current.")


def _policy(settings: Settings) -> tuple[Policy | None, Finding]:
    try:
        policy = load_policy(settings.policy)
    except CollectionsError as wrong:
        return None, Finding("policy", "fail", str(wrong))
    return policy, Finding("policy", "ok", f"Version {policy.version} is valid.")


def _model(settings: Settings) -> Finding:
    try:
        build_model(model_config(settings))
    except CollectionsError as wrong:
        return Finding("model", "fail", str(wrong))
    name = "The built-in one" if settings.model == "offline" else f"{settings.openai_model}"
    return Finding("model", "ok", f"{name} is configured.")


def _local(settings: Settings) -> Finding:
    if settings.env == "production":
        return Finding(
            "channels",
            "warn",
            "No message leaves this machine: set DUNWELL_SMS=twilio or DUNWELL_EMAIL=sendgrid.",
        )
    return Finding(
        "channels", "ok", "Both are local: `dunwell up` shows the customer's phone and mailbox at /local."
    )


async def _public(settings: Settings, client: httpx.AsyncClient) -> Finding:
    """Whether the providers can reach this installation under the address that they are told."""
    url = settings.public_origin or ""
    if urlsplit(url).scheme != "https" and not is_loopback(urlsplit(url).hostname or ""):
        return _unreached(
            "DUNWELL_PUBLIC_ORIGIN has to begin with https: providers post customers' words to it."
        )
    nonce = secrets.token_hex(16)
    try:
        answer = await client.get(f"{url}{PATH}", params={"nonce": nonce})
    except httpx.HTTPError as failure:
        return _unreached(
            f"{url} does not answer ({type(failure).__name__}): start the server, and look at DNS, certificate and proxy."
        )
    if answer.is_redirect:
        return _unreached(
            f"{url} redirects, and a redirected webhook is lost: set DUNWELL_PUBLIC_ORIGIN to where it leads."
        )
    if answer.text != expected(settings, nonce):
        wrong = (
            "another installation, or one with other keys"
            if answer.is_success
            else f"something that answers {answer.status_code}"
        )
        return _unreached(
            f"{url} leads to {wrong}: point it at this server, and start that again with these settings."
        )
    if urlsplit(url).scheme != "https":
        return Finding(
            "public address",
            "warn",
            f"{url} leads here, but only on this machine: good for stand-ins of the providers only.",
        )
    return Finding("public address", "ok", f"{url} leads to this installation.")


def _unreached(says: str) -> Finding:
    return Finding("public address", "fail", says)


async def _clock(settings: Settings, client: httpx.AsyncClient) -> Finding:
    """How far our clock is from a provider's: signatures carry the time."""
    carrier = settings.carriers[0]
    base = (settings.twilio_base_url if carrier == "twilio" else settings.sendgrid_base_url) or _HOSTS[
        carrier
    ]
    try:
        said = parsedate_to_datetime((await client.head(base)).headers["Date"])
    except (httpx.HTTPError, KeyError, ValueError):
        return Finding(
            "clock", "warn", f"{base} does not say what time it is: see to it that this machine runs NTP."
        )
    clock = settings.make_clock()
    off = abs(clock.now() - said)
    state: State = "fail" if off > _SKEW[1] else "warn" if off > _SKEW[0] else "ok"
    says = (
        "It agrees with the provider's."
        if state == "ok"
        else f"It is off by {off.total_seconds():.0f} seconds: run NTP on this machine."
    )
    return Finding("clock", state, says)


def _allowed(settings: Settings, policy: Policy | None) -> Finding:
    """Twilio's terms for debt collection (compliance: first party only in the US and Canada)."""
    name = "text messages"
    if policy is None or policy.document.profile == "first_party":
        return Finding(name, "ok", "You collect what is owed to yourself.")
    says = (
        "Twilio forbids third-party collectors to text the US and Canada, whatever the consent: "
        "set DUNWELL_SMS=local, or `profile` in the policy if the debts are your own."
    )
    return Finding(name, "fail" if (settings.twilio_sender or "").startswith("+1") else "warn", says)


async def _asked(name: str, well: str, question: Callable[[], Awaitable[None]]) -> Finding:
    try:
        await question()
    except (Misconfigured, Unavailable) as wrong:
        return Finding(name, "fail", str(wrong))
    return Finding(name, "ok", well)


async def _twilio(settings: Settings, channels: Channels) -> AsyncIterator[Finding]:
    from tools.channels.twilio.channel import TwilioChannel  # noqa: PLC0415 - the SDK takes a third of a second to load

    channel = channels["sms"]
    assert isinstance(channel, TwilioChannel)  # noqa: S101 - what these settings open
    account = await _asked("Twilio's account", "Account, key and sender fit together.", channel.check)
    yield account
    if account.state == "ok":
        yield await _texts_arrive(settings, channel.inbound_url)


async def _texts_arrive(settings: Settings, ask: Callable[[], Awaitable[str | None]]) -> Finding:
    ours, name = f"{settings.public_origin}{_TEXTS}", "Twilio's webhook"
    try:
        url = await ask()
    except (Misconfigured, Unavailable) as wrong:
        return Finding(name, "fail", str(wrong))
    if url is None:
        return Finding(name, "warn", f"Twilio does not say where texts go: set it to {ours} (POST).")
    if url.partition("#")[0] != ours:
        return Finding(
            name,
            "fail",
            f"Customers' texts go elsewhere: in Twilio set the sender's incoming messages to {ours} (POST).",
        )
    if "#" not in url:
        return Finding(
            name, "warn", f"One failure loses a text: in Twilio write {ours}#rc=3&rp=ct,rt,5xx instead."
        )
    return Finding(name, "ok", "Customers' texts come here.")


async def _sendgrid(settings: Settings, channels: Channels) -> AsyncIterator[Finding]:
    from tools.channels.sendgrid.channel import SendGridChannel  # noqa: PLC0415 - as above

    channel = channels["email"]
    assert isinstance(channel, SendGridChannel)  # noqa: S101 - what these settings open
    account = await _asked(
        "SendGrid's account", "The key may send, and from this sender as far as it may say.", channel.check
    )
    yield account
    if settings.sendgrid_sandbox:
        yield Finding(
            "SendGrid's sandbox", "warn", "It is on and no e-mail leaves: unset DUNWELL_SENDGRID_SANDBOX."
        )
    if account.state != "ok":
        return
    secret = settings.sendgrid_parse_secret
    path = (
        _MAILS if settings.sendgrid_parse_key or secret is None else f"{_MAILS}/{secret.get_secret_value()}"
    )
    shown = _MAILS if path == _MAILS else f"{_MAILS}/<DUNWELL_SENDGRID_PARSE_SECRET>"
    host = settings.sendgrid_parse_host or ""
    yield await _told(
        "Inbound Parse", f"Mail to {host} comes here.",
        lambda: channel.inbound_trouble(host, f"{settings.public_origin}{path}", f"{settings.public_origin}{shown}"),
    )  # fmt: skip
    yield await _told(
        "Event Webhook", "Deliveries, bounces and complaints are told here.",
        lambda: channel.events_trouble(f"{settings.public_origin}{_EVENTS}"),
    )  # fmt: skip


async def _told(name: str, well: str, question: Callable[[], Awaitable[str | None]]) -> Finding:
    """What a provider's settings lack; where the key may not look, a person has to."""
    try:
        trouble = await question()
    except Misconfigured:
        return Finding(
            name, "warn", "The API key may not look at this setting: compare it with the README yourself."
        )
    except Unavailable as away:
        return Finding(name, "fail", str(away))
    return Finding(name, "fail" if trouble else "ok", trouble or well)
