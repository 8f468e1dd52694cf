"""The database: where it is, who we are there, its pool and its schema."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, LiteralString

import structlog
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg import AsyncConnection, OperationalError, ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from server import migrations
from server.embedded import ensure_running
from server.settings import Settings
from tools.errors import CollectionsError, Misconfigured, Unavailable

_log = structlog.get_logger()
Connection = AsyncConnection[tuple[Any, ...]]
Pool = AsyncConnectionPool[Connection]

_CONNECT_TIMEOUT_SECONDS = 10
_POOL_TIMEOUT_SECONDS = 10.0  # so soon a caller hears that the database is away
_LOOK_SECONDS = 2.0  # an answer costs milliseconds
# A server that says no says so for good (a password, a database that is not there), unless it is one of these.
_PASSES = (
    "starting up", "shutting down", "not yet accepting", "recovery mode", "too many clients", "connection slots",
    "administrator command",
)  # fmt: skip
_POOL = 8  # no transaction is open across a model call, so few connections serve many episodes
_LOCK_KEY = 5183002  # any number, as long as nothing else locks it
_LOCK_PATIENCE_SECONDS = 300.0

# A superuser is a member of every role, so this also finds one that may merely become one.
_UNSAFE_ROLES: LiteralString = """
SELECT rolname FROM pg_roles
 WHERE (rolsuper OR rolbypassrls) AND pg_has_role(session_user, oid, 'MEMBER') ORDER BY rolname <> session_user
"""
_MAY_BE_NARROWED: LiteralString = """
SELECT coalesce((SELECT pg_has_role(session_user, oid, 'SET') FROM pg_roles WHERE rolname = 'dunwell_agent'), false)
"""


def locate(settings: Settings) -> str:
    """Where to log in: the server named in the settings, or the embedded one, started if need be (blocking)."""
    if settings.database_url is None:
        return ensure_running(settings.data_dir).app_conninfo()
    try:
        return make_conninfo(settings.database_url.get_secret_value(), application_name="dunwell")
    except ProgrammingError:
        raise Misconfigured(
            "DUNWELL_DATABASE_URL cannot be read; it looks like postgresql://dunwell:password@host:5432/dunwell."
        ) from None


async def keep_up(settings: Settings) -> None:
    """Start the embedded server again whenever it is gone, until cancelled; a server of your own has its own keeper."""
    while settings.database_url is None:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            await asyncio.to_thread(locate, settings)
        except CollectionsError as failure:
            _log.error("database_does_not_start", why=str(failure))


@asynccontextmanager
async def connect(conninfo: str) -> AsyncIterator[Connection]:
    """One connection in autocommit, its login found safe.

    Raises Unavailable, which says why there is none, and Misconfigured where trying again would not help.
    """
    async with await _connection(conninfo) as connection:
        await assert_safe_login(connection)
        yield connection


@asynccontextmanager
async def open_pool(conninfo: str, *, min_size: int, max_size: int) -> AsyncIterator[Pool]:
    """A pool of connections in autocommit (transactions are explicit), its login found safe first."""
    async with connect(conninfo):
        pass  # a pool only says that it waited in vain; this says why
    pool = AsyncConnectionPool(
        conninfo,
        min_size=min_size,
        max_size=max_size,
        timeout=_POOL_TIMEOUT_SECONDS,
        # Every statement is prepared when it first runs: the application has few, and planning one costs more than running it.
        kwargs={"autocommit": True, "prepare_threshold": 0},
        connection_class=AsyncConnection[tuple[Any, ...]],
        open=False,
        name="dunwell",
    )
    async with pool:
        yield pool


@asynccontextmanager
async def open_ready(settings: Settings) -> AsyncIterator[Pool]:
    """The settings' database, started and migrated if need be, behind a pool whose login is no superuser."""
    conninfo = await asyncio.to_thread(locate, settings)
    async with connect(conninfo) as conn:
        current = await is_current(conn)
    if not current:
        await migrate(conninfo)
    async with open_pool(conninfo, min_size=1, max_size=_POOL) as pool:
        yield pool


