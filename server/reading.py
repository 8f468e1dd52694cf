"""Reading for people: what CLI and API show of customers, conversations and approvals. Plain JSON, nothing decided here."""

from typing import Any

from psycopg.rows import dict_row

from agent.approvals.alike import alike
from agent.approvals.edits import diff
from agent.approvals.model import Approval
from agent.approvals.queries import list_approvals, read_approval
from server.db import Pool
from server.settings import Settings
from tools import sql
from tools.activity.describe import quoted
from tools.arrangements import requests
from tools.arrangements.consent import consent_ledger
from tools.arrangements.standing import list_arrangements
from tools.clock import business_day
from tools.errors import NotFound
from tools.followups.follow_ups import open_tasks
from tools.ledger.model import Account
from tools.ledger.queries import find_customers, read_account
from tools.memory.messages import read_thread
from tools.money import Money
from tools.risk.score import read_risk

_SQL = sql.load("server")
_ALIKE = 200  # approvals that one word may answer


async def customers_matching(
    pool: Pool, settings: Settings, text: str | None, limit: int, offset: int = 0
) -> list[dict[str, Any]]:
    """Customers by id, name or address, most overdue first."""
    clock = settings.make_clock()
    today = business_day(clock.now(), settings.company_time_zone)
    async with pool.connection() as conn:
        return await find_customers(conn, text=text, today=today, limit=limit, offset=offset)


async def timeline(pool: Pool, customer_id: str) -> list[dict[str, Any]]:
    """The conversation, oldest first, with what became of each message."""
    async with pool.connection() as conn:
        return await read_thread(conn, customer_id=customer_id)


async def counts(pool: Pool) -> dict[str, int]:
    """Figures over the whole installation."""
    async with pool.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["counts"])
        return await cursor.fetchone() or {}


async def customer_state(pool: Pool, settings: Settings, customer_id: str) -> dict[str, Any]:
    """What is owed, promised, held and waiting on one customer. Raises NotFound."""
    clock = settings.make_clock()
    now = clock.now()
    async with pool.connection() as conn:
        account = await read_account(
            conn, customer_id=customer_id, today=business_day(now, settings.company_time_zone), now=now
        )
        tasks = await open_tasks(conn, customer_id=customer_id)
        waiting = await list_approvals(conn, customer_id=customer_id)
    return {
        **state_of(account),
        "tasks": [_task(task) for task in tasks],
        "approvals": [_waiting(a) for a in waiting],
    }


async def arranged(pool: Pool, settings: Settings, customer_id: str) -> dict[str, Any]:
    """Everything that was arranged with a customer, what is owed and how much of it nobody disputes. Raises NotFound."""
    clock = settings.make_clock()
    now = clock.now()
    async with pool.connection() as conn:
        account = await read_account(
            conn, customer_id=customer_id, today=business_day(now, settings.company_time_zone), now=now
        )
        rows = await list_arrangements(conn, customer_id=customer_id)
    owed = account.balance_of([invoice.id for invoice in account.invoices])
    return {
        "customer": customer_id, "currency": owed.currency, "owed_minor": owed.minor,
        "undisputed_minor": account.undisputed().minor, "arrangements": rows,
    }  # fmt: skip


async def consent_of(pool: Pool, customer_id: str) -> dict[str, Any]:
    """Every change of what a customer allows us, oldest first, with its source. Raises NotFound."""
    async with pool.connection() as conn:
        known = await conn.execute(_SQL["reachable_channels"], {"customer_id": customer_id})
        if await known.fetchone() is None:
            raise NotFound("customer", customer_id)
        return {"customer": customer_id, "consent": await consent_ledger(conn, customer_id=customer_id)}


def state_of(account: Account) -> dict[str, Any]:
    """An account for a person to read: each item with a sentence in `says`."""
    customer, currency = account.customer, account.customer.currency
    risk = read_risk(account)
    return {
        "customer": {
            "id": customer.id, "name": customer.name, "kind": customer.kind, "segment": customer.segment,
            "owner": customer.owner, "language": customer.language, "status": customer.status,
            "do_not_contact": customer.do_not_contact,
        },
        "risk": {"tier": risk.tier, "probability": risk.probability},
        "overdue_minor": sum(i.balance_minor for i in account.overdue()),
        "currency": currency,
        "invoices": [
            {
                "id": i.id, "number": i.number, "balance": i.balance.format(), "balance_minor": i.balance_minor,
                "due": i.due_date, "days_past_due": i.days_past_due(account.today), "bucket": i.bucket(account.today),
                "state": i.ledger_state,
            }
            for i in account.invoices
        ],
        "promises": [
            {"id": p.id, "state": p.state, "amount_minor": p.amount_minor, "due": p.due_date,
             "says": f"{Money(p.amount_minor, p.currency).format()} by {p.due_date:%d %B %Y}: {p.state}"}
            for p in account.promises
        ],
        "plans": [
            {"id": p.id, "state": p.state, "says": f"{p.id}, {len(p.instalments)} instalments: {p.state}"}
            for p in account.plans
        ],
        "holds": [
            {"id": h.id, "reason": h.reason, "invoices": h.invoice_ids,
             "says": f"{h.reason} since {h.placed_at:%d %B}, {'these invoices' if h.invoice_ids else 'the whole account'}; cleared by {h.cleared_by}"}
            for h in account.holds
        ],
        "disputes": [
            {"id": d.id, "reason": d.reason, "invoices": d.invoice_ids, "says": f"{d.reason}: {', '.join(d.invoice_ids)} ({d.state})"}
            for d in account.disputes
        ],
        "suppressions": [
            {"id": s.id, "channel": s.channel, "reason": s.reason, "says": f"{s.reason} on {s.channel or 'every channel'}"}
            for s in account.suppressions
        ],
        "tried": [
            {"at": t.at, "channel": t.channel, "purpose": t.purpose, "state": t.state} for t in account.touches
        ],
    }  # fmt: skip


