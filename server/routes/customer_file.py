"""A customer's file over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from server.access import Admin, Running
from server.customer_file import read_file

router = APIRouter(prefix="/v1", tags=["customers"])


@router.get("/customers/{customer_id}/file")
async def read_customer_file(
    running: Running, user: Admin, customer_id: Annotated[str, Path(max_length=200)]
) -> dict[str, Any]:
    """All that is held on a customer, by table; the log says who asked for it."""
    return (await read_file(running.pool, running.engine.deps.clock, customer_id, by=user.name)).as_json()
