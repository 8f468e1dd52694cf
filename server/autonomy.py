"""Steps on the autonomy ladder, each in a transaction of its own."""

from collections.abc import Sequence

from agent.approvals.model import User
from agent.autonomy import record
from agent.autonomy.record import Standing
from agent.deps import Deps


async def demote_breaches(deps: Deps) -> Sequence[Standing]:
    """One step down, at once, for each action whose evidence is a breach. Gives them as they were."""
    async with deps.pool.connection() as conn:
        seen = await record.breaches(conn, deps)
    fallen = []
    for each in seen:
        async with deps.pool.connection() as conn, conn.transaction():
            if (standing := await record.step_down(conn, deps, each)) is not None:
                fallen.append(standing)
    return fallen


async def promote(deps: Deps, segment: str, *, user: User, action: str | None = None) -> Sequence[Standing]:
    """One step up where the evidence supports it. Raises as `record.promote`."""
    async with deps.pool.connection() as conn, conn.transaction():
        return await record.promote(conn, deps, segment, by=user.name, role=user.role, action=action)
