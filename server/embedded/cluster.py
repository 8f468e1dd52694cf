"""Make a cluster, configure it and launch its server, as the account it belongs to."""

import shutil
import subprocess
from pathlib import Path

from server.embedded.account import Account
from server.embedded.layout import MAJOR, Layout, client_program, programs
from tools.errors import Misconfigured, Unavailable

ADMIN = "postgres"
APP = "dunwell"
SETUP = Path(__file__).resolve().parents[1] / "migrations" / "setup.sql"

# The kernel says who is at the other end of the socket (peer), and only these two may be anybody here.
# Every other user of the machine stands before a folder that does not let them in, and has no entry.
_HBA = f"local all {ADMIN},{APP} peer map=dunwell\n"

_CONF = """\
# Written by Dunwell at every start. Your own settings go into postgresql.auto.conf (ALTER SYSTEM).
listen_addresses = ''
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0700
timezone = 'UTC'
log_timezone = 'UTC'
jit = off
# Addresses and amounts stay out of the log: no statements, no details with the values of rows.
log_min_error_statement = panic
log_error_verbosity = terse
"""


def require_cluster(layout: Layout, account: Account) -> None:
    """The cluster exists and is of our version; made whole or not at all."""
    version = layout.pgdata / "PG_VERSION"
    if version.exists():
        if (found := version.read_text("utf-8").strip()) != MAJOR:
            raise Misconfigured(
                f"The database in {layout.data_dir} was made by Postgres {found}, and this is Postgres {MAJOR}; "
                "set DUNWELL_DATA_DIR to another folder, or move the data with pg_dump and pg_restore."
            )
        return
    unfinished = layout.pgdata.with_name("postgres.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    account.take(unfinished, 0o700)
    initdb = [
        str(programs(account) / "initdb"),
        *("--pgdata=.", f"--username={ADMIN}", "--auth=reject", "--encoding=UTF8"),
        *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"),
    ]
    done = account.run(initdb, folder=unfinished)
    if done.returncode != 0:
        raise Unavailable(f"The embedded database could not be created: {reason(done.stdout)}.")
    conf = unfinished / "postgresql.conf"
    account.write(conf, conf.read_text("utf-8") + "\ninclude 'dunwell.conf'\n")
    unfinished.rename(layout.pgdata)


def launch(layout: Layout, account: Account, socket_dir: Path) -> None:
    """Start the server in a session of its own, so that it outlives us, and wait until it answers."""
    users = {"root", account.name}
    quoted = str(socket_dir).replace("'", "''")
    account.write(layout.pgdata / "dunwell.conf", _CONF.format(socket_dir=quoted))
    account.write(layout.pgdata / "pg_hba.conf", _HBA)
    ident = "".join(f'dunwell "{user}" {role}\n' for user in sorted(users) for role in (ADMIN, APP))
    account.write(layout.pgdata / "pg_ident.conf", ident)
    # Relative paths: a shell of pg_ctl's sees no folder name with spaces, quotes or dollars in it.
    pg_ctl = [str(programs(account) / "pg_ctl"), "start", "--wait", "--timeout=60", "-D."]
    done = account.run([*pg_ctl, f"-l{layout.log.name}"], folder=layout.pgdata)
    if done.returncode != 0:
        said = layout.log.read_text("utf-8", errors="replace") if layout.log.exists() else done.stdout
        raise Unavailable(f"The embedded database did not start: {reason(said)} (its log is {layout.log}).")


def run_setup(conninfo: str, database: str) -> None:
    """Run `server/migrations/setup.sql`, the file a database administrator runs on a real server."""
    command = [str(client_program("psql")), "--no-psqlrc", "--quiet", f"--dbname={conninfo}"]
    options = ["--set=ON_ERROR_STOP=1", f"--set=database={database}", f"--file={SETUP}"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"The embedded database could not be prepared: {reason(done.stderr)}.")


def reason(said: str) -> str:
    """What a program of Postgres says went wrong, without a full stop: its last lines are often a hint."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    wrong = [
        line.partition(mark)[2] for line in lines for mark in ("PANIC:", "FATAL:", "error:") if mark in line
    ]
    return [*lines, *wrong][-1].strip().rstrip(".") if lines else "it gave no reason"
