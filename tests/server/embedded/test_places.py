"""The embedded server works wherever the data folder is, and lets in whom it should."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from server.embedded import ensure_running, status, stop
from server.embedded.account import server_account
from server.embedded.layout import Layout, client_program
from tools.errors import Misconfigured, Unavailable

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

# The modules are imported before the user changes: the interpreter may live where the other cannot read.
_AS_NOBODY = """
import asyncio, os, pathlib, pwd, sys, shutil, encodings.idna
import psutil, psycopg, psycopg_binary, server.embedded
from server.embedded import ensure_running, status, stop
from server.embedded.layout import programs
nobody = pwd.getpwnam("nobody")
os.setgroups([]); os.setgid(nobody.pw_gid); os.setuid(nobody.pw_uid)
folder = pathlib.Path(sys.argv[1])
running = ensure_running(folder)
with psycopg.connect(running.app_conninfo()) as connection:
    print(connection.execute("SELECT current_user::text").fetchone()[0], os.stat(folder / "postgres").st_uid == os.getuid())
print(stop(folder))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder; whatever runs in a data folder in it is stopped afterwards."""
    yield tmp_path
    for cluster in tmp_path.rglob("postgres/PG_VERSION"):
        stop(cluster.parents[1])


@pytest.mark.parametrize(
    "name",
    ["with space", 'quote\'s "double" $HOME `id`', "comma,comma", "p" * 90, "Zoë Müller"],
    ids=["space", "shell", "comma", "long", "accents"],
)
def test_any_folder_name_will_do(folder: Path, name: str) -> None:
    data_dir = folder / name
    server = ensure_running(data_dir)
    with psycopg.connect(server.app_conninfo()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert len(os.fsencode(server.socket_dir)) <= 80
    assert ensure_running(data_dir) == server
    assert stop(data_dir)
    if not server.socket_dir.is_relative_to(folder):
        assert not server.socket_dir.exists()
    # Where it was before: who was connected finds it again.
    assert ensure_running(data_dir) == server


def test_a_socket_folder_that_a_reboot_removed_is_made_again(folder: Path) -> None:
    server = ensure_running(folder / ("p" * 90))
    psutil.Process(status(server.data_dir).pid).kill()
    shutil.rmtree(server.socket_dir)
    assert ensure_running(server.data_dir).socket_dir.is_dir()


def test_a_relative_folder_and_a_link_lead_to_the_same_server(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ensure_running(folder / "data")
    (folder / "link").symlink_to("data")
    monkeypatch.chdir(folder)
    assert ensure_running(Path("data")) == ensure_running(Path("link")) == server


def test_only_its_user_may_enter_the_cluster_and_the_socket(folder: Path) -> None:
    server = ensure_running(folder / "data")
    for place in (server.data_dir / "postgres", server.socket_dir):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert place.stat().st_uid != 0


def test_the_kernel_says_who_logs_in_not_the_client(
    folder: Path, make_data_dir: Callable[[Path], None]
) -> None:
    """Even somebody who got to the socket would have to be root or the server's own user."""
    make_data_dir(folder / "data")
    server = ensure_running(folder / "data")
    rules = (server.data_dir / "postgres" / "pg_hba.conf").read_text()
    assert rules == "local all postgres,dunwell peer map=dunwell\n"
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        psycopg.connect(server.admin_conninfo(), user="dunwell_agent")


def test_the_log_holds_no_statement_and_no_value(folder: Path) -> None:
    server = ensure_running(folder / "data")
    with psycopg.connect(server.app_conninfo(), autocommit=True) as connection:
        connection.execute("CREATE TABLE contact (address text UNIQUE)")
        for _ in range(2):
            try:
                connection.execute("INSERT INTO contact VALUES ('mia@example.com')")
            except psycopg.errors.UniqueViolation:
                break
    log = (server.data_dir / "postgres" / "server.log").read_text()
    assert "duplicate key" in log
    assert "mia@example.com" not in log


