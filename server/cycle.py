"""The cycle: sweep, handle what waits, plan the day, run an episode for each account whose step is due, send."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from agent.cycle.plan import Plan, first_invoice, make_plan
from agent.cycle.steps import step_is_done
from agent.cycle.sweep import ledger_clears, rejudge, sweep
from agent.cycle.work import waiting_for, waiting_work
from agent.deps import Deps
from agent.engine.deliberation import Proposal
from agent.engine.run import Engine, Outcome
from agent.engine.trigger import Trigger
from agent.policy.verdict import Allow, Ask, Ruling
from server.memory import catch_up
from server.sender import Dispatched, dispatch_due
from tools import failpoints
from tools.channels.base import Channels
from tools.clock import business_day
from tools.errors import CollectionsError, Invalid

_ROUNDS = 5  # handling one thing may open another (an approved plan is offered), never endlessly
_log = structlog.get_logger()
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one account that is overdue or gets an early notice, for the person who reads the report."""

    customer_id: str
    overdue_minor: int
    result: str  # proposed, sent, asked, refused, not proposed
    why: str


@dataclass(frozen=True, slots=True)
class CycleReport:
    """What one cycle found and did."""

    plan: Plan
    outcomes: Sequence[tuple[Trigger, Outcome]]
    failed: Sequence[tuple[str, str]]
    dispatched: Dispatched
    verdicts: Sequence[Verdict] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """The figures, and one explained verdict for each overdue account."""
        results = Counter(verdict.result for verdict in self.verdicts)
        return {
            "date": self.plan.today.isoformat(),
            "invoices_known": self.plan.invoices_known,
            "customers_known": self.plan.customers_known,
            "overdue": len(self.plan.overdue),
            "overdue_minor": sum(account.overdue_minor for account in self.plan.overdue),
            "held": sum(account.held_invoices == account.overdue_invoices for account in self.plan.overdue),
            "proposed": sum(bool(outcome.proposals) for trigger, outcome in self.outcomes if trigger.kind == "ladder"),
            "asked": sum(len(outcome.approvals) for _, outcome in self.outcomes),
            "sent": self.dispatched.sent,
            "deferred": sum(_waits(proposal) for _, outcome in self.outcomes for proposal in outcome.proposals),
            "withdrawn": self.dispatched.withdrawn,
            "failed": [{"customer": customer, "why": why} for customer, why in self.failed],
            "results": dict(sorted(results.items())),
            "nobody_reachable": self.plan.reachable_contacts == 0,
            "verdicts": [
                {"customer": v.customer_id, "overdue_minor": v.overdue_minor, "result": v.result, "why": v.why}
                for v in self.verdicts
            ],
        }  # fmt: skip


def _waits(proposal: Proposal) -> bool:
    """An allowed message that leaves later: it waits for the hours of contact or for the contact budget."""
    verdict = proposal.ruling.verdict
    is_message = proposal.action.tool == "generate_dunning_message"
    return (
        is_message
        and isinstance(verdict, Allow)
        and (verdict.not_before or proposal.facts.now) > proposal.facts.now
    )


async def run_cycle(engine: Engine, channels: Channels, *, progress: Progress | None = None) -> CycleReport:
    """One day's work on the whole portfolio. Running it twice on a day proposes nothing twice.

    Raises Invalid, before anything is done, for a day on which none of the invoices was there yet.
    """
    deps = engine.deps
    await _assert_after_first_invoice(deps)
    await sweep(engine)
    handled, failed = await handle_waiting(engine)
    await catch_up(deps)
    now = deps.clock.now()
    async with deps.pool.connection() as conn, conn.transaction():
        plan = await make_plan(conn, deps.gate.policy, today=business_day(now, deps.company.zone), now=now)
    triggers = [account.trigger for account in plan.accounts if account.trigger is not None]
    outcomes: list[tuple[Trigger, Outcome]] = []
    for done, trigger in enumerate(triggers):
        if progress is not None:
            progress(done, len(triggers))
        outcome = await _run(engine, trigger, failed)
        if outcome is not None:
            outcomes.append((trigger, outcome))
    if progress is not None:
        progress(len(triggers), len(triggers))
    dispatched = await dispatch_due(engine, channels, limit=max(1000, len(triggers) * 2))
    return CycleReport(plan, [*handled, *outcomes], failed, dispatched, _explain(plan, outcomes, failed))


