"""Under which address people's browsers reach us, and what follows from it: the session's cookie, whose pages may act, headers."""

import re
from dataclasses import dataclass
from ipaddress import ip_address

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.identity.sessions import ABSOLUTE

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
# What a browser may do with an answer that says nothing else: nothing. A page of ours sets a policy of its own.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_HSTS = "max-age=31536000"


@dataclass(frozen=True, slots=True)
class Site:
    """`public_origin`: what browsers call us behind a proxy, as `https://desk.example.com`; None: as the request says."""

    public_origin: str | None

    def origin(self, request: Request) -> str:
        """The origin of our own pages."""
        # Put together and not parsed: a caller may write anything into Host.
        return self.public_origin or f"{request.scope['scheme']}://{request.headers.get('host', '')}"

    def is_https(self, scheme: str) -> bool:
        """Whether browsers reach us by https, where a request came by `scheme`."""
        return (self.public_origin or f"{scheme}:").startswith("https:")

    def token(self, request: Request) -> str | None:
        """The session's token that came with the request."""
        return request.cookies.get(self._cookie(request)[0])

    def set_token(self, request: Request, response: Response, token: str) -> None:
        """Give the browser a session: for us alone, out of reach of scripts and of other sites' pages."""
        name, secure = self._cookie(request)
        response.set_cookie(
            name, token, max_age=int(ABSOLUTE.total_seconds()), path="/", secure=secure, httponly=True, samesite="strict",
        )  # fmt: skip

    def drop_token(self, request: Request, response: Response) -> None:
        """Take it back."""
        name, secure = self._cookie(request)
        response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="strict")

    def _cookie(self, request: Request) -> tuple[str, bool]:
        # Only this machine itself may do without https. `__Host-`: no neighbour under our domain can plant one.
        plain = not self.is_https(request.scope["scheme"]) and _is_asked_as_loopback(request)
        return ("dunwell", False) if plain else ("__Host-dunwell", True)


def is_this_machine(request: Request) -> bool:
    """Whether somebody on this machine asks, and calls it so: a name of another site's that leads here is refused."""
    return request.client is not None and is_loopback(request.client.host) and _is_asked_as_loopback(request)


def is_loopback(host: str) -> bool:
    """Whether this is an address of the machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_asked_as_loopback(request: Request) -> bool:
    return re.sub(r":\d*$", "", request.headers.get("host", "")) in _LOOPBACK


class SecurityHeaders:
    """Outermost, so that every answer has them, those of defects included."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app, self._site = app, site
        self._plain = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
        self._https = [*self._plain, (b"strict-transport-security", _HSTS.encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the headers that the route did not set itself."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        ours = self._https if self._site.is_https(scope["scheme"]) else self._plain

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(h for h in ours if h[0] not in own)]
            await send(message)

        await self._app(scope, receive, with_headers)
