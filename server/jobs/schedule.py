"""Chores: what time alone brings about, each a look at rows that says what is due now.

A tick that is missed or comes twice changes nothing, whatever the number of workers: procrastinate defers each tick
once, a chore never runs beside itself, and what it finds is settled behind locks and fences of its own.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from agent.cycle.plan import make_plan
from agent.cycle.steps import is_planned, keep_plan
from agent.cycle.sweep import (
    expire_approvals,
    finish_answers,
    remind_approvers,
    upgrade_approvals,
    watch_plans,
    watch_promises,
)
from agent.engine.run import Engine
from server.audit import add_anchor
from server.autonomy import demote_breaches
from server.erasure import erase_customer
from server.jobs.queue import clear_queue, defer_waiting, inactive_customers, try_failed_again
from server.memory import catch_up
from server.notify.notices import tell
from server.notify.notifier import Notifier
from tools import failpoints
from tools.clock import business_day
from tools.errors import Conflict
from tools.memory.unmatched import forget_unmatched

_ERASED_AT_ONCE = 200
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Terms:
    """From which hour of the company's day the portfolio is worked (24: never), and how long words are kept."""

    cycle_hour: int = 6
    retention: timedelta = timedelta(days=3 * 365)


@dataclass(frozen=True, slots=True)
class Chore:
    """What is done on which schedule: cron with a sixth field for seconds."""

    name: str
    cron: str
    work: Callable[["Hands"], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Hands:
    """What a chore works with; without a notifier nobody is told that something waits."""

    engine: Engine
    terms: Terms
    notifier: Notifier | None = None


async def defer_what_waits(hands: Hands) -> None:
    """Whatever waits has a job: what has fallen due, and what lost its job or rests after failing."""
    await defer_waiting(hands.engine.deps)
    async with hands.engine.deps.pool.connection() as conn:
        await try_failed_again(conn)


async def mind_approvals(hands: Hands) -> None:
    """Finish stranded answers, ask again what an upgrade left behind, bring up what waits long, end what waited too long."""
    await finish_answers(hands.engine)
    await upgrade_approvals(hands.engine)
    await expire_approvals(hands.engine)
    await remind_approvers(hands.engine)


async def tell_approvers(hands: Hands) -> None:
    """Whoever has to decide something, or may now that nobody did for long, is told of it once."""
    if hands.notifier is not None:
        await tell(hands.engine.deps, hands.notifier)


async def mind_autonomy(hands: Hands) -> None:
    """What did badly by its record does less without a person from now on, and a person hears of it."""
    for fallen in await demote_breaches(hands.engine.deps):
        _log.warning("autonomy_demoted", segment=fallen.segment, action=fallen.action, to=fallen.weighed.mode)


async def mind_promises(hands: Hands) -> None:
    """Promises whose day has passed are kept or broken, as the ledger shows."""
    await watch_promises(hands.engine)
    await watch_plans(hands.engine)


async def mind_memory(hands: Hands) -> None:
    """Messages that were stored without a vector, because the embedding model did not answer, get theirs."""
    await catch_up(hands.engine.deps)


async def plan_the_day(hands: Hands) -> bool:
    """Plan the portfolio once a day, from the given hour on; its steps become turns as `defer_what_waits` finds them.

    Plan and steps are one transaction, the turns are not: they are deferred as the queue has room for them.
    """
    deps = hands.engine.deps
    now = deps.clock.now()
    if now.astimezone(deps.company.zone).hour < hands.terms.cycle_hour:
        return False
    today = business_day(now, deps.company.zone)
    async with deps.pool.connection() as conn:
        if await is_planned(conn, day=today):
            return False
        async with conn.transaction():
            plan = await make_plan(conn, deps.gate.policy, today=today, now=now)
            triggers = [account.trigger for account in plan.accounts if account.trigger is not None]
            kept = await keep_plan(conn, day=today, triggers=triggers, now=now)
            failpoints.reach("cycle.before_commit")
    return kept


async def tidy(hands: Hands) -> None:
    """Clear the queue's remains, and erase customers of whom nothing is open and nothing was heard for the retention time."""
    deps = hands.engine.deps
    before = deps.clock.now() - hands.terms.retention
    async with deps.pool.connection() as conn:
        await clear_queue(conn)
        await forget_unmatched(conn, before=before)
        inactive = await inactive_customers(conn, before=before, limit=_ERASED_AT_ONCE)
    for customer_id in inactive:
        try:
            await erase_customer(hands.engine, customer_id, by="retention")
        except Conflict:
            _log.info("erasure_put_off", customer_id=customer_id)


async def anchor_the_log(hands: Hands) -> None:
    """The ends of all chains, in one hash that `dunwell audit anchor` prints."""
    await add_anchor(hands.engine.deps.pool, hands.engine.deps.clock)


CHORES = (
    Chore("defer what waits", "* * * * * */5", defer_what_waits),
    Chore("mind approvals", "* * * * * */5", mind_approvals),
    Chore("tell approvers", "* * * * * */5", tell_approvers),
    Chore("mind autonomy", "*/5 * * * *", mind_autonomy),
    Chore("mind promises", "* * * * *", mind_promises),
    Chore("mind memory", "* * * * *", mind_memory),
    Chore("plan the day", "* * * * *", plan_the_day),
    Chore("tidy", "17 * * * *", tidy),
    Chore("anchor the log", "23 * * * *", anchor_the_log),
)
