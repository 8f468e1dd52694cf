"""The outbox: what was written, what became of it, and what a person says about a message that the sender gave up on."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from server.access import Collector, Running, Viewer
from server.sender import confirm, retry
from tools.errors import NotFound
from tools.outbox.queue import State, read_outbox

router = APIRouter(prefix="/v1/outbox", tags=["outbox"])


@router.get("")
async def list_(
    running: Running,
    _: Viewer,
    state: State | None = None,
    customer: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> dict[str, Any]:
    """Messages, newest first, as the customer reads them."""
    async with running.pool.connection() as conn:
        return {
            "outbox": await read_outbox(conn, state=state, customer_id=customer, limit=limit, offset=offset)
        }


OutboxId = Annotated[int, Path(ge=1, le=2**63 - 1)]


class Retry(BaseModel):
    """A dead letter is queued once more; one of unknown fate only by somebody who looked at the provider."""

    model_config = ConfigDict(extra="forbid")
    never_arrived: bool = Field(
        default=False, description="Of unknown fate: the provider's own records do not have it."
    )


@router.get("/{outbox_id}")
async def show(running: Running, _: Viewer, outbox_id: OutboxId) -> dict[str, Any]:
    """One message."""
    return await _message(running, outbox_id)


@router.post("/{outbox_id}/retry")
async def retry_(running: Running, user: Collector, outbox_id: OutboxId, given: Retry) -> dict[str, Any]:
    """Queue a message that failed once more; it is judged again before it leaves."""
    await retry(running.engine, outbox_id, user, never_arrived=given.never_arrived)
    return await _message(running, outbox_id)


@router.post("/{outbox_id}/confirm")
async def confirm_(running: Running, user: Collector, outbox_id: OutboxId) -> dict[str, Any]:
    """Say of a message of unknown fate that it did leave."""
    await confirm(running.engine, outbox_id, user)
    return await _message(running, outbox_id)


async def _message(running: Running, outbox_id: int) -> dict[str, Any]:
    async with running.pool.connection() as conn:
        found = await read_outbox(conn, outbox_id=outbox_id, limit=1)
    if not found:
        raise NotFound("outbox row", str(outbox_id))
    return found[0]
