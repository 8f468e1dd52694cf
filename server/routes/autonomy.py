"""Autonomy: what each segment has earned, and a step up."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from agent.autonomy import record
from server import autonomy as ladder
from server.access import Admin, Running, Viewer

router = APIRouter(prefix="/v1/autonomy", tags=["autonomy"])
Segment = Annotated[str, Path(max_length=200)]


@router.get("")
async def show(
    running: Running, _: Viewer, segment: Annotated[str | None, Query(max_length=200)] = None
) -> dict[str, Any]:
    """What was counted of each action, its mode, the mode that the evidence proposes, and the steps so far."""
    deps = running.engine.deps
    async with running.pool.connection() as conn:
        found = await record.standings(conn, deps, segment=segment)
        steps = await record.changes(conn, segment=segment)
    return {
        "window_days": deps.gate.policy.document.autonomy.window_days,
        "standings": [standing.as_json() for standing in found],
        "changes": steps,
    }


@router.post("/{segment}/promote")
async def promote(
    running: Running,
    user: Admin,
    segment: Segment,
    action: Annotated[str | None, Query(max_length=200)] = None,
) -> dict[str, Any]:
    """One step up where the evidence supports it, at most to the policy file's mode."""
    raised = await ladder.promote(running.engine.deps, segment, user=user, action=action)
    return {"promoted_by": user.name, "promoted": [standing.as_json() for standing in raised]}
