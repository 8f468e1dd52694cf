"""Serving: uvicorn on the configured address."""

import uvicorn

from server.app import create_app
from server.runtime import open_engine
from server.settings import Settings


async def serve_forever(settings: Settings) -> None:
    """Serve until the process is told to stop. Raises Misconfigured or Unavailable before it listens."""
    async with open_engine(settings):
        pass  # inside uvicorn the same error would be a traceback in its log, and exit code 0
    config = uvicorn.Config(
        create_app(settings), host=settings.host, port=settings.port, log_level="warning", access_log=False
    )
    await uvicorn.Server(config).serve()
