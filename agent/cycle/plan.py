"""Plan: one set-based look at the whole portfolio, and a trigger for each account whose next step is due."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from agent.engine.trigger import Trigger
from agent.policy.document import Policy
from agent.policy.ladder import EARLY
from tools import sql
from tools.risk.score import (
    FULL_UTILISATION,
    HIGH_FROM,
    LONG_OVERDUE_DAYS,
    MEDIUM_FROM,
    MIN_SETTLED,
    MODEL_ID,
    PRIOR_WEIGHT,
    TIER_HORIZON,
)

_SQL = sql.load("agent.cycle")
_BATCH = 5000  # planned accounts that are read at a time


@dataclass(frozen=True, slots=True)
class Planned:
    """One account in a cycle's plan: the trigger of its next step, or why there is none."""

    customer_id: str
    overdue_minor: int
    overdue_invoices: int
    held_invoices: int
    trigger: Trigger | None
    why_not: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a cycle found on a day."""

    today: date
    invoices_known: int
    customers_known: int
    reachable_contacts: int
    accounts: tuple[Planned, ...]

    @property
    def overdue(self) -> list[Planned]:
        """Accounts with something past due."""
        return [account for account in self.accounts if account.overdue_invoices > 0]


async def make_plan(conn: AsyncConnection[Any], policy: Policy, *, today: date, now: datetime) -> Plan:
    """Score every customer and plan the day. Writes tiers and the day's base rate; the caller's transaction commits."""
    await plan_portfolio(conn, policy, today=today, now=now)
    await keep_scores(conn, today=today)
    accounts = tuple([account async for account in planned(conn, policy, today=today)])
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["known"], {"today": today})
        known = await cursor.fetchone() or {"invoices": 0, "customers": 0}
        await cursor.execute(_SQL["reachable"])
        reachable = (await cursor.fetchone() or {"count": 0})["count"]
    return Plan(today, known["invoices"], known["customers"], reachable, accounts)


async def keep_scores(conn: AsyncConnection[Any], *, today: date) -> None:
    """Write down what was planned: tiers, the day's base rate, and a score for each open invoice whose features changed.

    A score holds until the next one of its invoice; the base rate it rests on is that of its own day.
    """
    await conn.execute(_SQL["set_tier"])
    await conn.execute(_SQL["keep_base_rate"], {"today": today})
    await conn.execute(_SQL["keep_scores"], {"today": today, "horizon": TIER_HORIZON, "model_id": MODEL_ID})


async def first_invoice(conn: AsyncConnection[Any]) -> date | None:
    """The day of the oldest invoice in the ledger copy; None when there is no invoice."""
    cursor = await conn.execute(_SQL["first_invoice"])
    found = await cursor.fetchone()
    return found[0] if found else None


async def plan_portfolio(conn: AsyncConnection[Any], policy: Policy, *, today: date, now: datetime) -> None:
    """Plan the day in one statement: a row for each customer in the temporary table `planned`, gone with the transaction."""
    await conn.execute(_SQL["forget_plan"])
    await conn.execute(_SQL["batch_memory"])
    await conn.execute(
        _SQL["plan"],
        {
            "today": today, "now": now, "ladders": Jsonb(_rungs(policy)),
            "segments": Jsonb({name: part.ladder for name, part in policy.document.segments.items()}),
            "min_settled": MIN_SETTLED, "prior": PRIOR_WEIGHT, "medium": MEDIUM_FROM, "high": HIGH_FROM,
            "full": FULL_UTILISATION, "long": LONG_OVERDUE_DAYS,
        },
    )  # fmt: skip


def _rungs(policy: Policy) -> list[dict[str, Any]]:
    """The steps of every ladder with their places: 0 is the early notice, the others are counted from 1."""
    return [
        {"ladder": name, "place": place, "step": step.step, "days": step.days}
        for name, steps in policy.document.ladders.items()
        for place, step in [
            *((0, step) for step in steps if step.step == EARLY),
            *enumerate((step for step in steps if step.step != EARLY), start=1),
        ]
    ]


async def planned(conn: AsyncConnection[Any], policy: Policy, *, today: date) -> AsyncIterator[Planned]:
    """What `plan_portfolio` planned for accounts with something due or about to be, most overdue first; read in batches."""
    channels = {
        (name, step.step): step.channel for name, steps in policy.document.ladders.items() for step in steps
    }
    first_day = min(step.days for steps in policy.document.ladders.values() for step in steps)
    async with conn.cursor(name="planned", row_factory=dict_row) as rows:
        rows.itersize = _BATCH
        await rows.execute(_SQL["planned"], {"first_day": first_day})
        async for row in rows:
            yield _account(row, today, channels.get((row["ladder"], row["step"])))


def _account(row: dict[str, Any], today: date, channel: str | None) -> Planned:
    customer_id, step, anchor = row["customer_id"], row["step"], row["anchor"]

    def result(trigger: Trigger | None, why_not: str | None) -> Planned:
        return Planned(
            customer_id, row["overdue_minor"], row["overdue_invoices"], row["held_invoices"], trigger, why_not
        )

    if row["in_the_way"] is not None:
        return result(None, row["in_the_way"])
    if row["days"] is None:
        return result(None, "no invoice has a due date")
    if step is None:
        return result(None, "no step is due" if row["overdue_invoices"] else None)
    key = f"ladder:{customer_id}:{anchor}:{step}:{today.isoformat()}"
    by: Literal["email"] | None = "email" if channel == "email" else None
    return result(Trigger("ladder", customer_id, key, step=step, channel=by, anchor_invoice_id=anchor), None)
