"""What every test may ask for: a real Postgres, a connection that is rolled back, a database of its own, a clock."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql

from server import db
from server.embedded import Server, ensure_running, stop
from tests.databases import Shelf, admin_of, clone
from tests.world import World, open_beside
from tools.clock import FrozenClock

pytest_plugins = ["tests.proofs"]

PROVE = os.environ.get("DUNWELL_PROVE") == "1"
_TEMPLATE = "dunwell_template"
_FOLDER_PREFIX = "dunwell-tests-"
_LONGEST = {"test_readme.py", "test_demo.py", "test_machine.py", "test_checker.py"}

settings.register_profile(
    "dunwell",
    max_examples=2000 if PROVE else 60,
    derandomize=True,  # a failure here is a failure everywhere
    deadline=None,  # the machine may be busy
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # likewise
)
settings.load_profile("dunwell")


@pytest.hookimpl(tryfirst=True)  # before pytest makes up its mind about where temporary folders are
def pytest_configure(config: pytest.Config) -> None:
    """The process that the others belong to owns the folder of the test server and of every temporary folder."""
    for name in [name for name in os.environ if name.startswith("DUNWELL_") and name != "DUNWELL_PROVE"]:
        del os.environ[name]  # somebody's own settings are no part of a test
    os.environ.update(LANGSMITH_TRACING="false", LANGSMITH_TEST_TRACKING="false")
    if not _is_worker(config):
        _stop_abandoned()
        config.stash[_FOLDER] = Path(tempfile.mkdtemp(prefix=f"{_FOLDER_PREFIX}{os.getpid()}-"))
        # Not in pytest's own place: every run of pytest closes it to others (chmod go-rwx) when it starts, and with it
        # the way of another run's embedded servers, which root runs as somebody else, to their folders.
        config.option.basetemp = config.option.basetemp or config.stash[_FOLDER] / "tests"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Who plays the scenarios of `pytest -m evals`, and which."""
    parser.addoption("--eval-model", default="oracle", help="A model of `dunwell eval`: oracle, offline, ...")
    parser.addoption(
        "--eval-dataset", type=Path, help="A folder or JSONL file of scenarios, instead of ours."
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest first: begun last, they would keep one core waiting for the other at the end of the run."""
    if "evals" not in config.option.markexpr:
        left_out = [item for item in items if item.get_closest_marker("evals")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: item.path.name not in _LONGEST)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker where the shared server lives."""
    node.workerinput["test_server"] = str(node.config.stash[_FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server when every worker is done with it."""
    if not _is_worker(config) and (folder := config.stash.get(_FOLDER, None)) is not None:
        _stop_and_remove(folder)


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Server:
    """The embedded server of this run, shared by all workers; started by whoever comes first."""
    config = request.config
    folder = Path(config.workerinput["test_server"]) if _is_worker(config) else config.stash[_FOLDER]  # type: ignore[attr-defined]  # xdist's
    running = ensure_running(folder)
    with admin_of(running) as connection:
        # Durability is not what these tests are about; the ones that kill a server start their own.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET synchronous_commit = off")
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        connection.execute("SELECT pg_reload_conf()")
    return running


@pytest.fixture(scope="session")
def template(server: Server) -> str:
    """The name of a migrated, empty database that is there to be cloned."""
    with admin_of(server) as connection:
        connection.execute("SELECT pg_advisory_lock(1)")
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_TEMPLATE]).fetchone() is None:
            unfinished = f"{_TEMPLATE}_unfinished"
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(unfinished)))
            server.create_database(unfinished)
            asyncio.run(db.migrate(server.app_conninfo(unfinished)))
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            connection.execute(rename.format(sql.Identifier(unfinished), sql.Identifier(_TEMPLATE)))
    return _TEMPLATE


@pytest.fixture(scope="session")
def shelf(server: Server, template: str) -> Iterator[Shelf]:
    """This worker's databases."""
    databases = Shelf(server, template)
    yield databases
    databases.close()


@pytest.fixture
def database(server: Server, shelf: Shelf) -> Iterator[str]:
    """The conninfo of an empty, migrated database of the test's own, logging in as `dunwell`: for commits."""
    with shelf.lend() as name:
        yield server.app_conninfo(name)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[db.Pool]:
    """A pool on a fresh database."""
    async with db.open_pool(database, min_size=1, max_size=4) as opened:
        yield opened


@pytest.fixture(scope="session")
def make_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """Makes a folder the data folder of a stopped server with a migrated, empty database: a copy, which takes no time.

    For tests that stop, kill or fill their own server; those of how one is made let it be made.
    """
    made = tmp_path_factory.mktemp("made") / "data"
    asyncio.run(db.migrate(ensure_running(made).app_conninfo()))
    stop(made)
    (made / "postgres" / "socket_dir").unlink()  # every copy has a socket of its own

    def copy(to: Path) -> None:
        subprocess.run(["cp", "-a", made, to], check=True)  # shutil would not keep the owner

    return copy


@pytest.fixture(scope="session")
def worker_database(server: Server, template: str) -> Iterator[str]:
    """The conninfo of this worker's database, in which every transaction is rolled back."""
    with clone(server, template) as name:
        yield server.app_conninfo(name)


@pytest.fixture
async def conn(worker_database: str) -> AsyncIterator[db.Connection]:
    """A connection as `dunwell` inside a transaction that is rolled back; transactions inside are savepoints."""
    async with (
        await psycopg.AsyncConnection.connect(worker_database, autocommit=True) as connection,
        connection.transaction(force_rollback=True),
    ):
        yield connection


@pytest.fixture
async def world(database: str, pool: db.Pool, clock: FrozenClock) -> AsyncIterator[World]:
    """A database of the test's own with an engine's surroundings in it, and nobody in it yet."""
    with open_beside(database) as beside:
        yield World(database, pool, clock, beside)


@pytest.fixture
def clock() -> FrozenClock:
    """A clock that stands at a Tuesday, 11 in the morning in Chicago, until it is advanced."""
    return FrozenClock(datetime(2026, 3, 10, 16, 0, tzinfo=UTC))


_FOLDER = pytest.StashKey[Path]()


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _stop_abandoned() -> None:
    # A run that was killed leaves its server behind; the next run of the same user ends it.
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER_PREFIX}*"):
        pid = folder.name.removeprefix(_FOLDER_PREFIX).split("-", 1)[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)) and folder.stat().st_uid == os.geteuid():
            _stop_and_remove(folder)


def _stop_and_remove(folder: Path) -> None:
    stop(folder)
    shutil.rmtree(folder, ignore_errors=True)
