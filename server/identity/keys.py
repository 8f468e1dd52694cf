"""API keys: several a user, each with scopes and an end. A key is shown once, when it is made; we keep its hash."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import structlog
from psycopg import AsyncConnection
from psycopg.errors import DiskFull
from psycopg.rows import class_row, dict_row

from agent.approvals.model import User
from agent.policy.verdict import Role, with_article
from server.identity.errors import Unauthenticated
from server.identity.log import OPERATOR, note
from tools import sql
from tools.errors import Invalid, NotFound

Scope = Literal["read", "decide", "ingest", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
LIFETIME = timedelta(days=365)
_SQL = sql.load("server.identity")
_PREFIX = "dw"
_USE_NOTED_EVERY = timedelta(minutes=1)
_NO_KEY = "This needs a valid API key: send it as 'Authorization: Bearer <key>'."
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, and what they may do with what they showed: the role says who, the scopes what with."""

    user: User
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True)
class _Stored:
    id: str
    hash: str
    scopes: list[Scope]
    last_used_at: datetime | None
    name: str
    role: Role
    limit_minor: int


def scopes_of(role: Role) -> tuple[Scope, ...]:
    """All that a user of that role can use."""
    if role == "viewer":
        return ("read",)
    return SCOPES if role == "admin" else ("read", "decide", "ingest")


def digest(secret: str) -> str:
    """What we keep of a secret of ours: 256 random bits cannot be guessed, so a fast hash is as good as a slow one."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def add_key(
    conn: AsyncConnection[Any], *, name: str, scopes: Sequence[Scope], now: datetime,
    lifetime: timedelta = LIFETIME, label: str = "", by: str = OPERATOR,
) -> str:  # fmt: skip
    """Give a user a key and return it; it is never shown again.

    Raises NotFound for nobody, Invalid for no scope and for one that the user's role has no use for.
    """
    if not scopes or not set(scopes) <= set(SCOPES):
        raise Invalid(f"A key has at least one scope, of {', '.join(SCOPES)}.")
    owner = await (await conn.execute(_SQL["role_of"], {"name": name})).fetchone()
    if owner is None:
        raise NotFound("user", name)
    if not set(scopes) <= set(scopes_of(owner[0])):
        raise Invalid(f"The key of {with_article(owner[0])} has scopes of {', '.join(scopes_of(owner[0]))}.")
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    given = {
        "key_id": key_id, "label": label, "hash": digest(secret), "scopes": sorted(set(scopes), key=SCOPES.index),
        "name": name, "now": now, "expires_at": now + lifetime,
    }  # fmt: skip
    if await (await conn.execute(_SQL["add_key"], given)).fetchone() is None:
        raise NotFound("user", name)
    await note(conn, "key.added", by=by, now=now, user=name, key=key_id, scopes=given["scopes"])
    return f"{_PREFIX}_{key_id}_{secret}"


async def caller_of_key(conn: AsyncConnection[Any], key: str, *, now: datetime) -> Caller:
    """Whose key this is.

    Raises Unauthenticated, the same way for a wrong key and for one that is unknown, expired, revoked or of a user who
    was disabled.
    """
    if not (key.isascii() and key.isprintable()):
        raise Unauthenticated(_NO_KEY)
    prefix, _, rest = key.partition("_")
    key_id, _, secret = rest.partition("_")
    async with conn.cursor(row_factory=class_row(_Stored)) as cursor:
        await cursor.execute(_SQL["key"], {"key_id": key_id, "now": now})
        found = await cursor.fetchone()
    known = found.hash if found else digest("")
    if not hmac.compare_digest(digest(secret), known) or found is None or prefix != _PREFIX:
        raise Unauthenticated(_NO_KEY)
    if found.last_used_at is None or now - found.last_used_at >= _USE_NOTED_EVERY:
        try:
            await conn.execute(_SQL["used_key"], {"key_id": key_id, "now": now})
        except DiskFull:  # reading goes on while nothing can be written
            _log.warning("key_use_not_noted", key=key_id)
    return Caller(User(found.name, found.role, found.limit_minor), frozenset(found.scopes))


async def list_keys(conn: AsyncConnection[Any], *, name: str | None) -> list[dict[str, Any]]:
    """The keys of a user, or of all, without anything secret."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["keys"], {"name": name})
        return await cursor.fetchall()


async def revoke_key(conn: AsyncConnection[Any], key_id: str, *, now: datetime, by: str = OPERATOR) -> None:
    """End a key: the next request with it gets a 401. Raises NotFound."""
    if await (await conn.execute(_SQL["revoke_key"], {"key_id": key_id, "now": now})).fetchone() is None:
        raise NotFound("key", key_id)
    await note(conn, "key.revoked", by=by, now=now, key=key_id)
