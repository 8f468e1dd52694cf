"""Call: one message, one call of its provider, and what became of it."""

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog

from server.sender.claim import CLAIM_LASTS, Departure
from tools import failpoints
from tools.channels.base import Channel, NotTaken, Rejected
from tools.clock import Clock
from tools.errors import CollectionsError
from tools.outbox.departures import Move
from tools.spec import storable

SEND_TIMEOUT = 10.0  # seconds; a provider that takes longer may have taken the message or not
ATTEMPTS = 8  # calls of one message that the provider surely did not take: then it is a dead letter
# A call begins within milliseconds of its claim. So late its process slept, and somebody else may have the message.
BEGINS_WITHIN = CLAIM_LASTS / 2 - timedelta(seconds=SEND_TIMEOUT)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=30)
_LONGEST_WISH = timedelta(days=1)  # a provider that wants a message later than that gets to see it before
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a claimed message. `answered`: the provider answered, whatever it said; None: it was not called.

    `stop` is what its refusal says of the recipient.
    """

    departure: Departure
    move: Move
    answered: bool | None
    stop: Literal["opt_out", "bounced"] | None = None


async def call(channel: Channel, departure: Departure, *, deadline: float, clock: Clock) -> Fate:
    """Call the provider once, unless `deadline` (the event loop's time) has passed before the call begins.

    A process that slept since its claim may have been taken for dead, and its message sent by another. The clock is
    asked as well: the loop's time stands still while the whole machine sleeps.
    """
    row, loop = departure.row, asyncio.get_running_loop()
    asleep = clock.now() - (row.claimed_at or clock.now())
    if loop.time() > deadline or asleep > BEGINS_WITHIN:
        return Fate(departure, Move(row, "queued", "the sender slept before its call"), answered=None)
    failpoints.reach("sender.before_call")
    try:
        async with asyncio.timeout(SEND_TIMEOUT):
            receipt = await channel.send(departure.message)
    except NotTaken as refused:
        return Fate(departure, _again(departure, refused, clock.now()), answered=False)
    except Rejected as refused:
        _log.warning("send_rejected", outbox_id=row.id, code=refused.code)
        failed = Move(row, "failed", storable(str(refused)))
        return Fate(departure, failed, answered=True, stop=refused.stop)
    except Exception as failure:  # noqa: BLE001 - whatever a provider's code raised, the message may have left
        _log.warning("send_unknown", outbox_id=row.id, why=type(failure).__name__)
        why = str(failure) if isinstance(failure, CollectionsError) else type(failure).__name__
        ask_at = clock.now() + channel.settling
        return Fate(departure, Move(row, "unknown", storable(why), check_at=ask_at), answered=False)
    failpoints.reach("sender.called")
    # Where it took so long that its claim was given up, whatever became of the row since then: it is known to have left.
    settled = Move(
        row,
        "delivered" if receipt.delivered else "sent",
        provider_id=storable(receipt.provider_id),
        was=("sending", "unknown", "queued", "withdrawn", "failed"),
    )
    return Fate(departure, settled, answered=True)


def _again(departure: Departure, refused: NotTaken, now: datetime) -> Move:
    row = departure.row
    if row.attempts % ATTEMPTS == 0:  # a person's retry gives it as many again
        return Move(row, "failed", storable(f"not taken in {row.attempts} attempts: {refused}"))
    pause = max(backoff(row.attempts), min(refused.retry_after or timedelta(0), _LONGEST_WISH))
    return Move(row, "queued", storable(str(refused)), not_before=now + pause)


def backoff(attempts: int) -> timedelta:
    """How long a message waits after that many attempts: twice as long each time, somewhere in the upper half of it."""
    full: timedelta = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** ((attempts - 1) % ATTEMPTS))
    return full * random.uniform(0.5, 1.0)  # noqa: S311 - it only keeps messages from coming back together
