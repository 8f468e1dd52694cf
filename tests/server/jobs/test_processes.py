"""`dunwell work` and `dunwell up` as processes: they do their work, and end in order when they are told to."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from server.users import add_user
from tests.server.conftest import Api
from tests.server.jobs.working import jobs, unhandled, until, writes
from tests.world import NOW, World

ROOT = Path(__file__).parents[3]


@contextmanager
def command(world: World, *words: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """A `dunwell` command at work on the world's database; whatever it started is gone after the block."""
    environment = {
        **os.environ, "DUNWELL_DATABASE_URL": world.conninfo, "DUNWELL_CLOCK": world.clock.now().isoformat(),
        "DUNWELL_CYCLE_HOUR": "24", **settings,
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "server.cli", *words],
        env=environment,
        cwd=ROOT,
        text=True,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        for started in (
            [*psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []
        ):
            started.kill()
        process.kill()
        process.communicate()


def listens(port: int) -> bool:
    """Whether somebody serves there."""
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


async def ends(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit code and what it said, once it has ended."""
    _, said = await asyncio.to_thread(process.communicate, timeout=60)
    return process.returncode, said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_answers_and_ends_with_0_when_it_is_told_to_stop(world: World, number: int) -> None:
    world.customer(segment="default")
    await writes(world)
    with command(world, "work", "--concurrency", "2") as process:
        await until(lambda: unhandled(world) == 0 and jobs(world) == 0)
        process.send_signal(number)
        code, said = await ends(process)

    assert code == 0, said
    assert "Traceback" not in said
    assert world.count("procrastinate_workers") == 0
    assert jobs(world, "status = 'doing'") == 0


async def test_several_processes_share_the_work_and_a_killed_one_is_started_again(world: World) -> None:
    for n in range(4):
        world.customer(f"cust-{n}", segment="default")
    with command(world, "work", "--processes", "2") as parent:
        await until(lambda: world.count("procrastinate_workers") == 2)
        first, *_ = psutil.Process(parent.pid).children()
        first.kill()
        for n in range(4):
            await writes(world, customer=f"cust-{n}")
        await until(lambda: unhandled(world) == 0 and jobs(world) == 0)
        await until(
            lambda: len([c for c in psutil.Process(parent.pid).children() if c.status() != "zombie"]) == 2
        )
        parent.terminate()
        code, said = await ends(parent)

    assert code == 0, said
    assert world.count("episode") == 4
    assert "process_died" in said


@pytest.mark.parametrize("words", [("work", "--processes", "2"), ("up",)], ids=["work", "up"])
async def test_the_children_of_a_killed_parent_drain_and_end(world: World, words: tuple[str, ...]) -> None:
    """Nobody would stop them otherwise, and the next parent would start others beside them."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with command(world, *words, DUNWELL_PORT=port) as parent:
        children = list[psutil.Process]()
        await until(lambda: world.count("procrastinate_workers") == (2 if words[0] == "work" else 1))
        children = psutil.Process(parent.pid).children()
        assert len(children) == 2
        try:
            parent.kill()
            gone, _ = await asyncio.to_thread(psutil.wait_procs, children, timeout=30)
        finally:
            for left in children:
                if left.is_running():
                    left.kill()

    assert len(gone) == 2
    assert world.count("procrastinate_workers") == 0, "told to stop, and not killed"


async def test_up_serves_and_works_and_stops_both(world: World) -> None:
    world.customer(segment="default")
    async with world.pool.connection() as conn, conn.transaction():
        key = await add_user(conn, name="carla", role="collector", limit_minor=0, now=NOW)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    given = {"customer_id": "cust-1", "body": "How much do I owe?"}
    headers = {"Authorization": f"Bearer {key}", "Prefer": "respond-async"}
    with command(world, "up", DUNWELL_PORT=str(port)) as process:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
            await until(lambda: listens(port))
            answer = await client.post("/v1/messages", json=given)
        assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "respond-async"), (
            answer.text
        )
        await until(lambda: unhandled(world) == 0 and jobs(world) == 0)
        process.terminate()
        code, said = await ends(process)

    assert code == 0, said
    assert world.count("episode") == 1
    assert "`dunwell user password admin`" in said, "the first start, where no terminal is"
    assert world.sql("SELECT password_hash FROM app_user WHERE name = 'admin'") == [None]


async def test_a_worker_whose_database_goes_away_goes_on_when_it_is_back(world: World) -> None:
    """Every connection is cut; nobody has to start it again."""
    world.customer(segment="default")
    ours = world.sql("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
    with command(world, "work") as process:
        await until(lambda: world.count("procrastinate_workers") == 1)
        world.sql(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> ALL(%s)""",
            ours,
        )
        await writes(world)
        await until(lambda: unhandled(world) == 0 and jobs(world) == 0)
        process.terminate()
        code, said = await ends(process)

    assert code == 0, said
    assert world.count("episode") == 1


async def test_a_message_that_is_to_be_answered_later_is_accepted_once(api: Api, world: World) -> None:
    world.customer()
    given = {"customer_id": "cust-1", "channel": "sms", "body": "What do I owe?", "provider_id": "sid-7"}
    headers = {**api.headers("collector"), "Prefer": "respond-async"}
    first, second = [await api.client.post("/v1/messages", json=given, headers=headers) for _ in range(2)]

    assert (first.status_code, second.status_code) == (202, 202)
    assert (first.json()["duplicate"], second.json()["duplicate"]) == (False, True)
    assert json.dumps(first.json()).count("owe") == 0
    assert (unhandled(world), jobs(world)) == (1, 1)
