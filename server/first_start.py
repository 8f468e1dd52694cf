"""The first start: there is nobody yet, so an admin is made, who gets in once with a password that only the terminal saw."""

import sys
from datetime import datetime
from typing import TextIO

from server.db import Pool
from server.users import FIRST_ADMIN, add_first_admin, give_one_time_password


async def welcome(pool: Pool, *, now: datetime, terminal: TextIO | None = None) -> None:
    """Where there never was an admin, make one; a one-time password is printed if somebody sits at the terminal.

    Where nobody does (a container, a service), what is printed is a log: then there is no password until somebody asks
    for one with `dunwell user password`.
    """
    terminal = terminal or sys.stderr
    async with pool.connection() as conn, conn.transaction():
        if not await add_first_admin(conn, now=now):
            return
        password = (
            await give_one_time_password(conn, name=FIRST_ADMIN, now=now) if terminal.isatty() else None
        )
    told = f"The first start: the user {FIRST_ADMIN!r} was made. "
    if password is None:
        told += f"`dunwell user password {FIRST_ADMIN}`, at a terminal, gives it a one-time password."
    else:
        told += f"Its password, shown once and to be changed at the first login: {password}"
    print(told, file=terminal, flush=True)
