"""Decide: a person's answer, or the system's, to one approval - one effect or none, and a clear answer.

The order: may this user decide? Claim (one wins). Resume the thread by its interrupt id, in memory. Judge again on
the facts of now. Commit effects, the approval's end and the thread's deletion in one transaction behind the fence.
"""

from dataclasses import replace
from typing import Literal

from agent.approvals import queries
from agent.approvals.model import SYSTEM, Approval, Decided, Decision, User, Word, answer_of, trigger_of
from agent.approvals.resume import resume
from agent.engine.commit import close_log
from agent.engine.deliberation import Deliberation
from agent.engine.gather import gather_facts
from agent.engine.narrow import one_customer
from agent.engine.run import Engine
from agent.nodes.judge import prepared, rule
from agent.policy.gate import facts_digest
from agent.policy.verdict import ROLES, Refuse, with_article
from tools import failpoints
from tools.activity.chain import Entry
from tools.errors import AlreadyDecided, BalanceChanged, Conflict, Forbidden, Gone, Invalid, Refused
from tools.money import Money
from tools.spec import Action

SystemDecision = Literal["withdraw", "expire", "supersede"]


async def decide(engine: Engine, approval_id: str, decision: Decision, user: User) -> Decided:
    """Let `user` decide. Raises NotFound, Forbidden, Conflict, AlreadyDecided, Gone or Refused, each with its reason."""
    approval = await _read(engine, approval_id)
    _still_open(approval)
    if engine.deps.clock.now() >= approval.expires_at:
        await close(engine, approval_id, "expire", "nobody decided in time")
        raise Gone(f"Approval {approval_id} expired on {approval.expires_at:%d %B %Y, %H:%M} UTC.")
    if decision.action_digest != approval.digest:
        raise Conflict(
            "That is not the action which waits here; look at the approval again and decide what it shows."
        )
    if decision.decision == "hand_up":
        return await _hand_up(engine, approval, decision, user)
    _may_decide(approval, decision, user)
    action = approval.action
    if decision.edited_args is not None:
        action = Action(approval.customer_id, approval.tool, decision.edited_args, approval.salt)
        await _edit_is_possible(engine, approval, action, user)
    if decision.decision == "approve" and await _first_of_two(engine, approval):
        return await _agree_first(engine, approval, user)
    decided = await _answer(engine, approval, action, decision.decision, user, decision.reason)
    if decision.decision == "approve" and not decided.took_effect:
        again = f" It waits again as {', '.join(decided.asked_again)}." if decided.asked_again else ""
        raise BalanceChanged(f"Nothing was done: {decided.outcome.rstrip('.')}.{again}")
    return decided


async def close(engine: Engine, approval_id: str, why: SystemDecision, reason: str) -> Decided:
    """The system's own decision: the thread is resumed with it, so that no approval stays behind. Raises as `decide`."""
    approval = await _read(engine, approval_id)
    _still_open(approval)
    return await _answer(engine, approval, approval.action, why, SYSTEM, reason)


async def resume_stranded(engine: Engine, approval_id: str) -> Decided:
    """Finish a claim whose process died: the stored answer still stands, and the fence keeps it single.

    Raises Conflict where it can no longer be carried out; then the approval waits again, for a person to see why.
    """
    approval = await _read(engine, approval_id)
    answer = approval.answer
    if approval.state != "resuming" or answer is None:
        raise AlreadyDecided(f"Approval {approval_id} is {approval.state}.")
    user = User(answer["by"]["name"], answer["by"]["role"], answer["by"]["limit_minor"])
    action = Action(approval.customer_id, approval.tool, answer["args"], approval.salt)
    try:
        return await resume(engine, approval, action, answer["decision"], user, approval.note or "")
    except AlreadyDecided:
        raise
    except Conflict:
        async with one_customer(engine.deps.pool, approval.customer_id) as conn:
            await queries.release(conn, approval_id=approval.id)
        raise


async def has_moved(engine: Engine, approval_id: str) -> bool:
    """Whether the facts that the approval was asked on are no longer those of now."""
    return await _moved(engine, await _read(engine, approval_id))


async def _moved(engine: Engine, approval: Approval) -> bool:
    turn = Deliberation(engine.deps, trigger_of(approval))
    async with one_customer(engine.deps.pool, approval.customer_id) as conn:
        facts, _ = await gather_facts(conn, engine.deps, turn.trigger)
    facts = replace(facts, proposer=approval.proposed_by)
    return facts_digest(prepared(turn, approval.action, facts), approval.action) != approval.facts_digest


async def _read(engine: Engine, approval_id: str) -> Approval:
    async with engine.deps.pool.connection() as conn:
        return await queries.read_approval(conn, approval_id=approval_id)


