"""The database is away: at the start one clear sentence; in flight a 503, nothing lost, and everybody goes on by himself."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from agent.cycle.sweep import finish_answers
from server import db
from server.access import Services
from server.embedded import status
from server.jobs.run import Shift, work
from server.jobs.schedule import Terms
from tests.faults.conftest import Home, connected_again
from tests.server.conftest import Api, problem
from tests.server.jobs.test_processes import command, ends, listens
from tests.server.jobs.working import jobs, unhandled, until, writes
from tests.world import World, message, note, proposing
from tools import failpoints
from tools.channels.local import LocalChannel
from tools.clock import FrozenClock

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def started(words: str, **settings: str) -> subprocess.Popen[str]:
    """A `dunwell` command whose stderr is read."""
    return subprocess.Popen(
        [sys.executable, "-m", "server.cli", words], cwd=ROOT, text=True, stderr=subprocess.PIPE,
        env={**os.environ, "DUNWELL_PORT": str(free_port()), **settings},
    )  # fmt: skip


@pytest.fixture
def database(home: Home, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything here works on a server of its own, for which nobody waits long."""
    monkeypatch.setattr(db, "_POOL_TIMEOUT_SECONDS", 1.0)
    return home.start()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("words", ["work", "serve", "up"])
async def test_whoever_starts_before_the_database_says_so_once_and_ends_at_once_when_told(
    words: str, number: int, tmp_path: Path
) -> None:
    nowhere = f"postgresql://dunwell:secret@/dunwell?host={tmp_path}"
    process = started(words, DUNWELL_DATABASE_URL=nowhere)
    line = await asyncio.to_thread(process.stderr.readline)  # type: ignore[union-attr]  # it is a pipe
    assert line.startswith("Cannot use the database 'dunwell'")
    assert line.endswith("Waiting until it answers; Ctrl-C ends that.\n")

    process.send_signal(number)
    code, said = await ends(process)
    assert code == 0, said
    assert "Cannot use" not in said or words == "up", "each child of `up` says it once"
    assert "secret" not in line + said
    assert "Traceback" not in said


@pytest.mark.parametrize("words", ["work", "serve", "up"])
async def test_what_waiting_does_not_mend_is_one_sentence_and_an_exit_code(words: str, home: Home) -> None:
    unknown = make_conninfo(home.start(), dbname="nowhere")
    socket_dir = conninfo_to_dict(unknown)["host"]
    process = started(words, DUNWELL_DATABASE_URL=f"postgresql://dunwell:secret@/nowhere?host={socket_dir}")
    code, said = await ends(process)

    assert code == 1
    assert said.startswith("Cannot use the database 'nowhere'")
    assert said.count("\n") == 1
    assert "secret" not in said


async def test_the_embedded_database_that_does_not_start_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    process = started("up", DUNWELL_DATABASE_URL="", DUNWELL_DATA_DIR=str(tmp_path / "data"))
    code, said = await ends(process)

    assert (code, said.count("\n")) == (1, 1), said


async def test_a_server_and_a_worker_that_were_there_first_go_on_when_the_database_comes(
    home: Home, world: World
) -> None:
    world.customer(segment="default")
    await writes(world)
    home.stop()
    port = str(free_port())
    own = {"DUNWELL_CYCLE_HOUR": "24", "DUNWELL_PORT": port}
    with command(world, "serve", **own) as serving, command(world, "work", **own) as working:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            await until(lambda: listens(int(port)))
            assert (await client.get("/healthz")).status_code == 200
            assert "does not answer" in problem(await client.get("/readyz"), 503)["detail"]
            key = {"Authorization": "Bearer x"}
            assert "does not answer" in problem(await client.get("/v1/approvals", headers=key), 503)["detail"]

            home.start()
            with connected_again(world):
                await until(lambda: unhandled(world) == 0 and jobs(world) == 0)
            async with asyncio.timeout(60):
                while (await client.get("/readyz")).status_code != 200:  # noqa: ASYNC110 - as in `until`
                    await asyncio.sleep(0.1)
            assert (await client.get("/v1/approvals", headers=key)).status_code == 401
        for process in (serving, working):
            process.terminate()
            code, said = await ends(process)
            assert code == 0, said
            assert said.count("Waiting until it answers") == 1


@pytest.mark.parametrize(
    "place", ["approval.claimed", "approval.deliberated", "approval.before_commit", "approval.committed"]
)
async def test_a_click_while_the_database_goes_away_has_one_effect_however_often_it_is_repeated(
    home: Home, api: Api, world: World, place: str
) -> None:
    world.customer(segment="draft")
    _, (waiting,) = await world.asked(message())
    given = (await world.decision(waiting)).model_dump()

    def goes_away(name: str) -> None:
        if name == place:
            failpoints.arm(None)
            home.kill()

    failpoints.arm(goes_away)
    try:
        first = await api.post(f"/v1/approvals/{waiting}/decision", given)
    finally:
        failpoints.arm(None)
    assert "does not answer" in problem(first, 503)["detail"]

    home.start()
    with connected_again(world):
        async with asyncio.timeout(60):
            while (again := await api.post(f"/v1/approvals/{waiting}/decision", given)).status_code == 503:  # noqa: ASYNC110 - as in `until`
                await asyncio.sleep(0.1)
        assert again.status_code in (200, 409), again.text
        services: Services = api.app.state.services
        clock = services.engine.deps.clock
        assert isinstance(clock, FrozenClock)
        clock.advance(timedelta(seconds=11))
        await finish_answers(services.engine)

        assert world.state(waiting) == "approved"
        assert world.count("outbox") == 1
        assert world.count("fence") == 2
        assert world.checkpoints() == 0
        assert await replace(world, pool=services.pool).chain_holds()


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
    port = str(free_port())
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
