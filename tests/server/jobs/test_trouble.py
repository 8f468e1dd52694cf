"""Killed workers, slow ones, turns that fail: a message is answered once, or a person has it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from procrastinate.exceptions import ConnectorException

from server.inbound import Stored
from server.jobs import run
from server.jobs.queue import defer_waiting, try_failed_again
from server.jobs.retry import GIVE_UP_AFTER
from server.jobs.run import Shift, take_turns
from server.jobs.schedule import Hands, Terms
from tests.server.jobs.working import DEAF, jobs, unhandled, until, worker, writes
from tests.world import World, message, note, proposing
from tools import failpoints
from tools.errors import Unavailable

ROOT = Path(__file__).parents[3]
# A worker process that ends itself, as SIGKILL does, where the test says.
KILLED = """
import asyncio, os, signal
from server.jobs.run import Shift, take_turns
from server.jobs.schedule import Hands, Terms
from server.runtime import open_engine
from server.settings import load
from tools import failpoints

def end(name):
    if name == {place!r}:
        os.kill(os.getpid(), signal.SIGKILL)

async def work():
    async with open_engine(load()) as engine:
        failpoints.arm(end)
        await take_turns(Hands(engine, Terms()), Shift(chores=()), asyncio.Event())

asyncio.run(work())
"""


def environment(world: World) -> dict[str, str]:
    """A worker's environment: the world's database and day."""
    return {
        **os.environ,
        "DUNWELL_DATABASE_URL": world.conninfo,
        "DUNWELL_CLOCK": world.clock.now().isoformat(),
    }


@contextmanager
def failing(*failures: BaseException) -> Iterator[list[str]]:
    """The next turns fail before they commit, one failure each; gives the places that were reached."""
    left, reached = list(failures), list[str]()

    def fail(name: str) -> None:
        reached.append(name)
        if name == "episode.deliberated" and left:
            raise left.pop(0)

    failpoints.arm(fail)
    try:
        yield reached
    finally:
        failpoints.arm(None)


@pytest.mark.parametrize(
    "place",
    [
        "worker.fetched",
        "episode.deliberated",
        "episode.before_commit",
        "episode.committed",
        "worker.before_finish",
    ],
)
async def test_a_killed_workers_turn_is_taken_over_and_done_once(world: World, place: str) -> None:
    world.customer(segment="default")
    await writes(world)
    killed = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", KILLED.format(place=place)], env=environment(world), cwd=ROOT,
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert jobs(world, "status = 'doing'") == 1, "its customer is locked, and nobody knows"
    await writes(world, "Are you there?")

    async with worker(world.engine(proposing(message("clarify"))), stalled_after=1.0):
        await until(lambda: unhandled(world) == 0 and jobs(world) == 0)

    assert world.count("episode") == world.count("fence") == 2
    assert world.count("outbox") + world.count("approval") == 2
    assert await world.chain_holds()


async def test_a_worker_that_was_only_slow_and_its_heir_commit_once(world: World) -> None:
    """Its job was given to another while it ran on: both finish, one commits, and neither breaks."""
    world.customer()
    await writes(world)
    given_away = asyncio.Event()

    def give_away() -> None:
        world.sql("SELECT procrastinate_retry_job_v2(id, NULL, NULL, NULL, NULL) FROM procrastinate_jobs")
        world.sql(
            'SELECT pg_notify(\'procrastinate_any_queue_v1\', \'{"type": "job_inserted", "job_id": 0}\')'
        )
        given_away.set()

    async with worker(world.engine(proposing(note(), message(), meanwhile=give_away))):
        await until(lambda: unhandled(world) == 0 and jobs(world) == 0)

    assert given_away.is_set()
    assert world.count("episode") == 1
    assert world.count("outbox") == 1


async def test_a_worker_whose_reaper_fails_says_so_and_starts_over(world: World) -> None:
    """Else what dead workers hold would stay theirs for as long as this one lives."""
    world.sql("ALTER FUNCTION procrastinate_retry_job_v2 RENAME TO gone")
    hands, shift = Hands(world.engine(proposing()), Terms()), Shift(poll_seconds=DEAF, chores=())

    async with asyncio.timeout(30):
        with pytest.raises(ConnectorException):
            await take_turns(hands, shift, asyncio.Event())

    assert world.count("procrastinate_workers") == 0


async def test_a_part_that_ends_for_whatever_reason_is_started_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.customer(segment="draft")
    await writes(world)
    ways = [None, asyncio.CancelledError(), RuntimeError(), KeyError()]

    async def ends(*given: Any) -> None:
        if not ways:
            await take_turns(*given)
        elif (way := ways.pop()) is not None:
            raise way

    monkeypatch.setattr(run, "take_turns", ends)
    monkeypatch.setattr(run, "_PAUSE_SECONDS", (0.01, 0.01))
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        shift = Shift(poll_seconds=DEAF, chores=())
        group.create_task(
            run.work(world.engine(proposing(message())), {}, terms=Terms(), shift=shift, stop=stop)
        )
        await until(lambda: unhandled(world) == 0)
        stop.set()

    assert ways == []


async def test_a_worker_told_to_stop_finishes_what_runs_and_takes_nothing_new(world: World) -> None:
    world.customer()
    for n in range(4):
        await writes(world, f"question {n}")
    stopping = asyncio.Event()

    async with worker(world.engine(proposing(note(), meanwhile=stopping.set)), concurrency=1) as stop:
        await stopping.wait()
        stop.set()

    assert jobs(world, "status = 'doing'") == 0
    assert (world.count("episode"), jobs(world, "status = 'todo'")) == (1, 3)
    assert world.count("procrastinate_workers") == 0


async def test_what_does_not_finish_within_the_grace_is_given_back_and_done_by_the_next(world: World) -> None:
    world.customer()
    stored = await writes(world)
    begun = asyncio.Event()
    held = psycopg.connect(world.conninfo)
    held.execute(
        "SELECT 1 FROM customer FOR UPDATE"
    )  # the commit waits for this lock for as long as it takes

    def seen(name: str) -> None:
        if name == "episode.deliberated":
            begun.set()

    failpoints.arm(seen)
    try:
        async with worker(world.engine(proposing(note())), grace_seconds=0.2) as stop:
            await begun.wait()
            stop.set()
    finally:
        failpoints.arm(None)
        held.close()

    assert world.count("episode") == 0
    assert world.sql("SELECT status::text, lock FROM procrastinate_jobs") == [("todo", "cust-1")]
    async with worker(world.engine(proposing(note()))):
        await until(lambda: world.count("message", f"id = {stored.message_id} AND handled_at IS NOT NULL"))
    assert world.count("episode") == 1


async def test_a_turn_that_fails_for_a_moment_is_tried_again_in_its_order(world: World) -> None:
    world.customer()
    first, second = await writes(world), await writes(world, "And by when?")
    lost = psycopg.OperationalError("the connection is lost")

    with failing(lost, Unavailable("no answer")) as reached:
        async with worker(world.engine(proposing(message()))):
            await until(lambda: unhandled(world) == 0 and jobs(world) == 0)

    assert reached.count("episode.deliberated") == 4
    assert world.sql("SELECT (trigger->>'message_id')::bigint FROM episode ORDER BY committed_at, ctid") == [
        first.message_id, second.message_id
    ]  # fmt: skip


def _tired(world: World, stored: Stored, attempts: int) -> None:
    world.sql(
        "UPDATE procrastinate_jobs SET attempts = %s WHERE queueing_lock = %s",
        attempts,
        f"message:{stored.message_id}",
    )


async def test_a_turn_that_goes_on_failing_steps_aside_for_its_customers_later_messages(world: World) -> None:
    world.customer()
    broken, fine = await writes(world), await writes(world, "What do I owe now?")
    _tired(world, broken, 3)

    with failing(RuntimeError("something is wrong with this one")):
        async with worker(world.engine(proposing(message()))):
            await until(lambda: world.count("message", f"id = {fine.message_id} AND handled_at IS NOT NULL"))

    [(status, lock, attempts)] = world.sql("SELECT status::text, lock, attempts FROM procrastinate_jobs")
    assert (status, attempts) == ("todo", 4)
    assert lock == f"aside:message:{broken.message_id}"


async def test_a_message_that_nobody_could_answer_becomes_a_persons_task(world: World) -> None:
    """What code hears in the words holds all the same: here an opt-out."""
    world.customer()
    stored = await writes(world, "STOP texting me")
    _tired(world, stored, GIVE_UP_AFTER)

    def unreachable() -> None:
        pytest.fail("the model is not asked again")

    async with worker(world.engine(proposing(message(), meanwhile=unreachable))):
        await until(lambda: unhandled(world) == 0 and jobs(world) == 0)

    assert world.sql("SELECT outcome FROM episode") == ["given up: it failed again and again"]
    assert world.count("suppression", "reason = 'opt_out'") == 1
    [(kind, assignee)] = world.sql("SELECT kind, assignee FROM follow_up WHERE state = 'waiting'")
    assert (kind in ("review", "call_task"), assignee) == (True, "carla")
    assert world.without_decision() == []


async def test_a_turn_that_not_even_a_person_could_be_given_is_kept_and_tried_again_later(
    world: World,
) -> None:
    world.customer()
    stored = await writes(world)
    _tired(world, stored, GIVE_UP_AFTER)
    engine = world.engine(proposing(message()))

    with failing(RuntimeError("the customer's records are broken")):
        async with worker(engine):
            await until(lambda: jobs(world, "status = 'failed'") == 1)

    assert await defer_waiting(engine.deps) == 0, "it rests"
    async with world.pool.connection() as conn:
        assert await try_failed_again(conn) == 0
        assert await try_failed_again(conn, after=timedelta(0)) == 1
    async with worker(engine):
        await until(lambda: unhandled(world) == 0 and jobs(world) == 0)
