"""The fake SendGrid: its v3 API, what it makes of mails, and the customers who read them.

Beside SendGrid's paths: `GET /accepted` gives what it took, `PUT /faults` says how to misbehave, and `POST /replies`
({"key", "body", "from"}) is a customer who answers the mail with our key.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self
from uuid import uuid4

import httpx

from evals.providers.faults import ACCEPTS_NOT, Dice, Fault, checked
from evals.providers.loopback import FOREVER, Answer, Loopback, Request
from evals.providers.sendgrid.inbound import Vouched, posted, reply_to
from evals.providers.sendgrid.mails import Kept, Mails
from evals.providers.sendgrid.requests import objection, refused
from evals.providers.sendgrid.webhooks import Webhooks

Fate = Literal["bounces", "blocks", "defers"]
_FATES: dict[Fate, Sequence[dict[str, Any]]] = {
    "bounces": [{"event": "bounce", "type": "bounce", "status": "5.1.1", "bounce_classification": "Invalid Address",
                 "reason": "550 5.1.1 The email account that you tried to reach does not exist."}],
    "blocks": [{"event": "bounce", "type": "blocked", "status": "4.7.1", "bounce_classification": "Technical Failure",
                "reason": "451 4.7.1 Try again later."}],
    "defers": [{"event": "deferred", "attempt": "1", "response": "451 4.3.0 Busy."}, {"event": "delivered", "response": "250 OK"}],
}  # fmt: skip


@dataclass(slots=True)
class FakeSendGrid:
    """A running SendGrid with one account, on a free port unless told; an async context manager.

    `senders` are the verified ones. `fates` gives addresses what becomes of mail to them, other than delivery. `events`
    and `inbound` are the URLs that events and customers' mails are posted to.
    """

    mails: Mails
    webhooks: Webhooks
    port: int = 0
    api_key: str = "SG.fake"
    senders: tuple[str, ...] = ("billing@seller.example",)
    domains: tuple[str, ...] = ()  # the authenticated ones
    scopes: tuple[str, ...] = ("mail.send",)
    shows_senders: bool = True  # the key may ask for senders and domains
    events: str | None = None
    inbound: str | None = None
    parse_host: str | None = None  # whose mail goes to `inbound`; None: the key may not see where webhooks go
    raw: bool = True  # Inbound Parse posts the whole mail
    fates: dict[str, Fate] = field(default_factory=dict)
    dice: Dice = field(default_factory=Dice)
    delay: float = 0.2  # seconds, of a slow answer
    requests: list[Request] = field(default_factory=list)
    calls: int = 0
    _server: Loopback = field(init=False)
    _later: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it listens: the base URL for the channel."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self.mails.load()
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

    async def idle(self) -> None:
        """Wait until every webhook that is due was posted."""
        while self._later:
            await asyncio.gather(*self._later)

    async def reply(
        self, mail: Kept, body: str, *, from_: str | None = None, quotes: bool = True,
        headers: Mapping[str, str] | None = None, vouched: Vouched | None = None,
    ) -> str:  # fmt: skip
        """A customer answers a mail, from its address unless told; the answer's Message-ID, once it was posted."""
        written = reply_to(
            mail, body, at=self.webhooks.clock.now(), from_=from_, quotes=quotes, headers=headers
        )
        await self.receive(bytes(written), from_=written["From"], to=[mail.reply_to], vouched=vouched)
        return str(written["Message-ID"])

    async def receive(
        self, raw: bytes, *, from_: str, to: Sequence[str], vouched: Vouched | None = None
    ) -> int:
        """A mail arrives at the host that Inbound Parse reads for us: the status that our webhook answered, 0 for none.

        5xx is tried again; after 4xx the mail is gone.
        """
        if not self.inbound:
            return 0
        body, content_type = posted(raw, from_=from_, to=to, vouched=vouched or Vouched())
        return await self.webhooks.post(self.inbound, body, content_type, again_from=500)

    async def click_through(self, mail: Kept) -> None:
        """A mail scanner opens a mail and follows its links: nobody has read it."""
        for event in ("open", "click"):
            await self._tell(mail, {"event": event, "ip": "192.0.2.9", "sg_machine_open": True})

    async def complain(self, mail: Kept) -> None:
        """The customer says that it is spam."""
        self.mails.suppress(mail.to, "Spam Reporting Address")
        await self._tell(mail, {"event": "spamreport"})

    async def unsubscribe(self, mail: Kept) -> None:
        """The customer uses a link of SendGrid's own."""
        self.mails.suppress(mail.to, "Unsubscribed Address")
        await self._tell(mail, {"event": "unsubscribe"})

    async def one_click(self, mail: Kept, *, method: str = "POST") -> int:
        """The customer's mail program unsubscribes them (RFC 8058), or looks at the link (GET); our status."""
        url = mail.headers["List-Unsubscribe"].strip("<>")
        async with httpx.AsyncClient(trust_env=False) as client:
            form = {"List-Unsubscribe": "One-Click"} if method == "POST" else None
            return (await client.request(method, url, data=form)).status_code

    async def _answer(self, request: Request) -> Answer | None:
        self.requests.append(request)
        match request.method, request.path:
            case "GET", "/accepted":
                return Answer(200, {"accepted": [asdict(one) for one in self.mails.accepted]})
            case "PUT", "/faults":
                self.dice.faults = checked(json.loads(request.body))
                return Answer(200, dict(self.dice.faults))
            case "POST", "/replies":
                said = json.loads(request.body)
                mail = self.mails.of(said["key"])
                return Answer(
                    201, {"message_id": await self.reply(mail, said["body"], from_=said.get("from"))}
                )
            case _ if request.headers.get("authorization") == f"Bearer {self.api_key}":
                return await self._api(request)
            case _:
                return refused(401)

    async def _api(self, request: Request) -> Answer | None:
        match request.method, request.path:
            case "POST", "/v3/mail/send":
                return await self._send(request)
            case "GET", path if path in (settings := self._settings()):
                shown = settings[path]
                return refused(403) if shown is None else Answer(200, shown)
            case _:
                return refused(404)

    def _settings(self) -> dict[str, Any]:
        """The account's settings, by their paths; None: this key may not ask."""
        senders = [{"from_email": one, "verified": True} for one in self.senders]
        parsed = {"url": self.inbound, "hostname": self.parse_host, "send_raw": self.raw}
        told = dict.fromkeys(("delivered", "bounce", "dropped", "spam_report"), True)
        return {
            "/v3/scopes": {"scopes": list(self.scopes)},
            "/v3/whitelabel/domains": [{"domain": one, "valid": True} for one in self.domains] if self.shows_senders else None,
            "/v3/verified_senders": {"results": senders} if self.shows_senders else None,
            "/v3/user/webhooks/parse/settings": {"result": [parsed]} if self.parse_host else None,
            "/v3/user/webhooks/event/settings": {"enabled": self.events is not None, "url": self.events, **told} if self.parse_host else None,
        }  # fmt: skip

    async def _send(self, request: Request) -> Answer | None:
        self.calls += 1
        asked = _asked(request.body)
        fault = self.dice.throw(str(_named(asked, "personalizations", 0, "custom_args", "message_id")))
        if (said := self._refusal(request, asked, fault)) is not None:
            return said
        times = 0 if fault in ACCEPTS_NOT else 2 if fault == "twice" else 1
        made = [self._take(asked) for _ in range(times)]
        match fault:
            case "silent_before" | "silent_after":
                await asyncio.sleep(FOREVER)
            case "closes_before" | "closes_after":
                return None
            case "error_before" | "error_after":
                return refused(500)
            case "slow":
                await asyncio.sleep(self.delay)
        return Answer(202, None, {"X-Message-Id": made[0].id})

    def _refusal(self, request: Request, asked: Mapping[str, Any], fault: Fault | None) -> Answer | None:
        """An answer to a mail that is not taken: too much, wrong, or only looked at."""
        if fault == "busy":
            return refused(429, reset=int(self.webhooks.clock.now().timestamp()) + 1)
        if fault == "rejects":  # what SendGrid says may name anything: nobody downstream may repeat it
            return refused(400, "personalizations.0.to.0.email", f"Not valid: {request.body.decode()}")
        sandbox = _named(asked, "mail_settings", "sandbox_mode", "enable") is True
        return objection(asked, len(request.body), self.senders) or (Answer(200) if sandbox else None)

    def _take(self, asked: Mapping[str, Any]) -> Kept:
        mail = self.mails.take(asked, self.webhooks.clock.now(), self.calls)
        task = asyncio.create_task(self._deliver(mail))
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        return mail

    async def _deliver(self, mail: Kept) -> None:
        """What becomes of a mail, and its events."""
        fate = self.fates.get(mail.to)
        told: Sequence[dict[str, Any]] = [{"event": "delivered", "response": "250 OK"}]
        if mail.to in self.mails.suppressed:
            told = [{"event": "dropped", "reason": self.mails.suppressed[mail.to], "status": "5.0.0"}]
        else:
            told = [{"event": "processed"}, *(_FATES[fate] if fate else told)]
        if fate == "bounces":
            self.mails.suppress(mail.to, "Bounced Address")
        for each in self.webhooks.ordered(told):
            await self._tell(mail, each)

    async def _tell(self, mail: Kept, said: Mapping[str, Any]) -> None:
        event = {
            "email": mail.to,
            "timestamp": int(self.webhooks.clock.now().timestamp()),
            "smtp-id": mail.message_id,
            "category": [],
            "sg_event_id": uuid4().hex,
            "sg_message_id": f"{mail.id}.recvd-5d8f4c7b9-xk2lq-1-65A1B2C3-1E.0",
            **mail.custom_args,
            **said,
        }
        if self.events:
            body = json.dumps([event], separators=(",", ":")).encode() + b"\r\n"
            await self.webhooks.post(self.events, body, "application/json", again_from=300)


def _asked(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}


def _named(node: Any, *path: str | int) -> Any:
    """What stands at a path; None where it leads nowhere."""
    for step in path:
        try:
            node = node[step]
        except (LookupError, TypeError):
            return None
    return node
