"""Resume: a claimed approval's thread goes on in memory, its action is judged on the facts of now, and one transaction ends it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import psycopg
import structlog
from langgraph.errors import UnknownInterruptError
from langgraph.types import Command
from psycopg import AsyncConnection

from agent.approvals import queries
from agent.approvals.edits import edit_permille
from agent.approvals.model import SYSTEM, Approval, Decided, State, User, Word, answer_of, trigger_of
from agent.engine.commit import FactsMoved, Waiting, close_log, fence, write_decisions
from agent.engine.deliberation import Answered, Deliberation
from agent.engine.gather import gather_facts
from agent.engine.narrow import one_customer, widen
from agent.engine.preview import preview
from agent.engine.run import Engine, hand_over
from agent.engine.vectors import embed_drafts
from agent.meter import count_rulings
from agent.nodes.judge import rule
from agent.policy.verdict import AGENT, Approver, Ask, Refuse, with_article
from agent.state import GRAPH_VERSION
from tools import failpoints, sql
from tools.activity.chain import Entry, Source
from tools.errors import AlreadyDecided, Conflict
from tools.spec import Action

_SQL = sql.load("agent.engine")
_log = structlog.get_logger()
_MAX_REDRAFTS = 2  # policy: rejected with a reason is redrafted at most twice, then a person writes
_ENDS: dict[Word, State] = {
    "approve": "approved", "edit": "edited", "reject": "rejected",
    "withdraw": "withdrawn", "expire": "expired", "supersede": "superseded",
}  # fmt: skip


async def resume(
    engine: Engine, approval: Approval, action: Action, word: Word, user: User, reason: str
) -> Decided:
    """Carry out one claimed answer. Raises Conflict when the facts never hold still, or the action is not the one that
    was shown; then nothing was done.
    """
    if word == "approve" and action.digest != approval.digest:
        raise Conflict(f"The action of approval {approval.id} is not the one that was shown; reject it.")
    for _ in range(engine.deps.bounds.attempts):
        turn = await _deliberate(engine, approval, action, word, user)
        failpoints.reach("approval.deliberated")
        waiting = [await engine.ask(turn, p, replaces=approval.id) for p in turn.proposals if p.asked]
        await embed_drafts(turn)
        try:
            return await _commit(engine, approval, action, turn, waiting, word, user, reason)
        except FactsMoved:
            _log.info("facts_moved", approval_id=approval.id)
    raise Conflict(f"The facts of approval {approval.id} kept changing; decide again.")


async def _deliberate(
    engine: Engine, approval: Approval, action: Action, word: Word, user: User
) -> Deliberation:
    proposer = user.name if word == "edit" else approval.proposed_by
    approver = None if user == SYSTEM else Approver(user.name, user.role, user.limit_minor, approval.first_by)
    trigger = replace(trigger_of(approval), requested_by=None if proposer == AGENT else proposer)
    answered = Answered(approval.id, action, word, approver, proposer, approval.facts_digest)
    turn = Deliberation(engine.deps, trigger, answered=answered)
    async with one_customer(engine.deps.pool, approval.customer_id) as conn:
        turn.facts, _ = await gather_facts(conn, engine.deps, trigger)
    resumed = await _resumed(engine, approval, turn, word)
    if word in ("approve", "edit", "supersede") and not (resumed and turn.proposals):
        # There is no thread that could go on, so nobody's word counts for it: the action is asked again.
        upgraded = approval.graph_version != GRAPH_VERSION
        turn.outcome = "the program was upgraded after it was asked" if upgraded else "its thread was lost"
        turn.proposals.append(rule(turn, action, actor=user.name, source="Collector"))
    if word == "expire" or (word == "reject" and approval.redrafts >= _MAX_REDRAFTS):
        turn.proposals.append(rule(turn, hand_over(turn), actor="system", source="System"))
    return turn


async def _resumed(engine: Engine, approval: Approval, turn: Deliberation, word: Word) -> bool:
    """Let the thread go on with the answer. False: it waits in another version of the graph, or is gone.

    Gone is also the thread of an approval that somebody else finished a moment ago; the fence says so at the commit.
    """
    if approval.graph_version != GRAPH_VERSION:
        return False
    answer = {approval.interrupt_id: {"decision": word, "action_digest": approval.digest}}
    try:
        stops, _ = await engine.invoke(Command(resume=answer), turn, thread=approval.id, resuming=True)
    except UnknownInterruptError:
        return False
    return not stops  # where the graph now asks one thing more, the answer was to another question


async def _commit(
    engine: Engine,
    approval: Approval,
    action: Action,
    turn: Deliberation,
    waiting: Sequence[Waiting],
    word: Word,
    user: User,
    reason: str,
) -> Decided:
    deps, now = engine.deps, engine.deps.clock.now()
    decided = _end(approval, turn, waiting, word, reason)
    system = user == SYSTEM
    source: Source = "System" if system else "Collector"
    subject = {"approval": approval.id, "decision": word, "digest": approval.digest}
    ended = Entry(user.name, source, f"approval.{decided.state}", subject, approval.episode_id)
    try:
        async with one_customer(deps.pool, approval.customer_id) as conn:
            await fence(conn, deps, turn, f"{approval.id}:{approval.interrupt_id}")
            await _hold_still(conn, engine, turn)
            await _not_done(conn, approval, turn)
            entries = await write_decisions(
                conn,
                deps,
                turn,
                waiting,
                approval_id=approval.id,
                approved_by="policy" if system else user.name,
            )
            if not await queries.finish(
                conn, approval_id=approval.id, answer=answer_of(action, word, user), state=decided.state,
                outcome=decided.outcome or None, now=now, edited=_edited(approval, action, turn) if word == "edit" else None,
            ):  # fmt: skip
                raise AlreadyDecided(f"Approval {approval.id} was given back meanwhile; decide again.")
            await close_log(conn, deps, turn, [ended, *entries])
            await widen(conn)
            await engine.saver.forget(approval.id, conn)
            await engine.flush(conn, waiting)
            failpoints.reach("approval.before_commit")
    except psycopg.errors.UniqueViolation as violation:
        if violation.diag.constraint_name != "fence_pkey":
            raise
        raise AlreadyDecided(f"Approval {approval.id} was decided already.") from None
    failpoints.reach("approval.committed")
    count_rulings((p.action.tool, p.ruling) for p in turn.proposals)
    return decided


def _edited(approval: Approval, action: Action, turn: Deliberation) -> tuple[dict[str, Any], int] | None:
    """What the edit makes of the draft, and how much of it; None where it came to nothing."""
    proposal = next((p for p in turn.proposals if p.action == action and (p.allowed or p.asked)), None)
    if proposal is None:
        return None
    after = preview(proposal)
    was = (approval.args, approval.preview or {})
    return dict(after), edit_permille(was, (action.args, after))


async def _hold_still(conn: AsyncConnection[object], engine: Engine, turn: Deliberation) -> None:
    """The facts under the lock are those that were judged, or everything is judged again. Raises FactsMoved."""
    fresh, _ = await gather_facts(conn, engine.deps, turn.trigger)
    seen = turn.base_facts()
    if replace(fresh.account, now=seen.account.now) != seen.account:
        raise FactsMoved


async def _not_done(conn: AsyncConnection[object], approval: Approval, turn: Deliberation) -> None:
    """An edit may have made this action the same as a sibling's: an episode does one thing once. Raises Conflict."""
    action = turn.answered.action if turn.answered else approval.action
    if not any(proposal.allowed and proposal.action == action for proposal in turn.proposals):
        return
    given = {"episode_id": approval.episode_id, "digest": action.digest}
    cursor = await conn.execute(_SQL["done_already"], given)
    if await cursor.fetchone() is not None:
        raise Conflict("Exactly this was done already in the same episode; reject this one.")


