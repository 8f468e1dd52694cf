"""Health: whether this process runs, whether the installation is ready, and what it measures. Metrics need a key."""

from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from server.access import Running, Viewer
from server.health.metrics import exposition
from server.health.ready import readiness
from tools.errors import Unavailable

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process runs."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(running: Running) -> dict[str, Any]:
    """The database answers with this version's schema, turns are worked on, and the memory is of the model in the settings.

    What is not so is named, and answered with 503.
    """
    checks = await readiness(running.engine.deps, max_lag_seconds=running.settings.ready_lag_seconds)
    wrong = [f"{check.name}: {check.wrong}" for check in checks if check.wrong is not None]
    if wrong:
        raise Unavailable(f"Not ready: {'; '.join(wrong)}.")
    return {"status": "ready", "checks": [check.name for check in checks]}


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(running: Running, _: Viewer) -> Response:
    """For Prometheus, which sends its key as a bearer token like everybody else."""
    return Response(await exposition(running.engine.deps), media_type=CONTENT_TYPE_LATEST)
