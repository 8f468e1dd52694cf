"""The door: before anything of a request is read or any route is looked up, it is known who asks, and how much they asked.

FastAPI reads a body before it asks who sent it, and a route may forget to ask: so it is not left to the routes.
"""

import asyncio
import hmac
from ipaddress import ip_network

import psycopg
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server import problems
from server.access import services
from server.identity.errors import TooManyRequests, Unauthenticated
from server.identity.keys import Caller, caller_of_key
from server.identity.sessions import csrf_token, session_of
from server.site import Site
from server.throttle import Throttle
from tools.errors import CollectionsError, Forbidden, Invalid, Unavailable

CSRF_HEADER = "X-CSRF-Token"
_OPEN = frozenset({"/healthz", "/readyz"})
_LOGIN = ("POST", "/v1/session")
_LOGIN_BYTES = 4096  # of somebody whom nobody knows yet, no more is read
# Signed by a provider, naming one of our messages by a signed token, or for this machine in development only: each of
# them checks that itself.
_CHECKED = ("/webhooks/", "/unsubscribe/", "/local")
_MOST_BYTES = 2**20  # of somebody who is known
# By how a path starts: a ledger's files, and mails of 30 MB in base 64, each with what multipart puts around them.
_UPLOADS = {"/v1/imports": 65 * 2**20, "/webhooks/sendgrid/": 42 * 2**20}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_BURST_SECONDS = 2.0
_NOBODY = "This needs an API key ('Authorization: Bearer <key>') or a session."


class Door:
    """Lets a request through with its caller in its state, or answers 401, 403, 429 or 503. Health needs no caller."""

    def __init__(self, app: ASGIApp, site: Site, requests_per_second: float) -> None:
        self._app, self._site = app, site
        self._users = Throttle(requests_per_second, requests_per_second * _BURST_SECONDS)
        self._logins = Throttle(1 / 3, 20)  # by address; argon2 costs 25 ms
        self._strangers = Throttle(5, 300)  # by address: keys and sessions that are none

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it."""
        path = scope.get("path", "")
        most = next((size for start, size in _UPLOADS.items() if path.startswith(start)), _MOST_BYTES)
        if scope["type"] == "http" and path not in _OPEN and not path.startswith(_CHECKED):
            request = Request(scope)
            try:
                if (scope["method"], scope["path"]) == _LOGIN:
                    self._admit_login(request)
                    most = _LOGIN_BYTES
                else:
                    request.state.caller = await self._caller(request)
            except CollectionsError as problem:
                await problems.answer(problem)(scope, receive, send)
                return
        await self._app(scope, _counted(receive, most), send)

    def _admit_login(self, request: Request) -> None:
        self._count(self._logins, _address(request), "Too many logins from this address.")
        if request.headers.get("origin", self._site.origin(request)) != self._site.origin(request):
            raise Forbidden("Nobody logs in here from another site's page.")
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > _LOGIN_BYTES:
            raise Invalid(f"A login says how long it is, and is at most {_LOGIN_BYTES} bytes.")

    async def _caller(self, request: Request) -> Caller:
        try:
            caller = await self._known(request)
        except Unauthenticated:
            self._count(self._strangers, _address(request), "Too many requests without a valid key.")
            raise
        self._count(self._users, caller.user.name, "Too many requests.")
        return caller

    async def _known(self, request: Request) -> Caller:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        token = None if scheme else self._site.token(request)
        if token is None and (scheme.lower() != "bearer" or not key):
            raise Unauthenticated(_NOBODY)
        try:
            running = await services(request)
            now = running.engine.deps.clock.now()
            async with running.pool.connection() as conn:
                if token is None:
                    return await caller_of_key(conn, key.strip(), now=now)
                caller = (await session_of(conn, token, now=now)).caller
        except psycopg.OperationalError as failure:
            raise Unavailable("The database does not answer.") from failure
        if request.method not in _SAFE:
            self._assert_own_page(request, token)
        return caller

    def _assert_own_page(self, request: Request, token: str) -> None:
        """A browser sends the cookie along whoever's page asks; only a page of ours knows the token made of it."""
        if request.headers.get("origin") != self._site.origin(request):
            raise Forbidden("This changes something, and does not come from a page of ours.")
        given = request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode(), csrf_token(token).encode()):
            raise Forbidden(
                f"This changes something: the session's csrf_token goes along in the header {CSRF_HEADER}."
            )

    def _count(self, throttle: Throttle, who: str, what: str) -> None:
        wait = throttle.take(who, at=asyncio.get_running_loop().time())
        if wait is not None:
            raise TooManyRequests(what, wait)


def _counted(receive: Receive, most: int) -> Receive:
    """Whatever a request says of its length (chunks say nothing): it ends with a 413 where more than `most` bytes came."""
    came = 0

    async def counting() -> Message:
        nonlocal came
        message = await receive()
        came += len(message.get("body", b""))
        if came > most:
            raise HTTPException(413, f"A request to this address is at most {most} bytes.")
        return message

    return counting


def _address(request: Request) -> str:
    """Of the caller; of one with IPv6 their network, in which they have as many addresses as they like."""
    host = request.client.host if request.client else ""
    try:
        return str(ip_network(f"{host}/64", strict=False)) if ":" in host else host
    except ValueError:
        return host