def _end(
    approval: Approval, turn: Deliberation, waiting: Sequence[Waiting], word: Word, reason: str
) -> Decided:
    """How this answer ends the approval: what was approved takes effect, is asked again, or has become impossible."""
    if word not in ("approve", "edit", "supersede"):
        outcome = reason if word != "reject" else ""
        if word == "reject" and (not reason or approval.redrafts >= _MAX_REDRAFTS):
            outcome = "rejected; a person takes it from here"
        return Decided(approval.id, _ENDS[word], took_effect=False, outcome=outcome)
    again = [w.approval_id for w in waiting]
    for proposal in turn.proposals:
        if proposal.allowed:
            return Decided(approval.id, _ENDS[word], took_effect=True, outcome="done")
        match proposal.ruling.verdict:
            case Ask(role=role) if word == "edit":
                why = f"as edited it is a new action and needs {with_article(role)} who did not write it"
                return Decided(approval.id, "edited", took_effect=False, outcome=why, asked_again=again)
            case Ask():
                why = turn.outcome if turn.outcome != "settled" else "the facts moved after it was asked"
                return Decided(approval.id, "superseded", took_effect=False, outcome=why, asked_again=again)
            case Refuse(reason=refusal):
                # It was possible when it was asked: say what moved, not only what the rule says.
                return Decided(approval.id, "withdrawn", took_effect=False, outcome=refusal)
    return Decided(approval.id, "withdrawn", took_effect=False, outcome="policy no longer allows it")
