"""Sessions: what a person gets for a name and a password. A random token in a cookie; its hash, and how long it is good, here."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row

from agent.approvals.model import User
from agent.deps import Pool
from agent.policy.verdict import Role
from server.identity.errors import PasswordMustChange, TooManyRequests, Unauthenticated
from server.identity.keys import Caller, digest, scopes_of
from server.identity.log import note
from server.identity.passwords import Checker, assert_strong, is_outdated
from tools import sql
from tools.errors import Conflict

IDLE = timedelta(minutes=60)
ABSOLUTE = timedelta(hours=12)
_SQL = sql.load("server.identity")
_SEEN_NOTED_EVERY = timedelta(minutes=1)
_FREE_FAILURES = (
    5  # typing errors; from the fifth failure on each costs a pause, twice as long as the one before
)
_PAUSE, _LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=15)
_FORGOTTEN = timedelta(days=1)
_NO = "That is not the name and password of anybody here."
_ENDED = "The session has ended: log in again."


@dataclass(frozen=True, slots=True)
class Login:
    """A session that has begun. `token` is for the cookie and for nothing else."""

    token: str
    caller: Caller
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is good now."""

    caller: Caller
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Password:
    id: int
    name: str
    role: Role
    limit_minor: int
    password_hash: str
    one_time_until: datetime | None


@dataclass(frozen=True, slots=True)
class _Stored:
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    name: str
    role: Role
    limit_minor: int


async def log_in(
    pool: Pool, checker: Checker, *, name: str, password: str, new_password: str | None, now: datetime,
    instead_of: str | None = None,
) -> Login:  # fmt: skip
    """Begin a session, and end the one whose token the caller came with (`instead_of`).

    With `new_password` the password changes and all other sessions of this user end. Raises Unauthenticated, the same
    way and after the same work whether the name is unknown, disabled or without a password, or the password wrong;
    TooManyRequests while the name is locked; PasswordMustChange for a one-time password without a new one; Invalid for
    a new one that is weak.
    """
    name_hash = digest(name)
    await _count(pool, name, name_hash, now)
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(_Password)) as cursor:
        await cursor.execute(_SQL["password_of"], {"name": name})
        found = await cursor.fetchone()
    matches = await checker.matches(password, found.password_hash if found else None)
    if found is None or not matches or (found.one_time_until is not None and found.one_time_until <= now):
        raise Unauthenticated(_NO)
    async with pool.connection() as conn:
        await conn.execute(_SQL["end_attempts"], {"name_hash": name_hash, "forgotten": now - _FORGOTTEN})
    if new_password is None and found.one_time_until is not None:
        raise PasswordMustChange("This password is good for one login: choose another one with it.")
    current = found.password_hash
    if new_password is not None:
        if new_password == password:
            raise Conflict("That is the password you have.")
        assert_strong(new_password, about=(name, *name.split()))
    wanted = new_password if new_password is not None else password if is_outdated(current) else None
    replaced = await checker.hash(wanted) if wanted is not None else None
    async with pool.connection() as conn, conn.transaction():
        if replaced is not None:
            given = {"user_id": found.id, "password_hash": replaced, "checked": current}
            if await (await conn.execute(_SQL["set_password"], given)).fetchone() is None:
                raise Unauthenticated(_NO)
            current = replaced
        if new_password is not None:
            await conn.execute(_SQL["end_sessions_of"], {"user_id": found.id})
        if instead_of is not None:
            await log_out(conn, instead_of)
        await conn.execute(_SQL["end_old_sessions"], {"now": now, "idle_since": now - IDLE})
        token = secrets.token_urlsafe(32)
        started = {
            "token_hash": digest(token), "user_id": found.id, "now": now, "expires_at": now + ABSOLUTE, "checked": current,
        }  # fmt: skip
        if await (await conn.execute(_SQL["start_session"], started)).fetchone() is None:
            raise Unauthenticated(_NO)
        changed = new_password is not None
        await note(conn, "session.begun", by=found.name, now=now, user=found.name, new_password=changed)
    return Login(token, _caller(found), now + ABSOLUTE)


async def _count(pool: Pool, name: str, name_hash: str, now: datetime) -> None:
    async with pool.connection() as conn, conn.transaction():
        given = {"name_hash": name_hash, "now": now, "forgotten": now - _FORGOTTEN}
        counted = await (await conn.execute(_SQL["begin_attempt"], given)).fetchone()
        if counted is None:
            locked = await (await conn.execute(_SQL["locked_until"], {"name_hash": name_hash})).fetchone()
            raise TooManyRequests(
                "Too many wrong passwords for this name.", locked[0] - now if locked else _PAUSE
            )
        if counted[0] >= _FREE_FAILURES:
            until = now + pause_after(counted[0])
            await conn.execute(_SQL["lock"], {"name_hash": name_hash, "until": until})
            # People type passwords where a name belongs: what is nobody's name is not kept.
            if await (await conn.execute(_SQL["role_of"], {"name": name})).fetchone() is not None:
                await note(conn, "login.locked", by="system", now=now, user=name, failures=counted[0])


def pause_after(failures: int) -> timedelta:
    """How long a name is locked after so many failures on end: none for the first four, then twice as long each time."""
    if failures < _FREE_FAILURES:
        return timedelta()
    return min(_LONGEST_PAUSE, _PAUSE * int(2 ** min(failures - _FREE_FAILURES, 16)))


async def session_of(conn: AsyncConnection[Any], token: str, *, now: datetime) -> Session:
    """The session of this token. Raises Unauthenticated where there is none, or it was idle or went on for too long."""
    key = {"token_hash": digest(token), "now": now}
    async with conn.cursor(row_factory=class_row(_Stored)) as cursor:
        await cursor.execute(_SQL["session"], {**key, "idle_since": now - IDLE})
        found = await cursor.fetchone()
    if found is None:
        raise Unauthenticated(_ENDED)
    if now - found.last_seen_at >= _SEEN_NOTED_EVERY:
        await conn.execute(_SQL["seen_session"], key)
    return Session(_caller(found), found.expires_at)


def csrf_token(token: str) -> str:
    """What a page sends along with whatever changes something: made of the session's token, which no other site knows."""
    return hmac.digest(token.encode(), b"csrf", "sha256").hex()


async def log_out(conn: AsyncConnection[Any], token: str) -> None:
    """End the session of this token, if there is one."""
    await conn.execute(_SQL["end_session"], {"token_hash": digest(token)})


def _caller(found: _Password | _Stored) -> Caller:
    user = User(found.name, found.role, found.limit_minor)
    return Caller(user, frozenset(scopes_of(found.role)))
