"""Plan: one set-based look at the whole portfolio, and a trigger for each account whose next step is due."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from agent.engine.trigger import Trigger
from agent.policy.document import Policy, Step
from agent.policy.ladder import EARLY, next_step
from tools import sql
from tools.ledger.model import PaymentHistory, Tier
from tools.ledger.queries import remember_portfolio
from tools.risk.score import MODEL_ID, TIER_HORIZON, late_probability, tier_from
from tools.spec import canonical, digest

_SQL = sql.load("agent.cycle")


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
    portfolio = await remember_portfolio(conn, today=today)
    tiers = await _score(conn, today, now, portfolio)
    first_day = min(step.days for ladder in policy.document.ladders.values() for step in ladder)
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["plan"], {"today": today, "now": now, "first_day": first_day})
        rows = await cursor.fetchall()
        await cursor.execute(_SQL["known"], {"today": today})
        known = await cursor.fetchone() or {"invoices": 0, "customers": 0}
        await cursor.execute(_SQL["reachable"])
        reachable = (await cursor.fetchone() or {"count": 0})["count"]
    accounts = tuple(_account(row, policy, today, tiers.get(row["customer_id"], "unscored")) for row in rows)
    return Plan(today, known["invoices"], known["customers"], reachable, accounts)


async def first_invoice(conn: AsyncConnection[Any]) -> date | None:
    """The day of the oldest invoice in the ledger copy; None when there is no invoice."""
    cursor = await conn.execute(_SQL["first_invoice"])
    found = await cursor.fetchone()
    return found[0] if found else None


async def _score(
    conn: AsyncConnection[Any], today: date, now: datetime, portfolio: PaymentHistory
) -> dict[str, Tier]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["score_customers"], {"today": today, "now": now})
        rows = await cursor.fetchall()
    tiers: dict[str, Tier] = {}
    scores: list[tuple[str, float, str, str]] = []
    for row in rows:
        own = PaymentHistory(row["settled"], 0, row["late_7d"], 0, 0)
        made_of = {"utilisation": row["utilisation"], "oldest": row["oldest"], "broken": row["broken"]}
        tiers[row["id"]], drivers = tier_from(own, portfolio, **made_of)
        probability = late_probability(own, portfolio, TIER_HORIZON)
        if probability is not None:
            features = digest([row["settled"], row["late_7d"], made_of])
            scores.append((row["id"], probability, features, canonical(drivers)))
    await conn.execute(_SQL["set_tier"], {"ids": list(tiers), "tiers": list(tiers.values())})
    columns = [list(column) for column in zip(*scores, strict=True)] or [[], [], [], []]
    named = dict(zip(("ids", "probabilities", "hashes", "reasons"), columns, strict=True))
    await conn.execute(
        _SQL["keep_scores"], {**named, "today": today, "horizon": TIER_HORIZON, "model_id": MODEL_ID}
    )
    return tiers


def _account(row: dict[str, Any], policy: Policy, today: date, tier: str) -> Planned:
    customer_id, days = row["customer_id"], row["days"]

    def result(trigger: Trigger | None, why_not: str | None) -> Planned:
        return Planned(
            customer_id, row["overdue_minor"], row["overdue_invoices"], row["held_invoices"], trigger, why_not
        )

    if row["in_the_way"] is not None:
        return result(None, row["in_the_way"])
    if days is None:
        return result(None, "no invoice has a due date")
    step = _due(policy.ladder(row["segment"]), days, row["steps_done"], tier)
    if step is None:
        return result(None, "no step is due" if row["overdue_invoices"] else None)
    anchor = row["anchor"]
    key = f"ladder:{customer_id}:{anchor}:{step.step}:{today.isoformat()}"
    channel: Literal["email"] | None = "email" if step.channel == "email" else None
    return result(
        Trigger("ladder", customer_id, key, step=step.step, channel=channel, anchor_invoice_id=anchor), None
    )


def _due(steps: Sequence[Step], days: int, ran: Collection[str], tier: str) -> Step | None:
    """The rule looks at this again with the account before it; here it only saves episodes that would be refused."""
    if days > 0:
        return next_step([step for step in steps if step.step != EARLY], days=days, ran=ran)
    early = next((step for step in steps if step.step == EARLY), None)
    wanted = early is not None and tier in ("high", "unscored") and EARLY not in ran and early.days <= days
    return early if wanted else None
