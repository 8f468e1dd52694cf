"""The sender: claims a queued message, judges it again, hands it to its channel once, and settles it."""

from dataclasses import dataclass, replace
from typing import Any

import structlog
from psycopg import AsyncConnection

from agent.engine.deliberation import Deliberation
from agent.engine.gather import gather_facts
from agent.engine.run import Engine
from agent.engine.trigger import Trigger
from agent.nodes.judge import prepared
from agent.policy.gate import facts_digest
from agent.policy.verdict import Allow, Approver, Ask, Facts, Refuse, Verdict
from tools import sql
from tools.activity.chain import Entry, append
from tools.arrangements.plans import move_plan
from tools.channels.base import Channel, Outbound
from tools.dunning.draft import Draft
from tools.errors import Unavailable
from tools.ledger.queries import lock_customer
from tools.outbox.queue import OutboxRow, State, approver_of, body_digest_of, claim, refresh_text, settle
from tools.spec import Action

_SQL = sql.load("server")
_ENGINE_SQL = sql.load("agent.engine")
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Dispatched:
    """How many messages left, were put off to a permitted time, were withdrawn, and have an unknown fate."""

    sent: int = 0
    deferred: int = 0
    withdrawn: int = 0
    unknown: int = 0


async def dispatch_due(engine: Engine, channel: Channel, *, limit: int = 1000) -> Dispatched:
    """Send what is due, at most `limit` messages."""
    total = Dispatched()
    looked_at: list[int] = []
    for _ in range(limit):
        row, draft, fate = await _claim_one(engine, looked_at)
        if row is None:
            break
        looked_at.append(row.id)
        if fate is None:
            fate = await _send(engine, channel, row, draft)
        elif fate == "asked":
            await _tell_a_person(engine, row)
            fate = "withdrawn"
        total = replace(total, **{fate: getattr(total, fate) + 1})
    return total


async def _tell_a_person(engine: Engine, row: OutboxRow) -> None:
    """A message that was allowed and now needs a person is no longer ours: somebody takes the customer over."""
    note = "A message was withdrawn before it left, because it now needs a person's approval."
    await engine.run(Trigger("request", row.customer_id, f"withdrawn:{row.id}", note=note))


async def _claim_one(engine: Engine, passed: list[int]) -> tuple[OutboxRow | None, Draft | None, str | None]:
    """Claim a row and judge it on the facts of now, in one transaction. A fate means that it does not leave now."""
    deps, now = engine.deps, engine.deps.clock.now()
    async with deps.pool.connection() as conn, conn.transaction():
        row = await claim(conn, now=now, passed=passed)
        if row is None:
            return None, None, None
        facts, approver, moved = await _facts(conn, engine, row)
        draft, action = facts.draft, Action(row.customer_id, row.action["tool"], row.action["args"])
        verdict = deps.gate.rule(action, facts, approver).verdict
        later = verdict.not_before if isinstance(verdict, Allow) else None
        if moved or draft is None or not isinstance(verdict, Allow):
            why = facts.draft_problem or ("the facts moved after it was decided" if moved else _why(verdict))
            gave_up = await _give_up(conn, engine, row, why)
            return row, None, "asked" if isinstance(verdict, Ask) and not moved else gave_up
        if later is not None and later > now:
            await settle(conn, row, state="queued", now=now, not_before=later)
            return row, None, "deferred"
        await refresh_text(conn, row, draft, at=now)
        return row, draft, None


def _why(verdict: Verdict) -> str:
    match verdict:
        case Refuse(reason=reason):
            return reason
        case Ask(role=role):
            return f"it now needs a {role}"
        case _:
            return "the segment only observes now"


async def _facts(
    conn: AsyncConnection[Any], engine: Engine, row: OutboxRow
) -> tuple[Facts, Approver | None, bool]:
    """The facts of now with the message drafted anew, who approved it, and whether what they approved has moved."""
    cursor = await conn.execute(_ENGINE_SQL["episode_trigger"], {"episode_id": row.episode_id})
    found = await cursor.fetchone()
    kept = {k: v for k, v in (found[1] if found else {}).items() if k != "kind"}
    trigger = Trigger(
        found[1]["kind"] if found else "request",
        row.customer_id,
        row.episode_id,
        of_episode=row.episode_id,
        **kept,
    )
    turn = Deliberation(engine.deps, trigger)
    base, _ = await gather_facts(conn, engine.deps, trigger)
    base = replace(base, outbox_id=row.id)  # its own touch is no earlier one
    if base.inbound is not None and row.reply_to is not None:
        base = replace(base, inbound=replace(base.inbound, replies=max(0, base.inbound.replies - 1)))
    action = Action(row.customer_id, row.action["tool"], row.action["args"])
    facts = prepared(turn, action, base)
    approved = await approver_of(conn, decision_id=row.decision_id)
    if approved is None:
        return facts, None, False
    approver = Approver(approved["name"], approved["role"] or "viewer", approved["limit_minor"] or 0)
    return facts, approver, facts_digest(facts, action) != approved["facts_digest"]


async def _give_up(conn: AsyncConnection[Any], engine: Engine, row: OutboxRow, why: str) -> str:
    now = engine.deps.clock.now()
    await settle(conn, row, state="withdrawn", now=now, reason=why)
    entry = Entry(
        "system", "System", "message.withdrawn", {"outbox": row.id}, row.episode_id, row.decision_id
    )
    await append(conn, customer_id=row.customer_id, at=now, entries=[entry])
    return "withdrawn"


async def _send(engine: Engine, channel: Channel, row: OutboxRow, draft: Draft | None) -> str:
    """Call the provider once, outside any transaction, and settle the row on its own."""
    deps = engine.deps
    if draft is None:
        raise Unavailable("a claimed message has a draft")
    async with deps.pool.connection() as conn:
        cursor = await conn.execute(_SQL["address_of"], {"contact_id": draft.contact_id})
        found = await cursor.fetchone()
    to = found[0] if found else ""
    try:
        receipt = await channel.send(Outbound(str(row.id), draft.channel, to, draft.subject, draft.body))
    except Unavailable as failure:
        # Whether it left is unknown: it is asked for at the provider, never blindly sent again.
        _log.warning("send_unknown", outbox_id=row.id, why=str(failure))
        settled: State = "unknown"
        provider_id, fate = None, "unknown"
    else:
        settled = "delivered" if receipt.delivered else "sent"
        provider_id, fate = receipt.provider_id, "sent"
    now = deps.clock.now()
    async with deps.pool.connection() as conn, conn.transaction():
        await lock_customer(conn, customer_id=row.customer_id)
        if not await settle(conn, row, state=settled, now=now, provider_id=provider_id):
            # It took so long that the sweep called it unknown; now it is known.
            await settle(conn, replace(row, state="unknown"), state=settled, now=now, provider_id=provider_id)
        offer = row.action["args"].get("offer")
        if offer is not None and fate == "sent":  # a plan is offered when the customer has it, and not before
            await move_plan(conn, plan_id=offer, state="offered", from_states=["approved"])
        body = await body_digest_of(
            conn, row
        )  # the text may have been drafted anew: this is the one that left
        subject = {"outbox": row.id, "message": row.message_id, "body": body, "channel": row.channel}
        entry = Entry("system", "System", f"message.{settled}", subject, row.episode_id, row.decision_id)
        await append(conn, customer_id=row.customer_id, at=now, entries=[entry])
    return fate
