"""The plan's one statement says of every account what the Python that judges it would say."""

import random
from datetime import date, timedelta
from typing import Any

import pytest

from agent.cycle.plan import make_plan
from agent.policy.document import Policy
from agent.policy.ladder import EARLY, due_step
from tests.world import NOW, TODAY, World, policy
from tools.ledger.model import Account
from tools.ledger.queries import read_account
from tools.risk.score import read_risk

_STEPS = ("early_notice", "reminder_1", "reminder_2", "call_task", "formal_notice", "hand_over")


def _day(days: int) -> date:
    return TODAY + timedelta(days=days)


class Book:
    """Random accounts: what is open, what was paid and when, what broke, what ran."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.draw = world, random.Random(seed)
        world.sql("INSERT INTO policy_version VALUES ('p', '', %s)", NOW)

    def fill(self, customers: int) -> None:
        for n in range(customers):
            self._customer(f"c{n}")

    def _customer(self, customer: str) -> None:
        draw, world = self.draw, self.world
        world.customer(customer, segment=draw.choice(["assisted", "unlisted"]))
        world.sql(
            "UPDATE customer SET credit_limit_minor = %s, status = %s, hold_reason = %s WHERE id = %s",
            draw.choice([None, 0, 100_000, 250_000, 10_000_000]), draw.choice(["active"] * 9 + ["inactive"]),
            draw.choice([None] * 9 + ["legal"]), customer,
        )  # fmt: skip
        world.sql("DELETE FROM invoice WHERE customer_id = %s", customer)
        due = [draw.choice([*range(-8, 3), 5, 14, 20, 30, 45, 59, 60, 90]) for _ in range(draw.randrange(5))]
        open_ids = [self._invoice(f"{customer}-o{n}", customer, days) for n, days in enumerate(due)]
        for n in range(draw.randrange(9)):
            late = draw.randrange(1, 200)
            paid = self._invoice(f"{customer}-p{n}", customer, late)
            world.paid(paid, on=_day(draw.choice([-3, 0, 2, 2, 2, 2, 5, 9, 40]) - late))
        episode = f"ep-{customer}"
        world.sql(
            """INSERT INTO episode (id, customer_id, turn_key, trigger, model_id, prompt_version, policy_version,
                                    graph_version, outcome, started_at, committed_at)
               VALUES (%s, %s, %s, '{}', '', '', 'p', '1', 'settled', %s, %s)""",
            episode, customer, episode, NOW, NOW,
        )  # fmt: skip
        decision = world.sql(
            """INSERT INTO decision (customer_id, episode_id, position, tool, digest, actor, verdict, reasons,
                                     policy_version, facts, facts_digest, at)
               VALUES (%s, %s, 0, '', '', 'agent', 'allow', '[]', 'p', '{}', '', %s) RETURNING id""",
            customer, episode, NOW,
        )[0]  # fmt: skip
        world.sql(
            """INSERT INTO follow_up (customer_id, episode_id, decision_id, digest, kind, due_at, reason)
               VALUES (%s, %s, %s, '', 'review', %s, '')""",
            customer, episode, decision, NOW,
        )  # fmt: skip
        self._marks(customer, decision, episode, open_ids)

    def _invoice(self, invoice: str, customer: str, days_late: int) -> str:
        self.world.invoice(
            invoice, customer, days_late=days_late, minor=self.draw.choice([25_000, 50_000, 100_000])
        )
        if self.draw.random() < 0.05:
            self.world.sql("UPDATE invoice SET due_date = NULL WHERE id = %s", invoice)
        return invoice

    def _marks(self, customer: str, decision: int, episode: str, open_ids: list[str]) -> None:
        draw, world = self.draw, self.world
        state = draw.choice(["broken", "kept", "open", None, None])
        if state is not None:
            world.sql(
                """INSERT INTO promise (customer_id, decision_id, position, invoice_ids, amount_minor, currency, due_date,
                                        made_at, source, state, settled_at)
                   VALUES (%s, %s, 0, '{x}', 1, 'USD', %s, %s, 'customer', %s, %s)""",
                customer, decision, _day(draw.choice([-2, 2])), NOW - timedelta(days=9), state,
                None if state == "open" else NOW - timedelta(days=draw.choice([3, 300])),
            )  # fmt: skip
        if open_ids and draw.random() < 0.2:
            world.disputed(draw.choice(open_ids))
        if draw.random() < 0.1:
            world.sql(
                "INSERT INTO hold (customer_id, decision_id, reason, invoice_ids, cleared_by, placed_at) "
                "VALUES (%s, %s, 'hardship', %s, 'person', %s)",
                customer, decision, draw.choice([None, open_ids[:1] or None]), NOW,
            )  # fmt: skip
        if open_ids and draw.random() < 0.6:
            anchor, others = draw.choice(open_ids), draw.sample(open_ids, draw.randrange(len(open_ids) + 1))
            for step in draw.sample(_STEPS, draw.randrange(1, 4)):
                world.sql(
                    "INSERT INTO ladder_step VALUES (%s, %s, %s, %s, %s, %s)",
                    customer, anchor, step, episode, others, NOW,
                )  # fmt: skip


async def _accounts(world: World, today: date) -> dict[str, Account]:
    async with world.pool.connection() as conn:
        ids = world.sql("SELECT id FROM customer")
        return {c: await read_account(conn, customer_id=c, today=today, now=NOW) for c in ids}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("as_of", [0, -15])
async def test_tier_and_step_of_the_plan_are_those_of_the_code_that_judges(
    world: World, seed: int, as_of: int
) -> None:
    """Random accounts: paid, open, disputed and held ones, on the day and as of an earlier one."""
    Book(world, seed).fill(40)
    today, rules = _day(as_of), policy()

    async with world.pool.connection() as conn, conn.transaction():
        plan = await make_plan(conn, rules, today=today, now=NOW)

    tiers = dict(world.sql("SELECT id, risk_tier FROM customer"))
    planned = {account.customer_id: account for account in plan.accounts}
    accounts = await _accounts(world, today)
    assert {c: read_risk(account).tier for c, account in accounts.items()} == tiers
    assert len(set(tiers.values())) > 2
    for customer, account in accounts.items():
        found = planned.get(customer)
        overdue, held = account.overdue(), account.held_ids()
        assert (found.overdue_invoices if found else 0) == len(overdue)
        if found is None:
            assert _wanted(account, rules) is None or held >= {i.id for i in account.invoices}
            continue
        assert found.overdue_minor == sum(invoice.balance_minor for invoice in overdue)
        assert found.held_invoices == sum(invoice.id in held for invoice in overdue)
        if found.why_not in (None, "no step is due"):
            assert (found.trigger.step if found.trigger else None) == _wanted(account, rules)


def _wanted(account: Account, rules: Policy) -> str | None:
    """The step that the rules of an episode would find due; an early notice is planned for the oldest invoice only."""
    due = due_step(account, rules.ladder(account.customer.segment), read_risk(account).tier)
    if due is None:
        return None
    oldest: Any = min(
        (i.due_date, i.id) for i in account.invoices if i.due_date and i.id not in account.held_ids()
    )
    return None if due.step.step == EARLY and due.anchor.id != oldest[1] else due.step.step


async def test_a_score_is_kept_for_every_open_invoice_of_a_scored_customer_once_a_day(world: World) -> None:
    Book(world, 1).fill(30)
    for _ in range(2):
        async with world.pool.connection() as conn, conn.transaction():
            await make_plan(conn, policy(), today=TODAY, now=NOW)

    accounts = await _accounts(world, TODAY)
    scored = {
        invoice.id: read_risk(account).probability
        for account in accounts.values()
        for invoice in account.invoices
        if invoice.is_open() and read_risk(account).probability is not None
    }
    assert {i: round(p, 4) for i, p in world.sql("SELECT invoice_id, probability FROM risk_score")} == scored
    assert scored


async def test_a_later_day_scores_only_the_customers_whose_history_changed(world: World) -> None:
    for customer in ("c0", "c1"):
        world.customer(customer)
        for n, late in enumerate((40, 50, 60, 20)):
            world.invoice(f"{customer}-{n}", customer, days_late=late, minor=25_000)
            if n < 3:
                world.paid(f"{customer}-{n}", on=_day(-late))
    await _plan_on(world, TODAY)
    world.paid("c1-3", on=TODAY)  # counts as settled from the next day on
    world.invoice("c0-new", "c0", days_late=1, minor=25_000)

    await _plan_on(world, _day(1))
    await _plan_on(world, _day(2))

    kept = world.sql(
        "SELECT invoice_id, as_of, reasons -> 'settled' FROM risk_score ORDER BY as_of, invoice_id"
    )
    assert kept == [
        ("c0-3", TODAY, 3), ("c1-3", TODAY, 3), ("inv-c0", TODAY, 3), ("inv-c1", TODAY, 3),
        ("c0-new", _day(1), 3), ("inv-c1", _day(1), 4),
    ]  # fmt: skip


async def _plan_on(world: World, today: date) -> None:
    async with world.pool.connection() as conn, conn.transaction():
        await make_plan(conn, policy(), today=today, now=NOW)


@pytest.mark.parametrize(
    ("suppressed", "why_not"),
    [
        ([(None, None, None)], "nobody can be reached"),
        ([("email", None, None)], None),
        ([("email", None, None), (None, "c0-sms", None)], "nobody can be reached"),
        ([("email", "c0-email", None), ("sms", None, NOW)], None),
        ([("email", "c0-sms", None), ("sms", None, None)], None),
        ([("voice", None, None)], None),
    ],
)
async def test_an_account_is_planned_while_one_contact_point_is_not_suppressed(
    world: World, suppressed: list[tuple[Any, ...]], why_not: str | None
) -> None:
    """Of each suppression: its channel, its contact point and when it was lifted."""
    world.customer("c0")
    world.sql("INSERT INTO policy_version VALUES ('p', '', %s)", NOW)
    world.sql(
        """INSERT INTO episode (id, customer_id, turn_key, trigger, model_id, prompt_version, policy_version,
                                graph_version, outcome, started_at, committed_at)
           VALUES ('ep', 'c0', 'ep', '{}', '', '', 'p', '1', 'settled', %s, %s)""",
        NOW, NOW,
    )  # fmt: skip
    for position, (channel, contact, lifted) in enumerate(suppressed):
        world.sql(
            """WITH d AS (
                   INSERT INTO decision (customer_id, episode_id, position, tool, digest, actor, verdict, reasons,
                                         policy_version, facts, facts_digest, at)
                   VALUES ('c0', 'ep', %s, '', '', 'agent', 'allow', '[]', 'p', '{}', '', %s) RETURNING id)
               INSERT INTO suppression (customer_id, decision_id, channel, contact_id, reason, at, lifted_at)
               SELECT 'c0', id, %s, %s, 'opt_out', %s, %s FROM d""",
            position, NOW, channel, contact, NOW, lifted,
        )  # fmt: skip

    async with world.pool.connection() as conn, conn.transaction():
        plan = await make_plan(conn, policy(), today=TODAY, now=NOW)

    [account] = plan.accounts
    assert account.why_not == why_not
    assert (account.trigger is None) == (why_not is not None)
