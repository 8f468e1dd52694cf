"""The fake providers of a run, which nobody kills: their records are the truth about what left, and customers write there."""

import socket
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from evals.chaos.carriers import ACCOUNT, API_KEY, NUMBER, PARSE_HOST, SENDER, TOKEN, Carriers
from evals.chaos.line import converse
from evals.providers import Accepted
from evals.providers.faults import Dice
from evals.providers.sendgrid import FakeSendGrid, Mails
from evals.providers.sendgrid import Webhooks as SendGridWebhooks
from evals.providers.sendgrid.inbound import reply_to
from evals.providers.twilio import FakeTwilio, Lies
from evals.providers.twilio import Webhooks as TwilioWebhooks
from evals.providers.twilio.messages import Messages
from tools.clock import Clock

_SMS, _EMAIL = "twilio.jsonl", "sendgrid.jsonl"
_LANDLINE = 30006
_SLOW = 0.1  # seconds


def _lies() -> Lies:
    return Lies(duplicates=0.2, reorders=0.3, late=0.3)


async def twilio(carriers: Carriers, folder: Path, clock: Clock, line: socket.socket, *, dead: str) -> None:
    """Be Twilio; who holds the other end of `line` says what customers text. Texts to `dead` do not arrive."""
    fake = FakeTwilio(
        Messages(folder / _SMS), TwilioWebhooks(TOKEN, lies=_lies(), seed=carriers.seed, pause=0.2), port=carriers.sms,
        account=ACCOUNT, numbers=(NUMBER,), inbound=f"{carriers.origin}/webhooks/twilio/messages#rc=5&rp=ct,rt,5xx",
        fails={dead: _LANDLINE}, redacts=not carriers.lists_texts, dice=Dice(seed=carriers.seed), delay=_SLOW, clock=clock,
    )  # fmt: skip

    async def accept(given: Mapping[str, Any]) -> dict[str, Any]:
        await fake.text(given["address"], given["body"], sid=given["sid"])
        return _told(given["sid"], fake.answered[given["sid"]])

    async with fake:
        await converse(line, {"accept": accept})


async def sendgrid(carriers: Carriers, folder: Path, clock: Clock, line: socket.socket, *, dead: str) -> None:
    """Be SendGrid, likewise. Customers answer the latest mail that they got, or write to us where there is none."""
    fake = FakeSendGrid(
        Mails(folder / _EMAIL), SendGridWebhooks(lies=_lies(), seed=carriers.seed, pause=0.2, clock=clock), port=carriers.email,
        api_key=API_KEY, senders=(SENDER,), events=f"{carriers.origin}/webhooks/sendgrid/events",
        inbound=f"{carriers.origin}/webhooks/sendgrid/inbound", fates={dead: "bounces"}, dice=Dice(seed=carriers.seed),
        delay=_SLOW,
    )  # fmt: skip
    written: dict[str, EmailMessage] = {}  # a mail that is delivered again is the same mail

    async def accept(given: Mapping[str, Any]) -> dict[str, Any]:
        if given["sid"] not in written:
            written[given["sid"]] = _mail(fake, given, clock)
        mail = written[given["sid"]]
        status = await fake.receive(bytes(mail), from_=str(mail["From"]), to=[str(mail["To"])])
        return _told(given["sid"], status)

    async with fake:
        await converse(line, {"accept": accept})


def accepted(folder: Path) -> Sequence[Accepted]:
    """What both took from us."""
    texts, mails = Messages(folder / _SMS), Mails(folder / _EMAIL)
    texts.load()
    texts.close()
    mails.load()
    return [*texts.accepted, *mails.accepted]


def _mail(fake: FakeSendGrid, given: Mapping[str, Any], clock: Clock) -> EmailMessage:
    address, at = given["address"], clock.now()
    if got := [one for one in fake.mails.held.values() if one.to == address]:
        mail = reply_to(got[-1], given["body"], at=at)
        del mail["Message-ID"]
    else:
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"], mail["Subject"] = address, f"billing@{PARSE_HOST}", "My invoices"
        mail["Date"] = format_datetime(at)
        mail.set_content(given["body"])
    mail["Message-ID"] = given["sid"]
    return mail


def _told(sid: str, status: int) -> dict[str, Any]:
    """What the customer's provider makes of our answer: taken, to be tried again, or refused for good."""
    if 200 <= status < 300:
        return {"message": sid}
    return {"down": str(status)} if status in (0, *range(500, 600)) else {"refused": str(status)}
