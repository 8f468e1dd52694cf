"""Waiting: a database server of one's own that is away when a process starts. The process waits, and says for what."""

import asyncio
import sys
from typing import Any

import psycopg
import structlog

from server import db
from server.settings import Settings
from tools.errors import Unavailable

_PAUSE_SECONDS = (0.2, 5.0)  # between two tries: at first, and at most
_log = structlog.get_logger()


async def until_up(settings: Settings, told: "asyncio.Future[Any]") -> bool:
    """Wait until the database in the settings answers: True; False when `told` was done first.

    Says once on stderr what it waits for. Raises Misconfigured where waiting mends nothing: a wrong password, an unsafe
    login. The embedded database is not waited for: whoever opens it starts it.
    """
    if settings.database_url is None:
        return True
    conninfo = db.locate(settings)
    said, (pause, longest) = False, _PAUSE_SECONDS
    while not told.done():
        look = asyncio.create_task(absence(conninfo))
        await asyncio.wait((look, told), return_when=asyncio.FIRST_COMPLETED)
        if not look.done():
            look.cancel()
            await asyncio.wait((look,))
            break
        away = look.result()
        if away is None:
            return True
        if not said:
            print(f"{away} Waiting until it answers; Ctrl-C ends that.", file=sys.stderr, flush=True)  # noqa: T201 - for who started it
            said = True
        _log.warning("database_away", again_in_seconds=pause)
        await asyncio.wait((told,), timeout=pause)
        pause = min(longest, pause * 2)
    return False


async def absence(conninfo: str) -> str | None:
    """Why that database does not answer, in one sentence; None where it does. Raises Misconfigured."""
    try:
        async with db.connect(conninfo):
            return None
    except Unavailable as away:
        return str(away)
    except psycopg.OperationalError:
        return "The database went away again."
