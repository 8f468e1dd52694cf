"""Call: one message, one call of its provider, and what became of it."""

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from server.sender.claim import Departure
from tools import failpoints
from tools.channels.base import Channel, NotTaken, Rejected
from tools.errors import CollectionsError
from tools.outbox.departures import Move

SEND_TIMEOUT = 10.0  # seconds; a provider that takes longer may have taken the message or not
ATTEMPTS = 8  # calls of one message that the provider surely did not take: then it is a dead letter
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=30)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a claimed message. `answered`: the provider answered, whatever it said."""

    departure: Departure
    move: Move
    answered: bool


async def call(channel: Channel, departure: Departure, *, deadline: float, now: datetime) -> Fate:
    """Call the provider once, unless `deadline` (the event loop's time) has passed before the call begins.

    A process that slept since its claim may have been taken for dead, and its message sent by another.
    """
    row, loop = departure.row, asyncio.get_running_loop()
    if loop.time() > deadline:
        return Fate(departure, Move(row, "queued", "the sender slept before its call"), answered=True)
    failpoints.reach("sender.before_call")
    try:
        async with asyncio.timeout(SEND_TIMEOUT):
            receipt = await channel.send(departure.message)
    except NotTaken as refused:
        return Fate(departure, _again(departure, refused, now), answered=False)
    except Rejected as refused:
        _log.warning("send_rejected", outbox_id=row.id, code=refused.code)
        return Fate(departure, Move(row, "failed", str(refused)), answered=True)
    except Exception as failure:  # noqa: BLE001 - whatever a provider's code raised, the message may have left
        _log.warning("send_unknown", outbox_id=row.id, why=type(failure).__name__)
        why = str(failure) if isinstance(failure, CollectionsError) else type(failure).__name__
        ask_at = now + channel.settling
        return Fate(departure, Move(row, "unknown", why, check_at=ask_at), answered=False)
    failpoints.reach("sender.called")
    # Where it took so long that its claim was given up, what was found to be unknown or queued again is known now.
    settled = Move(
        row,
        "delivered" if receipt.delivered else "sent",
        provider_id=receipt.provider_id,
        was=("sending", "unknown", "queued"),
    )
    return Fate(departure, settled, answered=True)


def _again(departure: Departure, refused: NotTaken, now: datetime) -> Move:
    row = departure.row
    if row.attempts % ATTEMPTS == 0:  # a person's retry gives it as many again
        return Move(row, "failed", f"not taken in {row.attempts} attempts: {refused}")
    pause = max(backoff(row.attempts), refused.retry_after or timedelta(0))
    return Move(row, "queued", str(refused), not_before=now + pause)


def backoff(attempts: int) -> timedelta:
    """How long a message waits after that many attempts: twice as long each time, somewhere in the upper half of it."""
    full: timedelta = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** ((attempts - 1) % ATTEMPTS))
    return full * random.uniform(0.5, 1.0)  # noqa: S311 - it only keeps messages from coming back together
