"""The session of a person at a browser: log in, see who one is, log out. A new password goes with a login."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.access import Anyone, Running, Services
from server.identity.keys import SCOPES, Caller
from server.identity.sessions import csrf_token, log_in, log_out, session_of
from server.site import Site

router = APIRouter(prefix="/v1/session", tags=["session"])
Password = Annotated[str, Field(min_length=1, max_length=256)]


class Credentials(BaseModel):
    """A name and its password, and another one where it shall change: it has to after a one-time password."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(min_length=1, max_length=80)]
    password: Password
    new_password: Password | None = None


@router.post("")
async def begin(running: Running, request: Request, response: Response, given: Credentials) -> dict[str, Any]:
    """Log in: the answer sets the session's cookie. With `new_password`, all other sessions of this user end."""
    site = _site(running)
    login = await log_in(
        running.pool, running.passwords, name=given.name, password=given.password, new_password=given.new_password,
        now=running.engine.deps.clock.now(), instead_of=site.token(request),
    )  # fmt: skip
    site.set_token(request, response, login.token)
    return {**_who(login.caller), "csrf_token": csrf_token(login.token), "expires_at": login.expires_at}


@router.get("")
async def show(running: Running, request: Request, caller: Anyone) -> dict[str, Any]:
    """Who is calling, with what scopes; for a session also its `csrf_token`, for the header `X-CSRF-Token`, and its end."""
    token = _token(running, request)
    if token is None:
        return _who(caller)
    async with running.pool.connection() as conn:
        session = await session_of(conn, token, now=running.engine.deps.clock.now())
    return {**_who(caller), "csrf_token": csrf_token(token), "expires_at": session.expires_at}


@router.delete("", status_code=204)
async def end(running: Running, request: Request, response: Response, _: Anyone) -> None:
    """Log out. A key is no session: `dunwell key revoke` ends it, and this does nothing to it."""
    token = _token(running, request)
    if token is not None:
        async with running.pool.connection() as conn:
            await log_out(conn, token)
        _site(running).drop_token(request, response)


def _token(running: Services, request: Request) -> str | None:
    """Of the session that the caller was let in with."""
    return None if "authorization" in request.headers else _site(running).token(request)


def _site(running: Services) -> Site:
    return Site(running.settings.public_origin)


def _who(caller: Caller) -> dict[str, Any]:
    return {
        "name": caller.user.name, "role": caller.user.role, "limit_minor": caller.user.limit_minor,
        "scopes": sorted(caller.scopes, key=SCOPES.index),
    }  # fmt: skip
