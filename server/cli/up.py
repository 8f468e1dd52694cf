"""`dunwell up`: everything in one command."""

import asyncio
from typing import Annotated

import typer

from server import settings as configuration
from server.cli.output import run


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(up)


def up(
    workers: Annotated[int, typer.Option(min=1, max=64, help="So many workers beside the server.")] = 1,
) -> None:
    """Start the database, the server and a worker, keep them running, and stop them together (SIGTERM, Ctrl-C).

    The embedded database outlives this command: `dunwell database stop` stops it.
    """

    async def until_stopped() -> None:
        from server.db import keep_up  # noqa: PLC0415 - heavy: only when it runs
        from server.runtime import open_engine  # noqa: PLC0415 - as above
        from server.supervisor import supervise  # noqa: PLC0415 - as above
        from tools.errors import Unavailable  # noqa: PLC0415 - as above

        settings = configuration.load()
        try:
            async with open_engine(settings):
                pass  # what is set up wrongly is said once, here, and not by every child again and again
        except Unavailable:
            if settings.database_url is None:
                raise
            # Away for now: the children say so, and wait for it.
        named = {f"worker {n}": ["work"] for n in range(1, workers + 1)}
        database = asyncio.create_task(keep_up(settings))
        await supervise({"server": ["serve"], **named}, settings.worker_grace_seconds)
        database.cancel()

    run(until_stopped())
