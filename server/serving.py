"""Serving: uvicorn on the configured address."""

import uvicorn

from server.app import create_app
from server.settings import Settings


async def serve_forever(settings: Settings) -> None:
    """Serve until the process is told to stop."""
    config = uvicorn.Config(
        create_app(settings), host=settings.host, port=settings.port, log_level="warning", access_log=False
    )
    await uvicorn.Server(config).serve()
