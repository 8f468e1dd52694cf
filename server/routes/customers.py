"""Customers: who owes, their conversation, and what stands between them and a message."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from server.access import Running, Viewer
from server.reading import (
    consent_of,
    counts,
    customer_state,
    customers_matching,
    decisions,
    episodes,
    timeline,
)

router = APIRouter(prefix="/v1", tags=["customers"])
Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]


@router.get("/customers")
async def list_customers(
    running: Running,
    _: Viewer,
    text: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> dict[str, Any]:
    """Customers, most overdue first."""
    return {"customers": await customers_matching(running.pool, running.settings, text, limit, offset)}


@router.get("/customers/{customer_id}/state")
async def read_state(running: Running, _: Viewer, customer_id: str) -> dict[str, Any]:
    """What is owed, promised, held and waiting."""
    return await customer_state(running.pool, running.settings, customer_id)


@router.get("/customers/{customer_id}/timeline")
async def read_timeline(running: Running, _: Viewer, customer_id: str) -> dict[str, Any]:
    """The conversation, oldest first."""
    await customer_state(running.pool, running.settings, customer_id)
    return {"timeline": await timeline(running.pool, customer_id)}


@router.get("/customers/{customer_id}/decisions")
async def read_decisions(running: Running, _: Viewer, customer_id: str) -> dict[str, Any]:
    """Every verdict with its reasons, newest first."""
    return {"decisions": await decisions(running.pool, customer_id)}


@router.get("/customers/{customer_id}/consent")
async def read_consent(running: Running, _: Viewer, customer_id: str) -> dict[str, Any]:
    """Every change of what the customer allows us, oldest first, with its source."""
    return await consent_of(running.pool, customer_id)


@router.get("/episodes")
async def list_episodes(
    running: Running, _: Viewer, customer: str | None = None, limit: Limit = 50, offset: Offset = 0
) -> dict[str, Any]:
    """Episodes, newest first."""
    return {"episodes": await episodes(running.pool, customer, limit, offset)}


@router.get("/counts")
async def read_counts(running: Running, _: Viewer) -> dict[str, int]:
    """Figures over the whole installation."""
    return await counts(running.pool)
