"""Approving what is alike, and the autonomy ladder, as commands and over HTTP."""

import json
from pathlib import Path
from typing import Any

import psycopg
from typer.testing import CliRunner, Result

from server.cli import app
from tests.server.conftest import Api, problem
from tests.server.installation import DAY, write_ledger
from tests.world import NOW, World, message

LATE = "No,Id,Date,Due,Total,Currency\nA-1,K1,2026-02-02,2026-03-04,100.00,USD\nA-2,K2,2026-02-02,2026-03-04,50.00,USD\n"
EARNED = (
    'extends = "default"\nversion = "ours"\n[segments.default]\nmode = "assisted"\nstart = "draft"\n'
    "[autonomy.promote]\naccepted = 2\n"
)


def test_a_segment_earns_its_mode_by_drafts_that_are_approved_together(database: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(EARNED, "utf-8")
    mine = str(tmp_path / "mine.toml")
    environment = {"DUNWELL_DATABASE_URL": database, "DUNWELL_CLOCK": DAY, "DUNWELL_POLICY": mine}

    def dunwell(*words: str) -> Result:
        return CliRunner().invoke(app, list(words), env=environment)

    def told(*words: str) -> dict[str, Any]:
        result = dunwell(*words, "--json")
        assert result.exit_code == 0, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    dunwell("import", str(write_ledger(tmp_path, invoices=LATE)))
    for name, role in (("mona", "manager"), ("ada", "admin")):
        assert dunwell("user", "add", name, "--role", role, "--limit", "5000").exit_code == 0
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("UPDATE contact SET verified_at = %s, consent = 'granted'", [DAY])
    told("cycle")
    first, second = (row["id"] for row in told("approvals", "list", "--as", "mona")["approvals"])
    assert [other["id"] for other in told("approvals", "show", first)["alike"]] == [second]
    refused = dunwell("autonomy", "promote", "default", "--as", "ada", "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["error"]["type"] == "urn:dunwell:not-found"

    report = told("approvals", "decide", first, "approve", "--all-like", "--as", "mona")
    assert (report["approved"], [row["id"] for row in report["approvals"]]) == (2, [first, second])

    (before,) = [row for row in told("autonomy", "show")["standings"] if row["action"] == "reminder"]
    assert (before["now"], before["proposed"], before["evidence"]["accepted"]) == ("draft", "assisted", 2)
    assert dunwell("autonomy", "promote", "default", "--as", "mona").exit_code == 1
    assert told("autonomy", "promote", "default", "--as", "ada")["promoted_by"] == "ada"
    after = told("autonomy", "show", "default")
    assert [row["now"] for row in after["standings"] if row["action"] == "reminder"] == ["assisted"]
    assert [(step["by"], step["after"]) for step in after["changes"]] == [("ada", "assisted")]
    assert "from draft to assisted by ada" in " ".join(dunwell("autonomy", "show").stdout.split())


async def test_over_http_everybody_sees_the_ladder_and_an_admin_goes_up(api: Api, world: World) -> None:
    world.customer(segment="draft")
    _, (waiting,) = await world.asked(message())
    digest = world.sql("SELECT digest FROM approval")[0]
    body = {"decision": "approve", "action_digest": digest}
    assert (await api.post(f"/v1/approvals/{waiting}/decision", body)).status_code == 200

    (row,) = (await api.get("/v1/autonomy", segment="draft")).json()["standings"]
    assert (row["action"], row["now"], row["evidence"]["accepted"]) == ("reply", "draft", 1)
    problem(await api.post("/v1/autonomy/draft/promote", role="manager"), 403)
    told = problem(await api.post("/v1/autonomy/draft/promote", role="admin"), 422)
    assert "1 of 30 drafts accepted unchanged so far" in told["detail"]
    world.sql("UPDATE approval SET decided_at = %s - interval '91 days'", NOW)
    world.sql("UPDATE outbox SET sent_at = %s - interval '91 days'", NOW)
    problem(await api.post("/v1/autonomy/draft/promote", role="admin"), 404)
