"""Arrangements: what was agreed with a customer, and the steps that only a person makes."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from agent.cycle.arrangements import move, propose_write_off
from server.access import Collector, Running, Viewer
from server.reading import arranged
from tools.arrangements.machines import Kind

router = APIRouter(prefix="/v1", tags=["arrangements"])
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Step(BaseModel):
    """What an arrangement becomes, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: Annotated[str, Field(min_length=1, max_length=40)]
    reason: Reason


class WriteOff(BaseModel):
    """Invoices to write off, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    invoices: Annotated[list[str], Field(min_length=1, max_length=200)]
    reason: Reason


@router.get("/customers/{customer_id}/arrangements")
async def list_arrangements(running: Running, _: Viewer, customer_id: str) -> dict[str, Any]:
    """Promises, plans, disputes, holds and requests to the ledger, newest first."""
    return await arranged(running.pool, running.settings, customer_id)


@router.post("/arrangements/{kind}/{arrangement_id}/state")
async def move_arrangement(
    running: Running,
    user: Collector,
    kind: Kind,
    arrangement_id: Annotated[str, Path(max_length=200)],
    given: Step,
) -> dict[str, Any]:
    """A person makes one step of the arrangement's table. The first of two who have to approve leaves it as it is."""
    moved = await move(running.engine, kind, arrangement_id, given.state, user, given.reason)
    return {
        "customer": moved.customer_id, "kind": kind, "id": arrangement_id, "state": moved.state, "outcome": moved.outcome,
    }  # fmt: skip


@router.post("/customers/{customer_id}/write-offs")
async def propose(running: Running, user: Collector, customer_id: str, given: WriteOff) -> dict[str, Any]:
    """Propose to write invoices off; another person, a manager with the limit for it, approves in time."""
    request_id = await propose_write_off(running.engine, customer_id, given.invoices, user, given.reason)
    return {"customer": customer_id, "id": request_id, "state": "proposed"}
