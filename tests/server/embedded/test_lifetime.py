"""The embedded server starts on demand, is shared, survives its opener, and recovers from every kind of death."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from server.embedded import Server, ensure_running, status, stop
from tools.errors import Unavailable

_OPEN = "import sys, pathlib; from server.embedded import ensure_running; ensure_running(pathlib.Path(sys.argv[1]))"
_PR_SET_CHILD_SUBREAPER = 36


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data folder whose server is stopped afterwards."""
    folder = tmp_path / "data"
    yield folder
    stop(folder)


@pytest.fixture
def old_dir(data_dir: Path, make_data_dir: Callable[[Path], None]) -> Path:
    """One in which there is a database already: what is tested comes after that was made."""
    make_data_dir(data_dir)
    return data_dir


def _pid(data_dir: Path) -> int:
    pid = status(data_dir).pid
    assert pid is not None
    return pid


def _pid_file(data_dir: Path) -> Path:
    return data_dir / "postgres" / "postmaster.pid"


def _remember(server: Server) -> None:
    with psycopg.connect(server.app_conninfo(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")


def _recall(server: Server) -> object:
    with psycopg.connect(server.app_conninfo(), autocommit=True) as connection:
        return connection.execute("SELECT answer FROM kept").fetchone()


def _kill(data_dir: Path) -> int:
    pid = _pid(data_dir)
    psutil.Process(pid).kill()
    for _ in range(500):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return pid
        time.sleep(0.01)
    pytest.fail("kill -9 did not kill")


def test_a_new_folder_gets_a_prepared_database_that_the_application_may_use(data_dir: Path) -> None:
    assert not status(data_dir).exists
    server = ensure_running(data_dir)
    with psycopg.connect(server.app_conninfo()) as connection:
        row = connection.execute(
            "SELECT current_user::text, rolsuper, rolbypassrls, (SELECT extname::text FROM pg_extension WHERE extname = 'vector'),"
            " current_setting('server_version_num')::int / 10000 FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == ("dunwell", False, False, "vector", 18)
    assert status(data_dir).running


def test_the_server_outlives_its_opener_and_other_processes_attach(data_dir: Path) -> None:
    subprocess.run([sys.executable, "-c", _OPEN, str(data_dir)], check=True)
    first = _pid(data_dir)
    subprocess.run([sys.executable, "-c", _OPEN, str(data_dir)], check=True)
    ensure_running(data_dir)
    assert _pid(data_dir) == first


def test_an_interrupt_at_the_terminal_of_the_opener_does_not_reach_the_server(old_dir: Path) -> None:
    opener = subprocess.Popen(
        [sys.executable, "-c", _OPEN + "; print(flush=True); input()", str(old_dir)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    with opener:
        assert opener.stdout
        opener.stdout.readline()
        os.killpg(opener.pid, signal.SIGINT)
    assert status(old_dir).running


def test_five_processes_may_open_a_new_folder_at_once(data_dir: Path) -> None:
    openers = [subprocess.Popen([sys.executable, "-c", _OPEN, str(data_dir)]) for _ in range(5)]
    assert [opener.wait() for opener in openers] == [0] * 5
    assert status(data_dir).running


def test_stop_stops_once_and_keeps_the_data(old_dir: Path) -> None:
    _remember(ensure_running(old_dir))
    assert stop(old_dir)
    assert not status(old_dir).running
    assert not stop(old_dir)
    assert _recall(ensure_running(old_dir)) == (42,)


def test_a_killed_server_is_recovered(old_dir: Path) -> None:
    _remember(ensure_running(old_dir))
    _kill(old_dir)
    assert _recall(ensure_running(old_dir)) == (42,)


def test_a_killed_server_that_nobody_reaped_is_recovered(old_dir: Path) -> None:
    """In a container whose init does not reap, the pid in postmaster.pid is a zombie's and "exists"."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    try:
        ensure_running(old_dir)  # orphans become children of this process, which reaps nobody
        pid = _kill(old_dir)
        assert psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    ensure_running(old_dir)
    assert _pid(old_dir) != pid
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


@pytest.mark.parametrize(
    "left",
    [
        "{pid}\n/somewhere\n1700000000\n5432\n/somewhere\n\n  5432001  32768\nready   \n",
        "{pid}\n",
        "",
        "garbage\x00\n",
    ],
    ids=["whole", "truncated", "empty", "garbage"],
)
def test_a_pid_file_left_over_from_before_a_reboot_is_not_believed(old_dir: Path, left: str) -> None:
    """The pid in it belongs to another program now; that program is left alone."""
    ensure_running(old_dir)
    stop(old_dir)
    with subprocess.Popen(["sleep", "60"]) as bystander:
        try:
            _pid_file(old_dir).write_text(left.format(pid=bystander.pid))
            assert not status(old_dir).running
            assert not stop(old_dir)
            _pid_file(old_dir).write_text(left.format(pid=bystander.pid))
            ensure_running(old_dir)
            assert status(old_dir).running
            assert bystander.poll() is None
        finally:
            bystander.kill()


def test_a_pid_file_whose_process_is_gone_is_not_believed(old_dir: Path) -> None:
    ensure_running(old_dir)
    stop(old_dir)
    with subprocess.Popen(["true"]) as gone:
        pass
    _pid_file(old_dir).write_text(f"{gone.pid}\n")
    ensure_running(old_dir)
    assert status(old_dir).running


def test_creating_the_cluster_is_all_or_nothing(data_dir: Path) -> None:
    """A first start that was killed half-way leaves a folder that the next one throws away."""
    unfinished = data_dir / "postgres.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18")
    ensure_running(data_dir)
    assert not unfinished.exists()


def test_a_database_that_cannot_start_says_so_in_one_sentence(old_dir: Path) -> None:
    ensure_running(old_dir)
    stop(old_dir)
    (old_dir / "postgres" / "postgresql.auto.conf").write_text("shared_buffers = 'plenty'\n")
    with pytest.raises(Unavailable, match=r"did not start: .* \(its log is .*server\.log\)\.$") as refused:
        ensure_running(old_dir)
    assert "\n" not in str(refused.value)
