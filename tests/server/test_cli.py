"""The command line for programs: with --json exactly one object on stdout, exit code 0 only on success."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from server.cli import app
from tests.server.installation import DAY, write_ledger

LATE = "No,Id,Date,Due,Total,Currency\nA-1,K1,2026-02-02,2026-03-04,100.00,USD\nA-2,K2,2026-02-02,2026-03-04,50.00,USD\n"
Dunwell = Callable[..., Result]


@pytest.fixture
def dunwell(database: str, tmp_path: Path) -> Dunwell:
    """Runs commands on a ledger of two customers, in this process."""
    environment = {"DUNWELL_DATABASE_URL": database, "DUNWELL_CLOCK": DAY}

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, list(words), env=environment)

    assert run("import", str(write_ledger(tmp_path, invoices=LATE)), "--json").exit_code == 0
    assert run("user", "add", "mona", "--role", "manager", "--limit", "5000").exit_code == 0
    return run


def object_of(result: Result) -> dict[str, Any]:
    """The one JSON object on stdout; nothing else is there, and nothing on stderr but progress."""
    assert result.exit_code == 0, result.output
    assert result.stdout.count("\n") == 1, result.stdout
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    assert "Traceback" not in result.stderr
    return found


def test_every_command_answers_a_program_with_one_object(dunwell: Dunwell) -> None:
    """A day's work from end to end, as a program would do it."""
    cycle = object_of(dunwell("cycle", "--json"))
    assert (cycle["overdue"], cycle["asked"]) == (2, 2)
    waiting = object_of(dunwell("approvals", "list", "--json"))["approvals"]
    assert len(waiting) == 2
    shown = object_of(dunwell("approvals", "show", waiting[0]["id"], "--json"))
    assert shown["action"]["tool"] == "generate_dunning_message"
    decided = object_of(
        dunwell("approvals", "decide", waiting[0]["id"], "approve", "--as", "mona", "--digest", shown["action_digest"], "--json")
    )  # fmt: skip
    assert (decided["state"], decided["sent"]) == ("approved", 1)
    heard = object_of(dunwell("say", waiting[0]["customer_id"], "How much do I owe?", "--json"))
    assert heard["state"] == "committed"
    (sent,) = object_of(dunwell("outbox", "list", "--state", "delivered", "--json"))["outbox"]
    assert object_of(dunwell("outbox", "show", str(sent["id"]), "--json"))["body"] == sent["body"]
    assert [c["id"] for c in object_of(dunwell("customers", "list", "Quill", "--json"))["customers"]] == [
        "K1"
    ]
    assert len(object_of(dunwell("customers", "show", "K1", "--json"))["invoices"]) == 1
    assert object_of(dunwell("user", "list", "--json"))["users"][0]["name"] == "mona"
    assert "api_key" not in dunwell("user", "list", "--json").stdout
    assert object_of(dunwell("settings", "--json"))["DUNWELL_DATABASE_URL"] == "**********"
    assert object_of(dunwell("migrate", "--json")) == {"current": True}
    assert object_of(dunwell("audit", "verify", "--json"))["verified"] is True
    assert len(dunwell("audit", "export", "--customer", "K1").stdout.splitlines()) >= 1
    assert object_of(dunwell("audit", "anchor", "--json"))["id"] == 1


def test_the_log_leaves_as_files_and_an_anchor_that_was_kept_vouches_for_it(
    dunwell: Dunwell, database: str, tmp_path: Path
) -> None:
    assert object_of(dunwell("audit", "anchor", "--json")) == {"id": None}
    object_of(dunwell("cycle", "--json"))
    kept = tmp_path / "anchors.jsonl"
    kept.write_text(dunwell("audit", "anchor", "--json").stdout, "utf-8")
    anchor = json.loads(kept.read_text("utf-8"))
    assert anchor["hash"] in dunwell("audit", "anchor").stdout
    for given in (anchor["hash"], str(kept)):
        assert object_of(dunwell("audit", "verify", "--anchor", given, "--json"))["anchors"] == 1
    assert "neither an anchor" in dunwell("audit", "verify", "--anchor", "nothing").stderr

    table, lines = tmp_path / "log.csv", dunwell("audit", "export", "--format", "jsonl").stdout.splitlines()
    done = object_of(dunwell("audit", "export", "--format", "csv", "--out", str(table), "--json"))
    assert done["entries"] == len(lines) == len(table.read_text("utf-8").splitlines()) - 1
    assert dunwell("audit", "export", "--since", "2100-01-01").stdout == ""
    assert dunwell("audit", "export", "--json").exit_code == 2

    file = tmp_path / "K1.json"
    assert (
        object_of(dunwell("customers", "export", "K1", "--out", str(file), "--json"))["rows"]["invoice"] == 1
    )
    assert "Quillfeather" in file.read_text("utf-8")
    assert dunwell("customers", "export", "K1", "--out", str(file)).exit_code == 1

    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("ALTER TABLE decision DISABLE TRIGGER USER")
        connection.execute("UPDATE decision SET reasons = '[]' WHERE id = 1")
    broken = dunwell("audit", "verify", "--json")
    assert broken.exit_code == 1
    assert [m["why"] for m in json.loads(broken.stdout)["misfits"]] == ["it was changed"]
    assert "decision 1: it was changed" in dunwell("audit", "verify").stdout


