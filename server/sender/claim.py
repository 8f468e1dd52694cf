"""Claim: a few due messages of a channel, each judged on the facts of now under its customer's lock, in one transaction."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import structlog
from psycopg import AsyncConnection

from agent.engine.deliberation import Deliberation
from agent.engine.gather import Asked, ask_facts, told_facts
from agent.engine.run import Engine
from agent.engine.trigger import Trigger
from agent.nodes.judge import prepared
from agent.policy.gate import facts_digest
from agent.policy.verdict import Allow, Approver, Ask, Facts, Refuse, Verdict
from server.sender.lanes import room, take
from tools import failpoints
from tools.activity.chain import Entry, append_each
from tools.channels.base import Channel, ChannelName, Outbound
from tools.dunning.draft import Draft
from tools.outbox.departures import DueRow, Move, any_due, due, move, refresh_texts
from tools.spec import Action

# A claim is settled within seconds. Whoever has not settled it by then is taken for dead, and the fate is unknown.
CLAIM_LASTS = timedelta(minutes=2)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Departure:
    """A claimed message, ready to leave."""

    row: DueRow
    message: Outbound
    body_digest: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim came to. `looked_at` is 0 when nothing was due, or nothing might leave.

    `held`: something might leave, and all of it was passed over, because somebody holds its customers just now.
    """

    looked_at: int = 0
    departures: Sequence[Departure] = ()
    deferred: int = 0
    withdrawn: int = 0
    failed: int = 0
    held: bool = False


@dataclass(slots=True)
class _Sorted:
    """What the verdicts came to: the moves of the rows that stay, and those that may leave."""

    moves: list[Move] = field(default_factory=list)
    leaving: list[tuple[DueRow, Draft, str]] = field(default_factory=list)


async def claim(engine: Engine, channel: Channel, name: ChannelName, *, limit: int) -> Claimed:
    """Claim at most `limit` messages of the channel `name`, as many as its lane lets through.

    When this returns the claims have committed, and nothing but the calls stands between them and the provider: no
    wait for the pace, for a connection or for another message.
    """
    deps, now = engine.deps, engine.deps.clock.now()
    async with deps.pool.connection() as conn, conn.transaction():
        limit = await room(conn, channel=name, wanted=limit, pace=channel.pace, now=now)
        rows = await due(conn, channel=name, now=now, limit=limit) if limit else []
        if not rows:
            return Claimed(held=limit > 0 and await any_due(conn, channel=name, now=now))
        found = await _judge_all(conn, engine, rows, now)
        granted = await take(conn, channel=name, wanted=len(found.leaving), pace=channel.pace, now=now)
        # Whoever the lane has no room for stays in the queue as if nobody had looked.
        leaving = found.leaving[:granted]
        until = now + CLAIM_LASTS
        going = [Move(row, "sending", check_at=until) for row, _, _ in leaving]
        await move(conn, [*found.moves, *going], now=now)
        digests = await refresh_texts(conn, [(row, draft) for row, draft, _ in leaving], now=now)
        entries = {m.row.customer_id: [_gave_up(m)] for m in found.moves if m.state != "queued"}
        await append_each(conn, at=now, entries=entries)
        failpoints.reach("sender.before_claim_commit")
    failpoints.reach("sender.claimed")
    departures = [
        Departure(
            replace(row, state="sending", attempts=row.attempts + 1, claimed_at=now),
            Outbound(
                str(row.id),
                name,
                address,
                draft.subject,
                draft.body,
                since=now,
                follows=tuple(reversed(row.follows)),
            ),
            digests[row.id],
        )
        for row, draft, address in leaving
    ]
    states = [m.state for m in found.moves]
    return Claimed(
        len(rows), departures, states.count("queued"), states.count("withdrawn"), states.count("failed")
    )


def _gave_up(given: Move) -> Entry:
    row = given.row
    return Entry(
        "system", "System", f"message.{given.state}", {"outbox": row.id}, row.episode_id, row.decision_id
    )


