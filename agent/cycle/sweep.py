"""Sweep: what time alone changes. Promises settle, approvals are brought up and lapse, answers of a dead process are finished."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
import structlog
from psycopg import AsyncConnection

from agent.approvals import decide, queries
from agent.cycle.arrangements import expire_requests
from agent.engine.narrow import one_customer
from agent.engine.run import Engine
from agent.policy.gate import permit_for_task
from agent.state import GRAPH_VERSION
from tools.activity.chain import Entry, append
from tools.activity.record import talking_points
from tools.arrangements.plans import DuePlan, move_plan, plans_to_settle
from tools.arrangements.promises import DuePromise, promises_to_settle, settle_promise
from tools.arrangements.requests import clear_entered
from tools.arrangements.stops import clear_paid_holds
from tools.clock import business_day
from tools.errors import AlreadyDecided, Conflict, Gone
from tools.followups.follow_ups import schedule
from tools.ledger.queries import lock_customer, read_account

_BATCH = 1000
# An answer asks no model and commits in milliseconds. Should its process only be slow, one of the two does nothing.
_ANSWER_LASTS = timedelta(seconds=10)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep changed."""

    promises_kept: int
    promises_broken: int
    plans_completed: int
    plans_defaulted: int
    approvals_expired: int
    requests_expired: int
    approvals_finished: int
    approvals_reminded: int
    approvals_upgraded: int


async def sweep(engine: Engine) -> Swept:
    """Everything that time alone changes. Safe to run at any time, anywhere."""
    kept, broken = await watch_promises(engine)
    completed, defaulted = await watch_plans(engine)
    return Swept(
        promises_kept=kept,
        promises_broken=broken,
        plans_completed=completed,
        plans_defaulted=defaulted,
        approvals_expired=await expire_approvals(engine),
        requests_expired=await expire_requests(engine, limit=_BATCH),
        approvals_finished=await finish_answers(engine),
        approvals_reminded=await remind_approvers(engine),
        approvals_upgraded=await upgrade_approvals(engine),
    )


async def watch_promises(engine: Engine) -> tuple[int, int]:
    """Settle the promises that the ledger keeps, or whose last day has passed: how many were kept, and how many not."""
    async with engine.deps.pool.connection() as conn:
        due = await promises_to_settle(conn, **_day(engine), limit=_BATCH)
    counts: Counter[str] = Counter([await _settle(engine, promise) for promise in due])
    return counts["kept"], counts["broken"] + counts["partial"]


def _day(engine: Engine) -> dict[str, Any]:
    """The day in question, and how long after its date an arrangement waits for the money."""
    deps = engine.deps
    terms = deps.gate.policy.document.promise
    today = business_day(deps.clock.now(), deps.company.zone)
    return {
        "today": today, "zone": deps.company.zone.key, "grace_days": terms.grace_days, "float_days": terms.float_days,
    }  # fmt: skip


async def _settle(engine: Engine, seen: DuePromise) -> str:
    """Settle one promise on the money of now, which may have come since it was `seen`; "" where there is nothing to settle."""
    deps, now = engine.deps, engine.deps.clock.now()
    async with one_customer(deps.pool, seen.customer_id) as conn:
        await lock_customer(conn, customer_id=seen.customer_id)
        for promise in await promises_to_settle(conn, **_day(engine), limit=1, promise_id=seen.id):
            outcome, paid = promise.outcome, promise.paid_minor
            await settle_promise(conn, promise_id=seen.id, state=outcome, paid_minor=paid, now=now)
            subject = {"promise": seen.id, "paid_minor": paid}
            entry = Entry("system", "System", f"promise.{outcome}", subject)
            await append(conn, customer_id=seen.customer_id, at=now, entries=[entry])
            return outcome
    return ""


async def watch_plans(engine: Engine) -> tuple[int, int]:
    """Settle running plans: how many were completed, and how many missed an instalment, each with a person's task."""
    async with engine.deps.pool.connection() as conn:
        due = await plans_to_settle(conn, **_day(engine), limit=_BATCH)
    counts: Counter[str] = Counter([await _settle_plan(engine, plan) for plan in due])
    return counts["completed"], counts["defaulted"]


async def _settle_plan(engine: Engine, seen: DuePlan) -> str:
    deps, now = engine.deps, engine.deps.clock.now()
    async with one_customer(deps.pool, seen.customer_id) as conn:
        await lock_customer(conn, customer_id=seen.customer_id)
        for plan in await plans_to_settle(conn, **_day(engine), limit=1, plan_id=seen.id):
            await move_plan(conn, plan_id=plan.id, state=plan.outcome, now=now)
            if plan.outcome == "defaulted":
                await _tell_of_default(conn, plan, day=_day(engine)["today"], now=now)
            subject = {"plan": plan.id, "paid_minor": plan.paid_minor, "due_minor": plan.due_minor}
            entry = Entry("system", "System", f"plan.{plan.outcome}", subject)
            await append(conn, customer_id=plan.customer_id, at=now, entries=[entry])
            return plan.outcome
    return ""


