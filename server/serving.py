"""Serving: uvicorn on the configured address."""

import socket
import sys

import uvicorn
from typing_extensions import override

from server.app import create_app
from server.runtime import open_engine
from server.settings import Settings


class _Server(uvicorn.Server):
    """Says where it listens once it does: uvicorn's own lines are for logs, and quiet."""

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            where = f"http://{self.config.host}:{self.config.port}"
            print(f"Serving on {where}; Ctrl-C stops it.", file=sys.stderr)  # noqa: T201 - for who started it


async def serve_forever(settings: Settings) -> None:
    """Serve until the process is told to stop. Raises Misconfigured or Unavailable before it listens."""
    async with open_engine(settings):
        pass  # inside uvicorn the same error would be a traceback in its log, and exit code 0
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,  # its own would print tracebacks with what they quote
        log_level="warning",
        access_log=False,
    )
    await _Server(config).serve()
