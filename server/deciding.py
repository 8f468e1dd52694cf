"""A decision as CLI and HTTP make it: decide, redraft what was rejected, send what may leave."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from agent.approvals.alike import alike, likeness
from agent.approvals.decide import decide
from agent.approvals.model import Approval, Decided, Decision, User
from agent.approvals.queries import read_approval
from agent.engine.run import Engine
from server.cycle import handle_waiting
from server.problems import problem_type
from server.sender import Dispatched, dispatch_due
from tools.channels.base import Channels
from tools.errors import CollectionsError, Refused

TOGETHER = 200  # approvals in one bulk decision


class Seen(BaseModel):
    """One approval and the digest of the action that was shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(max_length=200)]
    action_digest: Annotated[str, Field(max_length=200)]


class BulkDecision(BaseModel):
    """One approval of many drafts that are alike; each of them is judged by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approvals: Annotated[list[Seen], Field(min_length=1, max_length=TOGETHER)]


async def decide_and_follow(
    engine: Engine, channels: Channels, approval_id: str, decision: Decision, user: User
) -> dict[str, Any]:
    """Decide one approval and let its consequences happen. Raises what `decide` raises."""
    decided = await decide(engine, approval_id, decision, user)
    again, failed, dispatched = await _follow(engine, channels, [decided])
    return {
        "id": decided.approval_id,
        "state": decided.state,
        "took_effect": decided.took_effect,
        "outcome": decided.outcome,
        "decided_by": user.name,
        "asked_again": [*decided.asked_again, *again],
        "sent": dispatched.sent,
        "failed": failed,
    }


async def approve_together(
    engine: Engine, channels: Channels, seen: Sequence[Seen], user: User
) -> dict[str, Any]:
    """Approve drafts that are alike, one after the other, each on its own facts: what became of each.

    One that is not like the first, or that has to be read by itself, is left as it is; so is one that `decide` refuses.
    """
    like: tuple[str, str] | None = None
    done, report = list[Decided](), list[dict[str, Any]]()
    for each in seen:
        try:
            approval = await _read(engine, each.id)
            like = like or likeness(approval)
            _must_be_like(approval, like)
            decided = await decide(
                engine, each.id, Decision(decision="approve", action_digest=each.action_digest), user
            )
        except CollectionsError as no:
            error = {"type": problem_type(type(no)), "detail": str(no)}
            report.append({"id": each.id, "took_effect": False, "error": error})
            continue
        done.append(decided)
        told = {"state": decided.state, "took_effect": decided.took_effect, "outcome": decided.outcome}
        report.append({"id": each.id, **told})
    again, failed, dispatched = await _follow(engine, channels, done)
    return {
        "decided_by": user.name, "approved": sum(row["took_effect"] for row in report), "approvals": report,
        "asked_again": again, "sent": dispatched.sent, "failed": failed,
    }  # fmt: skip


async def all_like(engine: Engine, approval_id: str, digest: str | None) -> list[Seen]:
    """The approval and those that wait and are like it, as they are now. Raises NotFound, and Refused where none may be."""
    approval = await _read(engine, approval_id)
    _must_be_like(approval, likeness(approval))
    async with engine.deps.pool.connection() as conn:
        others = await alike(conn, approval, limit=TOGETHER - 1)
    first = Seen(id=approval.id, action_digest=digest or approval.digest)
    return [first, *(Seen(id=other.id, action_digest=other.digest) for other in others)]


def _must_be_like(approval: Approval, like: tuple[str, str] | None) -> None:
    mine = likeness(approval)
    if approval.state == "pending" and (mine is None or mine != like):
        raise Refused(
            f"Approval {approval.id} has to be decided by itself: it is not low risk, or not alike."
        )


async def _read(engine: Engine, approval_id: str) -> Approval:
    async with engine.deps.pool.connection() as conn:
        return await read_approval(conn, approval_id=approval_id)


async def _follow(
    engine: Engine, channels: Channels, decided: Sequence[Decided]
) -> tuple[list[str], list[str], Dispatched]:
    """Handle what the decisions left waiting on their customers, and send: new approvals, failures, what was sent."""
    customers = dict.fromkeys([(await _read(engine, each.approval_id)).customer_id for each in decided])
    again, failures = list[str](), list[str]()
    for customer_id in customers:
        handled, failed = await handle_waiting(engine, customer_id=customer_id)
        again += [a for _, outcome in handled for a in outcome.approvals]
        failures += [why for _, why in failed]
    return again, failures, await dispatch_due(engine, channels)
