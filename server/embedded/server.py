"""Start, find and stop the embedded server. Whoever comes first starts it; it runs until `stop`."""

import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import conninfo

from server.embedded import cluster, process
from server.embedded.account import Account, server_account
from server.embedded.admission import admit
from server.embedded.layout import Layout
from tools.errors import Unavailable

_PATIENCE_SECONDS = 60.0
# setup.sql comments on the database when everything else is done.
_WHO_ANSWERS = """
SELECT current_setting('data_directory'),
       EXISTS (SELECT FROM pg_database d WHERE datname = %(database)s AND shobj_description(d.oid, 'pg_database') <> '')
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answered a moment ago."""

    data_dir: Path
    socket_dir: Path

    def app_conninfo(self, dbname: str = cluster.APP) -> str:
        """How the application logs in: as `dunwell`, which is no superuser."""
        return conninfo.make_conninfo(host=str(self.socket_dir), user=cluster.APP, dbname=dbname)

    def admin_conninfo(self, dbname: str = "postgres") -> str:
        """How the superuser logs in: to make databases and roles, never to run the application."""
        return conninfo.make_conninfo(host=str(self.socket_dir), user=cluster.ADMIN, dbname=dbname)

    def create_database(self, dbname: str) -> None:
        """An empty database with roles, rights and pgvector, as `server/migrations/setup.sql` makes it."""
        cluster.run_setup(self.admin_conninfo(), dbname)


@dataclass(frozen=True, slots=True)
class Status:
    """What can be said about a data folder without starting anything."""

    data_dir: Path
    exists: bool
    running: bool
    pid: int | None
    socket_dir: Path | None


def ensure_running(data_dir: Path) -> Server:
    """The server of `data_dir`, prepared and answering; created and started when it is not.

    Any number of processes may call this at once. The server outlives them all; only `stop` ends it.
    """
    layout = Layout(data_dir.expanduser().resolve())
    if (server := _answering(layout)) is not None:
        return server
    account = _account(layout, make=True)
    with layout.locked():
        return _answering(layout) or _started(layout, account)


def stop(data_dir: Path) -> bool:
    """End the server of `data_dir` and clear what a killed one left; False when none was running."""
    layout = Layout(data_dir.expanduser().resolve())
    _account(layout)
    if not layout.pgdata.exists():
        return False
    with layout.locked():
        running = process.postmaster(layout)
        if running is not None:
            process.shut_down(running)
        process.clear_leftovers(layout)
        layout.remove_socket_dir()
        return running is not None


def status(data_dir: Path) -> Status:
    """What there is and whether it answers; starts and changes nothing."""
    layout = Layout(data_dir.expanduser().resolve())
    _account(layout)
    exists = layout.pgdata.exists()
    found = process.postmaster(layout) if exists else None
    return Status(
        data_dir=layout.data_dir,
        exists=exists,
        running=found is not None and _answering(layout) is not None,
        pid=found.pid if found else None,
        socket_dir=layout.socket_dir(),
    )


def _account(layout: Layout, *, make: bool = False) -> Account:
    """Who runs the server here; with `make`, the folder is there and that account may enter it."""
    try:
        if make:
            layout.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        account = server_account(layout.pgdata)
        if make and account.is_other:
            layout.data_dir.chmod(
                layout.data_dir.stat().st_mode | 0o011
            )  # to pass through, not to look around
            admit(account, layout.data_dir)
    except OSError as refused:
        raise Unavailable(
            f"The data folder {layout.data_dir} cannot be used: {refused.strerror}."
        ) from refused
    return account


def _started(layout: Layout, account: Account) -> Server:
    cluster.require_cluster(layout, account)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (server := _answering(layout, prepared=False)) is None:
        # Alive without an answer means starting up, recovering or shutting down: worth waiting for.
        if process.postmaster(layout) is None:
            process.clear_leftovers(layout)
            cluster.launch(layout, account, layout.make_socket_dir(account))
        elif time.monotonic() > deadline:
            raise Unavailable(
                f"The database in {layout.data_dir} runs but does not answer; see {layout.log}."
            )
        else:
            time.sleep(0.1)
    if _answering(layout) is None:
        server.create_database(cluster.APP)
    return server


def _answering(layout: Layout, *, prepared: bool = True) -> Server | None:
    """The server if it answers and (unless told otherwise) is prepared: the only liveness that counts."""
    if (socket_dir := layout.socket_dir()) is None:
        return None
    server = Server(layout.data_dir, socket_dir)
    try:
        with psycopg.connect(server.admin_conninfo(), autocommit=True, connect_timeout=5) as connection:
            found = connection.execute(_WHO_ANSWERS, {"database": cluster.APP}).fetchone()
    except psycopg.OperationalError:
        return None
    # Without its pid file it is the ghost of a deleted folder, and about to go.
    if found is None or found[0] != str(layout.pgdata) or not layout.pid_file.exists():
        return None
    return server if found[1] or not prepared else None
