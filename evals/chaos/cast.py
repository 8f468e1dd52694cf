"""The processes of a run - workers, server, provider - each forked from a warmed parent that has no loop and no pool."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from fastapi import FastAPI
from typing_extensions import override

from agent import warm
from agent.deps import Deps
from agent.engine.run import Engine
from agent.policy.document import Policy, parse_policy
from agent.policy.gate import Gate
from evals.bench.people import COMPANY
from evals.chaos import fakes
from evals.chaos.board import Board, Doom, RunClock
from evals.chaos.carriers import ACCOUNT, NUMBER, TOKEN, Carriers
from evals.chaos.mind import FickleCollector
from evals.chaos.service import serve
from evals.chaos.story import CUSTOMERS
from evals.chaos.switches import Protection, take_away
from evals.providers import Accepted, HttpChannel, StandIn
from server import db
from server.jobs.run import Shift, told_to_stop, work
from server.jobs.schedule import CHORES, Chore, Hands, Terms
from server.sender import reconcile
from tools.channels.base import CannotSay, ChannelName, Channels, Outbound, Receipt, everywhere
from tools.channels.twilio.channel import TwilioChannel
from tools.errors import Unavailable
from tools.memory.embeddings import embed_locally

# After the cycle's hour and before the hours of contact: plans are made, and reminders wait.
BEGIN = datetime(2026, 3, 10, 12, 40, tzinfo=UTC)
SEGMENTS = ("draft", "assisted", "automatic")
AWAY = os.EX_TEMPFAIL  # the exit code of a process that found no database; its supervisor starts it again
_POOL = 3
_SETTLING = timedelta(seconds=20)  # a call lasts half a second at most here


class Mute(HttpChannel):
    """The same provider, where it does not know our keys."""

    @override
    async def find(self, message: Outbound) -> Receipt | None:
        raise CannotSay("This provider does not know our keys.")


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a run plays: its board, its database, its folder, and how its provider is."""

    board: Board
    conninfo: str
    folder: Path
    port: int
    provider_can_say: bool
    without: Sequence[Protection] = ()
    carriers: Carriers | None = None  # None: the stand-in carries everything
    app: FastAPI | None = None  # what carriers post to; made before the first fork

    @property
    def clock(self) -> RunClock:
        """The clock of all its processes."""
        return RunClock(self.board)

    @property
    def providers(self) -> Sequence[str]:
        """Where they listen."""
        return list(self.carriers.addresses.values()) if self.carriers else [f"http://127.0.0.1:{self.port}"]

    @property
    def record(self) -> Path:
        """The stand-in's record."""
        return self.folder / "accepted.jsonl"

    def accepted(self) -> Sequence[Accepted]:
        """What the providers took from us, by their own records."""
        if self.carriers:
            return fakes.accepted(self.folder)
        lines = self.record.read_text("utf-8").splitlines() if self.record.exists() else []
        return [Accepted(**json.loads(line)) for line in lines]


@dataclass(slots=True)
class Actor:
    """One running process."""

    role: str
    pid: int
    doom: Doom | None
    _ended: bool = field(default=False)

    def ended(self) -> int | None:
        """Its exit code, negative for a signal, once; None while it lives."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        self._ended = True
        return os.waitstatus_to_exitcode(status)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if not self._ended:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self._ended = True


def policy() -> Policy:
    """The packaged policy with one segment for each mode, called as the mode is."""
    segments = "".join(f'[segments.{mode}]\nmode = "{mode}"\n' for mode in SEGMENTS)
    return parse_policy(f'extends = "default"\n{segments}')


def warm_up() -> None:
    """Read and compile, before the first fork, what every process would otherwise read and compile for itself."""
    warm.warm_up()
    embed_locally(["warm"])
    policy()
    HttpChannel("http://127.0.0.1")
    TwilioChannel(ACCOUNT, TOKEN, NUMBER)


def worker(stage: Stage, doom: Doom | None) -> Actor:
    """A worker: queue, chores and sender, as `dunwell work` runs them, with chores every other second."""
    return _fork("worker", stage, doom, lambda: _work(stage))


def server(stage: Stage, doom: Doom | None, line: socket.socket) -> Actor:
    """A server: it answers what comes over `line`, with the functions that the HTTP routes call."""

    async def answer() -> None:
        async with _engine(stage) as (engine, channels), asyncio.TaskGroup() as tasks:
            tasks.create_task(serve(engine, channels, line))
            if stage.carriers and stage.app:
                tasks.create_task(stage.carriers.serve(stage.app, engine, channels))

    return _fork("server", stage, doom, answer)


def provider(stage: Stage, seed: int) -> Actor:
    """The provider's stand-in, which nobody kills: its record is the truth about what left."""

    async def stand_in() -> None:
        async with StandIn(port=stage.port, record=stage.record, seed=seed, delay=0.1):
            await asyncio.Event().wait()

    return _fork("provider", stage, None, stand_in)