def _still_open(approval: Approval) -> None:
    match approval.state:
        case "pending":
            return
        case "resuming":
            raise AlreadyDecided(
                f"The answer of {approval.decided_by} to approval {approval.id} is being carried out; look again in a moment."
            )
        case "withdrawn" | "expired" | "superseded":
            raise Gone(
                f"Approval {approval.id} is {approval.state}: {approval.outcome or 'it can no longer be decided'}."
            )
        case _:
            raise AlreadyDecided(
                f"Approval {approval.id} was decided already: {approval.state} by {approval.decided_by}."
            )


def _may_decide(approval: Approval, decision: Decision, user: User) -> None:
    if ROLES.index(user.role) < ROLES.index(approval.role):
        raise Forbidden(
            f"This needs {with_article(approval.role)}; {user.name} is {with_article(user.role)}."
        )
    if decision.decision == "reject":
        return
    if user.name == approval.proposed_by:
        raise Forbidden("Nobody approves what they proposed; another person has to decide.")
    if approval.amount_minor > user.limit_minor:
        amount = Money(approval.amount_minor, approval.currency).format()
        raise Forbidden(f"{amount} is above {user.name}'s limit; hand it up.")
    if decision.decision == "approve" and user.name == approval.first_by:
        raise Forbidden(f"{user.name} approved it already; two different people have to.")


async def _first_of_two(engine: Engine, approval: Approval) -> bool:
    """Whether this approval is the first of two. Where the facts moved it is neither: it is answered at once."""
    needed = engine.deps.gate.needs_two(approval.amount_minor, approval.currency)
    return needed and approval.first_by is None and not await _moved(engine, approval)


async def _agree_first(engine: Engine, approval: Approval, user: User) -> Decided:
    turn = Deliberation(engine.deps, trigger_of(approval))
    async with one_customer(engine.deps.pool, approval.customer_id) as conn:
        if not await queries.agree_first(conn, approval, by=user.name, now=engine.deps.clock.now()):
            raise AlreadyDecided(
                f"Somebody else decided on approval {approval.id} meanwhile; look at it again."
            )
        subject = {"approval": approval.id, "digest": approval.digest}
        entry = Entry(user.name, "Collector", "approval.agreed_first", subject, approval.episode_id)
        await close_log(conn, engine.deps, turn, [entry])
    return Decided(approval.id, "pending", took_effect=False, outcome="A second person has to approve it.")


async def _edit_is_possible(engine: Engine, approval: Approval, action: Action, user: User) -> None:
    """Judge an edit before anything is claimed: one that policy refuses leaves the approval as it is."""
    trigger = replace(trigger_of(approval), requested_by=user.name)
    turn = Deliberation(engine.deps, trigger)
    async with one_customer(engine.deps.pool, approval.customer_id) as conn:
        turn.facts, _ = await gather_facts(conn, engine.deps, trigger)
    verdict = rule(turn, action, actor=user.name, source="Collector").ruling.verdict
    if isinstance(verdict, Refuse):
        raise Refused(f"The edit is refused: {verdict.reason}")


async def _hand_up(engine: Engine, approval: Approval, decision: Decision, user: User) -> Decided:
    role = approval.next_role()
    if ROLES.index(user.role) < ROLES.index("collector"):
        raise Forbidden(f"{user.name} is {with_article(user.role)} and decides nothing.")
    if role is None:
        raise Invalid("There is nobody above an admin.")
    turn = Deliberation(engine.deps, trigger_of(approval))
    async with one_customer(engine.deps.pool, approval.customer_id) as conn:
        if not await queries.hand_up(conn, approval, role=role, note=decision.reason):
            raise AlreadyDecided(f"Approval {approval.id} was decided or handed up by somebody else.")
        entry = Entry(
            user.name,
            "Collector",
            "approval.handed_up",
            {"approval": approval.id, "to": role},
            approval.episode_id,
        )
        await close_log(conn, engine.deps, turn, [entry])
    return Decided(
        approval.id, "pending", took_effect=False, outcome=f"{with_article(role).capitalize()} decides now."
    )


async def _answer(
    engine: Engine, approval: Approval, action: Action, word: Word, user: User, reason: str
) -> Decided:
    """Claim, then resume; a resume that committed nothing gives the claim back."""
    answer = answer_of(action, word, user)
    async with one_customer(engine.deps.pool, approval.customer_id) as conn:
        won = await queries.claim(
            conn, approval_id=approval.id, digest=approval.digest, role=approval.role, answer=answer, by=user.name,
            note=reason, now=engine.deps.clock.now(),
        )  # fmt: skip
    if not won:
        _still_open(await _read(engine, approval.id))
        raise AlreadyDecided(f"Approval {approval.id} is being decided by somebody else.")
    failpoints.reach("approval.claimed")
    committed = False
    try:
        decided = await resume(engine, approval, action, word, user, reason)
        committed = True
    finally:
        if not committed:
            async with one_customer(engine.deps.pool, approval.customer_id) as conn:
                await queries.release(conn, approval_id=approval.id)
    return decided