async def _tell_of_default(conn: AsyncConnection[Any], plan: DuePlan, *, day: date, now: datetime) -> None:
    """A broken plan goes back to the ladder through a person only (policy.md 4)."""
    account = await read_account(conn, customer_id=plan.customer_id, today=day, now=now)
    why = "The payment plan was not kept: agree on another, or end it so that the ladder goes on."
    permit = permit_for_task(
        decision_id=plan.decision_id, episode_id=plan.episode_id, customer_id=plan.customer_id, digest=plan.digest
    )  # fmt: skip
    await schedule(
        conn, permit, kind="review", due_at=now, reason=why, assignee=account.customer.owner, priority="high",
        talking_points=talking_points(account, why),
    )  # fmt: skip


async def expire_approvals(engine: Engine) -> int:
    """End the approvals that nobody decided in time; each leaves a task for a person, so that nothing is lost."""
    async with engine.deps.pool.connection() as conn:
        lapsed = await queries.expired(conn, now=engine.deps.clock.now(), limit=_BATCH)
    return await _each(lapsed, lambda lapsed: _end(engine, lapsed, "expire", "nobody decided in time"))


async def _each(approval_ids: Sequence[str], work: Callable[[str], Awaitable[bool]]) -> int:
    """How many approvals `work` moved. One on which it fails is left for the next sweep, and holds up no other."""
    moved = 0
    for approval_id in approval_ids:
        try:
            moved += await work(approval_id)
        except (AlreadyDecided, Gone, Conflict) as other:
            _log.info("approval_moved", approval_id=approval_id, why=type(other).__name__)
        except psycopg.OperationalError:
            raise  # not this one's fault
        except Exception as wrong:  # noqa: BLE001 - whatever one approval breaks on, the others' time comes too
            _log.error("approval_failed", approval_id=approval_id, why=type(wrong).__name__)
    return moved


async def _end(engine: Engine, approval_id: str, why: decide.SystemDecision, reason: str) -> bool:
    try:
        await decide.close(engine, approval_id, why, reason)
    except (AlreadyDecided, Gone, Conflict) as other:
        _log.info("approval_moved", approval_id=approval_id, why=type(other).__name__)
        return False
    return True


async def remind_approvers(engine: Engine) -> int:
    """Bring up once more what nobody decided for long: the next role is told, and the log says so."""
    deps, now = engine.deps, engine.deps.clock.now()
    before = now - timedelta(hours=deps.gate.policy.document.approval.reminder_hours)
    async with deps.pool.connection() as conn:
        waiting = await queries.to_remind(conn, before=before, now=now, limit=_BATCH)
    return await _each(waiting, lambda waiting: _remind(engine, waiting))


async def _remind(engine: Engine, approval_id: str) -> bool:
    deps, now = engine.deps, engine.deps.clock.now()
    async with deps.pool.connection() as conn:
        approval = await queries.read_approval(conn, approval_id=approval_id)
    role = approval.next_role() or approval.role
    async with one_customer(deps.pool, approval.customer_id) as conn:
        await lock_customer(conn, customer_id=approval.customer_id)
        if not await queries.remind(conn, approval_id=approval_id, role=role, now=now):
            return False
        subject = {"approval": approval_id, "to": role}
        entry = Entry("system", "System", "approval.reminded", subject, approval.episode_id)
        await append(conn, customer_id=approval.customer_id, at=now, entries=[entry])
    return True


async def upgrade_approvals(engine: Engine) -> int:
    """Ask again what waits in threads of another version of the graph, which this one must not resume."""
    async with engine.deps.pool.connection() as conn:
        waiting = await queries.of_other_graphs(conn, graph_version=GRAPH_VERSION, limit=_BATCH)
    why = "the program was upgraded after it was asked"
    return await _each(waiting, lambda waiting: _end(engine, waiting, "supersede", why))


async def finish_answers(engine: Engine) -> int:
    """Finish the answers whose process died between its claim and its commit; their word still stands."""
    async with engine.deps.pool.connection() as conn:
        lost = await queries.stranded(conn, now=engine.deps.clock.now(), lasts=_ANSWER_LASTS, limit=_BATCH)
    return await _each(lost, lambda lost: _finish(engine, lost))


async def _finish(engine: Engine, approval_id: str) -> bool:
    await decide.resume_stranded(engine, approval_id)
    return True


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
    """Lift the holds that only waited for the ledger to show the money, and end the write-offs that it shows."""
    deps, now = engine.deps, engine.deps.clock.now()
    async with one_customer(deps.pool, customer_id) as conn:
        await lock_customer(conn, customer_id=customer_id)
        lifted = await clear_paid_holds(conn, customer_id=customer_id, now=now)
        entries = [
            Entry("system", "System", "hold.lifted", {"hold": hold_id, "by": "ledger"}) for hold_id in lifted
        ]
        entered = await clear_entered(conn, customer_id=customer_id, now=now)
        entries += [
            Entry("system", "System", "ledger_request.entered", {"ledger_request": request_id})
            for request_id in entered
        ]
        await append(conn, customer_id=customer_id, at=now, entries=entries)
