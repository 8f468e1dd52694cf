"""The embedded database's disk is full: it says so, nothing that was acknowledged is lost, and with room it goes on."""

import asyncio
import secrets
from pathlib import Path

import psycopg
import pytest

from server.embedded import ensure_running, status
from tests.faults.conftest import Home, connected_again
from tests.server.conftest import Api, problem
from tests.server.jobs.working import jobs, unhandled, until, worker
from tests.world import World, proposing
from tools.errors import Unavailable


@pytest.fixture
def folder(small_disk: Path) -> Path:
    """The data folder is on a small disk."""
    return small_disk


@pytest.fixture
def database(home: Home) -> str:
    """Everything here works on a server of its own."""
    return home.start()


async def test_a_message_that_does_not_fit_is_refused_and_those_before_it_are_answered(
    home: Home, api: Api, world: World
) -> None:
    world.customer()
    headers = {**api.headers("collector"), "Prefer": "respond-async"}
    acknowledged, told = 0, set[str]()

    async def delivered(body: str) -> bool:
        nonlocal acknowledged
        given = {"customer_id": "cust-1", "channel": "sms", "body": body}
        answer = await api.client.post("/v1/messages", json=given, headers=headers)
        if answer.status_code != 202:
            told.add(problem(answer, 503)["detail"])
            return False
        acknowledged += 1
        return True

    assert await delivered("What do I owe?")
    filler = home.fill()
    async with asyncio.timeout(60):
        while await delivered(secrets.token_hex(9_000)):  # of random text, which cannot be stored small
            pass
    assert told == {"The database's disk is full; nothing of this request was stored."}

    filler.unlink()
    home.start()
    with connected_again(world):
        async with asyncio.timeout(60):
            while not await delivered("And by when?"):  # noqa: ASYNC110 - as in `until`
                await asyncio.sleep(0.1)
        assert (world.count("message"), jobs(world)) == (acknowledged, acknowledged)

        async with worker(world.engine(proposing())):
            await until(lambda: unhandled(world) == 0 and jobs(world) == 0)
        assert world.count("episode") == acknowledged
        assert await world.chain_holds()


async def test_a_server_that_finds_no_room_for_its_log_stops_says_why_and_comes_back(
    home: Home, world: World
) -> None:
    """Without a log nothing can be promised, so Postgres stops itself; it starts again when there is room."""
    world.customer()
    await world.hears("What do I owe?")
    filler = home.fill()
    with psycopg.connect(ensure_running(home.data_dir).admin_conninfo(), autocommit=True) as admin:
        one_megabyte = (
            "SELECT pg_logical_emit_message(true, 'test', repeat('x', 1000000))"  # which grows nothing else
        )
        with pytest.raises(psycopg.OperationalError):
            admin.execute(f"DO $$ BEGIN FOR n IN 1..200 LOOP PERFORM ({one_megabyte}); END LOOP; END $$")
    await until(lambda: not status(home.data_dir).running)
    with pytest.raises(Unavailable, match=r"did not start: .*No space left on device \(its log is"):
        ensure_running(home.data_dir)

    filler.unlink()
    home.start()
    with connected_again(world):
        assert world.sql("SELECT body FROM message") == ["What do I owe?"]
