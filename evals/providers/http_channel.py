"""A channel over HTTP to the stand-in provider: every way in which a real one fails, mapped to the port's words."""

from datetime import timedelta
from types import TracebackType
from typing import Self

import httpx
from typing_extensions import override

from tools.channels.base import Channel, NotTaken, Outbound, Pace, Receipt, Rejected
from tools.errors import Unavailable


class HttpChannel(Channel):
    """One connection pool to a provider at `url`; an async context manager."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 5.0,
        settling: timedelta = timedelta(minutes=2),
        pace: Pace | None = None,
        connections: int = 128,
    ) -> None:
        self.settling, self.pace = settling, pace
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._client = httpx.AsyncClient(base_url=url, timeout=timeout, limits=limits, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    @override
    async def send(self, message: Outbound) -> Receipt:
        """Hand it over. What was sent into a line that broke may have arrived: only a refused connection surely did not."""
        body = {"key": message.key, "channel": message.channel, "to": message.to, "body": message.body}
        try:
            answer = await self._client.post("/messages", json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as failure:
            raise NotTaken("the provider cannot be reached") from failure
        except httpx.HTTPError as failure:
            raise Unavailable("the provider did not answer") from failure
        return _receipt(answer)

    @override
    async def find(self, message: Outbound) -> Receipt | None:
        """What the provider holds under our key."""
        try:
            answer = await self._client.get(f"/messages/{message.key}")
        except httpx.HTTPError as failure:
            raise Unavailable("the provider did not answer") from failure
        return None if answer.status_code == 404 else _receipt(answer)


def _receipt(answer: httpx.Response) -> Receipt:
    if answer.status_code == 429:
        raise NotTaken("the provider is busy", timedelta(seconds=float(answer.headers.get("retry-after", 0))))
    if answer.status_code >= 500:
        raise Unavailable(f"the provider answered {answer.status_code}")
    said = answer.json()
    if answer.status_code >= 400:
        raise Rejected(said["code"], said["reason"])
    return Receipt(said["id"])
