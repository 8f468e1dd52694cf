"""A decision as CLI and HTTP make it: decide, redraft what was rejected, send what may leave."""

from typing import Any

from agent.approvals.decide import decide
from agent.approvals.model import Decision, User
from agent.approvals.queries import read_approval
from agent.engine.run import Engine
from server.cycle import handle_waiting
from server.sender import dispatch_due
from tools.channels.base import Channel


async def decide_and_follow(
    engine: Engine, channel: Channel, approval_id: str, decision: Decision, user: User
) -> dict[str, Any]:
    """Decide one approval and let its consequences happen. Raises what `decide` raises."""
    decided = await decide(engine, approval_id, decision, user)
    async with engine.deps.pool.connection() as conn:
        customer_id = (await read_approval(conn, approval_id=approval_id)).customer_id
    handled, failed = await handle_waiting(engine, customer_id=customer_id)
    dispatched = await dispatch_due(engine, channel)
    return {
        "id": decided.approval_id,
        "state": decided.state,
        "took_effect": decided.took_effect,
        "outcome": decided.outcome,
        "decided_by": user.name,
        "asked_again": [*decided.asked_again, *(a for _, outcome in handled for a in outcome.approvals)],
        "sent": dispatched.sent,
        "failed": [why for _, why in failed],
    }
