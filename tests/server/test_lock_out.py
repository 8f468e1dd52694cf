"""Guessing: wrong passwords lock the name for longer and longer, nobody learns who exists, and nobody asks without end."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.identity import passwords
from server.identity.sessions import pause_after
from server.throttle import Throttle
from tests.server.conftest import Api, problem
from tests.server.test_sessions import CHOSEN, login, one_time
from tests.world import NOW, World

WRONG = "not-the-password-of-anybody"


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The steady clock of what is counted in memory: it stands until its only item is changed."""
    now, take = [0.0], Throttle.take
    monkeypatch.setattr(Throttle, "take", lambda self, who, **_: take(self, who, at=now[0]))
    return now


async def test_wrong_passwords_lock_the_name_longer_and_longer_and_a_pause_ends_it(
    api: Api, world: World
) -> None:
    assert (await login(api, "a viewer", await one_time(world, "a viewer"), CHOSEN)).status_code == 200
    clock = api.app.state.services.engine.deps.clock
    for _ in range(5):
        problem(await login(api, "a viewer", WRONG), 401)
    waits = []
    for _ in range(3):
        told = await login(api, "a viewer", CHOSEN)  # the right one does not help now
        assert problem(told, 429)["type"] == "urn:dunwell:too-many-requests"
        waits.append(int(told.headers["retry-after"]))
        clock.advance(timedelta(seconds=waits[-1]))
        problem(await login(api, "a viewer", WRONG), 401)
    assert waits == [30, 60, 120]
    assert (await api.get("/v1/counts")).status_code == 200, "keys go on"
    clock.advance(timedelta(minutes=15))
    assert (await login(api, "a viewer", CHOSEN)).status_code == 200
    for _ in range(4):
        problem(await login(api, "a viewer", WRONG), 401)
    assert (await login(api, "a viewer", CHOSEN)).status_code == 200, "a success wipes the slate"
    assert world.count("login_attempt") == 0


async def test_a_person_at_the_server_unlocks_a_name(api: Api, world: World) -> None:
    for _ in range(5):
        await login(api, "a viewer", WRONG)
    problem(await login(api, "a viewer", WRONG), 429)
    assert (await login(api, "a viewer", await one_time(world, "a viewer"), CHOSEN)).status_code == 200


async def test_guesses_at_once_are_counted_one_by_one(api: Api, world: World) -> None:
    answers = await asyncio.gather(*(login(api, "a viewer", WRONG) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 7


async def test_nobody_learns_whether_a_name_exists(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unknown, without a password, disabled, known: the same answers in the same order, after the same work."""
    await one_time(world, "a collector")
    await one_time(world, "a manager")
    world.sql("UPDATE app_user SET disabled_at = %s WHERE name = 'a manager'", NOW)
    checked: list[str] = []
    verify = passwords._verify

    def counting(password: str, stored: str) -> bool:
        checked.append(stored.rsplit("$", 2)[0])
        return verify(password, stored)

    monkeypatch.setattr(passwords, "_verify", counting)
    told = {}
    for n, somebody in enumerate(("nobody at all", "a viewer", "a manager", "a collector")):
        _from_elsewhere(api, n)
        checked.clear()
        answers = [await login(api, somebody, WRONG) for _ in range(6)]
        assert checked == ["$argon2id$v=19$m=19456,t=2,p=1"] * 5
        told[somebody] = [(a.status_code, a.text, sorted(a.headers.items())) for a in answers]

    assert [status for status, *_ in told["a viewer"]] == [401] * 5 + [429]
    assert all(answers == told["nobody at all"] for answers in told.values())
    assert not any(name in str(world.sql("SELECT * FROM login_attempt")) for name in told)


def _from_elsewhere(api: Api, n: int) -> None:
    """The next requests come from another address."""
    api.client._transport.client = (f"203.0.113.{n}", 1)  # type: ignore[attr-defined]  # an ASGITransport


async def test_an_address_logs_in_only_so_often(api: Api, world: World, seconds: list[float]) -> None:
    answers = [await api.client.post("/v1/session", content=b"{") for _ in range(22)]
    assert [answer.status_code for answer in answers] == [422] * 20 + [429] * 2
    problem(answers[-1], 429)
    assert answers[-1].headers["retry-after"] == "3"


async def test_a_network_of_addresses_is_one_address(api: Api, seconds: list[float]) -> None:
    transport: Any = api.client._transport
    codes = []
    for n in range(22):
        transport.client = (f"2001:db8:0:1::{n:x}", 1)
        codes.append((await api.client.post("/v1/session", content=b"{")).status_code)
    assert codes == [422] * 20 + [429] * 2
    transport.client = ("2001:db8:0:2::1", 1)
    assert (await api.client.post("/v1/session", content=b"{")).status_code == 422


async def test_of_a_stranger_only_a_few_bytes_are_read(api: Api) -> None:
    problem(await api.client.post("/v1/session", content=b'{"name":"' + b"x" * 5000), 422)

    async def endless() -> object:
        raise AssertionError("nobody reads this")
        yield b""

    problem(await api.client.post("/v1/session", content=endless()), 422)  # type: ignore[arg-type]  # an async generator


async def test_a_user_asks_only_so_often_and_another_user_is_not_held_up(
    api: Api, seconds: list[float]
) -> None:
    codes = [(await api.get("/v1/nothing")).status_code for _ in range(601)]
    assert codes == [404] * 600 + [429]
    told = await api.get("/v1/counts")
    problem(told, 429)
    assert told.headers["retry-after"] == "1"
    assert (await api.get("/v1/counts", "collector")).status_code == 200
    seconds[0] = 1.0
    assert (await api.get("/v1/counts")).status_code == 200


async def test_strangers_are_told_to_stop_and_whoever_has_a_key_is_not(
    api: Api, seconds: list[float]
) -> None:
    wrong = {"Authorization": "Bearer dw_x_y"}
    codes = [(await api.client.get("/v1/counts", headers=wrong)).status_code for _ in range(301)]
    assert codes == [401] * 300 + [429]
    assert (await api.get("/v1/counts")).status_code == 200


@given(st.integers(0, 200))
def test_the_pause_grows_and_is_never_too_long(failures: int) -> None:
    assert pause_after(failures) <= pause_after(failures + 1) <= timedelta(minutes=15)
    assert (pause_after(failures) == timedelta()) is (failures < 5)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 3)), max_size=80),
    st.sampled_from([1.0, 2.5]),
    st.sampled_from([1.0, 4.0]),
)
def test_nobody_gets_more_than_the_burst_and_the_rate(
    asked: list[tuple[str, float]], per_second: float, burst: float
) -> None:
    """In no stretch of time, whoever else asks; and who was told to wait is let in after that long."""
    throttle, now = Throttle(per_second, burst), 0.0
    let_in: dict[str, list[float]] = {}
    for who, later in asked:
        now += later
        wait = throttle.take(who, at=now)
        if wait is None:
            let_in.setdefault(who, []).append(now)
        else:
            assert timedelta() < wait <= timedelta(seconds=1 / per_second)
    for times in let_in.values():
        for first in range(len(times)):
            for last in range(first, len(times)):
                stretch = times[last] - times[first]
                assert last - first + 1 <= burst + stretch * per_second + 1e-6


def test_a_flood_of_addresses_is_forgotten_again() -> None:
    throttle = Throttle(1, 1)
    for n in range(30_000):
        throttle.take(str(n), at=0.0)
    assert len(throttle._buckets) == 10_000
