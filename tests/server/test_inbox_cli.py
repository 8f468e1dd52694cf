"""At the terminal: whom a message concerns, what a customer allows us, and what the doctor says."""

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner, Result

from agent.policy.verdict import ROLES
from server.cli import app
from server.inbound import Kept, store_from
from server.users import add_user
from tests.world import NOW, World
from tools.memory.arrival import Arrival


@pytest.fixture
async def strange(world: World, monkeypatch: pytest.MonkeyPatch) -> Kept:
    """A text from a number that nobody on file has; the commands work on the world's database."""
    monkeypatch.setenv("DUNWELL_DATABASE_URL", world.conninfo)
    monkeypatch.setenv("DUNWELL_CLOCK", NOW.isoformat())
    world.customer()
    async with world.pool.connection() as conn, conn.transaction():
        for role in ROLES:
            await add_user(conn, name=role, role=role, limit_minor=0, now=NOW)
    arrival = Arrival(
        channel="sms",
        provider_id="SM1",
        address="+13125559999",
        body="It is \x1b[2J me",
        at=datetime.now(UTC),
    )
    kept = await store_from(world.pool, arrival)
    assert isinstance(kept, Kept)
    return kept


def dunwell(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def test_a_collector_assigns_or_dismisses_what_waits(world: World, strange: Kept) -> None:
    listed = dunwell("inbox", "list")
    assert "+13125559999: unknown sender" in listed.output
    assert "\x1b[2J" not in listed.output
    number = str(strange.inbox_id)
    assert dunwell("inbox", "dismiss", number, "--as", "viewer").exit_code == 1

    assigned = dunwell("inbox", "assign", number, "cust-1", "--as", "collector", "--json")
    assert json.loads(assigned.output)["customer"] == "cust-1"
    assert world.sql("SELECT customer_id FROM message") == ["cust-1"]
    assert dunwell("inbox", "dismiss", number, "--as", "collector").exit_code == 1  # settled already
    assert json.loads(dunwell("inbox", "list", "--json").output) == {"inbox": []}
    assert len(json.loads(dunwell("inbox", "list", "--all", "--json").output)["inbox"]) == 1


def test_dismissed_concerns_nobody(world: World, strange: Kept) -> None:
    assert dunwell("inbox", "dismiss", str(strange.inbox_id), "--as", "manager").exit_code == 0
    assert world.count("message") == 0
    assert "Nothing waits" in dunwell("inbox", "list").output


async def _stop(world: World) -> None:
    number = world.sql("SELECT address FROM contact WHERE channel = 'sms'")[0]
    await store_from(
        world.pool, Arrival(channel="sms", provider_id="SM2", address=number, body="STOP", at=NOW)
    )


async def test_consent_is_shown_with_source_and_time(world: World) -> None:
    from server.reading import consent_of
    from tools.errors import NotFound

    world.customer()
    assert (await consent_of(world.pool, "cust-1"))["consent"] == []
    await _stop(world)
    [change] = (await consent_of(world.pool, "cust-1"))["consent"]
    assert (change["change"], change["channel"], change["source"], change["at"]) == (
        "opt_out",
        "sms",
        "keyword",
        NOW,
    )
    with pytest.raises(NotFound):
        await consent_of(world.pool, "nobody")


def test_the_doctor_exits_with_1_when_something_fails(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    monkeypatch.setenv("DUNWELL_DATABASE_URL", world.conninfo)
    well = dunwell("doctor", "--json")
    assert (well.exit_code, json.loads(well.output)["ok"]) == (0, True)

    monkeypatch.setenv("DUNWELL_SMS", "twilio")
    sick = dunwell("doctor", "--json")
    assert sick.exit_code == 1
    [check] = json.loads(sick.output)["checks"]
    assert (check["name"], check["state"]) == ("settings", "fail")
    assert "DUNWELL_TWILIO_AUTH_TOKEN" in check["says"]
    assert "DUNWELL_TWILIO_AUTH_TOKEN" in " ".join(dunwell("doctor").output.split())
