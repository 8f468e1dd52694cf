"""The HTTP API: routes on one engine. Nothing but health is served without a key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI

from server import problems
from server.access import KeyFirst, Services
from server.routes import approvals, customers, health, imports, messages, outbox
from server.runtime import open_engine
from server.settings import Settings
from tools.channels.local import LocalChannel

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"content": {problems.MEDIA_TYPE: {"schema": problems.Problem.model_json_schema()}}, "description": what}
    for status, what in {
        401: "No valid API key.", 403: "Not for this role.", 404: "No such thing.", 409: "The world moved.",
        410: "It can no longer be acted on.", 422: "It cannot be read, or policy refuses it.", 503: "Try again.",
    }.items()
}  # fmt: skip


def create_app(settings: Settings) -> FastAPI:
    """The application; it opens its engine when it starts and closes it when it stops."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        async with open_engine(settings) as engine:
            app.state.services = Services(engine, LocalChannel(), settings)
            yield

    app = FastAPI(
        title="Dunwell",
        version=version("dunwell"),
        summary="The model proposes, the policy disposes, a person decides what is risky.",
        lifespan=life,
        responses=_ERRORS,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    problems.install(app)
    app.add_middleware(KeyFirst)

    @app.get("/v1/openapi.json", include_in_schema=False)
    async def openapi() -> dict[str, Any]:
        return app.openapi()

    for routes in (health, customers, messages, approvals, outbox, imports):
        app.include_router(routes.router)
    return app
