"""Sessions over HTTP: what a login gives, what ends it, and what an attacker tries with it."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from httpx import AsyncClient, Response

from server.identity import passwords
from server.identity.sessions import ABSOLUTE, IDLE, csrf_token
from server.users import disable_user, give_one_time_password
from tests.server.conftest import Api, problem
from tests.world import NOW, World
from tools.errors import Invalid

OURS = "http://test"
CHOSEN = "quarry-lantern-vesper-94"
OTHER = "thimble-orchid-granite-17"
COOKIE = "__Host-dunwell"


async def one_time(world: World, name: str) -> str:
    async with world.pool.connection() as conn, conn.transaction():
        return await give_one_time_password(conn, name=name, now=world.clock.now())


async def login(api: Api, name: str, password: str, new: str | None = None, **headers: str) -> Response:
    given = {"name": name, "password": password, **({"new_password": new} if new else {})}
    api.client.cookies.clear()
    return await api.client.post("/v1/session", json=given, headers=headers)


async def browser(api: Api, world: World, role: str) -> dict[str, str]:
    """Somebody of that role is logged in: what their browser sends with every request to us from our own page."""
    answer = await login(api, f"a {role}", await one_time(world, f"a {role}"), CHOSEN)
    assert answer.status_code == 200, answer.text
    api.client.cookies.clear()
    return {
        "Cookie": f"{COOKIE}={answer.cookies[COOKIE]}",
        "X-CSRF-Token": answer.json()["csrf_token"],
        "Origin": OURS,
    }


def token_of(headers: Mapping[str, str]) -> str:
    return headers["Cookie"].partition("=")[2]


async def status(client: AsyncClient, headers: Mapping[str, str], path: str = "/v1/counts") -> int:
    return (await client.get(path, headers=headers)).status_code


async def test_a_person_logs_in_works_and_logs_out(api: Api, world: World) -> None:
    once = await one_time(world, "a collector")
    told = problem(await login(api, "a collector", once), 403)
    assert told["type"] == "urn:dunwell:password-must-change"
    assert world.count("login_session") == 0

    answer = await login(api, "a collector", once, CHOSEN)

    assert answer.status_code == 200, answer.text
    flags = answer.headers["set-cookie"]
    assert flags.startswith(f"{COOKIE}=")
    assert all(flag in flags for flag in ("HttpOnly", "SameSite=strict", "Secure", "Path=/"))
    assert "Domain" not in flags
    headers = {"Cookie": f"{COOKIE}={answer.cookies[COOKIE]}"}
    who = (await api.client.get("/v1/session", headers=headers)).json()
    assert (who["name"], who["role"], who["csrf_token"]) == (
        "a collector",
        "collector",
        answer.json()["csrf_token"],
    )
    assert who["scopes"] == ["read", "decide", "ingest"]
    stored = str(world.sql("SELECT * FROM login_session") + world.sql("SELECT * FROM app_user"))
    for secret in (answer.cookies[COOKIE], once, CHOSEN, who["csrf_token"]):
        assert secret not in stored
    problem(await login(api, "a collector", once, OTHER), 401)  # it was good once

    ours = {**headers, "Origin": OURS, "X-CSRF-Token": who["csrf_token"]}
    ended = await api.client.delete("/v1/session", headers=ours)
    assert (ended.status_code, world.count("login_session")) == (204, 0)
    assert f'{COOKIE}=""' in ended.headers["set-cookie"]
    problem(await api.client.get("/v1/counts", headers=headers), 401)


async def test_a_session_does_what_its_user_may_and_no_more(api: Api, world: World) -> None:
    viewer = await browser(api, world, "viewer")
    assert await status(api.client, viewer) == 200
    problem(await api.client.post("/v1/cycles", headers=viewer), 403)
    problem(await api.client.get("/v1/users", headers=viewer), 403)


async def test_another_sites_page_changes_nothing_with_the_cookie(api: Api, world: World) -> None:
    """CSRF: the browser sends the cookie along; without the token of this very session, from our page, that is nothing."""
    good = await browser(api, world, "manager")
    foreign = csrf_token("another session's token")
    other = await browser(api, world, "collector")
    without = {name: value for name, value in good.items() if name != "X-CSRF-Token"}
    no_origin = {name: value for name, value in good.items() if name != "Origin"}
    for wrong in (
        without, {**good, "X-CSRF-Token": ""}, {**good, "X-CSRF-Token": foreign}, {**good, "X-CSRF-Token": "é"},
        {**good, "X-CSRF-Token": other["X-CSRF-Token"]}, {**good, "X-CSRF-Token": token_of(good)},
        no_origin, {**good, "Origin": "https://evil.example"}, {**good, "Origin": "null"},
        {**good, "Origin": "http://test.evil.example"}, {**good, "Origin": "https://test"},
    ):  # fmt: skip
        sent = {name.encode(): value.encode() for name, value in wrong.items()}
        assert (
            problem(await api.client.post("/v1/cycles", headers=sent), 403)["type"] == "urn:dunwell:forbidden"
        )
        assert problem(await api.client.delete("/v1/session", headers=sent), 403)
    assert world.count("episode") == 0
    assert await status(api.client, without) == 200, "reading changes nothing"
    assert (await api.client.post("/v1/cycles", headers=good)).status_code == 200
    assert (await api.post("/v1/cycles")).status_code == 200, "no browser sends a key by itself"
    mixed = {**without, "Authorization": "Bearer dw_x_y"}
    problem(await api.client.post("/v1/cycles", headers=mixed), 401)


async def test_nobody_is_logged_in_from_another_sites_page(api: Api, world: World) -> None:
    once = await one_time(world, "a viewer")
    problem(await login(api, "a viewer", once, CHOSEN, Origin="https://evil.example"), 403)
    form = {"name": "a viewer", "password": once, "new_password": CHOSEN}
    problem(await api.client.post("/v1/session", data=form), 422)
    assert world.count("login_session") == 0


async def test_a_planted_session_is_never_logged_into(api: Api, world: World) -> None:
    """Fixation: a token that the attacker knows is worth nothing before the victim's login, and nothing after it."""
    planted = {"Cookie": f"{COOKIE}=planted-by-an-attacker"}
    answer = await login(api, "a viewer", await one_time(world, "a viewer"), CHOSEN, **planted)
    assert answer.cookies[COOKIE] != "planted-by-an-attacker"
    problem(await api.client.get("/v1/counts", headers=planted), 401)

    own = {"Cookie": f"{COOKIE}={answer.cookies[COOKIE]}"}  # the attacker's own session, planted
    again = await login(api, "a viewer", CHOSEN, **own)
    assert again.cookies[COOKIE] != answer.cookies[COOKIE]
    problem(await api.client.get("/v1/counts", headers=own), 401)


