"""Senders that are killed -9, and several at once, each a process of its own: every message leaves once."""

import asyncio
import os
import signal
import traceback
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from agent.deps import Deps
from agent.engine.run import Engine
from agent.policy.gate import Gate
from server import db
from server.sender import dispatch_due
from tests.server.providers import OnPaper
from tests.server.test_fates import queued
from tests.world import COMPANY, World, policy, proposing
from tools import failpoints
from tools.channels.base import Pace, everywhere
from tools.clock import FrozenClock

CUSTOMERS = tuple(f"k{n}" for n in range(5))
# Where a sender may die between the queue and the last word on a message.
POINTS = (
    "sender.before_claim_commit", "sender.claimed", "sender.before_call", "sender.called",
    "sender.before_settle_commit", "sender.settled", "reconcile.before_find", "reconcile.before_commit",
    "reconcile.committed",
)  # fmt: skip


@pytest.fixture
async def ready(world: World) -> World:
    """A reminder is queued for each of the customers."""
    await queued(world, *CUSTOMERS)
    return world


def _start(conninfo: str, channel: OnPaper, at: datetime, die_at: str | None = None) -> int:
    """A sender in a process of its own: its pid. No event loop runs while it forks."""
    pid = os.fork()
    if pid:
        return pid
    try:
        asyncio.run(_send(conninfo, channel, at, die_at))
        os._exit(0)
    except BaseException:  # noqa: BLE001 - a forked test must not go on as its parent
        traceback.print_exc()
        os._exit(1)


async def _send(conninfo: str, channel: OnPaper, at: datetime, die_at: str | None) -> None:
    failpoints.arm(lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == die_at else None)
    async with db.open_pool(conninfo, min_size=1, max_size=3) as pool:
        deps = Deps(pool, FrozenClock(at), proposing(), "scripted", Gate(policy()), COMPANY)
        await dispatch_due(Engine(deps), everywhere(channel))


def _ended(pids: Sequence[int]) -> list[int]:
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


@pytest.mark.parametrize("point", POINTS)
def test_a_sender_that_is_killed_loses_nothing_and_sends_nothing_twice(
    ready: World, tmp_path: Path, point: str
) -> None:
    channel, at = OnPaper(tmp_path / "taken"), ready.clock.now()
    if point.startswith("reconcile"):  # there must be something to reconcile
        assert _ended([_start(ready.conninfo, channel, at, "sender.before_call")]) == [-signal.SIGKILL]
        at += timedelta(minutes=3)
    endings = []
    for n in range(4):
        endings += _ended([_start(ready.conninfo, channel, at, point if n < 2 else None)])
        at += timedelta(minutes=3)
    assert -signal.SIGKILL in endings
    assert endings[-1] == 0
    assert _ended([_start(ready.conninfo, channel, at)]) == [0]

    assert ready.sql("SELECT state, count(*) FROM outbox GROUP BY state") == [("sent", len(CUSTOMERS))]
    keys = [str(key) for key in ready.sql("SELECT id FROM outbox ORDER BY id")]
    assert sorted(channel.taken(), key=int) == keys


def test_several_sender_processes_send_each_message_once(ready: World, tmp_path: Path) -> None:
    channel = OnPaper(tmp_path / "taken")

    assert _ended([_start(ready.conninfo, channel, ready.clock.now()) for _ in range(3)]) == [0, 0, 0]

    assert len(channel.taken()) == len(set(channel.taken())) == len(CUSTOMERS)
    assert ready.sql("SELECT DISTINCT state, attempts FROM outbox") == [("sent", 1)]


def test_several_sender_processes_keep_one_pace(ready: World, tmp_path: Path) -> None:
    channel = OnPaper(tmp_path / "taken", Pace(0.001, 3))

    assert _ended([_start(ready.conninfo, channel, ready.clock.now()) for _ in range(3)]) == [0, 0, 0]

    assert len(channel.taken()) == 3


async def test_an_opt_out_that_commits_before_the_claim_does_wins(ready: World, tmp_path: Path) -> None:
    """Whoever holds the customer is passed over; what they committed is seen by the next claim."""
    channel = OnPaper(tmp_path / "taken")
    deps = Deps(ready.pool, ready.clock, proposing(), "scripted", Gate(policy()), COMPANY)
    with ready.beside.transaction():
        ready.sql("SELECT id FROM customer WHERE id = 'k0' FOR UPDATE")
        ready.opted_out("k0")
        assert (await dispatch_due(Engine(deps), everywhere(channel))).sent == len(CUSTOMERS) - 1

    assert (await dispatch_due(Engine(deps), everywhere(channel))).withdrawn == 1
    assert len(channel.taken()) == len(CUSTOMERS) - 1
