"""What every channel promises the sender, whoever the provider is: one suite, one row of CASES a channel."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from evals.providers import Fault
from evals.providers.faults import Dice
from evals.providers.sendgrid import FakeSendGrid, Mails
from evals.providers.sendgrid import Webhooks as SendGridWebhooks
from evals.providers.twilio import FakeTwilio, Webhooks
from evals.providers.twilio.messages import Messages
from tools.channels.base import CannotSay, Channel, NotTaken, Outbound, Receipt, Rejected
from tools.channels.local import LocalChannel
from tools.channels.sendgrid.channel import SendGridChannel
from tools.channels.sendgrid.reply_token import Tokens
from tools.channels.twilio.channel import TwilioChannel
from tools.clock import FrozenClock
from tools.errors import Unavailable

SINCE = datetime.now(UTC)
TEXT = Outbound(
    "71", "sms", "+13125550100", None, "Invoice 4711 over $250.00 is due. Reply STOP to opt out.", SINCE
)
MAIL = replace(TEXT, channel="email", to="dana.smith@buyer.example", subject="Invoice 4711")


@dataclass(frozen=True, slots=True)
class Case:
    """A channel beside its provider. `taken` tells how many messages the provider took; `lie` how it treats the next."""

    channel: Channel
    message: Outbound
    taken: Callable[[], int]
    lie: Callable[[Fault], None]
    stop: Callable[[], Awaitable[None]]  # nobody listens any more
    remembers: bool = True  # it can be asked for a message


Opened = Callable[[], AbstractAsyncContextManager[Case]]


@asynccontextmanager
async def _twilio() -> AsyncIterator[Case]:
    dice = Dice()
    fake = FakeTwilio(Messages(), Webhooks("token"), dice=dice)
    async with fake, TwilioChannel(
        fake.account, "token", fake.numbers[0], status_callback="http://127.0.0.1:9/status", base_url=fake.url, timeout=0.4
    ) as channel:  # fmt: skip

        def lie(fault: Fault) -> None:
            dice.script[TEXT.key] = [fault]

        yield Case(channel, TEXT, lambda: len(fake.messages.accepted), lie, stop=fake.__aexit__)


@asynccontextmanager
async def _sendgrid() -> AsyncIterator[Case]:
    dice, clock = Dice(), FrozenClock(SINCE.replace(microsecond=0))
    fake = FakeSendGrid(Mails(), SendGridWebhooks(clock=clock), dice=dice)
    async with fake, SendGridChannel(
        fake.api_key, fake.senders[0], tokens=Tokens({"a": b"k" * 32}), reply_host="parse.seller.example",
        public_url="https://dunwell.example", base_url=fake.url, timeout=0.4, clock=clock,
    ) as channel:  # fmt: skip

        def lie(fault: Fault) -> None:
            dice.script[MAIL.key] = [fault]

        yield Case(channel, MAIL, lambda: len(fake.mails.accepted), lie, fake.__aexit__, remembers=False)


LYING: dict[str, Opened] = {"twilio": _twilio, "sendgrid": _sendgrid}  # providers over HTTP: one row each
UNKNOWN: Sequence[Fault] = (
    "silent_before", "silent_after", "error_before", "error_after", "closes_before", "closes_after",
)  # fmt: skip


@pytest.fixture(params=LYING)
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    async with LYING[request.param]() as opened:
        yield opened


async def _holds(case: Case, message: Outbound) -> Receipt | None:
    """What the provider says that it holds. One that cannot be asked says so, and the test has nothing more to see."""
    if not case.remembers:
        with pytest.raises(CannotSay):
            await case.channel.find(message)
        pytest.skip("this provider cannot be asked for a message")
    return await case.channel.find(message)


def _shows_nothing(failure: BaseException, message: Outbound) -> bool:
    """Neither address nor words of the message, in no error that was raised on the way."""
    chain: list[BaseException] = []
    one: BaseException | None = failure
    while one is not None:
        chain.append(one)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    words = [message.to, *re.findall(r"\w{5,}", message.body)]
    return not any(word in str(one) + repr(one) for one in chain for word in words)


async def test_a_message_is_taken_once_and_found_again_under_the_same_receipt(case: Case) -> None:
    receipt = await case.channel.send(case.message)

    assert receipt.provider_id
    assert case.taken() == 1
    for _ in range(2):
        found = await _holds(case, case.message)
        assert found is not None
        assert found.provider_id == receipt.provider_id


async def test_two_messages_have_two_receipts(case: Case) -> None:
    other = replace(case.message, key="72", body="Another text.")

    assert (await case.channel.send(case.message)).provider_id != (await case.channel.send(other)).provider_id


async def test_a_busy_provider_did_not_take_it_and_says_when_to_come_again(case: Case) -> None:
    case.lie("busy")

    with pytest.raises(NotTaken) as refused:
        await case.channel.send(case.message)

    assert case.taken() == 0
    assert refused.value.retry_after == timedelta(seconds=1)
    assert _shows_nothing(refused.value, case.message)
    assert await _holds(case, case.message) is None


async def test_a_provider_that_nobody_runs_did_not_take_it(case: Case) -> None:
    await case.stop()

    with pytest.raises(NotTaken) as refused:
        await case.channel.send(case.message)
    with pytest.raises((Unavailable, CannotSay)):
        await case.channel.find(case.message)

    assert case.taken() == 0
    assert _shows_nothing(refused.value, case.message)


async def test_a_refused_message_is_refused_with_the_providers_code(case: Case) -> None:
    case.lie("rejects")

    with pytest.raises(Rejected) as refused:
        await case.channel.send(case.message)

    assert case.taken() == 0
    assert refused.value.code
    assert refused.value.reason
    assert _shows_nothing(refused.value, case.message)


@pytest.mark.parametrize("fault", UNKNOWN)
async def test_whoever_gets_no_answer_does_not_know_until_they_ask(case: Case, fault: Fault) -> None:
    case.lie(fault)

    with pytest.raises(Unavailable) as lost:
        await case.channel.send(case.message)

    assert _shows_nothing(lost.value, case.message)
    assert (await _holds(case, case.message) is not None) == (case.taken() == 1)


async def test_what_was_never_sent_is_not_found(case: Case) -> None:
    await case.channel.send(replace(case.message, key="72", body="Something else."))

    assert await _holds(case, case.message) is None


async def test_an_earlier_message_of_the_same_words_is_another(case: Case) -> None:
    receipt = await case.channel.send(case.message)
    again = replace(case.message, key="72")

    assert await _holds(case, replace(again, since=SINCE + timedelta(days=1))) is None
    assert await _holds(case, replace(again, others=frozenset({receipt.provider_id}))) is None


async def test_the_local_channel_takes_every_message_and_shows_it() -> None:
    channel = LocalChannel()

    assert await channel.send(TEXT) == await channel.send(TEXT) == Receipt("local-71", delivered=True)
    assert await channel.find(TEXT) is None
