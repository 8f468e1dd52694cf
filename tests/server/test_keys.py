"""API keys and first start: what a key may do, what ends it, what browsers are told, and how the first admin gets in."""

import io
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from httpx import ASGITransport, AsyncClient, Response
from typing_extensions import override

from server.app import create_app
from server.first_start import welcome
from server.identity.keys import add_key, revoke_key
from server.settings import Settings
from server.users import add_user
from tests.server.conftest import Api, problem
from tests.server.test_cli import Dunwell, dunwell, object_of  # noqa: F401 - a fixture is known by being here
from tests.server.test_sessions import CHOSEN, login, one_time
from tests.world import NOW, World
from tools.errors import Invalid, NotFound


async def _with(api: Api, key: str, path: str = "/v1/counts") -> Response:
    return await api.client.get(path, headers={"Authorization": f"Bearer {key}"})


async def test_a_user_has_several_keys_and_each_ends_by_itself(api: Api, world: World) -> None:
    clock = api.app.state.services.engine.deps.clock
    async with world.pool.connection() as conn:
        short, long = [
            await add_key(conn, name="a viewer", scopes=["read"], now=NOW, lifetime=timedelta(days=days))
            for days in (1, 30)
        ]
        with pytest.raises(NotFound):
            await add_key(conn, name="nobody", scopes=["read"], now=NOW)
        with pytest.raises(Invalid):
            await add_key(conn, name="a viewer", scopes=[], now=NOW)
    assert (await _with(api, short)).status_code == (await _with(api, long)).status_code == 200
    clock.advance(timedelta(days=1))
    problem(await _with(api, short), 401)
    assert (await _with(api, long)).status_code == 200
    async with world.pool.connection() as conn:
        await revoke_key(conn, long.split("_")[1], now=NOW)
        with pytest.raises(NotFound):
            await revoke_key(conn, "none", now=NOW)
    problem(await _with(api, long), 401)
    assert (await _with(api, api.keys["viewer"])).status_code == 200


async def test_an_admin_ends_a_key_and_a_user_over_http_and_never_themselves(api: Api) -> None:
    keys = (await api.get("/v1/keys", "admin")).json()["keys"]
    assert {key["user"] for key in keys} == {"a viewer", "a collector", "a manager", "a admin"}
    assert not any("hash" in key for key in keys)
    [of_viewer] = [key["id"] for key in keys if key["user"] == "a viewer"]
    as_admin = api.headers("admin")
    assert (await api.client.delete(f"/v1/keys/{of_viewer}", headers=as_admin)).status_code == 204
    problem(await api.get("/v1/counts", "viewer"), 401)
    assert (await api.post("/v1/users/a manager/disable", role="admin")).status_code == 204
    problem(await api.get("/v1/counts", "manager"), 401)
    problem(await api.post("/v1/users/a admin/disable", role="admin"), 403)
    problem(await api.post("/v1/users/nobody/disable", role="admin"), 404)
    users = {user["name"]: user for user in (await api.get("/v1/users", "admin")).json()["users"]}
    assert (users["a manager"]["disabled_at"] is None, users["a collector"]["disabled_at"]) == (False, None)
    assert "hash" not in json.dumps(users)


async def test_when_a_key_was_last_used_is_known_to_the_minute(api: Api, world: World) -> None:
    clock = api.app.state.services.engine.deps.clock
    used = (
        "SELECT last_used_at - %s FROM api_key k JOIN app_user u ON u.id = user_id WHERE u.name = 'a viewer'"
    )
    assert world.sql(used, NOW) == [None]
    for later, seen in ((0, 0), (30, 0), (30, 60), (59, 60)):
        clock.advance(timedelta(seconds=later))
        await api.get("/v1/counts")
        assert world.sql(used, NOW) == [timedelta(seconds=seen)]


async def test_a_keys_check_is_one_look_into_two_indexes(world: World) -> None:
    async with world.pool.connection() as conn:
        key = await add_user(conn, name="one", role="viewer", limit_minor=0, now=NOW)
    world.sql(
        """INSERT INTO app_user (name, role, created_at) SELECT 'u' || n, 'viewer', %s FROM generate_series(1, 3000) n""",
        NOW,
    )
    world.sql(
        """INSERT INTO api_key (id, user_id, hash, scopes, created_at)
           SELECT 'k' || id, id, '', '{read}', created_at FROM app_user WHERE name LIKE 'u%%'"""
    )
    world.sql("ANALYZE app_user, api_key")
    from server.identity.keys import _SQL

    given = {"key_id": key.split("_")[1], "now": NOW}
    plan = "\n".join(row[0] for row in world.beside.execute("EXPLAIN " + _SQL["key"], given).fetchall())
    assert "Seq Scan" not in plan, plan
    assert plan.count("Index Scan") == 2, plan


