"""Resolve: what a person says about a message that the sender gave up on."""

from agent.approvals.model import User
from agent.engine.run import Engine
from agent.policy.verdict import ROLES
from tools import failpoints
from tools.activity.chain import Entry, append
from tools.arrangements.plans import move_plan
from tools.errors import Conflict, Forbidden
from tools.ledger.queries import lock_customer
from tools.outbox.departures import Move, OutboxRow, move, read_row


async def retry(engine: Engine, outbox_id: int, user: User, *, never_arrived: bool = False) -> None:
    """Queue a dead letter once more; it is judged again before it leaves.

    One of unknown fate too, where the person found out at the provider that it `never_arrived`. Raises NotFound,
    Forbidden below a collector, and Conflict for a message that is not the sender's to repeat.
    """
    row = await _given_up(engine, outbox_id, user)
    if row.state == "unknown" and not never_arrived:
        raise Conflict(
            f"Whether message {outbox_id} left is unknown: look at the provider first, and say so if it never arrived."
        )
    now = engine.deps.clock.now()
    await _make(engine, Move(row, "queued", not_before=now), user, "message.retried")


async def confirm(engine: Engine, outbox_id: int, user: User) -> None:
    """A message of unknown fate did leave: somebody looked at the provider. Raises as `retry`."""
    row = await _given_up(engine, outbox_id, user)
    if row.state != "unknown":
        raise Conflict(f"The fate of message {outbox_id} is known: it {row.state}.")
    await _make(engine, Move(row, "sent", "confirmed by a person"), user, "message.confirmed")


async def _given_up(engine: Engine, outbox_id: int, user: User) -> OutboxRow:
    if ROLES.index(user.role) < ROLES.index("collector"):
        raise Forbidden(f"This needs a collector; {user.name} is a {user.role}.")
    async with engine.deps.pool.connection() as conn:
        row = await read_row(conn, outbox_id=outbox_id)
    if row.state not in ("failed", "unknown"):
        raise Conflict(
            f"Message {outbox_id} is {row.state}: only one that failed or is unknown can be resolved."
        )
    if row.state == "unknown" and row.check_at is not None:
        raise Conflict(f"The provider is still being asked about message {outbox_id}.")
    return row


async def _make(engine: Engine, wanted: Move, user: User, verb: str) -> None:
    row, now = wanted.row, engine.deps.clock.now()
    async with engine.deps.pool.connection() as conn, conn.transaction():
        await lock_customer(conn, customer_id=row.customer_id)
        if not await move(conn, [wanted], now=now):
            raise Conflict(f"Somebody else moved message {row.id} meanwhile.")
        offer = row.action["args"].get("offer")
        if offer is not None and wanted.state == "sent":
            await move_plan(conn, plan_id=offer, state="offered", now=now)
        subject = {"outbox": row.id, "message": row.message_id}
        entry = Entry(user.name, "Collector", verb, subject, row.episode_id, row.decision_id)
        await append(conn, customer_id=row.customer_id, at=now, entries=[entry])
        failpoints.reach("outbox.before_resolve_commit")
    failpoints.reach("outbox.resolved")
