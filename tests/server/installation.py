"""An installation as the command line sees it: a database, a small ledger, and commands in processes of their own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner, Result

from server.cli import app
from server.embedded import Server

ROOT = Path(__file__).parents[2]
DAY = "2026-03-10T16:00:00+00:00"
MAPPING = """
ext_system = "csv"
currency = "USD"
[customers]
file = "customers.csv"
columns = { id = "Id", name = "Name" }
[contacts]
file = "contacts.csv"
columns = { customer_id = "Id", name = "Name", channel = "Channel", address = "Address" }
[invoices]
file = "invoices.csv"
columns = { number = "No", customer_id = "Id", issue_date = "Date", due_date = "Due", total = "Total", currency = "Currency" }
"""
FILES = {
    "mapping.toml": MAPPING,
    "customers.csv": "Id,Name\nK1,Quillfeather Bakery\nK2,Harrow & Finch\n",
    "contacts.csv": "Id,Name,Channel,Address\nK1,Odalys,sms,+13125550123\nK2,Ruben,sms,+13125550124\n",
    "invoices.csv": "No,Id,Date,Due,Total,Currency\nA-1,K1,2026-01-05,2026-02-04,100.00,USD\nA-2,K2,2026-01-06,2026-02-05,50.00,USD\n",
}


@dataclass(frozen=True, slots=True)
class Installation:
    """A database with a ledger of two customers in it, and the commands that work on it."""

    conninfo: str
    settings: tuple[tuple[str, str], ...] = ()

    def but(self, **settings: str) -> "Installation":
        """The same with other settings."""
        return replace(self, settings=tuple(settings.items()))

    def here(self, *words: str) -> Result:
        """Run a command to its end in this process, which saves the two seconds that a new one takes to begin."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(ROOT)
            for name, value in self.environment().items():
                if name.startswith("DUNWELL_"):
                    patch.setenv(name, value)
            return CliRunner().invoke(app, list(words))

    def dunwell(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end in a process of its own."""
        return subprocess.run(
            self.command(*words), env=self.environment(), cwd=ROOT, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip

    def command(self, *words: str) -> list[str]:
        """How the command is started."""
        return [sys.executable, "-m", "server.cli", *words]

    def environment(self) -> dict[str, str]:
        """Where it works and what day it is there."""
        own = {"DUNWELL_DATABASE_URL": self.conninfo, "DUNWELL_CLOCK": DAY, **dict(self.settings)}
        return {**os.environ, **own}

    def rows(self) -> dict[str, int]:
        """How many rows each table has, but for the policies: an engine that starts says under which it works."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            tables = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'policy_version'"
            ).fetchall()
            counted = {}
            for (table,) in tables:
                query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
                found = connection.execute(query).fetchone()
                counted[table] = found[0] if found else 0
        return counted

    def values(self, query: LiteralString) -> list[Any]:
        """The first column of what a query finds."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            return [row[0] for row in connection.execute(query).fetchall()]


def write_ledger(folder: Path, **changed: str | bytes) -> Path:
    """The files of the good ledger, or changed ones, in `folder`; `mapping` is `mapping.toml`, `invoices` the CSV."""
    for name, text in FILES.items():
        content = changed.get(name.split(".")[0], text)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


@contextmanager
def empty_database(server: Server) -> Iterator[str]:
    """An empty database as setup.sql prepares it, not migrated."""
    name = f"bad_{uuid4().hex}"
    server.create_database(name)
    try:
        yield server.app_conninfo(name)
    finally:
        with psycopg.connect(server.admin_conninfo(), autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