def _task(task: dict[str, Any]) -> dict[str, Any]:
    return {**task, "says": task_says(task)}


def task_says(task: dict[str, Any]) -> str:
    """An open task in one sentence; its reason, which a model may have written, stands in quotation marks."""
    who = task["assignee"] or "nobody yet"
    return f"{task['kind']} for {who}, due {task['due_at']:%d %B}: {quoted(task['reason'])}"


def _waiting(approval: dict[str, Any]) -> dict[str, Any]:
    return {**approval, "says": f"{approval['id']}: {approval['kind']} waits for a {approval['role']}"}


async def waiting_requests(
    pool: Pool, *, customer_id: str | None = None, assignee: str | None = None, limit: int = 1000
) -> list[dict[str, Any]]:
    """Requests to the ledger that wait for a manager, with the address at which they are decided."""
    async with pool.connection() as conn:
        rows = await requests.waiting_requests(conn, customer_id=customer_id, assignee=assignee, limit=limit)
    return [
        {
            "id": row.id, "customer_id": row.customer_id, "customer": row.customer, "assignee": row.assignee,
            "kind": row.kind, "invoice_ids": row.invoice_ids, "amount_minor": row.amount_minor,
            "currency": row.currency, "reason": row.reason, "proposed_by": row.proposed_by,
            "proposed_at": row.proposed_at, "expires_at": row.expires_at, "first_by": row.first_by,
            "decide_at": f"/v1/arrangements/ledger_request/{row.id}/state",
        }
        for row in rows
    ]  # fmt: skip


async def approval_file(pool: Pool, settings: Settings, approval_id: str) -> dict[str, Any]:
    """Everything a person needs to decide: the exact action, why it was asked, the facts, and the conversation."""
    async with pool.connection() as conn:
        approval = await read_approval(conn, approval_id=approval_id)
        before = await read_approval(conn, approval_id=approval.replaces) if approval.replaces else None
        others = await alike(conn, approval, limit=_ALIKE) if approval.state == "pending" else []
    state = await customer_state(pool, settings, approval.customer_id)
    return {
        "id": approval.id, "state": approval.state, "kind": approval.kind, "role": approval.role,
        "assignee": approval.assignee, "proposed_by": approval.proposed_by,
        "amount_minor": approval.amount_minor, "currency": approval.currency,
        "asked_at": approval.asked_at, "expires_at": approval.expires_at, "reminded_role": approval.reminded_role,
        "action": {"tool": approval.tool, "args": approval.args}, "action_digest": approval.digest,
        "preview": approval.preview, "reasons": approval.reasons,
        "decided_by": approval.decided_by, "outcome": approval.outcome, "replaces": approval.replaces,
        "first_by": approval.first_by, "diff": _edit_of(approval, before),
        "alike": [{"id": other.id, "action_digest": other.digest} for other in others],
        "facts": state, "conversation": await timeline(pool, approval.customer_id),
    }  # fmt: skip


def _edit_of(approval: Approval, before: Approval | None) -> list[str]:
    """What this approval changes of the one that it replaces; of one that was edited, what the edit changed."""
    now = (approval.args, approval.preview or {})
    if approval.edited_preview is not None and approval.answer is not None:
        return diff(now, (approval.answer.get("args") or {}, approval.edited_preview))
    return [] if before is None else diff((before.args, before.preview or {}), now)


async def episodes(pool: Pool, customer_id: str | None, limit: int, offset: int = 0) -> list[dict[str, Any]]:
    """Episodes, newest first: what opened them, under which versions, and how they came to rest."""
    async with pool.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["episodes"], {"customer_id": customer_id, "limit": limit, "offset": offset})
        return await cursor.fetchall()


async def decisions(pool: Pool, customer_id: str, limit: int = 200) -> list[dict[str, Any]]:
    """Every verdict on one customer, newest first, with its reasons and policy version."""
    async with pool.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["decisions"], {"customer_id": customer_id, "limit": limit})
        return await cursor.fetchall()
