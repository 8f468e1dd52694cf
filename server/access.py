"""What a route asks for: the services it works with, and a caller whose role and scopes are enough. Who that is: server.door."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from agent.approvals.model import User
from agent.deps import Pool
from agent.engine.run import Engine
from agent.policy.verdict import ROLES, Role, with_article
from server.identity.keys import Caller, Scope
from server.identity.passwords import Checker
from server.settings import Settings
from server.webhooks.gates import Webhooks
from tools.channels.base import Channels
from tools.errors import Forbidden, Unavailable

_bearer = HTTPBearer(
    auto_error=False,
    description="An API key from `dunwell key add`. A browser uses the cookie of POST /v1/session instead.",
)


@dataclass(frozen=True, slots=True)
class Services:
    """What the application opened at its start."""

    engine: Engine
    channels: Channels
    settings: Settings
    webhooks: Webhooks
    passwords: Checker = field(default_factory=Checker)

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


async def caller(
    request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """Whoever the door let in, whatever their role and scopes."""
    known: Caller = request.state.caller
    return known


Anyone = Annotated[Caller, Depends(caller)]


def _may(role: Role, scope: Scope) -> Callable[[Caller], Awaitable[User]]:
    async def user(known: Anyone) -> User:
        if ROLES.index(known.user.role) < ROLES.index(role):
            raise Forbidden(
                f"This needs {with_article(role)}; {known.user.name} is {with_article(known.user.role)}."
            )
        if scope not in known.scopes:
            raise Forbidden(f"This needs a key with the scope {scope!r}.")
        return known.user

    return user


# Each raises Forbidden for a lower role, and for a key without the scope.
Viewer = Annotated[User, Depends(_may("viewer", "read"))]  # may look
Collector = Annotated[User, Depends(_may("collector", "decide"))]  # may act, within their limit
Deliverer = Annotated[User, Depends(_may("collector", "ingest"))]  # may bring in what customers wrote
Importer = Annotated[User, Depends(_may("manager", "ingest"))]  # may change the copy of the ledger
Admin = Annotated[User, Depends(_may("admin", "admin"))]  # may say who may do what
