"""The outbox, to look at."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from server.access import Running, Viewer
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


@router.get("/{outbox_id}")
async def show(
    running: Running, _: Viewer, outbox_id: Annotated[int, Path(ge=1, le=2**63 - 1)]
) -> dict[str, Any]:
    """One message."""
    async with running.pool.connection() as conn:
        found = await read_outbox(conn, outbox_id=outbox_id, limit=1)
    if not found:
        raise NotFound("outbox row", str(outbox_id))
    return found[0]
