"""Who is calling, and the services that routes work with. Whoever has no key gets no further than this file."""

from dataclasses import dataclass
from typing import Annotated

import psycopg
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.approvals.model import User
from agent.deps import Pool
from agent.engine.run import Engine
from agent.policy.verdict import ROLES, Role
from server import problems
from server.settings import Settings
from server.users import Unauthenticated, user_of_key
from tools.channels.base import Channel
from tools.errors import CollectionsError, Forbidden, Unavailable

_OPEN = frozenset({"/healthz", "/readyz"})
_bearer = HTTPBearer(auto_error=False, description="An API key from `dunwell user add`.")


@dataclass(frozen=True, slots=True)
class Services:
    """What the application opened at its start."""

    engine: Engine
    channel: Channel
    settings: Settings

    @property
    def pool(self) -> Pool:
        """The engine's connections."""
        return self.engine.deps.pool


async def services(request: Request) -> Services:
    """The running application's services; async, because FastAPI gives everything else to a thread, at each request."""
    opened: Services | None = getattr(request.app.state, "services", None)
    if opened is None:
        raise Unavailable("The database does not answer yet.")
    return opened


Running = Annotated[Services, Depends(services)]


class KeyFirst:
    """Before anything of a request is read or any route is looked up, its key is checked; only health needs none.

    FastAPI reads a body before it asks who sent it, and a route may forget to ask: so it is not left to the routes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through with its user in its state, or answer 401 or 503."""
        if scope["type"] == "http" and scope["path"] not in _OPEN:
            request = Request(scope)
            try:
                request.state.user = await _who(request)
            except CollectionsError as problem:
                await problems.answer(problem)(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _who(request: Request) -> User:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise Unauthenticated("This needs an API key: send it as 'Authorization: Bearer <key>'.")
    try:
        running = await services(request)
        async with running.pool.connection() as conn:
            return await user_of_key(conn, key.strip())
    except psycopg.OperationalError as failure:
        raise Unavailable("The database does not answer.") from failure


async def viewer(
    request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> User:
    """Whoever holds a valid key."""
    user: User = request.state.user
    return user


Viewer = Annotated[User, Depends(viewer)]


def _at_least(user: User, role: Role) -> User:
    if ROLES.index(user.role) < ROLES.index(role):
        raise Forbidden(f"This needs a {role}; {user.name} is a {user.role}.")
    return user


async def collector(user: Viewer) -> User:
    """A user who may act, not only look. Raises Forbidden."""
    return _at_least(user, "collector")


async def manager(user: Viewer) -> User:
    """A user who may change the ledger copy. Raises Forbidden."""
    return _at_least(user, "manager")


Collector = Annotated[User, Depends(collector)]
Manager = Annotated[User, Depends(manager)]
