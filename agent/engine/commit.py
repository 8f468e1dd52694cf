"""Commit: one episode, or one decided approval, becomes true in one transaction - or nothing of it does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import scalar_row
from psycopg.types.json import Jsonb

import prompts
from agent.deps import Deps
from agent.engine.deliberation import Deliberation, Proposal, record_kind
from agent.engine.effects import apply
from agent.engine.gather import gather_facts, moved_facts
from agent.engine.preview import preview
from agent.engine.saver import Buffer
from agent.nodes.judge import prepared
from agent.policy.gate import facts_digest, facts_record
from agent.policy.subjects import subject_of
from agent.policy.verdict import Allow, Ask, Finding, Refuse, Ruling
from agent.state import GRAPH_VERSION
from tools import sql
from tools.activity.chain import Entry, append
from tools.followups.follow_ups import settle
from tools.ledger.queries import lock_customer
from tools.memory.messages import mark_handled
from tools.spec import digest

_SQL = sql.load("agent.engine")


class FactsMoved(Exception):
    """Between recall and commit a fact changed that changes a verdict: roll back and run the episode again."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An approval thread that ran up to its interrupt, with the checkpoints that the commit has to write."""

    approval_id: str
    proposal: Proposal
    interrupt_id: str
    buffer: Buffer
    replaces: str | None


async def fence(conn: AsyncConnection[Any], deps: Deps, turn: Deliberation, turn_key: str) -> None:
    """Lock the customer and pass the fence. A turn that committed before raises UniqueViolation."""
    await lock_customer(conn, customer_id=turn.trigger.customer_id)
    await conn.execute(
        _SQL["fence"],
        {"turn_key": turn_key, "customer_id": turn.trigger.customer_id, "now": deps.clock.now()},
    )


async def recheck(conn: AsyncConnection[Any], deps: Deps, turn: Deliberation) -> None:
    """Read the facts again under the lock; where they differ, every ruling must still hold. Raises FactsMoved."""
    fresh = await moved_facts(conn, deps, turn.trigger, turn.base_facts())
    if fresh is None:
        return
    proposals, turn.proposals = turn.proposals, []
    for proposal in proposals:
        if isinstance(proposal.ruling.verdict, Refuse):
            turn.proposals.append(proposal)
            continue
        facts = prepared(turn, proposal.action, replace(fresh, proposer=proposal.facts.proposer))
        ruling = deps.gate.rule(proposal.action, facts)
        same = _weight(ruling) == _weight(proposal.ruling)
        if not same or facts_digest(facts, proposal.action) != facts_digest(proposal.facts, proposal.action):
            raise FactsMoved
        turn.proposals.append(replace(proposal, facts=facts, ruling=ruling))


def _weight(ruling: Ruling) -> tuple[type, str]:
    verdict = ruling.verdict
    return type(verdict), verdict.role if isinstance(verdict, Ask) else ""


async def write_episode(
    conn: AsyncConnection[Any], deps: Deps, turn: Deliberation, started_at: datetime
) -> list[Entry]:
    """The episode's row: what opened it, and the versions of everything that had a say. The log's entry where the
    configured model was in trouble and another one took the turn.
    """
    await conn.execute(
        _SQL["episode"],
        {
            "episode_id": turn.episode_id, "customer_id": turn.trigger.customer_id, "turn_key": turn.trigger.turn_key,
            "trigger": Jsonb(turn.trigger.record()), "model_id": turn.mind.model_id,
            "prompt_version": prompts.load("system.md").version, "policy_version": deps.gate.policy.version,
            "graph_version": GRAPH_VERSION, "outcome": turn.outcome,
            "usage": Jsonb({**turn.usage, "model_calls": turn.model_calls, "messages_left_out": turn.left_out}),
            "started_at": started_at, "now": deps.clock.now(),
        },
    )  # fmt: skip
    if turn.fell_back is None:
        return []
    subject = {"from": deps.mind.model_id, "to": turn.mind.model_id, "why": turn.fell_back}
    return [Entry("system", "System", "model.fell_back", subject, turn.episode_id)]


