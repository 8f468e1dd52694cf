"""The database is away: at the start one clear sentence; in flight a 503, nothing lost, and everybody goes on by himself."""

import asyncio
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from server import db
from server.embedded import status
from server.jobs.run import Shift, work
from server.jobs.schedule import Terms
from tests.faults.conftest import Home, connected_again
from tests.server.conftest import Api, problem
from tests.server.jobs.test_processes import command, ends
from tests.server.jobs.working import jobs, unhandled, until, writes
from tests.world import World, message, note, proposing
from tools.channels.local import LocalChannel

ROOT = Path(__file__).parents[2]


@pytest.fixture
def database(home: Home, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything here works on a server of its own, for which nobody waits long."""
    monkeypatch.setattr(db, "_POOL_TIMEOUT_SECONDS", 1.0)
    return home.start()


@pytest.mark.parametrize("command", ["work", "up"])
def test_at_the_start_it_is_one_sentence_and_an_exit_code(command: str, tmp_path: Path) -> None:
    nowhere = f"postgresql://dunwell:secret@/dunwell?host={tmp_path}"
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", command], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "DUNWELL_DATABASE_URL": nowhere},
    )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr.startswith("Cannot use the database 'dunwell'")
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr


async def test_a_request_gets_a_503_and_what_was_acknowledged_is_kept(
    home: Home, api: Api, world: World
) -> None:
    world.customer()
    headers = {**api.headers("collector"), "Prefer": "respond-async"}

    async def delivered(sid: str) -> int:
        given = {"customer_id": "cust-1", "channel": "sms", "body": "What do I owe?", "provider_id": sid}
        answer = await api.client.post("/v1/messages", json=given, headers=headers)
        if answer.status_code != 202:
            assert "does not answer" in problem(answer, 503)["detail"]
        return answer.status_code

    assert await delivered("sid-1") == 202
    home.stop()
    assert {await delivered("sid-2") for _ in range(2)} == {503}
    assert (await api.client.get("/readyz")).status_code == 503
    assert (await api.client.get("/healthz")).status_code == 200

    home.start()
    with connected_again(world):
        async with asyncio.timeout(60):
            # The provider delivers again, and the server connects by itself.
            while await delivered("sid-2") != 202:  # noqa: ASYNC110 - it happens in a database, which sets no event
                await asyncio.sleep(0.1)
        assert await delivered("sid-1") == 202
        assert world.sql("SELECT provider_id FROM message ORDER BY id") == ["sid-1", "sid-2"]
        assert (unhandled(world), jobs(world)) == (2, 2)


@pytest.mark.parametrize("end", [Home.stop, Home.kill], ids=["stopped", "killed"])
async def test_a_worker_goes_on_by_itself_with_what_it_was_at(home: Home, world: World, end: object) -> None:
    """The database goes away and comes back while a turn thinks: its commit fails, and it is run again."""
    world.customer(segment="automatic")
    stop, away = asyncio.Event(), list[bool]()

    def goes_away() -> None:
        end(home)  # type: ignore[operator]  # one of the two methods
        home.start()
        away.append(True)

    engine = world.engine(proposing(note(), message(), meanwhile=goes_away))
    await writes(world)
    async with asyncio.TaskGroup() as group:
        shift = Shift(concurrency=2, grace_seconds=5, chores=())
        channels = {"sms": LocalChannel(), "email": LocalChannel()}
        group.create_task(
            work(engine, channels, terms=Terms(24), shift=shift, stop=stop)  # type: ignore[arg-type]  # the names are channels'
        )
        await until(lambda: away)
        with connected_again(world):
            await until(lambda: unhandled(world) == 0 and jobs(world) == 0)
            await until(lambda: not world.count("outbox", "state NOT IN ('sent', 'delivered')"))
            stop.set()

    with connected_again(world):
        assert (world.count("episode"), world.count("outbox"), world.count("fence")) == (1, 1, 1)
        assert world.without_decision() == []
        assert await world.chain_holds()


async def test_up_starts_its_database_again_when_that_was_killed(home: Home, world: World) -> None:
    world.customer(segment="default")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    own = {"DUNWELL_DATABASE_URL": "", "DUNWELL_DATA_DIR": str(home.data_dir), "DUNWELL_PORT": port}
    with command(world, "up", **own) as process:
        await until(lambda: world.count("procrastinate_workers") == 1)
        home.kill()
        await until(lambda: status(home.data_dir).running)
        with connected_again(world):
            async with db.open_pool(world.conninfo, min_size=1, max_size=1) as pool:
                await replace(world, pool=pool).hears()
            await until(lambda: unhandled(world) == 0)
        process.terminate()
        code, said = await ends(process)

    assert code == 0, said
    with connected_again(world):
        assert world.count("episode") == 1
