"""The Twilio channel: SMS by the official SDK.

Twilio has no idempotency key for messages, and answers 5xx to messages that it took. A message is handed over once; one
whose answer was lost settles by its status callback, which carries our key, or by being looked for among those that
Twilio lists for its number.
"""

import re
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

from twilio.base.exceptions import (  # type: ignore[import-untyped]  # the SDK ships no py.typed
    TwilioException,
    TwilioRestException,
    TwilioServiceException,
)
from twilio.rest import Client  # type: ignore[import-untyped]  # likewise
from typing_extensions import override

from tools.channels.base import CannotSay, Channel, NotTaken, Outbound, Pace, Receipt, Rejected
from tools.channels.twilio.codes import ErrorClass, meaning
from tools.channels.twilio.http import PooledHttpClient
from tools.channels.twilio.webhook import StatusUpdate
from tools.errors import Misconfigured, Unavailable

_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}", re.ASCII)
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}", re.ASCII)
_NUMBER = re.compile(r"\+[1-9][0-9]{5,14}|[0-9]{5,6}", re.ASCII)  # E.164, or a short code
_FIXED_BY_A_PERSON = timedelta(minutes=15)  # how long a message waits for our settings to be put right
_SKEW = timedelta(hours=12)  # between Twilio's clock and ours: what is not recognised is sent twice
_PAGE = 1000  # the most that Twilio puts on one
_MOST = 2 * _PAGE  # messages of one number; one with more of them is for a person to look through
_TRIAL = "Sent from your Twilio trial account - "  # what Twilio puts before every text of a trial account
# What the SDK raises over an answer that is none of Twilio's. Its words may quote the answer: they go no further.
_GARBLED = (TwilioException, ValueError, TypeError, KeyError, AttributeError)
_REFUSED = "Twilio refused account SID, key or sender"
# What a refusal says of the recipient, where it says something.
_SAYS_OF_THEM: dict[ErrorClass, Literal["opt_out", "bounced"]] = {
    "suppress": "opt_out", "bad_address": "bounced",
}  # fmt: skip
_RETRIES = "#rc=3&rp=ct,rt,5xx"  # callbacks that we did not take are repeated; not a part of the signed URL


