"""Copies of a database of the embedded server: into one file, consistent whatever runs meanwhile, and back."""

import os
import re
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from server.embedded.cluster import reason
from server.embedded.layout import client_program
from server.embedded.server import Server
from tools.errors import Conflict, Invalid, Unavailable

_REVISION = re.compile(r"^COPY public\.alembic_version .*\n(\w+)$", re.MULTILINE)


def dump(server: Server, dbname: str, file: Path) -> None:
    """Write `dbname` as of this instant into `file`, for its owner's eyes only; all of it or nothing.

    Raises Conflict where `file` exists: a backup is never written over another one.
    """
    if file.exists():
        raise Conflict(f"{file} exists; a backup does not replace another one.")
    unfinished = file.with_name(f".{file.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as refused:
        raise Invalid(f"The backup {file} cannot be written: {refused.strerror}.") from refused
    # As the superuser: the application's own login is under row-level security.
    wanted = ["--format=custom", f"--file={unfinished}", f"--dbname={server.admin_conninfo(dbname)}"]
    done = _run("pg_dump", *wanted)
    if done.returncode != 0:
        unfinished.unlink(missing_ok=True)
        raise Unavailable(f"The backup {file} could not be made: {reason(done.stderr)}.")
    unfinished.rename(file)


def revision_of(file: Path) -> str:
    """The revision of the schema that a backup holds. Raises Invalid when it is no backup of Dunwell."""
    done = _run("pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(file))
    if done.returncode != 0:
        raise Invalid(f"{file} cannot be read as a backup: {reason(done.stderr)}.")
    found = _REVISION.search(done.stdout)
    if found is None:
        raise Invalid(f"{file} is no backup of Dunwell: it does not say which schema it has.")
    return found[1]


def load(server: Server, file: Path, dbname: str) -> None:
    """Make the database `dbname` of a backup, in place of one of that name; all of it or nothing. Raises Invalid."""
    drop(server, dbname)
    server.create_database(dbname)
    whole = ["--exit-on-error", "--single-transaction"]
    done = _run("pg_restore", *whole, f"--dbname={server.admin_conninfo(dbname)}", str(file))
    if done.returncode != 0:
        drop(server, dbname)
        raise Invalid(f"{file} cannot be restored: {reason(done.stderr)}.")


def replace(server: Server, dbname: str, by: str) -> None:
    """Put the database `by` in the place of `dbname`, which is dropped. Raises Conflict while anybody uses it."""
    gone = f"{dbname}_replaced"
    drop(server, gone)
    with psycopg.connect(server.admin_conninfo(), autocommit=True) as admin:
        try:
            with (
                admin.transaction()
            ):  # in between, somebody who looks would find no database and make an empty one
                admin.execute(_rename(dbname, gone))
                admin.execute(_rename(by, dbname))
        except psycopg.errors.ObjectInUse as used:
            raise Conflict(
                f"The database in {server.data_dir} is in use; stop the server and the workers, then restore again."
            ) from used
    drop(server, gone)


def drop(server: Server, dbname: str) -> None:
    """Drop a database where there is one, whoever uses it."""
    with psycopg.connect(server.admin_conninfo(), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(dbname)))


def _rename(dbname: str, to: str) -> sql.Composed:
    return sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(dbname), sql.Identifier(to))


def _run(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(client_program(program)), *words], capture_output=True, text=True, errors="replace", check=False
    )