async def write_decisions(
    conn: AsyncConnection[Any],
    deps: Deps,
    turn: Deliberation,
    waiting: Sequence[Waiting],
    *,
    approval_id: str | None = None,
    approved_by: str | None = None,
) -> list[Entry]:
    """Every proposal's decision, the effects of the allowed ones, the approvals of the asked ones; the log entries of all."""
    entries: list[Entry] = []
    asked: list[tuple[Waiting, int]] = []
    decided = await _decide(conn, deps, turn, approval_id)
    for proposal, (decision_id, sealed) in zip(turn.proposals, decided, strict=True):
        done: dict[str, Any] = {}
        if proposal.allowed:
            permit = deps.gate.permit(
                proposal.ruling, proposal.action, decision_id=decision_id, episode_id=turn.episode_id
            )
            embedded = turn.vectors.get(proposal.action.digest)
            done = await apply(conn, deps, permit, proposal, approved_by=approved_by, embedded=embedded)
        wait = next((w for w in waiting if w.proposal is proposal), None)
        if wait is not None:
            asked.append((wait, decision_id))
            done = {
                "approval": wait.approval_id, "proposed_by": proposal.facts.proposer,
                "minor": deps.gate.amount_of(proposal.action, proposal.facts),
            }  # fmt: skip
        subject = {"tool": proposal.action.tool, "digest": proposal.action.digest, "seal": sealed, **done}
        kind = record_kind(proposal.action)
        # The log keeps no text, and a kind that the model made up is one.
        if kind is not None and not isinstance(subject_of(proposal.action), Finding):
            subject["kind"] = kind
        entries.append(
            Entry(proposal.actor, proposal.source, _verb(proposal), subject, turn.episode_id, decision_id)
        )
    if asked:
        await _open_approvals(conn, deps, turn, asked)
    return entries


async def _next_position(conn: AsyncConnection[Any], episode_id: str, approval_id: str | None) -> int:
    if approval_id is None:
        return 0  # an episode's row was just written: there are no decisions yet
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["next_position"], {"episode_id": episode_id, "approval_id": approval_id})
        return await cursor.fetchone() or 0


def _verb(proposal: Proposal) -> str:
    match proposal.ruling.verdict:
        case Allow():
            return "decision.allowed"
        case Ask():
            return "decision.asked"
        case Refuse():
            return "decision.refused"
        case _:
            return "decision.suggested"


async def _decide(
    conn: AsyncConnection[Any], deps: Deps, turn: Deliberation, approval_id: str | None
) -> list[tuple[int, str]]:
    """Write every proposal's decision, in one statement: their ids and their rows' hashes, in the proposals' order."""
    if not turn.proposals:
        return []
    first = await _next_position(conn, turn.episode_id, approval_id)
    given = {
        "customer_id": turn.trigger.customer_id, "episode_id": turn.episode_id, "approval_id": approval_id,
        "policy_version": deps.gate.policy.version, "now": deps.clock.now(),
        "decisions": Jsonb([_decision(deps, p, first + n) for n, p in enumerate(turn.proposals)]),
    }  # fmt: skip
    cursor = await conn.execute(_SQL["decisions"], given)
    return await cursor.fetchall()


def _decision(deps: Deps, proposal: Proposal, position: int) -> dict[str, Any]:
    action, facts, verdict = proposal.action, proposal.facts, proposal.ruling.verdict
    return {
        "position": position, "tool": action.tool, "args": dict(action.args), "digest": action.digest,
        "actor": proposal.actor, "verdict": type(verdict).__name__.lower(),
        "role": verdict.role if isinstance(verdict, Ask) else None, "reasons": reasons(proposal.ruling),
        "facts": facts_record(facts, deps.gate.policy), "facts_digest": facts_digest(facts, action),
    }  # fmt: skip


def reasons(ruling: Ruling) -> list[dict[str, str]]:
    """A ruling's findings as JSON: which rule, what it says, and why."""
    return [
        {"rule": f.rule, "says": type(f.verdict).__name__.lower(), "reason": f.reason}
        for f in ruling.findings
    ]


