"""The HTTP API: routes on one engine. Nothing but health and the login is served without a key or a session."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp
from typing_extensions import override

from server import problems
from server.access import Services
from server.door import Door
from server.local import page as local
from server.providers import open_channels, webhooks_of
from server.routes import (
    approvals,
    arrangements,
    autonomy,
    customer_file,
    customers,
    health,
    imports,
    inbox,
    messages,
    outbox,
    session,
    users,
)
from server.runtime import open_engine
from server.settings import Settings
from server.site import SecurityHeaders, Site
from server.webhooks import challenge, sendgrid, twilio, unsubscribe

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"content": {problems.MEDIA_TYPE: {"schema": problems.Problem.model_json_schema()}}, "description": what}
    for status, what in {
        401: "No valid API key and no session.", 403: "Not for this role.", 404: "No such thing.", 409: "The world moved.",
        410: "It can no longer be acted on.", 422: "It cannot be read, or policy refuses it.", 429: "Too much at once; Retry-After says for how long.",
        503: "Try again.",
    }.items()
}  # fmt: skip


class _App(FastAPI):
    def __init__(self, site: Site, **given: Any) -> None:
        self._site = site
        super().__init__(**given)

    @override
    def build_middleware_stack(self) -> ASGIApp:
        """FastAPI's own, with what must be around all of it: also around the answer to a defect."""
        return SecurityHeaders(super().build_middleware_stack(), self._site)


def create_app(settings: Settings) -> FastAPI:
    """The application; it opens its engine when it starts and closes it when it stops."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        async with open_engine(settings) as engine, open_channels(settings) as channels:
            app.state.services = Services(engine, channels, settings, webhooks_of(settings))
            yield

    site = Site(settings.public_origin)
    app = _App(
        site,
        title="Dunwell",
        version=version("dunwell"),
        summary="The model proposes, the policy disposes, a person decides what is risky.",
        lifespan=life,
        responses=_ERRORS,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # Twilio follows a redirect with GET, and the form is gone
    )
    problems.install(app)
    app.add_middleware(Door, site=site, requests_per_second=settings.requests_per_second)

    @app.get("/v1/openapi.json", include_in_schema=False)
    async def openapi() -> dict[str, Any]:
        return app.openapi()

    for routes in (
        health,
        customers,
        customer_file,
        messages,
        approvals,
        arrangements,
        autonomy,
        outbox,
        inbox,
        imports,
        session,
        users,
        twilio,
        sendgrid,
        unsubscribe,
        challenge,
    ):
        app.include_router(routes.router)
    if local.local_channels(settings):
        app.include_router(local.router)
    return app