def fake(stage: Stage, carriers: Carriers, channel: ChannelName, line: socket.socket) -> Actor:
    """The fake of a channel's provider; over `line` it is told what customers write."""
    n = 1 + (carriers.seed + (channel == "email")) % CUSTOMERS
    dead = address(f"c{n}", channel)
    be = fakes.twilio if channel == "sms" else fakes.sendgrid
    return _fork(channel, stage, None, lambda: be(carriers, stage.folder, stage.clock, line, dead=dead))


def address(customer_id: str, channel: ChannelName) -> str:
    """Where a customer writes from, as `people.settle` has it."""
    number = int(customer_id[1:])
    return f"+1312{5550000 + number:07}" if channel == "sms" else f"billing@{customer_id}.example"


def _fork(role: str, stage: Stage, doom: Doom | None, life: Callable[[], Coroutine[Any, Any, None]]) -> Actor:
    pid = os.fork()
    if pid:
        return Actor(role, pid, doom)
    try:
        log = os.open(stage.folder / f"{role}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, sys.stderr.fileno())
        for protection in stage.without:
            take_away(protection)
        stage.board.arm(doom)
        asyncio.run(life())
        os._exit(0)
    except (Unavailable, psycopg.OperationalError):
        time.sleep(0.2)
        os._exit(AWAY)
    except BaseException:  # noqa: BLE001 - whatever it was, a forked process must not go on as its parent
        traceback.print_exc()
        os._exit(1)


@asynccontextmanager
async def _engine(stage: Stage) -> AsyncIterator[tuple[Engine, Channels]]:
    async with db.open_pool(stage.conninfo, min_size=1, max_size=_POOL) as pool, _channels(stage) as channels:
        model = FickleCollector()
        engine = Engine(Deps(pool, stage.clock, model, "fickle", Gate(policy()), COMPANY))
        await engine.open()
        yield engine, channels


@asynccontextmanager
async def _channels(stage: Stage) -> AsyncIterator[Channels]:
    if stage.carriers:
        async with stage.carriers.channels(stage.clock, _SETTLING) as channels:
            yield channels
        return
    kind = HttpChannel if stage.provider_can_say else Mute
    async with kind(stage.providers[0], timeout=0.5, settling=_SETTLING, connections=16) as channel:
        yield everywhere(channel)


async def _work(stage: Stage) -> None:
    async with _engine(stage) as (engine, channels):

        async def look_at_the_unsettled(hands: Hands) -> None:
            await reconcile(hands.engine, channels)

        # As often as a run of seconds needs it: the product's own intervals are minutes of a real day.
        often = "* * * * * */2"
        chores = [replace(chore, cron=often) for chore in CHORES if chore.name != "tidy"]
        chores.append(Chore("look at the unsettled", often, look_at_the_unsettled))
        shift = Shift(concurrency=4, grace_seconds=2.0, chores=chores)
        with told_to_stop() as stop:
            await work(engine, channels, terms=Terms(cycle_hour=6), shift=shift, stop=stop)
