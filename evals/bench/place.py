"""Where a benchmark runs: a database of its own on an embedded server, and what that server has spent."""

import asyncio
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import psycopg
from psycopg import sql

from server import db
from server import settings as configuration
from server.embedded import Server, ensure_running, status, stop


@dataclass(frozen=True, slots=True)
class Place:
    """One empty, migrated database, and the superuser's way to the server that it is on."""

    server: Server
    database: str

    @property
    def conninfo(self) -> str:
        """How the application logs in."""
        return self.server.app_conninfo(self.database)

    @property
    def log(self) -> Path:
        """What the server writes down; statements only while somebody asks for them."""
        return self.server.data_dir / "postgres" / "server.log"

    def admin(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A superuser's connection to this database."""
        return psycopg.connect(self.server.admin_conninfo(self.database), autocommit=True)

    def postgres_cpu(self) -> float:
        """CPU seconds that the server has used so far: its main process, what ended below it, and what lives."""
        pid = status(self.server.data_dir).pid
        if pid is None:
            return 0.0
        main = psutil.Process(pid)
        spent = sum(main.cpu_times()[:4])  # with those of children that have ended
        for child in main.children():
            try:
                spent += sum(child.cpu_times()[:2])
            except psutil.NoSuchProcess:
                continue  # ended meanwhile
        return float(spent)


@contextmanager
def own_place() -> Iterator[Place]:
    """A fresh database on a server in a temporary folder, both gone afterwards; in DUNWELL_DATA_DIR where it is given."""
    settings = configuration.load()
    given = "data_dir" in settings.model_fields_set
    folder = settings.data_dir if given else Path(tempfile.mkdtemp(prefix="dunwell-bench-"))
    was_running = status(folder).running
    try:
        place = Place(ensure_running(folder), f"bench_{uuid4().hex[:12]}")
        place.server.create_database(place.database)
        asyncio.run(db.migrate(place.conninfo))
        try:
            yield place
        finally:
            with psycopg.connect(place.server.admin_conninfo(), autocommit=True) as admin:
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(place.database)))
    finally:
        if not was_running:
            stop(folder)
        if not given:
            shutil.rmtree(folder, ignore_errors=True)


def circumstances(place: Place) -> dict[str, Any]:
    """What the figures depend on besides the code: the machine, its load, and the server's settings."""
    with place.admin() as conn:
        named = (
            "server_version",
            "shared_buffers",
            "synchronous_commit",
            "fsync",
            "full_page_writes",
            "work_mem",
            "jit",
        )
        shown = {
            name: (conn.execute("SELECT current_setting(%s)", [name]).fetchone() or [""])[0] for name in named
        }
    return {
        "cores": psutil.cpu_count(),
        "load_1m": round(psutil.getloadavg()[0], 2),
        "python": platform.python_version(),
        "postgres": shown,
    }
