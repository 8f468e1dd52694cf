"""The SendGrid channel: e-mail by the official SDK.

SendGrid has no idempotency key, and cannot be asked for a mail without a product that few accounts have. A message is
handed over once; one whose answer was lost settles by the Event Webhook, whose events carry our key.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import urllib3
from email_validator import EmailNotValidError, validate_email
from sendgrid import SendGridAPIClient  # type: ignore[import-untyped]  # the SDK ships no py.typed
from sendgrid.helpers.mail import (  # type: ignore[import-untyped]  # likewise
    Asm,
    ClickTracking,
    Content,
    CustomArg,
    From,
    GroupId,
    Header,
    Mail,
    MailSettings,
    OpenTracking,
    Personalization,
    ReplyTo,
    SandBoxMode,
    SubscriptionTracking,
    To,
    TrackingSettings,
)
from typing_extensions import override

from tools.channels.base import CannotSay, Channel, NotTaken, Outbound, Pace, Receipt
from tools.channels.sendgrid.account import events_trouble, is_verified, parse_trouble, scopes
from tools.channels.sendgrid.events import KEY
from tools.channels.sendgrid.http import PooledClient
from tools.channels.sendgrid.refusals import refusal
from tools.channels.sendgrid.reply_token import Tokens
from tools.clock import Clock, SystemClock
from tools.errors import Misconfigured, Unavailable

HOST = "https://api.sendgrid.com"
_MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>", re.ASCII)
_RECEIPT = re.compile(r"[\w.-]{1,100}", re.ASCII)
_LINE = 900  # characters of References; RFC 5322 ends a line at 998
_SENDS = "mail.send"  # the scope that a key needs


class SendGridChannel(Channel):
    """E-mail from one address, a mail per recipient and call. An async context manager.

    Replies go to `reply+<token>@<reply_host>`, which Inbound Parse hands to us; unsubscribing posts to
    `<public_url>/unsubscribe/<token>` (RFC 8058). Both tokens are signed by `tokens` over the message's key, which is
    an outbox row's number. `sandbox`: SendGrid checks every mail and sends none. `asm_group` is the unsubscribe group
    of the account that these mails belong to. `base_url` stands in for the provider's own host (or is its EU one).
    Raises Misconfigured for what SendGrid could never accept.
    """

    def __init__(
        self,
        api_key: str,
        sender: str,
        *,
        tokens: Tokens,
        reply_host: str,
        public_url: str,
        name: str | None = None,
        asm_group: int | None = None,
        sandbox: bool = False,
        base_url: str | None = None,
        timeout: float = 8.0,
        pace: Pace | None = None,
        connections: int = 64,
        clock: Clock | None = None,
    ) -> None:
        if not api_key.strip():
            raise Misconfigured("SendGrid needs an API key (SG...).")
        _assert_address(sender, "SendGrid's sender is an address as billing@example.com.")
        _assert_address(f"reply@{reply_host}", "The host of reply addresses is one as parse.example.com.")
        self.pace = pace
        # Nothing but its events says whether it took a mail, and events are late at times: a person need not hurry.
        self.settling = timedelta(minutes=5)
        self._from, self._name = sender, name
        self._tokens, self._reply_host, self._public_url = tokens, reply_host, public_url.rstrip("/")
        self._asm_group, self._sandbox = asm_group, sandbox
        self._timeout, self._clock = timeout, clock or SystemClock()
        host = (base_url or HOST).rstrip("/")
        self._sdk = SendGridAPIClient(api_key.strip(), host=host)
        limits = urllib3.Timeout(connect=timeout / 2, read=timeout, total=timeout)
        self._pool = urllib3.PoolManager(num_pools=1, maxsize=connections, timeout=limits)
        headers: dict[str, str] = self._sdk.client.request_headers
        self._sdk.client = PooledClient(self._pool, host=host, request_headers=headers, version=3)
        # The SDK blocks. As many threads as connections, and a place in one of them for whoever calls it.
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="sendgrid")
        self._places = asyncio.Semaphore(connections)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. Requests that are under way end within their time limit."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._pool.clear()

    @override
    async def send(self, message: Outbound) -> Receipt:
        """Hand it over. The receipt names SendGrid's X-Message-Id, which its events' ids begin with."""
        status, headers, body = await self._asked(self._sdk.send, self._composed(message))
        if self._sandbox and status == 200:
            return Receipt(f"sandbox-{message.key}")
        if status == 202:
            given = headers.get("X-Message-Id", "")
            return Receipt(given if _RECEIPT.fullmatch(given) else f"unnamed-{message.key}")
        if status < 400:
            raise Unavailable("SendGrid's answer cannot be read.")
        raise refusal(status, headers, body, self._clock.now())

    @override
    async def find(self, message: Outbound) -> Receipt | None:
        """Always CannotSay: the v3 API lists no mails, but for an add-on (Email Activity) that is minutes behind.

        The Event Webhook settles such a message: its first event carries our key within seconds of SendGrid's taking it.
        """
        raise CannotSay("SendGrid cannot be asked for a mail; its events say what it took.")

    async def check(self) -> None:
        """Whether the key may send, and from our sender as far as it may ask that.

        Raises Misconfigured, which says what to change, or Unavailable.
        """
        client = self._sdk.client
        said = await self._told(client.scopes.get)
        if isinstance(said, Exception):
            raise said
        if _SENDS not in scopes(said):
            raise Misconfigured(
                f"SendGrid's API key has no scope {_SENDS}: give it the permission to send mail."
            )
        domains = await self._told(client.whitelabel.domains.get, None, {"limit": 500})
        senders = await self._told(client.verified_senders.get)
        known = [None if isinstance(one, Exception) else one for one in (domains, senders)]
        if is_verified(self._from, *known) is False:
            raise Misconfigured(
                "SendGrid's sender is not verified: authenticate its domain under Settings, Sender Authentication."
            )

    async def inbound_trouble(self, host: str, url: str, shown: str) -> str | None:
        """What SendGrid's settings lack to post mail to `host` to `url`, in words that show `shown` instead; None: nothing.

        Raises Misconfigured where the key may not look, or Unavailable.
        """
        return parse_trouble(
            await self._setting(self._sdk.client.user.webhooks.parse.settings.get), host, url, shown
        )

    async def events_trouble(self, url: str) -> str | None:
        """What SendGrid's settings lack to post events to `url`; None: nothing. Raises as inbound_trouble does."""
        return events_trouble(await self._setting(self._sdk.client.user.webhooks.event.settings.get), url)

    async def _setting(self, request: Callable[..., Any]) -> bytes:
        said = await self._told(request)
        if isinstance(said, Exception):
            raise said
        return said

    async def _told(self, request: Callable[..., Any], *given: Any) -> bytes | Misconfigured:
        """What SendGrid says of the account; Misconfigured where our key may not ask, Unavailable where it does not answer."""
        try:
            status, headers, body = await self._asked(request, *given)
        except NotTaken as unreachable:
            raise Unavailable(str(unreachable)) from unreachable
        if status == 200:
            return body
        refused = refusal(status, headers, body, self._clock.now())
        if isinstance(refused, Unavailable) or status == 429:
            raise Unavailable(str(refused))
        return Misconfigured(str(refused))

    async def _asked(self, request: Callable[..., Any], *given: Any) -> tuple[int, Mapping[str, str], bytes]:
        """One request of the SDK in a thread. Who gets no place in time has not begun to send."""
        try:
            async with asyncio.timeout(self._timeout / 2):
                await self._places.acquire()
        except TimeoutError as busy:
            raise NotTaken("Every connection to SendGrid is busy.") from busy
        running = asyncio.get_running_loop().run_in_executor(self._threads, request, *given)
        # The place is free when the thread is, whoever has stopped waiting for it.
        running.add_done_callback(lambda _: self._places.release())
        answer = await asyncio.shield(running)
        return answer.status_code, answer.headers, answer.body

    def _composed(self, message: Outbound) -> Any:
        """The mail: plain text, one recipient, nothing rewritten, nothing tracked."""
        row = int(message.key)
        mail, one = Mail(), Personalization()
        recipient = To()
        recipient.email = message.to  # as it is: the constructor would take it for a name and an address
        one.add_to(recipient)
        one.add_custom_arg(CustomArg(KEY, message.key))
        mail.add_personalization(one)
        mail.from_email = From(self._from, self._name)
        mail.reply_to = ReplyTo(self._tokens.reply_address(row, self._reply_host), self._name)
        mail.subject = " ".join((message.subject or "").split())
        mail.add_content(Content("text/plain", message.body))
        unsubscribe = f"{self._public_url}/unsubscribe/{self._tokens.sign('unsubscribe', row)}"
        mail.add_header(Header("List-Unsubscribe", f"<{unsubscribe}>"))
        mail.add_header(Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
        if answered := _thread(message.follows):
            mail.add_header(Header("In-Reply-To", answered[-1]))
            mail.add_header(Header("References", " ".join(answered)))
        mail.tracking_settings = TrackingSettings(
            click_tracking=ClickTracking(enable=False, enable_text=False),
            open_tracking=OpenTracking(enable=False),
            subscription_tracking=SubscriptionTracking(enable=False),
        )
        if self._asm_group is not None:
            mail.asm = Asm(GroupId(self._asm_group))
        if self._sandbox:
            mail.mail_settings = MailSettings(sandbox_mode=SandBoxMode(enable=True))
        return mail


def _thread(follows: Sequence[str]) -> list[str]:
    """Message-IDs that may stand in a header, the first and as many of the latest as a line holds.

    They are other people's: one that is no Message-ID could be the start of another header.
    """
    fit = [one for one in dict.fromkeys(follows) if _MESSAGE_ID.fullmatch(one)]
    kept, room = [], _LINE - len(fit[0] if fit else "")
    for one in reversed(fit[1:]):
        room -= len(one) + 1
        if room < 0:
            break
        kept.append(one)
    return [*fit[:1], *reversed(kept)]


def _assert_address(address: str, otherwise: str) -> None:
    try:
        validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise Misconfigured(otherwise) from None