async def _open_approvals(
    conn: AsyncConnection[Any],
    deps: Deps,
    turn: Deliberation,
    asked: Sequence[tuple[Waiting, int]],
) -> None:
    """Approval rows; the caller writes their threads' checkpoints. The facts that an approver decides on are those after this
    commit's own effects: a hold that this very turn placed must not void what it asks for.
    """
    after, _ = await gather_facts(conn, deps, turn.trigger)
    now = deps.clock.now()
    for wait, decision_id in asked:
        proposal = wait.proposal
        verdict = proposal.ruling.verdict
        facts = prepared(turn, proposal.action, replace(after, proposer=proposal.facts.proposer))
        await conn.execute(
            _SQL["approval"],
            {
                "approval_id": wait.approval_id, "customer_id": turn.trigger.customer_id,
                "episode_id": turn.episode_id, "decision_id": decision_id,
                "kind": deps.gate.kind_of(proposal.action), "tool": proposal.action.tool,
                "args": Jsonb(dict(proposal.action.args)), "digest": proposal.action.digest,
                "facts_digest": facts_digest(facts, proposal.action),
                "preview": Jsonb(preview(proposal)),
                "reasons": Jsonb(reasons(proposal.ruling)),
                "role": verdict.role if isinstance(verdict, Ask) else "manager",
                "amount_minor": deps.gate.amount_of(proposal.action, proposal.facts),
                "currency": proposal.facts.account.customer.currency,
                "assignee": proposal.facts.account.customer.owner, "proposed_by": proposal.facts.proposer,
                "redrafts": turn.trigger.redrafts, "interrupt_id": wait.interrupt_id, "graph_version": GRAPH_VERSION,
                "now": now, "expires_at": now + timedelta(hours=deps.gate.policy.document.approval.expires_hours),
                "replaces": wait.replaces,
            },
        )  # fmt: skip


async def write_trigger_done(conn: AsyncConnection[Any], deps: Deps, turn: Deliberation) -> list[Entry]:
    """What opened the episode is dealt with: the message, the follow-up, the ledger event, the ladder step."""
    trigger, now = turn.trigger, deps.clock.now()
    entries: list[Entry] = []
    if trigger.message_id is not None and trigger.kind == "inbound":
        body = await mark_handled(
            conn, message_id=trigger.message_id, episode_id=turn.episode_id, now=now, embedded=turn.heard
        )
        subject = {"message": trigger.message_id, "body": body}
        entries.append(Entry("customer", "Customer", "message.received", subject, turn.episode_id))
    if trigger.follow_up_id is not None:
        await settle(conn, follow_up_id=trigger.follow_up_id, state="done", now=now)
    if trigger.event_id is not None:
        await conn.execute(_SQL["event_handled"], {"event_id": trigger.event_id, "now": now})
        entries.append(
            Entry(
                "system",
                "System",
                "ledger.event",
                {"event": trigger.event, "id": trigger.event_id},
                turn.episode_id,
            )
        )
    if trigger.rejected_approval is not None:
        await conn.execute(_SQL["redrafted"], {"approval_id": trigger.rejected_approval})
    happened = any(p.allowed or p.asked for p in turn.proposals)
    if trigger.step is not None and trigger.anchor_invoice_id is not None and happened:
        account = turn.base_facts().account
        await conn.execute(
            _SQL["ladder_step"],
            {
                "customer_id": trigger.customer_id, "anchor": trigger.anchor_invoice_id, "step": trigger.step,
                "episode_id": turn.episode_id, "invoice_ids": sorted(i.id for i in account.overdue()), "now": now,
            },
        )  # fmt: skip
    return entries


async def close_log(
    conn: AsyncConnection[Any], deps: Deps, turn: Deliberation, entries: Sequence[Entry]
) -> None:
    """Append this commit's entries to the customer's chain, in the order in which they happened."""
    await append(conn, customer_id=turn.trigger.customer_id, at=deps.clock.now(), entries=entries)


def approval_id_for(episode_id: str, action_digest: str, replaces: str | None) -> str:
    """The same question of the same episode is the same approval; asked again, it is another one."""
    return f"ap-{digest([episode_id, action_digest, replaces])[:12]}"
