"""Approvals: what waits, everything one needs to decide it, and the decision."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from agent.approvals.model import Decision
from agent.approvals.queries import list_approvals
from server.access import Collector, Running, Viewer
from server.deciding import BulkDecision, approve_together, decide_and_follow
from server.reading import approval_file, waiting_requests

router = APIRouter(prefix="/v1/approvals", tags=["approvals"])
State = Literal[
    "pending", "resuming", "approved", "edited", "rejected", "withdrawn", "expired", "superseded", "all"
]


@router.get("")
async def list_(
    running: Running,
    reader: Viewer,
    state: State = "pending",
    customer: Annotated[str | None, Query(max_length=200)] = None,
    assignee: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> dict[str, Any]:
    """Approvals, pending ones first, then those of your own accounts, largest amount first.

    Beside what waits, the requests to the ledger that a manager has to agree to, with the address that decides them.
    """
    async with running.pool.connection() as conn:
        rows = await list_approvals(
            conn, state=None if state == "all" else state, customer_id=customer, assignee=assignee,
            reader=reader.name, limit=limit, offset=offset,
        )  # fmt: skip
    requests = []
    if state in ("pending", "all") and offset == 0:
        requests = await waiting_requests(running.pool, customer_id=customer, assignee=assignee, limit=limit)
    return {"approvals": rows, "ledger_requests": requests}


@router.get("/{approval_id}")
async def show(running: Running, _: Viewer, approval_id: str) -> dict[str, Any]:
    """The exact action, why it was asked, the facts and the conversation."""
    return await approval_file(running.pool, running.settings, approval_id)


@router.post("/bulk")
async def decide_bulk(running: Running, user: Collector, given: BulkDecision) -> dict[str, Any]:
    """Approve drafts that are alike and low risk; each is judged by itself, and told of by itself."""
    return await approve_together(running.engine, running.channels, given.approvals, user)


@router.post("/{approval_id}/decision")
async def decide(running: Running, user: Collector, approval_id: str, decision: Decision) -> dict[str, Any]:
    """Approve, edit, reject or hand up: one effect or none, whoever clicks how often."""
    return await decide_and_follow(running.engine, running.channels, approval_id, decision, user)