async def _assert_after_first_invoice(deps: Deps) -> None:
    today = business_day(deps.clock.now(), deps.company.zone)
    async with deps.pool.connection() as conn:
        first = await first_invoice(conn)
    if first is not None and today < first:
        raise Invalid(
            f"On {today} there was no invoice yet: the first of this ledger is of {first}. Nothing was done."
        )


async def handle(engine: Engine, trigger: Trigger, *, give_up: bool = False) -> Outcome:
    """One waiting thing's episode, with what goes before and after it. Safe to repeat after a crash at any point.

    `give_up`: it failed too often, so a person takes it. Raises as `Engine.run`.
    """
    if trigger.kind == "ledger":
        await ledger_clears(engine, trigger.customer_id)
        await rejudge(engine, trigger.customer_id, f"ledger: {trigger.event}")
    outcome = await (engine.give_up(trigger) if give_up else engine.run(trigger))
    failpoints.reach("turn.committed")
    if trigger.kind == "inbound":
        # What waits for approval was asked before these words: a stop in them closes it, or asks it again on new facts.
        await rejudge(engine, trigger.customer_id, "the customer wrote")
    if trigger.kind == "ladder":
        await step_is_done(engine.deps, trigger)
    return outcome


async def handle_waiting(
    engine: Engine, *, customer_id: str | None = None
) -> tuple[list[tuple[Trigger, Outcome]], list[tuple[str, str]]]:
    """Episodes for everything that waits: messages, ledger events, follow-ups, rejected drafts, planned steps.

    With `customer_id` for everything of this customer but messages, each of which has its own answer.
    """
    done: list[tuple[Trigger, Outcome]] = []
    failed: list[tuple[str, str]] = []
    tried: set[str] = set()
    for _ in range(_ROUNDS):
        waiting = [t for t in await _waiting(engine, customer_id) if t.turn_key not in tried]
        if not waiting:
            break
        for trigger in waiting:
            tried.add(trigger.turn_key)
            outcome = await _run(engine, trigger, failed)
            if outcome is not None:
                done.append((trigger, outcome))
    return done, failed


async def _waiting(engine: Engine, customer_id: str | None) -> list[Trigger]:
    now = engine.deps.clock.now()
    async with engine.deps.pool.connection() as conn:
        if customer_id is None:
            return await waiting_work(conn, now=now)
        return await waiting_for(conn, customer_id=customer_id, now=now)


async def _run(engine: Engine, trigger: Trigger, failed: list[tuple[str, str]]) -> Outcome | None:
    """One episode; a failure is reported and leaves its trigger waiting for the next cycle."""
    try:
        return await handle(engine, trigger)
    except CollectionsError as wrong:
        _log.warning(
            "episode_failed", customer_id=trigger.customer_id, kind=trigger.kind, why=type(wrong).__name__
        )
        failed.append((trigger.customer_id, str(wrong)))
        return None


def _explain(
    plan: Plan, outcomes: Sequence[tuple[Trigger, Outcome]], failed: Sequence[tuple[str, str]]
) -> list[Verdict]:
    ran = {trigger.customer_id: outcome for trigger, outcome in outcomes}
    broken = dict(failed)
    verdicts = []
    for account in plan.accounts:
        if account.overdue_invoices == 0 and account.trigger is None:
            continue  # nothing due and no early notice: nothing to explain
        outcome = ran.get(account.customer_id)
        if outcome is None:
            why = account.why_not or broken.get(account.customer_id, "it was handled already")
            verdicts.append(Verdict(account.customer_id, account.overdue_minor, "not proposed", why))
            continue
        verdicts.append(Verdict(account.customer_id, account.overdue_minor, *_result(outcome)))
    return verdicts


def _result(outcome: Outcome) -> tuple[str, str]:
    """The strongest thing that the episode came to, and the rules' reasons for it."""
    rulings = [proposal.ruling for proposal in outcome.proposals]
    for kind, name in ((Ask, "asked"), (Allow, "allowed")):
        for ruling in rulings:
            if isinstance(ruling.verdict, kind):
                return name, reasons_of(ruling)
    return (
        ("refused", reasons_of(rulings[0])) if rulings else ("nothing proposed", "the model proposed nothing")
    )


def reasons_of(ruling: Ruling) -> str:
    """The sentences of the findings that carried a ruling."""
    kind = type(ruling.verdict)
    said = [f"{f.reason.rstrip('.')} ({f.rule})" for f in ruling.findings if isinstance(f.verdict, kind)]
    return "; ".join(said) or kind.__name__.lower()
