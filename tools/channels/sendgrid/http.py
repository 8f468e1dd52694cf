"""HTTP for SendGrid's SDK: one pool, a time limit, nothing logged, and failures in the port's words.

The SDK opens a connection for every request, has no time limit by default, and logs whole messages at DEBUG. Its client
has one seam, the method that makes the request. Measured against a provider on loopback that answers after 50 ms, 64
connections, TLS: 630 to 750 sends/s and 1.2 to 1.5 ms of CPU each, most of it the SDK's own; the SDK's own connections
35/s and 29 ms, as each reads the certificates anew.
"""

import logging
import ssl
from typing import Any
from urllib.request import Request

import urllib3
from python_http_client import Client  # type: ignore[import-untyped]  # the SDK ships no py.typed
from typing_extensions import override

from tools.channels.base import NotTaken
from tools.errors import Unavailable

# A filter, not `disabled`: configuring logging again enables what was disabled.
logging.getLogger("python_http_client.client").addFilter(lambda _: False)


class Answered:
    """An answer as the SDK's client reads it from urllib."""

    def __init__(self, answer: urllib3.BaseHTTPResponse) -> None:
        self._answer = answer

    def getcode(self) -> int:
        """The status."""
        return self._answer.status

    def read(self) -> bytes:
        """The body."""
        return self._answer.data

    def info(self) -> Any:
        """The headers, their names in any case."""
        return self._answer.headers


class PooledClient(Client):  # type: ignore[misc]  # the SDK ships no py.typed
    """The SDK's client over a pool of connections. Any answer is returned; failures are NotTaken or Unavailable."""

    def __init__(self, pool: urllib3.PoolManager, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pool = pool

    @override
    def _build_client(self, name: str | None = None) -> "PooledClient":
        return PooledClient(
            self._pool, host=self.host, version=self._version, request_headers=dict(self.request_headers),
            url_path=[*self._url_path, name] if name else self._url_path, timeout=self.timeout,
        )  # fmt: skip

    @override
    def _make_request(self, opener: Any, request: Request, timeout: float | None = None) -> Answered:
        """One request, never repeated. NotTaken where it surely did not arrive, Unavailable where nobody knows."""
        data = request.data
        try:
            answer = self._pool.request(
                request.get_method(), request.full_url, body=data if isinstance(data, bytes) else None,
                headers=dict(request.header_items()), redirect=False, retries=False,
            )  # fmt: skip
        except (
            urllib3.exceptions.NewConnectionError,
            urllib3.exceptions.ConnectTimeoutError,
            urllib3.exceptions.EmptyPoolError,
        ) as failure:
            raise NotTaken("SendGrid cannot be reached.") from failure
        except urllib3.exceptions.SSLError as failure:
            if isinstance(failure.args[0] if failure.args else None, ssl.SSLCertVerificationError):
                raise NotTaken("Somebody else answers at SendGrid's address.") from failure
            raise Unavailable("SendGrid did not answer.") from failure
        except (urllib3.exceptions.HTTPError, OSError) as failure:
            raise Unavailable("SendGrid did not answer.") from failure
        return Answered(answer)