async def assert_safe_login(connection: Connection) -> None:
    """Raises Misconfigured when row-level security would not hold, or could not be used, with this login."""
    unsafe = await (await connection.execute(_UNSAFE_ROLES)).fetchone()
    if unsafe is not None:
        raise Misconfigured(
            f"The database login {connection.info.user!r} is a superuser or bypasses row-level security "
            f"(role {unsafe[0]!r}), so customers would not be kept apart; "
            "log in as the role that server/migrations/setup.sql creates."
        )
    narrowed = await (await connection.execute(_MAY_BE_NARROWED)).fetchone()
    if narrowed != (True,):
        raise Misconfigured(
            f"The database login {connection.info.user!r} may not take the role 'dunwell_agent'; "
            "a database administrator prepares the server with server/migrations/setup.sql."
        )


async def migrate(conninfo: str) -> None:
    """Bring the schema and the checkpoint tables up to date; a second caller at once waits and succeeds.

    Raises Misconfigured for a schema that only a newer version of this code knows.
    """
    async with connect(conninfo) as connection, _locked(connection):
        await _assert_not_newer(connection)
        await asyncio.to_thread(migrations.upgrade, conninfo)
        checkpoints = await _connection(conninfo)
        checkpoints.row_factory = dict_row  # type: ignore[assignment]  # what the saver expects
        async with checkpoints:
            await AsyncPostgresSaver(checkpoints).setup()  # type: ignore[arg-type]  # rows are dicts: line above


async def is_current(connection: Connection) -> bool:
    """Whether this database has the schema that this version of the code was written for."""
    cursor = await connection.execute(
        "SELECT to_regclass('alembic_version') IS NOT NULL AND to_regclass('checkpoint_migrations') IS NOT NULL"
    )
    if await cursor.fetchone() != (True,):
        return False
    cursor = await connection.execute(
        "SELECT (SELECT max(version_num) FROM alembic_version), (SELECT max(v) FROM checkpoint_migrations)"
    )
    return await cursor.fetchone() == (migrations.head(), len(AsyncPostgresSaver.MIGRATIONS) - 1)


async def _assert_not_newer(connection: Connection) -> None:
    cursor = await connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL")
    if await cursor.fetchone() != (True,):
        return
    found = await (await connection.execute("SELECT max(version_num) FROM alembic_version")).fetchone()
    known = migrations.head()
    if found and found[0] and known and found[0] > known:
        raise Misconfigured(
            f"The database has schema {found[0]}, and this version knows {known}; upgrade Dunwell first."
        )


@asynccontextmanager
async def _locked(connection: Connection) -> AsyncIterator[None]:
    # Asked again and again instead of waited for: a waiting statement holds a snapshot, and the holder's
    # CREATE INDEX CONCURRENTLY waits for every snapshot: a deadlock.
    for _ in range(int(_LOCK_PATIENCE_SECONDS / 0.1)):
        cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK_KEY])
        if await cursor.fetchone() == (True,):
            break
        await asyncio.sleep(0.1)
    else:
        raise Unavailable(f"Another migration has been running for {_LOCK_PATIENCE_SECONDS:.0f} seconds.")
    yield  # the lock ends with the session, also when the process is killed


async def _connection(conninfo: str) -> Connection:
    try:
        return await AsyncConnection.connect(
            conninfo, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_SECONDS
        )
    except OperationalError as refused:
        for_good = "FATAL:" in str(refused) and not any(passing in str(refused) for passing in _PASSES)
        kind = Misconfigured if for_good else Unavailable
        raise kind(_why_not(conninfo, str(refused))) from refused


def _why_not(conninfo: str, message: str) -> str:
    """One sentence, without the password: what was tried, what was answered, what to do."""
    asked = conninfo_to_dict(conninfo)
    where = f"database {asked.get('dbname', '')!r} at {asked.get('host', 'the default host')} as {asked.get('user', '')!r}"
    reason = re.split(r"FATAL: +|failed: ", message.splitlines()[0])[-1].rstrip(".")
    advice = (
        "; a database administrator creates it with server/migrations/setup.sql"
        if "does not exist" in reason
        else ""
    )
    return f"Cannot use the {where}: {reason}{advice}."
