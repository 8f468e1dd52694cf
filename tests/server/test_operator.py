"""What an operator does at the command line: users, keys, write-offs, proofs. Every refusal says what to do, and is on record."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from psycopg.errors import RestrictViolation

from server import serving
from server.cli.autonomy import _counted
from server.settings import Settings
from tests.server.conftest import Api, problem
from tests.server.test_cli import Dunwell, dunwell, object_of  # noqa: F401 - a fixture is known by being here
from tests.server.test_lock_out import WRONG
from tests.server.test_sessions import CHOSEN, login, one_time
from tests.world import NOW, World


def _refused(dunwell: Dunwell, *words: str) -> str:  # noqa: F811 - the fixture
    result = dunwell(*words)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    return " ".join(result.stderr.split())


def test_a_user_is_changed_disabled_and_let_in_again_and_the_log_says_so(dunwell: Dunwell) -> None:  # noqa: F811
    assert "Say what changes" in _refused(dunwell, "user", "set", "mona")
    assert "is no role" in _refused(dunwell, "user", "set", "mona", "--role", "king")
    assert "not negative" in _refused(dunwell, "user", "set", "mona", "--limit", "-1")
    assert "no user" in _refused(dunwell, "user", "set", "nobody", "--limit", "1")
    changed = object_of(dunwell("user", "set", "mona", "--role", "collector", "--limit", "12.50", "--json"))
    assert changed == {"name": "mona", "role": "collector", "limit_minor": 1250}
    assert object_of(dunwell("user", "set", "mona", "--limit", "20", "--json"))["role"] == "collector"
    assert "not disabled" in _refused(dunwell, "user", "enable", "mona")
    object_of(dunwell("user", "disable", "mona", "--json"))
    assert "no user" in _refused(dunwell, "user", "set", "mona", "--limit", "1")
    object_of(dunwell("user", "enable", "mona", "--json"))
    [mona] = object_of(dunwell("user", "list", "--json"))["users"]
    assert (mona["role"], mona["limit_minor"], mona["disabled_at"]) == ("collector", 2000, None)
    told = object_of(dunwell("user", "log", "--json"))["entries"]
    assert [(e["actor"], e["action"]) for e in reversed(told)] == [
        ("command line", what)
        for what in (
            "user.added",
            "key.added",
            "user.changed",
            "user.changed",
            "user.disabled",
            "user.enabled",
        )
    ]
    assert "user.enabled (user mona)" in dunwell("user", "log").stdout


def test_the_last_admin_stays_one(dunwell: Dunwell) -> None:  # noqa: F811
    object_of(dunwell("user", "add", "ada", "--role", "admin", "--json"))
    for words in (["user", "disable", "ada"], ["user", "set", "ada", "--role", "manager"]):
        assert "ada is the last admin" in _refused(dunwell, *words)
    object_of(dunwell("user", "add", "abe", "--role", "admin", "--json"))
    object_of(dunwell("user", "disable", "ada", "--json"))
    assert "abe is the last admin" in _refused(dunwell, "user", "disable", "abe")
    object_of(dunwell("user", "disable", "abe", "--last-admin", "--json"))


def test_a_key_has_no_scope_that_its_user_has_no_use_for(dunwell: Dunwell) -> None:  # noqa: F811
    object_of(dunwell("user", "add", "vic", "--role", "viewer", "--json"))
    for scope in ("admin", "decide", "ingest"):
        told = _refused(dunwell, "key", "add", "vic", "--scope", scope, "--scope", "read")
        assert told == "The key of a viewer has scopes of read."
    object_of(dunwell("key", "add", "vic", "--scope", "read", "--json"))


def test_an_unknown_customers_log_is_not_proven(dunwell: Dunwell) -> None:  # noqa: F811
    assert _refused(dunwell, "audit", "verify", "--customer", "nosuch") == "There is no customer 'nosuch'."
    assert object_of(dunwell("audit", "verify", "--customer", "K1", "--json"))["verified"] is True


def test_an_export_that_failed_is_none_in_the_log(dunwell: Dunwell, tmp_path: Path) -> None:  # noqa: F811
    there, new = tmp_path / "there.json", tmp_path / "new.json"
    there.write_text("mine", "utf-8")
    assert "cannot be written" in _refused(dunwell, "customers", "export", "K1", "--out", str(there))
    assert there.read_text("utf-8") == "mine"
    assert "no customer" in _refused(dunwell, "customers", "export", "nosuch", "--out", str(new))
    assert not new.exists()
    assert "customer.exported" not in dunwell("audit", "export", "--customer", "K1").stdout


def test_a_write_off_says_which_command_approves_it_and_so_does_the_list(dunwell: Dunwell) -> None:  # noqa: F811
    object_of(dunwell("user", "add", "carla", "--role", "collector", "--json"))
    [invoice] = object_of(dunwell("customers", "show", "K1", "--json"))["invoices"]
    asked = ("arrangements", "write-off", "K1", "--invoice", invoice["id"], "--as", "carla")
    assert "Say why" in _refused(dunwell, *asked, "--reason", "  ")
    command = "dunwell arrangements move ledger_request 1 approved --as NAME --reason WHY"
    assert command in dunwell(*asked, "--reason", "dissolved").stdout
    assert command in dunwell("approvals", "list").stdout
    [listed] = object_of(dunwell("approvals", "list", "--json"))["ledger_requests"]
    assert listed["amount_minor"] == 10_000
    words = [{"NAME": "mona", "WHY": "agreed"}.get(word, word) for word in command.split()[1:]]
    assert object_of(dunwell(*words, "--json"))["state"] == "approved"
    assert object_of(dunwell("approvals", "list", "--json"))["ledger_requests"] == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["edit"], "edited_args goes with the decision edit, and only with it"),
        (["edit", "--args", "{"], "--args is no JSON"),
        (["reject", "--reason", "x" * 1001], "at most 1000 characters"),
    ],
)
def test_what_is_no_decision_is_told_why(dunwell: Dunwell, given: list[str], says: str) -> None:  # noqa: F811
    object_of(dunwell("cycle", "--json"))
    waiting = object_of(dunwell("approvals", "list", "--json"))["approvals"][0]["id"]
    assert says in _refused(dunwell, "approvals", "decide", waiting, *given, "--as", "mona")


async def test_logins_and_lock_outs_are_on_record_without_what_was_typed(api: Api, world: World) -> None:
    once = await one_time(world, "a viewer")
    assert (await login(api, "a viewer", once, CHOSEN)).status_code == 200
    for name in ("a viewer", "typed-a-secret-here"):
        for _ in range(5):
            problem(await login(api, name, WRONG), 401)
    told = world.sql(
        "SELECT actor, action, subject FROM access_log WHERE action ~ 'session|locked' ORDER BY id"
    )
    assert told == [
        ("a viewer", "session.begun", {"user": "a viewer", "new_password": True}),
        ("system", "login.locked", {"user": "a viewer", "failures": 5}),
    ]
    kept = str(world.sql("SELECT * FROM access_log"))
    assert not [secret for secret in (once, CHOSEN, WRONG, "typed-a-secret") if secret in kept]


async def test_who_ended_an_access_over_http_is_on_record_and_the_record_only_grows(
    api: Api, world: World
) -> None:
    await api.post("/v1/users/a manager/disable", role="admin")
    ended = "SELECT actor, subject FROM access_log WHERE action = 'user.disabled'"
    assert world.sql(ended) == [("a admin", {"user": "a manager"})]
    for change in ("UPDATE access_log SET actor = 'x'", "DELETE FROM access_log", "TRUNCATE access_log"):
        with pytest.raises(RestrictViolation, match="append-only"):
            world.beside.execute(change)


async def test_a_role_is_told_with_its_article(api: Api) -> None:
    assert (
        problem(await api.get("/v1/users", "viewer"), 403)["detail"]
        == "This needs an admin; a viewer is a viewer."
    )


@pytest.mark.parametrize(("origin", "believed"), [(None, False), ("https://desk.example.com", True)])
def test_only_behind_a_proxy_of_ones_own_is_its_word_for_an_address_taken(
    origin: str | None, believed: bool
) -> None:
    settings = Settings(public_origin=origin, clock=NOW)
    assert serving.configured(FastAPI(), settings).proxy_headers is believed


def test_how_much_was_rewritten_is_told_in_drafts() -> None:
    assert _counted("distance_permille", 1500) == "1.5 drafts' worth rewritten"
    assert _counted("rejected", 2) == "2 rejected"
