"""Health: the only thing that is served without a key."""

from typing import Any

from fastapi import APIRouter

from server import db
from server.access import Running
from tools.errors import Unavailable

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process runs."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(running: Running) -> dict[str, Any]:
    """The database answers and its schema is this version's."""
    async with running.pool.connection() as conn:
        if not await db.is_current(conn):
            raise Unavailable("The schema is not current; run `dunwell migrate`.")
    return {"status": "ready"}