class TwilioChannel(Channel):
    """SMS through one account, from a number or a messaging service (`MG...`). An async context manager.

    `secret` is the account's auth token, or the secret of `api_key` (`SK...`). `status_callback` is the https URL
    without a query that statuses are posted to; each message adds our key to it. `validity` is how long Twilio tries
    to deliver (1 s to 10 h). `base_url` stands in for the provider's own host. Raises Misconfigured for what Twilio
    could never accept.
    """

    def __init__(
        self,
        account_sid: str,
        secret: str,
        sender: str,
        *,
        api_key: str | None = None,
        status_callback: str | None = None,
        validity: timedelta = timedelta(hours=4),
        base_url: str | None = None,
        timeout: float = 8.0,
        pace: Pace | None = None,
        connections: int = 64,
    ) -> None:
        if not _ACCOUNT.fullmatch(account_sid):
            raise Misconfigured("Twilio's account SID is AC and 32 hexadecimal digits.")
        if not secret:
            raise Misconfigured("Twilio needs an auth token, or an API key and its secret.")
        if not (_SERVICE.fullmatch(sender) or _NUMBER.fullmatch(sender)):
            raise Misconfigured("Twilio's sender is a number as +13125550100 or a messaging service MG...")
        if not timedelta(seconds=1) <= validity <= timedelta(hours=10):
            raise Misconfigured("Twilio tries to deliver for one second to ten hours.")
        self.pace = pace
        # Twilio is through with a request before its own limit of 15 s; what it accepted by then is listed soon after.
        self.settling = timedelta(minutes=2)
        self._service = sender if sender.startswith("MG") else None
        self._from = sender if self._service is None else None
        self._callback, self._validity = status_callback, int(validity.total_seconds())
        self._http = PooledHttpClient(base_url, timeout=timeout, connections=connections)
        self._client = Client(api_key or account_sid, secret, account_sid, http_client=self._http)
        self._messages = self._client.messages  # loads the SDK's classes: not while the first message waits

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    @override
    async def send(self, message: Outbound) -> Receipt:
        """Hand it over. The receipt names Twilio's SID."""
        wanted: dict[str, Any] = {"to": message.to, "body": message.body, "validity_period": self._validity}
        wanted |= {"messaging_service_sid": self._service} if self._service else {"from_": self._from}
        if self._callback:
            wanted["status_callback"] = f"{self._callback}?key={quote(message.key, safe='')}{_RETRIES}"
        try:
            made = await self._messages.create_async(**wanted)
        except (TwilioRestException, TwilioServiceException) as refused:
            raise _refusal(refused) from None  # Twilio's own words name the number
        except _GARBLED:
            raise Unavailable("Twilio's answer cannot be read.") from None
        return _receipt(made)

    @override
    async def find(self, message: Outbound) -> Receipt | None:
        """The message among those that Twilio lists for its number since the first call.

        Listed by number only: a message that has not been sent yet has no date of sending to ask for. Raises CannotSay
        where texts are redacted, or there are more messages than one would want to look through.
        """
        try:
            held = await self._messages.list_async(to=message.to, page_size=_PAGE, limit=_MOST)
        except (NotTaken, *_GARBLED):  # a refusal as well: who may not look has not seen that it is missing
            raise Unavailable("Twilio cannot be asked now.") from None
        recent = [one for one in held if _may_be(one, message)]
        for one in recent:
            if _plain(one.body) == _plain(message.body):
                return _receipt(one)
        if any(not one.body for one in recent):
            raise CannotSay("Twilio no longer shows the texts of messages to this number.")
        if len(held) >= _MOST:
            raise CannotSay("Twilio holds too many messages to this number.")
        return None

    async def progress(self, provider_id: str) -> StatusUpdate:
        """What became of a message whose callbacks did not come. Raises Unavailable where Twilio does not say."""
        try:
            held = await self._messages(provider_id).fetch_async()
        except (NotTaken, *_GARBLED):
            raise Unavailable("Twilio cannot be asked now.") from None
        code = None if held.error_code is None else str(held.error_code)
        return StatusUpdate(str(held.sid), str(held.account_sid), str(held.status), code, key=None)

    async def check(self) -> None:
        """Whether account, key and sender fit together. Raises Misconfigured, which says what to change, or Unavailable."""
        try:
            if self._service:
                await self._client.messaging.v1.services(self._service).fetch_async()
                return
            owned = await self._client.incoming_phone_numbers.list_async(phone_number=self._from, limit=1)
        except (TwilioRestException, TwilioServiceException) as refused:
            said = meaning(refused.code)
            raise Misconfigured(f"{_REFUSED}: {said.words} ({said.code}).") from None
        except (NotTaken, *_GARBLED) as garbled:
            said = meaning(_status(garbled))
            if said.kind == "account":
                raise Misconfigured(f"{_REFUSED}: {said.words} ({said.code}).") from None
            raise Unavailable("Twilio cannot be asked now.") from None
        if not owned:
            raise Misconfigured("Twilio's sender is no number of this account.")

    async def inbound_url(self) -> str | None:
        """Where Twilio posts texts to our sender; None where it does not say. Raises Unavailable."""
        try:
            if self._service:
                service = await self._client.messaging.v1.services(self._service).fetch_async()
                # With the number's own webhook, which of its numbers have one is for a person to look up.
                return None if service.use_inbound_webhook_on_number else service.inbound_request_url or None
            owned = await self._client.incoming_phone_numbers.list_async(phone_number=self._from, limit=1)
        except (NotTaken, *_GARBLED):
            raise Unavailable("Twilio cannot be asked now.") from None
        return (owned[0].sms_url or None) if owned else None


def _may_be(held: Any, message: Outbound) -> bool:
    """Whether a listed message went to this number since the first call, from whichever sender: that setting may have
    changed since, and a message that is not recognised is sent twice.
    """
    made = held.date_created or held.date_sent or datetime.max.replace(tzinfo=UTC)
    ours = held.direction != "inbound" and held.sid not in message.others
    return ours and held.to == message.to and made >= message.since - _SKEW


def _status(garbled: Exception) -> int:
    """The HTTP status of a list that was refused: the SDK hangs the response on its bare exception."""
    return next((one.status_code for one in garbled.args if hasattr(one, "status_code")), 0)


def _receipt(held: Any) -> Receipt:
    if not held.sid:
        raise Unavailable("Twilio's answer names no message.")
    return Receipt(str(held.sid), delivered=held.status in ("delivered", "read"))


def _refusal(refused: TwilioRestException | TwilioServiceException) -> Exception:
    if not 400 <= refused.status < 500:
        return Unavailable("Twilio's answer cannot be read.")
    found = meaning(refused.code)
    match found.kind:
        case "not_taken":
            return NotTaken(f"Twilio did not take it: {found.words} ({found.code}).")
        case "account":
            return NotTaken(f"Twilio needs other settings: {found.words} ({found.code}).", _FIXED_BY_A_PERSON)
        case _:
            return Rejected(found.code, found.words, _SAYS_OF_THEM.get(found.kind))


def _plain(body: str | None) -> str:
    """A text as it can be compared: Twilio may trim it, and puts a line of its own before a trial account's."""
    return " ".join((body or "").removeprefix(_TRIAL).split())
