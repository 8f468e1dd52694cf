"""Users and their API keys. A key is shown once, when it is made; the database keeps its hash."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row

from agent.approvals.model import User
from agent.policy.verdict import Role
from tools import sql
from tools.errors import CollectionsError, Conflict, Invalid, NotFound

_SQL = sql.load("server")
_PREFIX = "dw"
# Who else stands as an actor in the log: nobody may be called so, and pass for it.
_RESERVED = frozenset({"agent", "system", "customer", "policy", "ledger", "command line"})
_NAME = re.compile(r"\w[\w .@+-]{0,79}")
_NO_KEY = "This needs a valid API key: send it as 'Authorization: Bearer <key>'."


class Unauthenticated(CollectionsError):
    """No key, or none that we gave out."""

    status = 401


@dataclass(frozen=True, slots=True)
class _Stored:
    name: str
    role: Role
    limit_minor: int
    key_hash: str


def _hash(secret: str) -> str:
    # 256 random bits cannot be guessed, so a fast hash is as good as a slow one; passwords come later, with argon2.
    return hashlib.sha256(secret.encode()).hexdigest()


async def add_user(
    conn: AsyncConnection[Any], *, name: str, role: Role, limit_minor: int, now: datetime
) -> str:
    """Add a user and give their API key, which is never shown again. Raises Conflict for a name twice, Invalid for an odd one."""
    if not _NAME.fullmatch(name) or name.casefold() in _RESERVED:
        raise Invalid(
            f"{name!r} cannot be a user's name: letters, digits and .@+- only, and not the system's own."
        )
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    cursor = await conn.execute(
        _SQL["add_user"],
        {
            "name": name, "role": role, "limit_minor": limit_minor, "key_id": key_id, "key_hash": _hash(secret),
            "now": now,
        },
    )  # fmt: skip
    if await cursor.fetchone() is None:
        raise Conflict(f"There is a user {name!r} already.")
    return f"{_PREFIX}_{key_id}_{secret}"


async def user_of_key(conn: AsyncConnection[Any], key: str) -> User:
    """Whose key this is. Raises Unauthenticated, the same way for a wrong key and for an unknown one."""
    if not (key.isascii() and key.isprintable()):
        raise Unauthenticated(_NO_KEY)
    prefix, _, rest = key.partition("_")
    key_id, _, secret = rest.partition("_")
    async with conn.cursor(row_factory=class_row(_Stored)) as cursor:
        await cursor.execute(_SQL["user_by_key"], {"key_id": key_id})
        found = await cursor.fetchone()
    known = found.key_hash if found else _hash("")
    if not hmac.compare_digest(_hash(secret), known) or found is None or prefix != _PREFIX:
        raise Unauthenticated(_NO_KEY)
    return User(found.name, found.role, found.limit_minor)


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
