"""Reconcile: messages that nobody settled. The provider is asked what it holds; where it cannot say, a person is."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

import structlog

from agent.engine.narrow import one_customer
from agent.engine.run import Engine
from agent.engine.trigger import Trigger
from server.sender.call import SEND_TIMEOUT
from tools import failpoints
from tools.activity.chain import Entry, append
from tools.arrangements.plans import move_plan
from tools.channels.base import CannotSay, Channel, ChannelName, NotTaken
from tools.errors import CollectionsError, Unavailable
from tools.ledger.queries import lock_customer
from tools.outbox.departures import Move, OutboxRow, move, to_check

_BATCH = 1000
_ASK_AGAIN = timedelta(minutes=1)
_GIVE_UP = timedelta(days=1)  # a provider that does not answer for so long will not: a person asks it
CANNOT_SAY = "the provider cannot say whether it left: look there, then `dunwell outbox confirm` or `retry`"
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a look at unsettled messages came to."""

    lost: int = 0  # claims whose sender stopped: their fate is unknown now
    found: int = 0  # the provider has them: they are sent
    queued: int = 0  # the provider surely never had them: they are judged and sent again
    handed_over: int = 0  # a person was told


async def reconcile(engine: Engine, channels: Mapping[ChannelName, Channel]) -> Reconciled:
    """Look at every message that is to be looked at by now. Safe to run at any time, anywhere, any number of times at once."""
    total = Reconciled()
    now = engine.deps.clock.now()
    async with engine.deps.pool.connection() as conn:
        rows = await to_check(conn, now=now, limit=_BATCH)
    for row in rows:
        channel = channels.get(row.channel)
        if channel is None:
            continue  # another process serves it
        try:
            came_to = await _look(engine, channel, row)
        except CollectionsError as failure:
            # A model that is down, facts that keep moving: its time to be looked at has come and stays.
            _log.warning("reconcile_failed", outbox_id=row.id, why=type(failure).__name__)
            continue
        if came_to is not None:
            total = replace(total, **{came_to: getattr(total, came_to) + 1})
    return total


_CameTo = Literal["lost", "found", "queued", "handed_over"]


async def _look(engine: Engine, channel: Channel, row: OutboxRow) -> _CameTo | None:
    match row.state:
        case "sending":
            ask_at = engine.deps.clock.now() + channel.settling
            lost = Move(row, "unknown", "the sender stopped after its claim", check_at=ask_at)
            return "lost" if await _make(engine, lost) else None
        case "withdrawn":
            await _tell_a_person(engine, row)
            return "handed_over"
        case _:
            return await _ask(engine, channel, row)


async def _ask(engine: Engine, channel: Channel, row: OutboxRow) -> _CameTo | None:
    """Ask the provider for a message of unknown fate. What it has is sent; what it surely never had may be sent again."""
    now = engine.deps.clock.now()
    failpoints.reach("reconcile.before_find")
    try:
        async with asyncio.timeout(SEND_TIMEOUT):
            held = await channel.find(str(row.id))
    except CannotSay:
        return await _hand_over(engine, row)
    except (Unavailable, NotTaken, TimeoutError) as failure:
        _log.warning("provider_cannot_be_asked", outbox_id=row.id, why=type(failure).__name__)
        if row.claimed_at is not None and now - row.claimed_at > _GIVE_UP:
            return await _hand_over(engine, row)
        await _make(engine, Move(row, "unknown", "the provider does not answer", check_at=now + _ASK_AGAIN))
        return None
    if held is None:
        # Judged again before it leaves, and given as many attempts as any other.
        again = Move(row, "queued", "the provider never had it")
        return "queued" if await _make(engine, again) else None
    state: Literal["sent", "delivered"] = "delivered" if held.delivered else "sent"
    sent = Move(row, state, provider_id=held.provider_id)
    return "found" if await _make(engine, sent) else None


async def _make(engine: Engine, wanted: Move) -> bool:
    """One row's move and its log entry, under its customer's lock; False when somebody else moved it."""
    row, now = wanted.row, engine.deps.clock.now()
    async with one_customer(engine.deps.pool, row.customer_id) as conn:
        await lock_customer(conn, customer_id=row.customer_id)
        if not await move(conn, [wanted], now=now):
            return False
        offer = row.action["args"].get("offer")
        if offer is not None and wanted.state in ("sent", "delivered"):
            await move_plan(conn, plan_id=offer, state="offered", from_states=["approved"])
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
