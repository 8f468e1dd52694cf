"""Which processes really are the server of a cluster: a pid file alone proves nothing."""

import signal
import time
from pathlib import Path

import psutil

from server.embedded.layout import Layout
from tools.errors import Unavailable

_PATIENCE_SECONDS = 60.0


def postmaster(layout: Layout) -> psutil.Process | None:
    """The live server that the pid file names; None for a stale, reused, zombie or unreadable entry."""
    pid = _noted_pid(layout.pid_file)
    return None if pid is None else _ours(pid, layout.pgdata)


def clear_leftovers(layout: Layout) -> None:
    """Remove the pid file of a dead server, once none of its processes is left.

    Two generations of processes on one cluster destroy it, so this waits for the orphans of a killed
    server (they notice within moments) and gives up rather than starting beside them.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while orphans := _all_of(layout.pgdata):
        if time.monotonic() > deadline:
            pids = ", ".join(str(process.pid) for process in orphans)
            raise Unavailable(
                f"The database in {layout.data_dir} died and left processes behind ({pids}); end them first."
            )
        time.sleep(0.05)
    layout.pid_file.unlink(missing_ok=True)


def shut_down(process: psutil.Process) -> None:
    """End the server properly: sessions are closed, everything is written, no recovery is needed."""
    try:
        process.send_signal(signal.SIGINT)  # Postgres' "fast" shutdown
    except psutil.NoSuchProcess:
        return
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while _is_alive(process):
        if time.monotonic() > deadline:
            raise Unavailable(
                f"The database (process {process.pid}) did not stop within {_PATIENCE_SECONDS:.0f} s."
            )
        time.sleep(0.02)


def _noted_pid(pid_file: Path) -> int | None:
    try:
        pid = int(pid_file.read_text("utf-8").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    return pid if pid > 0 else None


def _ours(pid: int, pgdata: Path) -> psutil.Process | None:
    # Every process of a server works in its cluster's folder, and no other program does.
    try:
        process = psutil.Process(pid)
        named = process.name().startswith("postgres")
        return process if named and _is_alive(process) and Path(process.cwd()) == pgdata else None
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def _all_of(pgdata: Path) -> list[psutil.Process]:
    candidates = (p.pid for p in psutil.process_iter(["name"]) if str(p.info["name"]).startswith("postgres"))
    return [process for pid in candidates if (process := _ours(pid, pgdata)) is not None]


def _is_alive(process: psutil.Process) -> bool:
    # A killed server stays a zombie for as long as nobody reaps it (a container's init may never).
    try:
        return process.is_running() and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False
