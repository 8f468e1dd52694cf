"""Serving: uvicorn on the configured address."""

import asyncio
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from typing_extensions import override

from agent.warm import warm_up
from server import db
from server.app import create_app
from server.first_start import welcome
from server.local.page import local_address
from server.settings import Settings
from server.waiting import absence, until_up

# A proxy keeps its idle connections for a minute (uvicorn for 5 s), and whoever hangs up first must not be us: a message
# that meets the hang-up is an error at the other end.
_IDLE_SECONDS = 75


class _Server(uvicorn.Server):
    """Says where it listens once it does: uvicorn's own lines are for logs, and quiet."""

    def __init__(self, config: uvicorn.Config, local: str | None) -> None:
        super().__init__(config)
        self.local = local

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.to_thread(warm_up)
        await super().startup(sockets=sockets)
        if self.started:
            where = f"http://{self.config.host}:{self.config.port}"
            print(f"Serving on {where}; Ctrl-C stops it.", file=sys.stderr)  # noqa: T201 - for who started it
            if self.local is not None:
                print(f"Customers' phone and mailbox: {self.local}", file=sys.stderr)  # noqa: T201 - as above

    @contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but a signal that was obeyed is not raised again: what is open here is still to be closed."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


def configured(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """How uvicorn serves it."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        lifespan="off",  # inside uvicorn what goes wrong at the start would be a traceback in its log, and exit code 0
        log_config=None,  # its own would print tracebacks with what they quote
        log_level="warning",
        access_log=False,
        # Whoever is on this machine may write any address into the header: only an own proxy is believed.
        proxy_headers=settings.public_origin is not None,
        timeout_keep_alive=_IDLE_SECONDS,
    )


async def serve_forever(settings: Settings) -> None:
    """Serve until the process is told to stop. Raises Misconfigured, and Unavailable for the embedded database.

    Where a database of one's own is away it serves all the same: health says that it lives and is not ready, and
    everything else gets a 503, until the database answers.
    """
    app = create_app(settings)
    server = _Server(configured(app, settings), local_address(settings))
    if settings.database_url is None or await absence(db.locate(settings)) is None:
        async with app.router.lifespan_context(app):
            await _welcome(app)
            await server.serve()
        return
    serving = asyncio.create_task(server.serve())
    try:
        if await until_up(settings, serving):
            async with app.router.lifespan_context(app):
                await _welcome(app)
                await serving
    finally:
        server.should_exit = True
        await serving


async def _welcome(app: FastAPI) -> None:
    deps = app.state.services.engine.deps
    await welcome(deps.pool, now=deps.clock.now())