async def _judge_all(
    conn: AsyncConnection[Any], engine: Engine, rows: Sequence[DueRow], now: datetime
) -> _Sorted:
    """Rule on each row. One that cannot be judged never leaves, and holds up no other."""
    found, asking = _Sorted(), list[tuple[DueRow, Trigger]]()
    for row in rows:
        try:
            asking.append((row, _trigger(row)))
        except (KeyError, TypeError, ValueError) as defect:
            found.moves.append(_defective(row, defect))
    async with conn.pipeline():
        asked = [await ask_facts(conn, engine.deps, trigger) for _, trigger in asking]
    for (row, trigger), answer in zip(asking, asked, strict=True):
        try:
            await _judge(engine, row, trigger, answer, now, found)
        except psycopg.Error:
            raise  # not this row's fault: nothing of the claim happened
        except Exception as defect:  # a row that breaks the rules' code must not stop the channel  # noqa: BLE001
            found.moves.append(_defective(row, defect))
        await asyncio.sleep(0)  # answers of the provider are waiting to be settled
    return found


def _defective(row: DueRow, defect: Exception) -> Move:
    _log.error("message_cannot_be_judged", outbox_id=row.id, exc_info=defect)
    return Move(row, "failed", f"it could not be judged ({type(defect).__name__}): nothing was sent")


def _trigger(row: DueRow) -> Trigger:
    kept = {name: value for name, value in row.trigger.items() if name != "kind"}
    return Trigger(row.trigger["kind"], row.customer_id, row.episode_id, of_episode=row.episode_id, **kept)


async def _judge(
    engine: Engine,
    row: DueRow,
    trigger: Trigger,
    asked: Asked,
    now: datetime,
    found: _Sorted,
) -> None:
    """The facts of now with the message drafted anew, who approved it, and whether what they approved has moved."""
    deps = engine.deps
    base = replace(
        await told_facts(deps, trigger, asked), outbox_id=row.id
    )  # its own touch is no earlier one
    if base.inbound is not None and row.reply_to is not None:
        base = replace(base, inbound=replace(base.inbound, replies=max(0, base.inbound.replies - 1)))
    salt = base.account.customer.salt
    action = Action(row.customer_id, row.action["tool"], row.action["args"], salt)
    facts = replace(prepared(Deliberation(deps, trigger), action, base), staged=_recorded(row))
    moved = row.approved_facts is not None and facts_digest(facts, action) != row.approved_facts
    verdict = deps.gate.rule(action, facts, _approver(row)).verdict
    draft = facts.draft
    if moved or draft is None or not isinstance(verdict, Allow):
        why = facts.draft_problem or ("the facts moved after it was decided" if moved else _why(verdict))
        # A message that was allowed and now needs a person is no longer ours: somebody takes the customer over.
        person = now if isinstance(verdict, Ask) and not moved else None
        found.moves.append(Move(row, "withdrawn", why, check_at=person))
    elif verdict.not_before is not None and verdict.not_before > now:
        found.moves.append(Move(row, "queued", not_before=verdict.not_before))
    else:
        found.leaving.append((row, draft, _address(facts, draft)))


def _recorded(row: DueRow) -> list[Action]:
    """What the row's own episode recorded, by code or by the model: the stops that its message may answer."""
    return [Action(row.customer_id, "log_collection_activity", {"record": record}) for record in row.recorded]


def _approver(row: DueRow) -> Approver | None:
    if row.approved_facts is None:
        return None
    role = row.approver_role or "viewer"
    return Approver(row.approved_by or "", role, row.approver_limit_minor or 0, row.approved_first_by)  # type: ignore[arg-type]  # a role by its column's check


def _address(facts: Facts, draft: Draft) -> str:
    return next(contact.address for contact in facts.account.contacts if contact.id == draft.contact_id)


def _why(verdict: Verdict) -> str:
    match verdict:
        case Refuse(reason=reason):
            return reason
        case Ask(role=role):
            return f"it now needs a {role}"
        case _:
            return "the segment only observes now"