def test_a_cluster_of_another_postgres_is_refused_in_one_sentence(
    folder: Path, make_data_dir: Callable[[Path], None]
) -> None:
    make_data_dir(folder / "data")
    ensure_running(folder / "data")
    stop(folder / "data")
    (folder / "data" / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(
        Misconfigured, match=r"made by Postgres 16, and this is Postgres 18; set DUNWELL_DATA_DIR"
    ):
        ensure_running(folder / "data")


def test_a_folder_that_cannot_be_made_is_one_sentence(folder: Path) -> None:
    (folder / "file").write_text("in the way")
    with pytest.raises(Unavailable, match=r"The data folder .* cannot be used: Not a directory\."):
        ensure_running(folder / "file" / "data")


@as_root
def test_root_lets_the_server_through_its_closed_folders_and_nobody_else(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    server = ensure_running(closed / "data")
    account = server_account(Layout(server.data_dir).pgdata)
    assert account.name == "dunwell-postgres"
    assert account.reaches(closed)
    assert not _may_enter("nobody", closed)
    assert not closed.stat().st_mode & stat.S_IRWXO


@as_root
def test_root_follows_no_link_that_the_server_laid(
    folder: Path, make_data_dir: Callable[[Path], None]
) -> None:
    """The cluster belongs to the server's user; root writes into it and must not be led elsewhere."""
    victim = folder / "victim"
    victim.write_text("untouched")
    make_data_dir(folder / "data")
    ensure_running(folder / "data")
    stop(folder / "data")
    for name in ("dunwell.conf", "pg_hba.conf", "pg_ident.conf", "socket_dir", ".dunwell.conf.unfinished"):
        link = folder / "data" / "postgres" / name
        link.unlink(missing_ok=True)
        link.symlink_to(victim)
    ensure_running(folder / "data")
    assert victim.read_text() == "untouched"
    assert victim.owner() == "root"


@as_root
def test_programs_in_a_closed_place_are_copied_rather_than_opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout in root's home: the server's user cannot run the programs in its virtual environment."""
    closed = folder / "site-packages"
    closed.mkdir(mode=0o700)
    installed = client_program("psql").parents[2]
    for part in (installed, installed.with_name(installed.name + ".libs")):
        shutil.copytree(part, closed / part.name, ignore=shutil.ignore_patterns("include", "pginstall"))
    monkeypatch.syspath_prepend(closed)
    server = ensure_running(folder / "data")
    with psycopg.connect(server.app_conninfo()) as connection:
        assert connection.execute("SELECT '[1,2]'::vector::text").fetchone() == ("[1,2]",)
    assert not _may_enter("dunwell-postgres", closed)


@as_root
def test_two_users_of_one_machine_do_not_meet(folder: Path) -> None:
    """Nothing is shared between them: no lock file, no runtime folder."""
    if not _may_enter("nobody", client_program("psql").parent):
        pytest.skip("this installation is in a closed place, so nobody else can run it")
    mine = ensure_running(folder / "mine")
    folder.chmod(0o755)
    for parent in folder.parents:  # pytest's own; it closes them again at the next run
        if parent.stat().st_mode & 0o001 == 0:
            parent.chmod(parent.stat().st_mode | 0o001)
    theirs = folder / "theirs"
    theirs.mkdir()
    os.chown(theirs, pwd.getpwnam("nobody").pw_uid, -1)

    done = _as_nobody(theirs)

    assert done.stdout.split() == ["dunwell", "True", "True"], done.stderr
    refused = _as_nobody(mine.data_dir)
    assert "belongs to 'dunwell-postgres' and cannot be used by 'nobody'" in refused.stderr
    # Root may use another user's database; it is run as that user.
    assert not status(theirs).running
    server = ensure_running(theirs)
    with psycopg.connect(server.app_conninfo()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def _may_enter(user: str, folder: Path) -> bool:
    return (
        subprocess.run(["sh", "-c", 'cd "$1"', "sh", folder], user=user, check=False, cwd="/").returncode == 0
    )


def _as_nobody(data_dir: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _AS_NOBODY, str(data_dir)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
