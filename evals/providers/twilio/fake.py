"""The fake Twilio: its REST API, and what it makes of messages.

Beside Twilio's paths: `GET /accepted` gives what it took, `PUT /faults` says how to misbehave, and
`POST /texts` ({"from", "body", "to"}) is a customer who writes.
"""

import asyncio
import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from evals.providers.faults import ACCEPTS_NOT, Dice, checked
from evals.providers.loopback import FOREVER, Answer, Loopback, Request
from evals.providers.twilio.messages import API, Message, Messages, new_sid
from evals.providers.twilio.webhooks import Webhooks
from tools.clock import Clock, SystemClock
from tools.dunning.segments import segments

_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
# What Twilio says to each code, number and all: nobody downstream may repeat it.
_SAYS = {
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    21211: (400, "Invalid 'To' Phone Number: {to}"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21609: (400, "The 'StatusCallback' URL {callback} is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient {to}"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21660: (400, "Mismatch between the 'From' number {from_} and the account {account}"),
    21701: (400, "The Messaging Service resource does not exist"),
}


@dataclass(slots=True)
class FakeTwilio:
    """A running Twilio with one account, on a free port unless told; an async context manager.

    `numbers` and `services` are the senders that it owns. `refuses` gives numbers the code that a message to them is
    refused with, `fails` the code that it is undelivered with. `inbound` is the URL that customers' texts go to.
    """

    messages: Messages
    webhooks: Webhooks
    port: int = 0
    account: str = "AC" + "1" * 32
    keys: Mapping[str, str] = field(default_factory=dict)  # API keys and their secrets
    numbers: tuple[str, ...] = ("+13125550199",)
    services: tuple[str, ...] = ("MG" + "2" * 32,)
    inbound: str | None = None
    refuses: dict[str, int] = field(default_factory=dict)
    fails: dict[str, int] = field(default_factory=dict)
    advanced_opt_out: bool = False
    redacts: bool = False  # the account shows no texts
    dice: Dice = field(default_factory=Dice)
    delay: float = 0.2  # seconds, of a slow answer
    clock: Clock = field(default_factory=SystemClock)
    requests: list[Request] = field(default_factory=list)
    calls: int = 0
    answered: dict[str, int] = field(default_factory=dict)  # the HTTP status, by the SID of a customer's text
    _server: Loopback = field(init=False)
    _later: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it listens: the base URL for the channel."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self.messages.load()
        self._server = Loopback(self._answer, self.port)
        await self._server.start()
        self.port = self._server.port
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop()
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)
        await self.webhooks.close()
        self.messages.close()

    async def idle(self) -> None:
        """Wait until every webhook that is due was posted."""
        while self._later:
            await asyncio.gather(*self._later)

    async def text(
        self,
        from_: str,
        body: str,
        *,
        to: str | None = None,
        media: Sequence[tuple[str, str]] = (),
        sid: str = "",
    ) -> str:
        """A customer writes; the SID of their text, once our webhook has answered. `media` has URL and type of each.

        With a `sid` it is that text which is delivered (again); `answered` has what we said to it last.
        """
        sid, ours = sid or new_sid("MM" if media else "SM"), to or self.numbers[0]
        keyword = self.messages.heed(from_, ours, body)
        kept = Message(sid, ours, from_, body, "inbound", "received", self.clock.now().isoformat())
        self.messages.keep(replace(kept, media=tuple(url for url, _ in media)))
        form = {
            **self._form(kept, "received"),
            "Body": body,
            "NumMedia": str(len(media)),
            "NumSegments": str(segments(body)),
            "FromCity": "",
            "FromState": "IL",
            "FromCountry": "US",
            **({"OptOutType": keyword} if keyword and self.advanced_opt_out else {}),
        }
        for n, (url, kind) in enumerate(media):
            form |= {f"MediaUrl{n}": url, f"MediaContentType{n}": kind}
        if self.inbound:
            self.answered[sid] = await self.webhooks.post(self.inbound, form)
        return sid

    async def _answer(self, request: Request) -> Answer | None:
        self.requests.append(request)
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["accepted"]:
                return Answer(200, {"accepted": [asdict(one) for one in self.messages.accepted]})
            case "PUT", ["faults"]:
                self.dice.faults = checked(json.loads(request.body))
                return Answer(200, dict(self.dice.faults))
            case "POST", ["texts"]:
                said = json.loads(request.body)
                return Answer(201, {"sid": await self.text(said["from"], said["body"], to=said.get("to"))})
            case _ if not self._may(request):
                return self._refuse(20003)
            case _:
                return await self._rest(request)

    async def _rest(self, request: Request) -> Answer | None:
        match request.method, request.path.strip("/").split("/"):
            case "POST", [_, "Accounts", self.account, "Messages.json"]:
                return await self._create(request)
            case "GET", [_, "Accounts", self.account, "Messages.json"]:
                return self._list(request)
            case "GET", [_, "Accounts", self.account, "Messages", name] if held := self.messages.held.get(
                name.removesuffix(".json")
            ):
                return Answer(200, held.resource(self.account, redacted=self.redacts))
            case "GET", [_, "Accounts", self.account, "IncomingPhoneNumbers.json"]:
                asked = request.query.get("PhoneNumber")
                owned = [
                    {"phone_number": one, "sms_url": self.inbound or ""}
                    for one in self.numbers
                    if asked in (None, one)
                ]
                return Answer(200, {"incoming_phone_numbers": owned})
            case "GET", ["v1", "Services", sid] if sid in self.services:
                return Answer(
                    200, {"sid": sid, "account_sid": self.account, "inbound_request_url": self.inbound}
                )
            case _:
                return self._refuse(20404)

    async def _create(self, request: Request) -> Answer | None:
        self.calls += 1
        asked = request.form
        key = parse_qs(urlsplit(asked.get("StatusCallback", "")).query).get("key", [""])[0]
        fault = self.dice.throw(key)
        code = 20429 if fault == "busy" else 21211 if fault == "rejects" else self._objection(asked)
        if code is not None:
            return self._refuse(code, to=asked.get("To"), from_=asked.get("From"), callback=asked.get("StatusCallback"))  # fmt: skip
        times = 0 if fault in ACCEPTS_NOT else 2 if fault == "twice" else 1
        made = [self._accept(asked, key) for _ in range(times)]
        match fault:
            case "silent_before" | "silent_after":
                await asyncio.sleep(FOREVER)
            case "closes_before" | "closes_after":
                return None
            case "error_before" | "error_after":
                return Answer(500, {"code": 20500, "message": "Internal Server Error", "status": 500})
            case "slow":
                await asyncio.sleep(self.delay)
        return Answer(201, made[0].resource(self.account, redacted=self.redacts))

    def _objection(self, asked: Mapping[str, str]) -> int | None:
        to, sender, body = asked.get("To", ""), _sender(asked), asked.get("Body", "")
        # An opt-out holds for a service's every number.
        heard_by = self.numbers if sender.startswith("MG") else (sender,)
        objections = {
            21604: not to,
            21211: not _E164.fullmatch(to),
            21603: not sender,
            21701: sender.startswith("MG") and sender not in self.services,
            21660: not sender.startswith("MG") and sender not in self.numbers,
            21602: not body and "MediaUrl" not in asked,
            21617: len(body) > 1600,
            21609: urlsplit(asked.get("StatusCallback", "https://")).scheme not in ("http", "https"),
            21610: any((to, number) in self.messages.opted_out for number in heard_by),
        }
        return next((code for code, holds in objections.items() if holds), self.refuses.get(to))

    def _accept(self, asked: Mapping[str, str], key: str) -> Message:
        service = asked.get("MessagingServiceSid")
        sid, at = new_sid(), self.clock.now().isoformat()
        made = Message(
            sid, asked["To"], asked.get("From", ""), asked.get("Body", ""), "outbound-api", "queued", at
        )
        made = replace(made, key=key, service=service, callback=asked.get("StatusCallback"), call=self.calls)
        self.messages.keep(replace(made, status="accepted") if service else made)
        task = asyncio.create_task(self._deliver(made.sid))
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        return self.messages.held[sid]

    async def _deliver(self, sid: str) -> None:
        """What becomes of a message, and its callbacks."""
        code = self.fails.get(self.messages.held[sid].to)
        steps = [("sent", None), ("undelivered", code) if code else ("delivered", None)]
        if not self.messages.held[sid].from_:  # the service picks a number only now
            self.messages.keep(replace(self.messages.held[sid], from_=self.numbers[0], status="queued"))
            steps.insert(0, ("queued", None))
        forms = [self._form(self.messages.move(sid, status, code), status, code) for status, code in steps]
        callback = self.messages.held[sid].callback
        for form in self.webhooks.ordered(forms) if callback else ():
            await self.webhooks.post(str(callback), form)

    def _form(self, message: Message, status: str, code: int | None = None) -> dict[str, str]:
        """The fields that inbound texts and status callbacks share."""
        ours = (
            {"MessageStatus": status}
            if message.direction == "outbound-api"
            else {"SmsMessageSid": message.sid}
        )
        return {
            "MessageSid": message.sid,
            "SmsSid": message.sid,
            "SmsStatus": status,
            "AccountSid": self.account,
            "ApiVersion": API,
            "To": message.to,
            "From": message.from_,
            **ours,
            **({"MessagingServiceSid": message.service} if message.service else {}),
            **({"ErrorCode": str(code)} if code else {}),
        }

    def _list(self, request: Request) -> Answer:
        asked, path = request.query, request.path
        size, page = int(asked.get("PageSize", 50)), int(asked.get("Page", 0))
        since = asked.get("DateSent>", "")
        found = [
            resource
            for one in reversed(self.messages.held.values())
            if asked.get("To") in (None, one.to) and asked.get("From") in (None, one.from_)
            for resource in [one.resource(self.account, redacted=self.redacts)]
            if not since or (resource["date_sent"] and one.created[:19] >= since[:19])
        ]
        after = f"{path}?{urlencode({**asked, 'Page': page + 1})}" if len(found) > (page + 1) * size else None
        shown = found[page * size : (page + 1) * size]
        return Answer(200, {
            "first_page_uri": f"{path}?{urlencode({**asked, 'Page': 0})}", "end": page * size + len(shown) - 1,
            "previous_page_uri": None, "messages": shown, "uri": request.target, "page_size": size,
            "start": page * size, "next_page_uri": after, "page": page,
        })  # fmt: skip

    def _may(self, request: Request) -> bool:
        secrets = {self.account: self.webhooks.auth_token, **self.keys}
        allowed = [base64.b64encode(f"{user}:{secret}".encode()).decode() for user, secret in secrets.items()]
        return request.headers.get("authorization", "").removeprefix("Basic ") in allowed

    def _refuse(self, code: int, **said: Any) -> Answer:
        status, message = _SAYS.get(code, (400, "To {to} this cannot be sent"))
        body = {
            "code": code,
            "message": message.format(account=self.account, **said),
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        }
        return Answer(status, body, {"Retry-After": "1"} if status == 429 else {})


def _sender(asked: Mapping[str, str]) -> str:
    return asked.get("From") or asked.get("MessagingServiceSid", "")
