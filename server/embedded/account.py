"""As whom the server runs: Postgres refuses to run as root, so root hands it to an unprivileged user."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from tools.errors import Misconfigured, Unavailable

_SYSTEM_USER = "dunwell-postgres"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system."""

    name: str
    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        """Whether this is somebody else than the present process."""
        return self.uid != os.geteuid()

    def take(self, folder: Path, mode: int) -> None:
        """Create `folder` if need be and make it this account's own, with exactly `mode`."""
        folder.mkdir(exist_ok=True)
        if self.is_other:
            os.chown(folder, self.uid, self.gid)
        folder.chmod(mode)

    def write(self, file: Path, text: str) -> None:
        """Put `text` into `file`, for this account alone; a link that somebody laid there is replaced, not followed."""
        unfinished = file.with_name(f".{file.name}.unfinished")
        unfinished.unlink(missing_ok=True)
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as writer:
            if self.is_other:
                os.fchown(handle, self.uid, self.gid)
            writer.write(text)
        unfinished.replace(file)

    def run(self, command: Sequence[str], *, folder: Path) -> CompletedProcess[str]:
        """Run `command` as this account in `folder`; its `stdout` is all that it said.

        The program gets nothing of our environment: no key, no locale.
        """
        # A file, not a pipe: a server left running keeps the handle, and a pipe's reader would wait for it.
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
            done = subprocess.run(
                command,
                cwd=folder,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                user=self.uid if self.is_other else None,
                group=self.gid if self.is_other else None,
                extra_groups=[] if self.is_other else None,
                check=False,
            )
            said.seek(0)
            return CompletedProcess(command, done.returncode, said.read())

    def reaches(self, folder: Path) -> bool:
        """Whether this account may enter `folder`; tried, not computed, so every kind of right counts."""
        if not self.is_other:
            return os.access(folder, os.X_OK)
        return self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)], folder=Path("/")).returncode == 0


def server_account(pgdata: Path) -> Account:
    """Who runs the server on `pgdata`: its owner if it exists, else we ourselves, or root's stand-in."""
    uid = os.geteuid()
    if pgdata.exists():
        owner = pgdata.stat().st_uid
        if uid not in (0, owner):
            raise Misconfigured(
                f"The embedded database in {pgdata.parent} belongs to {_name(owner)!r} and cannot be used by "
                f"{_name(uid)!r}; set DUNWELL_DATA_DIR to a folder of your own."
            )
        uid = owner
    return _unprivileged() if uid == 0 else _account(uid)


def _account(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise Misconfigured(
            f"User id {uid} has no name on this machine, and Postgres needs one; "
            "give it an entry in /etc/passwd or set DUNWELL_DATABASE_URL."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _unprivileged() -> Account:
    # A user of its own, not `nobody`: whatever else runs as nobody could read the data.
    try:
        entry = pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
        if useradd is None:
            raise Misconfigured(
                f"Postgres does not run as root, and the user {_SYSTEM_USER!r} that it would run as is missing; "
                "create it, start Dunwell as another user, or set DUNWELL_DATABASE_URL."
            ) from None
        command = [useradd, "--system", "--no-create-home", "--user-group", "--shell", "/usr/sbin/nologin"]
        made = subprocess.run([*command, _SYSTEM_USER], capture_output=True, text=True, check=False)
        # Exit code 9 says that the name exists: another process made it a moment ago.
        if made.returncode not in (0, 9):
            raise Unavailable(
                f"The user {_SYSTEM_USER!r} for the database could not be created: {made.stderr.strip()}"
            ) from None
        entry = pwd.getpwnam(_SYSTEM_USER)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
