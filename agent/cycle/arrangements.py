"""A person moves an arrangement on: lifts a hold, ends a plan, closes a dispute, calls a promise off, writes off.

Who may is in tools.arrangements.machines; what a lifted hold or a closed dispute lets through is judged as always.
A write-off is approved as every approval is: by the gate's limits and four eyes, in time, and on facts that did not move.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from psycopg import AsyncConnection

from agent.approvals.model import User
from agent.engine.narrow import one_customer
from agent.engine.run import Engine
from agent.policy import stops
from agent.policy.digests import account_digest
from agent.policy.verdict import Approver, with_article
from tools.activity.chain import Entry, append
from tools.arrangements import requests
from tools.arrangements.machines import Kind, Mover, assert_move
from tools.arrangements.plans import move_plan
from tools.arrangements.promises import call_off_promise
from tools.arrangements.reasons import keep_reason, reason_digest
from tools.arrangements.standing import Standing, read_standing
from tools.arrangements.stops import lift_hold, move_dispute
from tools.clock import business_day
from tools.errors import BalanceChanged, Conflict, Forbidden, Gone, Invalid
from tools.ledger.model import Account
from tools.ledger.queries import lock_customer, read_account

_MOVERS: dict[str, Mover] = {"collector": "collector", "manager": "manager", "admin": "manager"}
_FIRST = "agreed_first"


@dataclass(frozen=True, slots=True)
class Moved:
    """What a step came to: whose arrangement it is, and the state it is in now."""

    customer_id: str
    state: str
    outcome: str = ""


async def move(engine: Engine, kind: Kind, identity: str, state: str, user: User, reason: str) -> Moved:
    """`user` moves that arrangement to `state`; where two people have to approve it, the first leaves it as it is.

    Raises NotFound, Invalid and Conflict for a step that does not exist or no longer, Forbidden for one that this user
    may not make (by role, above their limit, on their own proposal, or twice), and for a write-off Gone where it was
    proposed too long ago and BalanceChanged where what it was proposed on has moved.
    """
    deps, now = engine.deps, engine.deps.clock.now()
    mover, why = _mover(user), _said(reason)
    async with deps.pool.connection() as conn:
        customer_id = (await read_standing(conn, kind=kind, identity=identity)).customer_id
    async with one_customer(deps.pool, customer_id) as conn:
        await lock_customer(conn, customer_id=customer_id)
        standing = await read_standing(conn, kind=kind, identity=identity)
        _assert_may(engine, kind, standing, state, mover)
        step = state
        subject: dict[str, Any] = {kind: int(identity) if identity.isdecimal() else identity}
        if kind == "ledger_request" and state == "approved":
            step = await _approving(conn, engine, int(identity), user)
            subject["minor"] = standing.minor
        if not await _make(conn, kind, identity, standing, step, user, why, now):
            raise Conflict(f"The {kind.replace('_', ' ')} {identity} moved on meanwhile.")
        subject["reason"] = await keep_reason(
            conn, customer_id=customer_id, kind=kind, identity=identity, step=step, by=user.name, reason=why, now=now
        )  # fmt: skip
        entry = Entry(user.name, "Collector", f"{kind}.{step}", subject)
        await append(conn, customer_id=customer_id, at=now, entries=[entry])
    if step == _FIRST:
        return Moved(customer_id, standing.state, "A second person has to approve it.")
    return Moved(customer_id, state)


async def propose_write_off(
    engine: Engine, customer_id: str, invoice_ids: Sequence[str], user: User, reason: str
) -> int:
    """`user` proposes to write off what is open on those invoices; gives the request's id.

    Another person, a manager with the limit for it, agrees (`move`) while the facts stand and before it expires, and a
    person enters it in the ledger: nothing of ours changes a balance. Raises NotFound, Invalid for an invoice that is
    not open here, Forbidden.
    """
    deps, now, why = engine.deps, engine.deps.clock.now(), _said(reason)
    assert_move("ledger_request", "", "proposed", _mover(user))
    async with one_customer(deps.pool, customer_id) as conn:
        await lock_customer(conn, customer_id=customer_id)
        entries = await _expire(conn, customer_id, now)
        account = await _account(conn, engine, customer_id)
        open_ids = {invoice.id for invoice in account.invoices if invoice.is_open()}
        if not invoice_ids or not set(invoice_ids) <= open_ids:
            raise Invalid("Name the invoices to write off, each of them open on this account.")
        amount = account.balance_of(list(invoice_ids))
        request_id = await requests.add_request(
            conn, customer_id=customer_id, kind="write_off", invoice_ids=list(set(invoice_ids)), amount=amount,
            reason=why, proposed_by=user.name, approved_by=None, decision_id=None, now=now,
            expires_at=now + timedelta(hours=deps.gate.policy.document.approval.expires_hours),
            facts_digest=account_digest(account, invoice_ids),
        )  # fmt: skip
        said = reason_digest(account.customer.salt, why)
        subject = {"ledger_request": request_id, "minor": amount.minor, "reason": said}
        entries.append(Entry(user.name, "Collector", "ledger_request.proposed", subject))
        await append(conn, customer_id=customer_id, at=now, entries=entries)
    return request_id


async def expire_requests(engine: Engine, *, limit: int) -> int:
    """Withdraw what nobody agreed to in time, each with its log entry: how many."""
    deps, now = engine.deps, engine.deps.clock.now()
    async with deps.pool.connection() as conn:
        customers = await requests.customers_with_expired(conn, now=now, limit=limit)
    expired = 0
    for customer_id in customers:
        async with one_customer(deps.pool, customer_id) as conn:
            await lock_customer(conn, customer_id=customer_id)
            entries = await _expire(conn, customer_id, now)
            await append(conn, customer_id=customer_id, at=now, entries=entries)
            expired += len(entries)
    return expired


async def _expire(conn: AsyncConnection[Any], customer_id: str, now: datetime) -> list[Entry]:
    return [
        Entry(
            "system", "System", "ledger_request.withdrawn", {"ledger_request": request_id, "why": "expired"}
        )
        for request_id in await requests.expire_requests(conn, customer_id=customer_id, now=now)
    ]


async def _account(conn: AsyncConnection[Any], engine: Engine, customer_id: str) -> Account:
    now = engine.deps.clock.now()
    today = business_day(now, engine.deps.company.zone)
    return await read_account(conn, customer_id=customer_id, today=today, now=now)


def _said(reason: str) -> str:
    said = reason.strip()
    if not said:
        raise Invalid("Say why.")
    return said


def _mover(user: User) -> Mover:
    mover = _MOVERS.get(user.role)
    if mover is None:
        raise Forbidden(f"This needs a collector; {user.name} is {with_article(user.role)}.")
    return mover


def _assert_may(engine: Engine, kind: Kind, standing: Standing, state: str, mover: Mover) -> None:
    assert_move(kind, standing.state, state, mover)
    if kind == "dispute" and standing.source == "ledger":
        raise Conflict("The ledger states this dispute: it is closed there, and the next import shows it.")
    if (
        kind == "hold"
        and mover != "manager"
        and stops.of(engine.deps.gate.policy, str(standing.reason)).grave
    ):
        raise Forbidden(f"A hold for {standing.reason} is lifted by a manager.")


async def _approving(conn: AsyncConnection[Any], engine: Engine, request_id: int, user: User) -> str:
    """What the approval of this request by this user comes to: approved, or agreed to by the first of two. Raises as `move`."""
    [asked] = await requests.waiting_requests(conn, request_id=request_id)
    approver = Approver(user.name, user.role, user.limit_minor, asked.first_by)
    objection = engine.deps.gate.objection(
        approver, proposer=asked.proposed_by, role="manager", amount_minor=asked.amount_minor, currency=asked.currency
    )  # fmt: skip
    first = objection is not None and objection.rule == "APPROVER-SECOND" and asked.first_by is None
    if objection is not None and not first:
        raise Forbidden(objection.reason)
    if asked.expires_at is None or engine.deps.clock.now() >= asked.expires_at:
        raise Gone("Nobody agreed to it in time: it has to be proposed again.")
    account = await _account(conn, engine, asked.customer_id)
    if account_digest(account, asked.invoice_ids) != asked.facts_digest:
        raise BalanceChanged(_what_moved(account, asked))
    return _FIRST if first else "approved"


def _what_moved(account: Account, asked: requests.WaitingRequest) -> str:
    why = "a promise, a plan or a mark of the account changed"
    if account.balance_of(list(asked.invoice_ids)).minor != asked.amount_minor:
        why = "what is owed changed"
    elif account.holds:
        why = f"the account is held ({', '.join(sorted({hold.reason for hold in account.holds}))})"
    elif account.disputes:
        why = "there is a dispute"
    return f"Since it was proposed {why}: withdraw it, and propose it again if it still stands."


async def _make(
    conn: AsyncConnection[Any],
    kind: Kind,
    identity: str,
    standing: Standing,
    state: str,
    user: User,
    reason: str,
    now: datetime,
) -> bool:
    # `state` is one of the machine's: the step was looked up in it.
    to = cast(Any, state)
    match kind:
        case "promise":
            return await call_off_promise(
                conn, promise_id=int(identity), customer_id=standing.customer_id, now=now
            )
        case "plan":
            return await move_plan(conn, plan_id=identity, state=to, now=now)
        case "dispute":
            return await move_dispute(conn, dispute_id=identity, state=to, outcome=reason, now=now)
        case "hold":
            return (
                await lift_hold(conn, hold_id=int(identity), by=user.name, reason=reason, now=now) is not None
            )
        case "ledger_request" if state == _FIRST:
            return await requests.agree_first(conn, request_id=int(identity), by=user.name, now=now)
        case "ledger_request":
            return await requests.move_request(
                conn, request_id=int(identity), state=to, by=user.name, now=now
            )