async def test_every_answer_tells_the_browser_what_it_may_do(api: Api) -> None:
    @api.app.get("/v1/defect")
    async def defect() -> None:
        raise ZeroDivisionError

    answers = [
        await api.client.get("/healthz"), await api.client.get("/v1/counts"), await api.get("/v1/counts"),
        await api.get("/v1/nothing"), await api.get("/v1/defect"), await api.post("/v1/messages", {}),
        await api.client.post("/v1/session", json={}),
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [200, 401, 200, 404, 500, 422, 422]
    for answer in answers:
        for name, value in (
            ("content-security-policy", "default-src 'none'"), ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"), ("referrer-policy", "no-referrer"), ("cache-control", "no-store"),
            ("cross-origin-opener-policy", "same-origin"), ("cross-origin-resource-policy", "same-origin"),
        ):  # fmt: skip
            assert value in answer.headers[name], (answer.url, name)
        assert "strict-transport-security" not in answer.headers


async def test_only_this_machine_does_without_https(api: Api, world: World) -> None:
    desk, safe, plain = "https://desk.example.com", ("__Host-dunwell", True), ("dunwell", False)
    opened = api.app.state.services
    await login(api, "a viewer", await one_time(world, "a viewer"), CHOSEN)
    for public, host, cookie, hsts in (
        (None, "127.0.0.1:8321", plain, False),
        (None, "localhost", plain, False),
        (None, "[::1]:80", plain, False),
        (None, "desk.example.com", safe, False),
        (None, "127.0.0.1.evil.example", safe, False),
        (None, "[::", safe, False),
        (desk, "10.0.0.7:8321", safe, True),
        (desk, "127.0.0.1:8321", safe, True),
    ):
        settings = Settings(public_origin=public)
        app = create_app(settings)
        app.state.services = replace(opened, settings=settings)
        given = {"name": "a viewer", "password": CHOSEN}
        async with AsyncClient(
            transport=ASGITransport(app), base_url="http://x", headers={"Host": host}
        ) as client:
            answer = await client.post("/v1/session", json=given)
        assert answer.status_code == 200, answer.text
        flags = answer.headers["set-cookie"]
        assert (flags.partition("=")[0], "Secure" in flags) == cookie, host
        assert ("strict-transport-security" in answer.headers) is hsts


class _Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


async def test_the_first_start_makes_an_admin_whose_password_only_the_terminal_saw(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    terminal = _Terminal()
    for _ in range(2):
        await welcome(world.pool, now=NOW, terminal=terminal)
    told = terminal.getvalue()
    assert told.count("\n") == 1
    once = told.split()[-1]
    assert len(once) == 26
    assert once not in "".join(capfd.readouterr()) + str(world.sql("SELECT * FROM app_user"))
    assert world.sql("SELECT name || role || limit_minor FROM app_user WHERE one_time_until > %s", NOW) == [
        "adminadmin0"
    ]
    assert world.count("api_key") == 0


async def test_where_nobody_sits_there_is_no_password_at_all(world: World) -> None:
    log = io.StringIO()
    await welcome(world.pool, now=NOW, terminal=log)
    assert "dunwell user password admin" in log.getvalue()
    assert world.sql("SELECT password_hash FROM app_user") == [None]


async def test_where_there_is_an_admin_nobody_is_made(world: World) -> None:
    async with world.pool.connection() as conn:
        await add_user(conn, name="ada", role="admin", limit_minor=0, now=NOW)
    world.sql("UPDATE app_user SET disabled_at = %s", NOW)
    terminal = _Terminal()
    await welcome(world.pool, now=NOW, terminal=terminal)
    assert (terminal.getvalue(), world.count("app_user")) == ("", 1)


def test_the_command_line_gives_and_ends_access(dunwell: Dunwell) -> None:  # noqa: F811 - the fixture
    once = object_of(dunwell("user", "password", "mona", "--json"))
    assert (len(once["one_time_password"]), once["days"]) == (26, 7)
    made = object_of(dunwell("key", "add", "mona", "--scope", "read", "--scope", "ingest", "--days", "30", "--label", "[b]till", "--json"))  # fmt: skip
    assert made["scopes"] == ["read", "ingest"]
    key_id = made["api_key"].split("_")[1]
    listed = {key["id"]: key for key in object_of(dunwell("key", "list", "mona", "--json"))["keys"]}
    assert (len(listed), listed[key_id]["label"], listed[key_id]["revoked_at"]) == (2, "[b]till", None)
    assert made["api_key"].split("_")[2] not in json.dumps(listed)
    assert object_of(dunwell("key", "revoke", key_id, "--json"))["revoked"] is True
    assert "revoked" in dunwell("key", "list").stdout
    assert object_of(dunwell("user", "disable", "mona", "--json"))["disabled"] is True
    assert "disabled" in dunwell("user", "list").stdout
    for words in (["key", "add", "mona", "--scope", "read"], ["key", "revoke", "none"], ["user", "password", "mona"],
                  ["user", "disable", "nobody"], ["key", "add", "mona", "--scope", "all"]):  # fmt: skip
        failed = dunwell(*words, "--json")
        assert failed.exit_code == 1, words
        assert json.loads(failed.stdout)["error"]["detail"] == failed.stderr.strip()
