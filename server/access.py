"""Who is calling, and the services that routes work with."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from agent.approvals.model import User
from agent.deps import Pool
from agent.engine.run import Engine
from agent.policy.verdict import ROLES, Role
from server.settings import Settings
from server.users import Unauthenticated, user_of_key
from tools.channels.base import Channel
from tools.errors import Forbidden

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


def services(request: Request) -> Services:
    """The running application's services."""
    opened: Services = request.app.state.services
    return opened


Running = Annotated[Services, Depends(services)]


async def viewer(
    running: Running, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> User:
    """Whoever holds a valid key. Raises Unauthenticated."""
    if credentials is None:
        raise Unauthenticated("This needs an API key: send it as 'Authorization: Bearer <key>'.")
    async with running.pool.connection() as conn:
        return await user_of_key(conn, credentials.credentials)


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
