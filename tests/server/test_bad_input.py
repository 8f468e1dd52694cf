"""Bad input at the command line: one clear sentence, a non-zero exit, and nothing half-written."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, LiteralString, cast
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

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

    def dunwell(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
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


@pytest.fixture(scope="module")
def installed(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation that nothing of this file may change: whatever is wrong must leave it as it is."""
    with _database(server) as conninfo:
        installation = Installation(conninfo)
        done = installation.dunwell("import", str(_ledger(tmp_path_factory.mktemp("good"))))
        assert done.returncode == 0, done.stderr
        yield installation


def _ledger(folder: Path, **changed: str | bytes) -> Path:
    """The files of the good ledger, or changed ones, in `folder`; `mapping` is `mapping.toml`, `invoices` the CSV."""
    for name, text in FILES.items():
        content = changed.get(name.split(".")[0], text)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


@contextmanager
def _database(server: Server) -> Iterator[str]:
    """An empty database as setup.sql prepares it, not migrated."""
    name = f"bad_{uuid4().hex}"
    server.create_database(name)
    try:
        yield server.app_conninfo(name)
    finally:
        with psycopg.connect(server.admin_conninfo(), autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def refused(installation: Installation, *words: str, kind: str, says: str) -> None:
    """The command fails with one sentence on stderr and the same as JSON on stdout."""
    done = installation.dunwell(*words, "--json")

    assert done.returncode == 1, done.stderr
    sentence = done.stderr.strip()
    assert "Traceback" not in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert re.search(says, sentence), sentence
    assert json.loads(done.stdout) == {"error": {"type": f"urn:dunwell:{kind}", "detail": sentence}}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"invoices": b"No,Id\xff\xfe\x00,Date\n"}, r"^invoices\.csv is not UTF-8 text"),
        ({"invoices": ""}, r"^invoices\.csv is empty"),
        ({"mapping": MAPPING.replace('"Total"', '"Grand Total"')}, r"invoices\.csv .*'Grand Total'"),
        ({"mapping": MAPPING.replace('"invoices.csv"', '"bills.csv"')}, r"^There is no file bills\.csv in "),
        ({"mapping": MAPPING.replace('"Total"', '"Total')}, r"mapping\.toml is no TOML"),
        ({"mapping": MAPPING.replace("total =", "sum =")}, r"mapping\.toml is wrong at invoices.*sum"),
    ],
    ids=["not-text", "empty-file", "no-such-column", "no-such-file", "broken-toml", "no-such-field"],
)
def test_an_import_that_cannot_be_read_is_refused_whole(
    installed: Installation, tmp_path: Path, changed: dict[str, str | bytes], says: str
) -> None:
    # What could have gone in is new, so that half of it would be seen.
    new = {
        "customers": "Id,Name\nK7,Brambleworth Dairy\n",
        "contacts": "Id,Name,Channel,Address\n",
        **changed,
    }
    before = installed.rows()
    refused(installed, "import", str(_ledger(tmp_path, **new)), kind="invalid", says=says)
    assert installed.rows() == before


