"""Sweep: what time alone changes. Promises settle, approvals lapse, what a dead process left behind is finished or called unknown."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import structlog

from agent.approvals import decide, queries
from agent.engine.narrow import one_customer
from agent.engine.run import Engine
from tools.activity.chain import Entry, append
from tools.arrangements.promises import WatchedPromise, promises_to_watch, settle_promise
from tools.arrangements.stops import clear_paid_holds
from tools.clock import business_day
from tools.errors import AlreadyDecided, Conflict, Gone
from tools.ledger.queries import lock_customer
from tools.outbox.queue import settle, stranded

_BATCH = 1000
_CLAIM_LASTS = timedelta(
    minutes=2
)  # an answer commits in milliseconds; two minutes later its process is gone
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep changed."""

    promises_kept: int
    promises_broken: int
    approvals_expired: int
    approvals_finished: int
    messages_unknown: int


async def sweep(engine: Engine) -> Swept:
    """Settle promises by the ledger, let approvals expire, finish stranded answers. Safe to run at any time, anywhere."""
    kept, broken = await _watch_promises(engine)
    return Swept(
        kept, broken, await _expire(engine), await _finish_stranded(engine), await _lose_stranded(engine)
    )


async def _lose_stranded(engine: Engine) -> int:
    """A sender that died after its claim may or may not have sent: its message is unknown, and never sent again."""
    deps, now = engine.deps, engine.deps.clock.now()
    async with deps.pool.connection() as conn:
        lost = await stranded(conn, before=now - _CLAIM_LASTS, limit=_BATCH)
    for row in lost:
        async with one_customer(deps.pool, row.customer_id) as conn:
            await lock_customer(conn, customer_id=row.customer_id)
            if await settle(conn, row, state="unknown", now=now, reason="the sender stopped after its claim"):
                subject = {"outbox": row.id, "message": row.message_id}
                entry = Entry("system", "System", "message.unknown", subject, row.episode_id, row.decision_id)
                await append(conn, customer_id=row.customer_id, at=now, entries=[entry])
    return len(lost)


async def _watch_promises(engine: Engine) -> tuple[int, int]:
    deps = engine.deps
    now = deps.clock.now()
    today = business_day(now, deps.company.zone)
    async with deps.pool.connection() as conn:
        watched = await promises_to_watch(conn, today=today, zone=deps.company.zone.key, limit=_BATCH)
    counts = {"kept": 0, "broken": 0, "partial": 0}
    for promise in watched:
        outcome = promise.outcome(today)
        if outcome is not None and await _settle(engine, promise, outcome):
            counts[outcome] += 1
    return counts["kept"], counts["broken"] + counts["partial"]


async def _settle(
    engine: Engine, promise: WatchedPromise, state: Literal["kept", "partial", "broken"]
) -> bool:
    deps, now = engine.deps, engine.deps.clock.now()
    async with one_customer(deps.pool, promise.customer_id) as conn:
        await lock_customer(conn, customer_id=promise.customer_id)
        if not await settle_promise(conn, promise_id=promise.id, state=state, now=now):
            return False
        entry = Entry("system", "System", f"promise.{state}", {"promise": promise.id})
        await append(conn, customer_id=promise.customer_id, at=now, entries=[entry])
    return True


async def _expire(engine: Engine) -> int:
    async with engine.deps.pool.connection() as conn:
        lapsed = await queries.expired(conn, now=engine.deps.clock.now(), limit=_BATCH)
    return sum(
        [await _end(engine, approval_id, "expire", "nobody decided in time") for approval_id in lapsed]
    )


async def _end(engine: Engine, approval_id: str, why: decide.SystemDecision, reason: str) -> bool:
    try:
        await decide.close(engine, approval_id, why, reason)
    except (AlreadyDecided, Gone, Conflict) as other:
        _log.info("approval_moved", approval_id=approval_id, why=type(other).__name__)
        return False
    return True


async def _finish_stranded(engine: Engine) -> int:
    async with engine.deps.pool.connection() as conn:
        lost = await queries.stranded(conn, before=engine.deps.clock.now() - _CLAIM_LASTS, limit=_BATCH)
    finished = 0
    for approval_id in lost:
        try:
            await decide.resume_stranded(engine, approval_id)
        except (AlreadyDecided, Conflict) as other:
            _log.info("approval_moved", approval_id=approval_id, why=type(other).__name__)
        else:
            finished += 1
    return finished


async def rejudge(engine: Engine, customer_id: str, reason: str) -> int:
    """Money or a dispute arrived: what waits on facts that moved is judged anew, and asked again or closed.

    What waits on other facts goes on waiting. Gives the number of approvals that ended.
    """
    deps = engine.deps
    ended = 0
    async with deps.pool.connection() as conn:
        waiting = await queries.pending_of(conn, customer_id=customer_id)
    for approval_id in waiting:
        if await decide.has_moved(engine, approval_id):
            ended += await _end(engine, approval_id, "supersede", reason)
    return ended


async def ledger_clears(engine: Engine, customer_id: str) -> None:
    """Lift the holds that only waited for the ledger to show the money."""
    deps, now = engine.deps, engine.deps.clock.now()
    async with one_customer(deps.pool, customer_id) as conn:
        await lock_customer(conn, customer_id=customer_id)
        lifted = await clear_paid_holds(conn, customer_id=customer_id, now=now)
        entries = [
            Entry("system", "System", "hold.lifted", {"hold": hold_id, "by": "ledger"}) for hold_id in lifted
        ]
        await append(conn, customer_id=customer_id, at=now, entries=entries)
