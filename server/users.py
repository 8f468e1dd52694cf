"""Users: who may decide, up to what, and the password they begin with. Their keys and sessions: server.identity."""

import re
from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row

from agent.approvals.model import User
from agent.policy.verdict import Role
from server.identity.keys import add_key, digest, scopes_of
from server.identity.log import OPERATOR, note
from tools import sql
from tools.errors import Conflict, Invalid, NotFound

_SQL = sql.load("server")
_LOGINS = sql.load("server.identity")
FIRST_ADMIN = "admin"
ONE_TIME = timedelta(days=7)  # how long a one-time password is good
# Who else stands as an actor in the log: nobody may be called so, and pass for it.
_RESERVED = frozenset({"agent", "system", "customer", "policy", "ledger", "command line"})
_NAME = re.compile(r"\w[\w .@+-]{0,79}")


async def add_user(
    conn: AsyncConnection[Any], *, name: str, role: Role, limit_minor: int, now: datetime, by: str = OPERATOR
) -> str:
    """Add a user and give their first API key, for all that their role may do; it is never shown again.

    Raises Conflict for a name twice, Invalid for an odd one.
    """
    if not _NAME.fullmatch(name) or name.casefold() in _RESERVED:
        raise Invalid(
            f"{name!r} cannot be a user's name: letters, digits and .@+- only, and not the system's own."
        )
    given = {"name": name, "role": role, "limit_minor": limit_minor, "now": now}
    if await (await conn.execute(_SQL["add_user"], given)).fetchone() is None:
        raise Conflict(f"There is a user {name!r} already.")
    await note(conn, "user.added", by=by, now=now, user=name, role=role, limit_minor=limit_minor)
    return await add_key(conn, name=name, scopes=scopes_of(role), now=now, label="first")


async def add_first_admin(conn: AsyncConnection[Any], *, now: datetime) -> bool:
    """Make the user `admin` where there never was anybody of that role: whether it was made. It has no key and no password."""
    given = {"name": FIRST_ADMIN, "now": now}
    made = await (await conn.execute(_SQL["add_first_admin"], given)).fetchone() is not None
    if made:
        await note(conn, "user.added", by="system", now=now, user=FIRST_ADMIN, role="admin", limit_minor=0)
    return made


async def give_one_time_password(
    conn: AsyncConnection[Any], *, name: str, now: datetime, by: str = OPERATOR
) -> str:
    """Replace a user's password by one that has to be changed at the next login, end their sessions, unlock their name.

    Raises NotFound for nobody, or somebody who is disabled.
    """
    # argon2 is for whoever logs in; the other commands and a worker do without.
    from server.identity.passwords import Checker, one_time_password  # noqa: PLC0415

    password = one_time_password()
    given = {"name": name, "password_hash": await Checker().hash(password), "until": now + ONE_TIME}
    found = await (await conn.execute(_LOGINS["set_one_time_password"], given)).fetchone()
    if found is None:
        raise NotFound("user", name)
    await conn.execute(_LOGINS["end_sessions_of"], {"user_id": found[0]})
    await conn.execute(_LOGINS["end_attempts"], {"name_hash": digest(name), "forgotten": now - ONE_TIME})
    await note(conn, "password.given", by=by, now=now, user=name)
    return password


async def disable_user(
    conn: AsyncConnection[Any], *, name: str, now: datetime, by: str = OPERATOR, last: bool = False
) -> None:
    """From now on this user decides nothing, and every key and session of theirs is refused.

    Raises NotFound, and Conflict for the last admin unless that is wanted (`last`).
    """
    if not last:
        await _assert_another_admin(conn, name)
    found = await (await conn.execute(_SQL["disable_user"], {"name": name, "now": now})).fetchone()
    if found is None:
        raise NotFound("user", name)
    await conn.execute(_LOGINS["end_sessions_of"], {"user_id": found[0]})
    await note(conn, "user.disabled", by=by, now=now, user=name)


async def enable_user(conn: AsyncConnection[Any], *, name: str, now: datetime, by: str = OPERATOR) -> None:
    """Let a disabled user in again, with the keys that were not revoked and not expired. Raises NotFound, Conflict for one who is not disabled."""
    found = await (await conn.execute(_SQL["user_state"], {"name": name})).fetchone()
    if found is None:
        raise NotFound("user", name)
    if not found[2]:
        raise Conflict(f"{name} is not disabled.")
    await conn.execute(_SQL["enable_user"], {"name": name})
    await note(conn, "user.enabled", by=by, now=now, user=name)


async def change_user(
    conn: AsyncConnection[Any],
    *,
    name: str,
    role: Role | None,
    limit_minor: int | None,
    now: datetime,
    by: str = OPERATOR,
) -> User:
    """Give a user another role, another limit, or both. What their keys may do never exceeds their role.

    Raises NotFound, Invalid where there is nothing to change, and Conflict where the last admin would be none any more.
    """
    if role is None and limit_minor is None:
        raise Invalid("Say what changes: the role, the limit, or both.")
    if role not in (None, "admin"):
        await _assert_another_admin(conn, name)
    async with conn.cursor(row_factory=class_row(User)) as cursor:
        await cursor.execute(_SQL["change_user"], {"name": name, "role": role, "limit_minor": limit_minor})
        changed = await cursor.fetchone()
    if changed is None:
        raise NotFound("user", name)
    await note(
        conn, "user.changed", by=by, now=now, user=name, role=changed.role, limit_minor=changed.limit_minor
    )
    return changed


async def _assert_another_admin(conn: AsyncConnection[Any], name: str) -> None:
    """Raises Conflict where this user is the only admin who can still get in."""
    await conn.execute(_SQL["lock_users"])
    admins = [row[0] for row in await (await conn.execute(_SQL["admins"])).fetchall()]
    if admins == [name]:
        raise Conflict(f"{name} is the last admin: make another one first.")


async def user_named(conn: AsyncConnection[Any], name: str) -> User:
    """The user of that name, for the command line, whose caller holds the database anyway. Raises NotFound."""
    async with conn.cursor(row_factory=class_row(User)) as cursor:
        await cursor.execute(_SQL["user_by_name"], {"name": name})
        found = await cursor.fetchone()
    if found is None:
        raise NotFound("user", name)
    return found


async def list_users(conn: AsyncConnection[Any]) -> list[dict[str, Any]]:
    """All users, without anything secret."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["users"])
        return await cursor.fetchall()
