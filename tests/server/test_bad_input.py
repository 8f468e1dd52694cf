"""Bad input at the command line: one clear sentence, a non-zero exit, and nothing half-written."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.embedded import Server
from tests.server.installation import FILES, MAPPING, Installation, empty_database, write_ledger


@pytest.fixture(scope="module")
def installed(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation that nothing of this file may change: whatever is wrong must leave it as it is."""
    with empty_database(server) as conninfo:
        installation = Installation(conninfo)
        done = installation.here("import", str(write_ledger(tmp_path_factory.mktemp("good"))))
        assert done.exit_code == 0, done.output
        added = installation.here("user", "add", "dana", "--role", "manager", "--limit", "500")
        assert added.exit_code == 0, added.output
        yield installation


Refused = Callable[..., None]


@pytest.fixture
def refused() -> Refused:
    """Asserts that a command fails with one sentence on stderr and the same as JSON on stdout.

    It runs in this process: anything but an exit on purpose would come up here.
    """

    def run(installation: Installation, *words: str, kind: str, says: str) -> None:
        done = installation.here(*words, "--json")

        assert done.exit_code == 1, done.output
        assert isinstance(done.exception, SystemExit)
        sentence = done.stderr.strip()
        assert "\n" not in sentence
        assert sentence.endswith(".")
        assert re.search(says, sentence), sentence
        assert json.loads(done.stdout) == {"error": {"type": f"urn:dunwell:{kind}", "detail": sentence}}

    return run


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"invoices": b"No,Id\xff\xfe\x00,Date\n"}, r"^invoices\.csv is not UTF-8 text"),
        ({"invoices": ""}, r"^invoices\.csv is empty"),
        ({"mapping": MAPPING.replace('"Total"', '"Grand Total"')}, r"invoices\.csv .*'Grand Total'"),
        ({"mapping": MAPPING.replace('"invoices.csv"', '"bills.csv"')}, r"^There is no file bills\.csv in "),
        ({"mapping": MAPPING.replace('"Total"', '"Total')}, r"mapping\.toml is no TOML"),
        (
            {"mapping": MAPPING.replace("total =", "sum =")},
            r"mapping\.toml is wrong at invoices\.columns\.total: ",
        ),
    ],
    ids=["not-text", "empty-file", "no-such-column", "no-such-file", "broken-toml", "no-such-field"],
)
def test_an_import_that_cannot_be_read_is_refused_whole(
    installed: Installation, refused: Refused, tmp_path: Path, changed: dict[str, str | bytes], says: str
) -> None:
    # What could have gone in is new, so that half of it would be seen.
    new = {
        "customers": "Id,Name\nK7,Brambleworth Dairy\n",
        "contacts": "Id,Name,Channel,Address\n",
        **changed,
    }
    before = installed.rows()
    refused(installed, "import", str(write_ledger(tmp_path, **new)), kind="invalid", says=says)
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
        (["approvals", "decide", "ap-99", "approve", "--as", "dana"], {}, "not-found", r"^There is no approval 'ap-99'\.$"),
        (["say", "K1", ""], {}, "invalid", r"^There is nothing in the message\.$"),
        (["outbox", "show", "99"], {}, "not-found", r"^There is no outbox row '99'\.$"),
        (["user", "add", "dana", "--role", "admin"], {}, "conflict", r"^There is a user 'dana' already\.$"),
        (["user", "add", "zoe", "--role", "queen"], {}, "invalid", "^'queen' is no role"),
        (["user", "add", "zoe", "--role", "manager", "--limit", "much"], {}, "not-money", "'much'"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    installed: Installation,
    refused: Refused,
    words: list[str],
    settings: dict[str, str],
    kind: str,
    says: str,
) -> None:
    before = installed.rows()
    refused(installed.but(**settings), *words, kind=kind, says=says)
    assert installed.rows() == before


