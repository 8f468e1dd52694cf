"""The product's own commands in processes of their own, on a benchmark's database."""

import asyncio
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psutil

from evals.bench.inbound.load import Lines
from evals.bench.people import NOW
from evals.bench.place import Place
from server import db
from server.settings import inherited
from server.users import add_user
from tools.errors import Unavailable

_PATIENCE = 60.0


@asynccontextmanager
async def served(place: Place) -> AsyncIterator[tuple[Lines, psutil.Process]]:
    """`dunwell serve`, and lines to it with a collector's key."""
    async with db.connect(place.conninfo) as conn:
        key = await add_user(conn, name="bench", role="collector", limit_minor=0, now=NOW)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    lines = Lines(port, key)
    with _command(place, "serve", DUNWELL_PORT=str(port)) as server:
        while not _listens(port):
            _assert_lives(server)
            await asyncio.sleep(0.1)
        try:
            yield lines, server
        finally:
            await lines.close()


@asynccontextmanager
async def working(place: Place) -> AsyncIterator[psutil.Process]:
    """`dunwell work` as it comes: sixteen turns at once, its chores, the sender, the offline model. The plan comes from us."""
    with (
        _command(place, "work", DUNWELL_WORKER_CONCURRENCY="16", DUNWELL_CYCLE_HOUR="24") as worker,
        place.admin() as conn,
    ):
        while conn.execute("SELECT FROM procrastinate_workers").fetchone() is None:
            _assert_lives(worker)
            await asyncio.sleep(0.1)
        yield worker


def cpu_seconds(process: psutil.Process) -> float:
    """What this process has computed so far."""
    return float(sum(process.cpu_times()[:2]))


def _assert_lives(process: psutil.Process) -> None:
    if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
        raise Unavailable("The process that is measured did not start; it says why above.")


def _listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _command(place: Place, word: str, **settings: str) -> Iterator[psutil.Process]:
    with tempfile.TemporaryDirectory(prefix="dunwell-bench-") as folder:
        policy = Path(folder) / "policy.toml"
        policy.write_text('extends = "default"\n[segments.default]\nmode = "automatic"\n', "utf-8")
        own = {
            "DUNWELL_DATABASE_URL": place.conninfo, "DUNWELL_POLICY": str(policy), "DUNWELL_CLOCK": NOW.isoformat(),
        }  # fmt: skip
        running = subprocess.Popen(
            [sys.executable, "-m", "server.cli", word], env={**inherited(), **own, **settings}
        )
        try:
            yield psutil.Process(running.pid)
        finally:
            running.terminate()
            running.wait(timeout=_PATIENCE)
