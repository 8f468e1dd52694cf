"""Reconcile: messages that nobody settled. The provider is asked what it holds; where it cannot say, a person is."""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from agent.engine.narrow import one_customer
from agent.engine.run import Engine
from agent.engine.trigger import Trigger
from server.sender.call import SEND_TIMEOUT
from server.sender.claim import CLAIM_LASTS
from tools import failpoints
from tools.activity.chain import Entry, append
from tools.arrangements.plans import move_plan
from tools.channels.base import CannotSay, Channel, ChannelName, Channels, Outbound, Receipt
from tools.errors import CollectionsError, Unavailable
from tools.ledger.queries import lock_customer
from tools.outbox.departures import Move, OutboxRow, as_sent, move, to_check
from tools.spec import storable

_BATCH = 1000
_ASK_AGAIN = timedelta(minutes=1)
_GIVE_UP = timedelta(days=1)  # a provider that does not answer for so long will not: a person asks it
# "Not found" means never only after the time that the provider needs. Whoever looks by so much later than was meant, or
# earlier, may have a clock that was set meanwhile, or another one than who wrote the row: they wait once more.
_PUNCTUAL = timedelta(minutes=10)
_SKEW = timedelta(minutes=1)
_ENOUGH = 3  # questions that a provider left open until the timeout
_SILENT = "the provider does not answer"
_NOT_YET = "the provider does not have it yet"
CANNOT_SAY = "the provider cannot say whether it left: look there, then `dunwell outbox confirm` or `retry`"
_DOWN = (psycopg.OperationalError, PoolTimeout)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a look at unsettled messages came to."""

    lost: int = 0  # claims whose sender stopped: their fate is unknown now
    found: int = 0  # the provider has them: they are sent
    queued: int = 0  # the provider surely never had them: they are judged and sent again
    handed_over: int = 0  # a person was told


async def reconcile(engine: Engine, channels: Channels) -> Reconciled:
    """Look at every message that is to be looked at by now. Safe to run at any time, anywhere, any number of times at once."""
    total, silence = Reconciled(), Counter[ChannelName]()
    now = engine.deps.clock.now()
    latest = now + max(CLAIM_LASTS, _ASK_AGAIN, *(c.settling for c in channels.values())) + _SKEW
    async with engine.deps.pool.connection() as conn:
        rows = await to_check(
            conn, now=now, latest=latest, channels=channels, given_up=now - _GIVE_UP, limit=_BATCH
        )
    for row in rows:
        try:
            came_to = await _look(engine, channels.get(row.channel), row, silence)
        except _DOWN:
            raise
        except CollectionsError as failure:
            # A model that is down, facts that keep moving: its time to be looked at has come and stays.
            _log.warning("reconcile_failed", outbox_id=row.id, why=type(failure).__name__)
            continue
        except Exception:  # noqa: BLE001 - one row must not keep the others from being looked at
            _log.exception("reconcile_failed", outbox_id=row.id)
            continue
        if came_to is not None:
            total = replace(total, **{came_to: getattr(total, came_to) + 1})
    return total


_CameTo = Literal["lost", "found", "queued", "handed_over"]


async def _look(
    engine: Engine, channel: Channel | None, row: OutboxRow, silence: Counter[ChannelName]
) -> _CameTo | None:
    match row.state:
        case "sending":
            ask_at = engine.deps.clock.now() + (channel.settling if channel else Channel.settling)
            lost = Move(row, "unknown", "the sender stopped after its claim", check_at=ask_at)
            return "lost" if await _make(engine, lost) else None
        case "withdrawn":
            await _tell_a_person(engine, row)
            return "handed_over"
        case _ if channel is None:  # nobody here serves it, and nobody elsewhere has for a day
            return await _hand_over(engine, row)
        case _:
            return await _ask(engine, channel, row, silence)


async def _ask(
    engine: Engine, channel: Channel, row: OutboxRow, silence: Counter[ChannelName]
) -> _CameTo | None:
    """Ask the provider for a message of unknown fate. What it has is sent; what it surely never had may be sent again.

    A provider that kept us waiting a few times is not asked again in this pass: what another has to say waits behind.
    """
    now = engine.deps.clock.now()
    long_ago = row.claimed_at is not None and now - row.claimed_at > _GIVE_UP
    failpoints.reach("reconcile.before_find")
    try:
        held = await _find(engine, channel, row, silence)
    except CannotSay:
        return await _hand_over(engine, row)
    except Exception as failure:  # noqa: BLE001 - whatever a provider's code raised, it did not say
        _log.warning("provider_cannot_be_asked", outbox_id=row.id, why=type(failure).__name__)
        came_to, next_one = None, Move(row, "unknown", _SILENT, check_at=now + _ASK_AGAIN)
        out_of_patience = long_ago
    else:
        punctual = timedelta(0) <= now - (row.check_at or now) <= _PUNCTUAL
        came_to, next_one = (
            _found(row, held)
            if held or punctual
            else (None, Move(row, "unknown", _NOT_YET, check_at=now + channel.settling))
        )
        out_of_patience = came_to is None and long_ago and row.reason == _NOT_YET  # clocks that never agree
    if out_of_patience:
        return await _hand_over(engine, row)
    return came_to if await _make(engine, next_one) else None


async def _find(
    engine: Engine, channel: Channel, row: OutboxRow, silence: Counter[ChannelName]
) -> Receipt | None:
    if silence[row.channel] >= _ENOUGH:
        raise Unavailable("It did not answer a moment ago.")
    async with engine.deps.pool.connection() as conn:
        to, subject, body, since, others = await as_sent(conn, outbox_id=row.id)
    message = Outbound(str(row.id), row.channel, to, subject, body, since, others=others)
    try:
        async with asyncio.timeout(SEND_TIMEOUT):
            return await channel.find(message)
    except TimeoutError:
        silence[row.channel] += 1
        raise


def _found(row: OutboxRow, held: Receipt | None) -> tuple[_CameTo, Move]:
    if held is None:
        # Judged again before it leaves, and given as many attempts as any other.
        return "queued", Move(row, "queued", "the provider never had it")
    state: Literal["sent", "delivered"] = "delivered" if held.delivered else "sent"
    return "found", Move(row, state, provider_id=storable(held.provider_id))


async def _make(engine: Engine, wanted: Move) -> bool:
    """One row's move and its log entry, under its customer's lock; False when somebody else moved it."""
    row, now = wanted.row, engine.deps.clock.now()
    async with one_customer(engine.deps.pool, row.customer_id) as conn:
        await lock_customer(conn, customer_id=row.customer_id)
        if not await move(conn, [wanted], now=now):
            return False
        offer = row.action["args"].get("offer")
        if offer is not None and wanted.state in ("sent", "delivered"):
            await move_plan(conn, plan_id=offer, state="offered", now=now)
        if wanted.state != row.state:
            subject = {"outbox": row.id, "message": row.message_id}
            entry = Entry(
                "system", "System", f"message.{wanted.state}", subject, row.episode_id, row.decision_id
            )
            await append(conn, customer_id=row.customer_id, at=now, entries=[entry])
        failpoints.reach("reconcile.before_commit")
    failpoints.reach("reconcile.committed")
    return True


async def _hand_over(engine: Engine, row: OutboxRow) -> _CameTo:
    """Nobody but a person can find out: they get a task, and the row waits for their word. It is never sent again blindly."""
    await engine.give_up(Trigger("request", row.customer_id, f"unknown:{row.id}:{row.attempts}"))
    failpoints.reach("reconcile.handed_over")
    await _make(engine, Move(row, "unknown", CANNOT_SAY))
    return "handed_over"


async def _tell_a_person(engine: Engine, row: OutboxRow) -> None:
    """What was allowed and now needs a person was withdrawn: the assistant asks for approval, or a person takes over."""
    note = "A message was withdrawn before it left, because it now needs a person's approval."
    await engine.run(Trigger("request", row.customer_id, f"withdrawn:{row.id}", note=note))
    failpoints.reach("reconcile.told")
    async with one_customer(engine.deps.pool, row.customer_id) as conn:
        await move(conn, [Move(row, "withdrawn", row.reason)], now=engine.deps.clock.now())