def test_a_database_that_is_not_there_is_one_sentence_without_the_password(
    server: Server, refused: Refused
) -> None:
    away, nowhere = "postgresql://dunwell:hush-hush@127.0.0.1:1/dunwell", server.app_conninfo("nowhere")
    for url, kind, says in (
        (away, "unavailable", "Connection refused"),
        (nowhere, "misconfigured", "does not exist; a database administrator creates it with"),
    ):
        refused(Installation(url), "cycle", kind=kind, says=f"^Cannot use the database .*{says}")
    # A server waits for a database that is away (tests/faults), and not for one that nobody made.
    assert Installation(nowhere).dunwell("serve").returncode == 1
    refused(
        Installation("mysql://hush-hush"), "migrate", kind="misconfigured", says="DUNWELL_DATABASE_URL cannot"
    )
    done = Installation("postgresql://dunwell:hush-hush@127.0.0.1:1/dunwell").dunwell("customers", "list")
    assert (done.returncode, done.stdout) == (1, "")  # without --json people read it on stderr only
    assert len(done.stderr.splitlines()) == 1
    assert "hush-hush" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"DUNWELL_ENV": "production"}, "DUNWELL_CLOCK freezes time"),
        ({"DUNWELL_POLICY": "pyproject.toml"}, "is wrong at"),
    ],
    ids=["clock", "policy"],
)
def test_a_server_that_cannot_work_says_why_instead_of_listening(
    installed: Installation, settings: dict[str, str], says: str
) -> None:
    done = installed.but(**settings).dunwell("serve")
    assert done.returncode == 1
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_bad_rows_are_rejected_by_line_and_the_good_ones_go_in(server: Server, tmp_path: Path) -> None:
    ledger = write_ledger(
        tmp_path,
        invoices="No,Id,Date,Due,Total,Currency\n"
        "B-1,K1,2026-01-05,2026-02-04,10.00,USD\n"
        "B-2,K1,2026-01-05,2026-02-04,10.00,XXQ\n"
        "B-3,K1,2026-01-05,2026-02-04,-10.00,USD\n"
        "B-4,K2,2026-01-05,2026-02-04,40.00,USD\n",
    )
    with empty_database(server) as conninfo:
        installation = Installation(conninfo)
        done = installation.here("import", str(ledger), "--json")
        ids = installation.values("SELECT number FROM invoice ORDER BY number")

        assert done.exit_code == 1
        report = json.loads(done.stdout)
        assert [(row["file"], row["line"]) for row in report["rejected"]] == [
            ("invoices.csv", 3),
            ("invoices.csv", 4),
        ]
        assert "currency" in report["rejected"][0]["reason"]
        assert "negative" in report["rejected"][1]["reason"]
        assert ids == ["B-1", "B-4"]
        assert report["ok"] is False
        said = installation.here("import", str(ledger)).stdout
        assert "invoices.csv line 3: " in said
        assert "invoices.csv line 4: " in said


def test_two_customers_with_one_phone_number_go_in_with_a_finding(server: Server, tmp_path: Path) -> None:
    shared = FILES["contacts.csv"].replace("+13125550124", "+1 312 555 0123")
    with empty_database(server) as conninfo:
        installation = Installation(conninfo)
        done = installation.here("import", str(write_ledger(tmp_path, contacts=shared)), "--json")

        assert done.exit_code == 0, done.output
        found = {finding["kind"]: finding["ids"] for finding in json.loads(done.stdout)["findings"]}
        assert found["shared_contact_point"] == ["K1", "K2"]
        assert installation.values("SELECT count(*) FROM customer") == [2]
        assert installation.values("SELECT count(*) FROM contact") == [2]


def test_a_second_migration_at_once_waits_and_succeeds(server: Server) -> None:
    with empty_database(server) as conninfo:
        installation = Installation(conninfo)
        started = [
            subprocess.Popen(
                installation.command("migrate", "--json"), env=installation.environment(), text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
            for _ in range(2)
        ]  # fmt: skip
        answers = [process.communicate(timeout=120) for process in started]

        assert [process.returncode for process in started] == [0, 0], answers
        assert [json.loads(out) for out, _ in answers] == [{"current": True}] * 2
        assert "customer" in installation.rows()