@pytest.mark.parametrize(
    ("words", "settings", "kind", "says"),
    [
        (["import", "/nonexistent"], {}, "invalid", r"^There is no folder /nonexistent\.$"),
        (["import", "infra"], {}, "invalid", r"^There is no mapping file infra/mapping\.toml\.$"),
        (
            ["cycle", "--as-of", "2025-12-31"], {}, "invalid",
            r"^On 2025-12-31 there was no invoice yet: the first of this ledger is of 2026-01-05\.",
        ),
        (["cycle", "--as-of", "2026-03-10"], {"DUNWELL_CLOCK": "", "DUNWELL_ENV": "production"}, "misconfigured", "--as-of"),
        (["cycle"], {"DUNWELL_ENV": "production"}, "misconfigured", "^DUNWELL_CLOCK freezes time and is refused when"),
        (["cycle"], {"DUNWELL_CLOCK": "yesterday"}, "misconfigured", "^DUNWELL_CLOCK: "),
        (["cycle"], {"DUNWELL_POLICY": "/nonexistent.toml"}, "misconfigured", r"^The policy file /nonexistent\.toml cannot be read"),
        (["cycle"], {"DUNWELL_POLICY": "pyproject.toml"}, "misconfigured", r"^The policy file pyproject\.toml is wrong at "),
        (["cycle"], {"DUNWELL_POLICY": "Makefile"}, "misconfigured", "^The policy file Makefile is not valid TOML"),
        (["say", "K99", "Hello?"], {}, "not-found", r"^There is no customer 'K99'\.$"),
        (["customers", "show", "K99"], {}, "not-found", r"^There is no customer 'K99'\.$"),
        (["approvals", "show", "ap-99"], {}, "not-found", r"^There is no approval 'ap-99'\.$"),
        (["approvals", "decide", "ap-99", "approve", "--as", "nobody"], {}, "not-found", r"^There is no user 'nobody'\.$"),
        (["outbox", "show", "99"], {}, "not-found", r"^There is no outbox row '99'\.$"),
        (["user", "add", "zoe", "--role", "queen"], {}, "invalid", "^'queen' is no role"),
        (["user", "add", "zoe", "--role", "manager", "--limit", "much"], {}, "not-money", "'much'"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    installed: Installation, words: list[str], settings: dict[str, str], kind: str, says: str
) -> None:
    before = installed.rows()
    refused(installed.but(**settings), *words, kind=kind, says=says)
    assert installed.rows() == before


def test_a_database_that_is_not_there_is_one_sentence_without_the_password(server: Server) -> None:
    for url, says in (
        ("postgresql://dunwell:hush-hush@127.0.0.1:1/dunwell", "Connection refused"),
        (server.app_conninfo("nowhere"), "does not exist; a database administrator creates it with"),
    ):
        refused(Installation(url), "cycle", kind="unavailable", says=f"^Cannot use the database .*{says}")
    refused(
        Installation("mysql://hush-hush"), "migrate", kind="misconfigured", says="DUNWELL_DATABASE_URL cannot"
    )
    done = Installation("postgresql://dunwell:hush-hush@127.0.0.1:1/dunwell").dunwell("customers", "list")
    assert (done.returncode, done.stdout) == (1, "")  # without --json people read it on stderr only
    assert "hush-hush" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"DUNWELL_ENV": "production"}, "DUNWELL_CLOCK freezes time"),
        ({"DUNWELL_POLICY": "pyproject.toml"}, "is wrong at"),
        ({"DUNWELL_DATABASE_URL": "postgresql://dunwell@127.0.0.1:1/dunwell"}, "Connection refused"),
    ],
    ids=["clock", "policy", "database"],
)
def test_a_server_that_cannot_work_says_why_instead_of_listening(
    installed: Installation, settings: dict[str, str], says: str
) -> None:
    done = installed.but(**settings).dunwell("serve")
    assert done.returncode == 1
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_bad_rows_are_rejected_by_line_and_the_good_ones_go_in(server: Server, tmp_path: Path) -> None:
    ledger = _ledger(
        tmp_path,
        invoices="No,Id,Date,Due,Total,Currency\n"
        "B-1,K1,2026-01-05,2026-02-04,10.00,USD\n"
        "B-2,K1,2026-01-05,2026-02-04,10.00,XXQ\n"
        "B-3,K1,2026-01-05,2026-02-04,-10.00,USD\n"
        "B-4,K2,2026-01-05,2026-02-04,40.00,USD\n",
    )
    with _database(server) as conninfo:
        installation = Installation(conninfo)
        done = installation.dunwell("import", str(ledger), "--json")
        ids = installation.values("SELECT number FROM invoice ORDER BY number")

        assert done.returncode == 1
        report = json.loads(done.stdout)
        assert [(row["file"], row["line"]) for row in report["rejected"]] == [
            ("invoices.csv", 3),
            ("invoices.csv", 4),
        ]
        assert "XXQ" in report["rejected"][0]["reason"]
        assert "negative" in report["rejected"][1]["reason"]
        assert ids == ["B-1", "B-4"]
        assert report["ok"] is False
        said = installation.dunwell("import", str(ledger)).stdout
        assert "invoices.csv line 3: " in said
        assert "invoices.csv line 4: " in said


def test_two_customers_with_one_phone_number_go_in_with_a_finding(server: Server, tmp_path: Path) -> None:
    shared = FILES["contacts.csv"].replace("+13125550124", "+1 312 555 0123")
    with _database(server) as conninfo:
        installation = Installation(conninfo)
        done = installation.dunwell("import", str(_ledger(tmp_path, contacts=shared)), "--json")

        assert done.returncode == 0, done.stderr
        found = {finding["kind"]: finding["ids"] for finding in json.loads(done.stdout)["findings"]}
        assert found["shared_contact_point"] == ["K1", "K2"]
        assert installation.values("SELECT count(*) FROM customer") == [2]
        assert installation.values("SELECT count(*) FROM contact") == [2]


def test_a_second_migration_at_once_waits_and_succeeds(server: Server) -> None:
    with _database(server) as conninfo:
        installation = Installation(conninfo)
        started = [
            subprocess.Popen(
                installation.command("migrate", "--json"), env=installation.environment(), cwd=ROOT, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
            for _ in range(2)
        ]  # fmt: skip
        answers = [process.communicate(timeout=120) for process in started]

        assert [process.returncode for process in started] == [0, 0], answers
        assert [json.loads(out) for out, _ in answers] == [{"current": True}] * 2
        assert "customer" in cast(list[str], list(installation.rows()))
