"""The inbox: messages of which a person has to say whom they concern."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from server.access import Collector, Running, Viewer
from server.inbox import assign, dismiss
from tools.memory.unmatched import read_unmatched

router = APIRouter(prefix="/v1/inbox", tags=["inbox"])
InboxId = Annotated[int, Path(ge=1, le=2**63 - 1)]


class Assign(BaseModel):
    """Whose message it is."""

    model_config = ConfigDict(extra="forbid")
    customer_id: Annotated[str, Field(min_length=1, max_length=200)]


@router.get("")
async def list_(
    running: Running,
    _: Viewer,
    settled: Annotated[bool, Query()] = False,  # noqa: FBT002 - a query parameter has a name
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """Messages that wait for a person, oldest first; with `settled` the others as well."""
    async with running.pool.connection() as conn:
        return {"inbox": await read_unmatched(conn, settled=settled, limit=limit)}


@router.post("/{inbox_id}/assign")
async def assign_(running: Running, user: Collector, inbox_id: InboxId, given: Assign) -> dict[str, Any]:
    """Give the message to a customer's conversation; a worker answers it, and only to a contact point on file."""
    done = await assign(running.engine, inbox_id, given.customer_id, by=user.name)
    return {"customer": done.customer_id, "message": done.message_id}


@router.post("/{inbox_id}/dismiss", status_code=204)
async def dismiss_(running: Running, user: Collector, inbox_id: InboxId) -> Response:
    """Put the message away."""
    await dismiss(running.engine, inbox_id, by=user.name)
    return Response(status_code=204)