def test_a_customer_is_erased_only_after_a_yes_and_the_audit_verifies_afterwards(dunwell: Dunwell) -> None:
    """One who wrote and was answered, and one with an approval that waits on its checkpoint."""
    assert object_of(dunwell("cycle", "--json"))["asked"] == 2
    object_of(dunwell("say", "K1", "I am ill and cannot pay before spring.", "--json"))
    assert dunwell("customers", "erase", "K1").exit_code != 0
    assert "Quillfeather" in dunwell("customers", "show", "K1").stdout

    erased = object_of(dunwell("customers", "erase", "K1", "--yes", "--json"))

    assert erased["rows"]["messages"] >= 1
    assert object_of(dunwell("customers", "erase", "K2", "--yes", "--json"))["approvals_closed"] == 1
    assert object_of(dunwell("audit", "verify", "--json"))["verified"] is True
    assert object_of(dunwell("memory", "reembed", "--json"))["left"] == 0
    shown = dunwell("customers", "show", "K1", "--json").stdout
    assert "Quillfeather" not in shown
    assert "ill and cannot" not in shown
    assert object_of(dunwell("customers", "erase", "K1", "--yes", "--json"))["rows"]["messages"] == 0


def test_people_read_the_same_without_json(dunwell: Dunwell) -> None:
    for words, says in (
        (["cycle"], "Every overdue account, and why"), (["approvals", "list"], "collector"),
        (["customers", "show", "K1"], "Quillfeather Bakery"), (["audit", "verify"], "Every link holds"),
        (["user", "list"], "mona"),
    ):  # fmt: skip
        result = dunwell(*words)
        assert result.exit_code == 0, result.output
        assert says in result.stdout


def test_a_second_decision_is_told_so_and_fails(dunwell: Dunwell) -> None:
    object_of(dunwell("cycle", "--json"))
    waiting = object_of(dunwell("approvals", "list", "--json"))["approvals"][0]["id"]
    object_of(dunwell("approvals", "decide", waiting, "reject", "--as", "mona", "--json"))

    again = dunwell("approvals", "decide", waiting, "approve", "--as", "mona", "--json")

    assert again.exit_code == 1
    assert json.loads(again.stdout)["error"]["type"] == "urn:dunwell:already-decided"
    assert again.stderr.strip() == json.loads(again.stdout)["error"]["detail"]


def test_a_broken_chain_is_named_and_fails(dunwell: Dunwell, database: str) -> None:
    object_of(dunwell("cycle", "--json"))
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("ALTER TABLE activity_log DISABLE TRIGGER activity_log_append_only")
        connection.execute("UPDATE activity_log SET actor = 'nobody' WHERE customer_id = 'K2' AND seq = 1")

    result = dunwell("audit", "verify", "--json")

    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["broken"] == [{"customer": "K2", "entry": 1, "why": "the entry was changed"}]


WRONG = [
    ["outbox", "show", "9" * 30], ["outbox", "show", "x"], ["approvals", "decide"], ["nothing"], ["cycle", "--as-of", "soon"],
    ["user", "add", "system", "--role", "admin"], ["user", "add", "", "--role", "admin"],
    ["approvals", "decide", "ap-1", "edit", "--as", "mona", "--args", "{"], ["customers", "list", "--limit", "0"],
]  # fmt: skip


def test_what_cannot_be_done_fails_without_a_traceback(dunwell: Dunwell) -> None:
    for words in WRONG:
        result = dunwell(*words)
        assert result.exit_code in (1, 2), words
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        assert result.stderr.strip(), words
        assert result.stdout == "", words
