"""The policy's own commands: a file checked, a verdict explained, history judged again and under a changed policy."""

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
LOOSER = (
    'extends = "default"\nversion = "mine"\n[segments.default]\nmode = "assisted"\n[budget]\nper_week = 2\n'
)
STRICTER = 'extends = "default"\nversion = "mine"\n[segments.default]\nmode = "observe"\n'
# A decision is append-only, so what is forged is a second one with the facts of the first.
_FORGED = """
INSERT INTO decision (customer_id, episode_id, position, tool, digest, actor, verdict, reasons, policy_version, facts,
                      facts_digest, at)
SELECT customer_id, episode_id, position + 100, tool, digest, actor, 'allow', reasons, policy_version, facts,
       facts_digest, at
  FROM decision WHERE verdict = 'ask' AND tool = 'generate_dunning_message' AND approval_id IS NULL
 ORDER BY id LIMIT 1 RETURNING id
"""
_ITS_ARGS = """
INSERT INTO decision_args (decision_id, customer_id, args)
SELECT d.id, d.customer_id, a.args
  FROM decision d JOIN decision o ON o.episode_id = d.episode_id AND o.position = d.position - 100 AND o.approval_id IS NULL
  JOIN decision_args a ON a.decision_id = o.id
 WHERE d.id = %(id)s
"""
Dunwell = Callable[..., Result]


@pytest.fixture
def dunwell(database: str, tmp_path: Path) -> Dunwell:
    """Runs commands on a ledger of two customers, under a policy of the tenant's own that extends the packaged one."""
    mine = tmp_path / "mine.toml"
    mine.write_text('extends = "default"\nversion = "ours"\n[budget]\nper_week = 2\n', "utf-8")
    environment = {"DUNWELL_DATABASE_URL": database, "DUNWELL_CLOCK": DAY, "DUNWELL_POLICY": str(mine)}

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, list(words), env=environment)

    assert run("import", str(write_ledger(tmp_path, invoices=LATE)), "--json").exit_code == 0
    assert run("user", "add", "mona", "--role", "manager", "--limit", "5000").exit_code == 0
    return run


def object_of(result: Result, code: int = 0) -> dict[str, Any]:
    """The one JSON object on stdout."""
    assert result.exit_code == code, result.output
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def a_history(dunwell: Dunwell) -> list[dict[str, Any]]:
    """Two reminders that were asked, one of them approved, and an answered message."""
    object_of(dunwell("cycle", "--json"))
    waiting = object_of(dunwell("approvals", "list", "--json"))["approvals"]
    shown = object_of(dunwell("approvals", "show", waiting[0]["id"], "--json"))
    object_of(
        dunwell("approvals", "decide", waiting[0]["id"], "approve", "--as", "mona", "--digest", shown["action_digest"], "--json")
    )  # fmt: skip
    object_of(dunwell("say", waiting[0]["customer_id"], "The work was bad, I will not pay that.", "--json"))
    return list(waiting)


def test_a_file_is_checked_and_what_it_loosens_is_said(dunwell: Dunwell, tmp_path: Path) -> None:
    file = tmp_path / "looser.toml"
    file.write_text(LOOSER, "utf-8")
    checked = object_of(dunwell("policy", "check", str(file), "--json"))
    ways = {change["key"]: change["way"] for change in checked["changes"]}
    assert ways == {"segments.default.mode": "looser", "budget.per_week": "stricter"}
    assert checked["looser"] == 1
    assert {row["name"]: row["on"] for row in checked["jurisdictions"]}["florida"] is True
    told = dunwell("policy", "check", str(file))
    assert "1 changes allow more than the packaged default" in told.stdout
    assert "verify new_york_city: postal" in told.stdout


def test_a_file_that_is_no_policy_is_refused_with_its_reason(dunwell: Dunwell, tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_text('extends = "default"\n[jurisdictions.florida]\nregions = ["ZZ"]\n', "utf-8")
    said = object_of(dunwell("policy", "check", str(file), "--json"), code=1)
    assert "'ZZ' is no state or province" in said["error"]["detail"]


def test_every_recorded_verdict_falls_again_under_its_own_policy(dunwell: Dunwell) -> None:
    a_history(dunwell)
    result = object_of(dunwell("policy", "replay", "--all", "--json"))
    assert result["decisions"] >= 5
    assert (result["equal"], result["different"], result["unknown"]) == (result["decisions"], 0, 0)


def test_a_record_that_was_changed_is_told_from_what_its_facts_give(dunwell: Dunwell, database: str) -> None:
    a_history(dunwell)
    with psycopg.connect(database) as conn:
        forged = conn.execute(_FORGED).fetchone()
        assert forged
        conn.execute(_ITS_ARGS, {"id": forged[0]})
    one = object_of(dunwell("policy", "replay", str(forged[0]), "--json"), code=1)
    assert [(row["was"], row["now"]) for row in one["differing"]] == [("allow", "ask (collector)")]
    assert object_of(dunwell("policy", "replay", "--all", "--json"), code=1)["different"] == 1


def test_a_changed_policy_is_tried_out_on_what_happened(dunwell: Dunwell, tmp_path: Path) -> None:
    a_history(dunwell)
    file = tmp_path / "stricter.toml"
    file.write_text(STRICTER, "utf-8")
    result = object_of(dunwell("policy", "diff", str(file), "--json"))
    moved = {(change["was"], change["now"]): change["decisions"] for change in result["changes"]}
    assert moved[("ask (collector)", "suggest")] >= 2
    assert result["same"] + result["changed"] + result["unknown"] == result["decisions"]
    later = object_of(dunwell("policy", "diff", str(file), "--since", "2026-03-11", "--json"))
    assert later["decisions"] == 0
    wrong = object_of(dunwell("policy", "diff", str(file), "--since", "soon", "--json"), code=1)
    assert "YYYY-MM-DD" in wrong["error"]["detail"]


def test_a_verdict_is_explained_with_sources_and_facts(dunwell: Dunwell) -> None:
    waiting = a_history(dunwell)
    told = object_of(dunwell("policy", "explain", waiting[1]["customer_id"], "--json"))
    (decision,) = told["decisions"]
    finding = next(f for f in decision["findings"] if f["decides"])
    assert (finding["rule"], finding["source"]) == ("MODE-DRAFT-MESSAGE", "policy.md 2")
    assert finding["looked_at"]["account.customer.segment"] == ["default"]
    by_id = object_of(dunwell("policy", "explain", f"#{decision['decision']}", "--json"))
    assert by_id["decisions"] == told["decisions"]
    assert "MODE-DRAFT-MESSAGE" in dunwell("policy", "explain", waiting[1]["customer_id"]).stdout
    missing = object_of(dunwell("policy", "explain", "nobody", "--json"), code=1)
    assert missing["error"]["type"].endswith("not-found")


def test_replay_wants_one_decision_or_all(dunwell: Dunwell) -> None:
    assert "or say --all" in object_of(dunwell("policy", "replay", "--json"), code=1)["error"]["detail"]
    assert object_of(dunwell("policy", "replay", "999", "--json"), code=1)["error"]["type"].endswith(
        "not-found"
    )