async def test_a_session_ends_when_it_is_idle_and_when_its_time_is_over(api: Api, world: World) -> None:
    clock = api.app.state.services.engine.deps.clock
    busy, idle = await browser(api, world, "viewer"), await browser(api, world, "collector")
    almost = IDLE - timedelta(seconds=1)
    for _ in range(int(ABSOLUTE / IDLE)):
        clock.advance(almost)
        assert await status(api.client, busy) == 200
    assert await status(api.client, idle) == 401
    clock.advance(almost)
    assert await status(api.client, busy) == 401, "twelve hours are over, though it was never idle"
    assert (await login(api, "a viewer", CHOSEN)).status_code == 200
    assert world.count("login_session") == 1, "what has ended is cleared away"


async def test_what_ends_a_session_ends_it_at_once_and_no_other(api: Api, world: World) -> None:
    roles = ("viewer", "collector", "manager", "admin")
    on = {role: await browser(api, world, role) for role in roles}

    assert (await login(api, "a viewer", CHOSEN, OTHER)).status_code == 200  # the password changed
    await _ended(api, on.pop("viewer"), on)
    problem(await login(api, "a viewer", CHOSEN), 401)
    assert (await login(api, "a viewer", OTHER)).status_code == 200

    await one_time(world, "a collector")  # somebody at the server gave another password
    await _ended(api, on.pop("collector"), on)
    problem(await login(api, "a collector", CHOSEN), 401)

    async with world.pool.connection() as conn, conn.transaction():
        await disable_user(conn, name="a manager", now=NOW)
    await _ended(api, on.pop("manager"), on)
    problem(await api.get("/v1/counts", "manager"), 401)  # the key, too
    problem(await login(api, "a manager", CHOSEN), 401)

    assert (await api.client.delete("/v1/session", headers=on["admin"])).status_code == 204
    await _ended(api, on.pop("admin"), on)
    assert (await login(api, "a admin", CHOSEN)).status_code == 200


async def _ended(api: Api, session: Mapping[str, str], others: Mapping[str, Mapping[str, str]]) -> None:
    api.client.cookies.clear()
    problem(await api.client.get("/v1/counts", headers=session), 401)
    for headers in others.values():
        assert await status(api.client, headers) == 200


async def test_a_weak_password_is_refused_and_the_old_one_stays(api: Api, world: World) -> None:
    once = await one_time(world, "a viewer")
    for weak in (
        "short", "password1234", "aaaaaaaaaaaa", "qwertyuiop12", "iloveyou1234", "viewerviewer1", "dunwelldunwell", "x" * 257,
    ):  # fmt: skip
        told = problem(await login(api, "a viewer", once, weak), 422)
        assert weak not in str(told) or weak == "short"
    problem(await login(api, "a viewer", once, once), 409)
    assert (await login(api, "a viewer", once, CHOSEN)).status_code == 200


async def test_a_one_time_password_lapses(api: Api, world: World) -> None:
    once = await one_time(world, "a viewer")
    world.sql("UPDATE app_user SET one_time_until = %s WHERE name = 'a viewer'", NOW)
    problem(await login(api, "a viewer", once, CHOSEN), 401)


async def test_a_password_hashed_with_less_than_today_is_hashed_again(api: Api, world: World) -> None:
    weaker = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(CHOSEN)
    world.sql("UPDATE app_user SET password_hash = %s WHERE name = 'a viewer'", weaker)
    assert (await login(api, "a viewer", CHOSEN)).status_code == 200
    [stored] = world.sql("SELECT password_hash FROM app_user WHERE name = 'a viewer'")
    assert not passwords.is_outdated(stored)
    assert (await login(api, "a viewer", CHOSEN)).status_code == 200


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada", "ada-dunwell-12"), ("admin", "admin-dunwell-"), ("admin", "Dunwell-ADMIN-2026!"),
        ("ada lovelace", "Lovelace.Ada.1815"), ("ada.lovelace@x.example", "lovelace-ada-4711"),
        ("ada", "dundunwellwell-ada"), ("ada", "adaquarry-7k"), ("ada", "password1234"), ("ada", "short-7kq"),
        ("ada", "dunwellqwertyuiopas"),
    ],
)  # fmt: skip
def test_a_password_of_names_and_what_everybody_takes_is_refused(name: str, password: str) -> None:
    with pytest.raises(Invalid):
        passwords.assert_strong(password, about=(name, *name.split()))


@pytest.mark.parametrize(
    "password", [CHOSEN, OTHER, "ada-quarry-lantern-vesper", "dunwell kestrel umber fjord"]
)
def test_a_password_that_is_strong_without_the_names_is_taken(password: str) -> None:
    passwords.assert_strong(password, about=("ada",))
