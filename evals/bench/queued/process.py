"""A worker process that a benchmark runs and watches: the product's worker, told what day it is, telling when each turn was where."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from typing_extensions import override

from agent.deps import Deps
from agent.engine.run import Engine, Outcome
from agent.engine.trigger import Trigger
from agent.engine.vectors import embed
from agent.policy.gate import Gate
from evals.bench.model import InstantModel
from evals.bench.people import COMPANY, NOW, calls, moment, policy
from server import db
from server.jobs.run import Shift, take_turns, work
from server.jobs.schedule import Hands, Terms
from tools import failpoints
from tools.channels.local import LocalChannel
from tools.clock import FrozenClock

# What a process is told besides the number of the turn that its customers take next.
REST, END = "rest", "end"
POOL = 8  # connections, as in production
_NEVER = 3600.0  # seconds until a silent worker counts as dead: on a crowded machine one is only slow, and turns are measured here
_LISTENS_AFTER = 0.5  # seconds after its start a worker is told of new jobs
# Where a turn is when it passes a failpoint.
_STAGES = {
    "worker.fetched": "picked_up", "episode.deliberated": "deliberated", "episode.committed": "committed",
    "worker.before_finish": "handled", "worker.finished": "finished",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """What a process runs: how many turns at once, and whether it sends and does chores too, as `dunwell work` does."""

    conninfo: str
    concurrency: int
    whole: bool = False


@dataclass(slots=True)
class Passage:
    """One turn's way through a worker: when it was where, by the clock that all processes of a machine share."""

    message_id: int
    as_meant: bool  # both proposals were allowed and committed
    at: dict[str, float]


_passage: ContextVar[Passage] = ContextVar("_passage")


class _Watched(Engine):
    @override
    async def run(self, trigger: Trigger) -> Outcome:
        passage = _passage.get()
        passage.message_id = trigger.message_id or 0
        outcome = await super().run(trigger)
        passage.as_meant = [proposal.allowed for proposal in outcome.proposals] == [True, True]
        return outcome


def run_process(plan: Plan, line: Connection) -> None:
    """The life of the process: told through `line` what to do, it answers "ready" to that and a Passage for each turn."""
    asyncio.run(_live(plan, line))


async def _live(plan: Plan, line: Connection) -> None:
    def note(name: str) -> None:
        if name == "worker.fetched":
            _passage.set(Passage(0, False, {}))  # noqa: FBT003 - not yet
        stage = _STAGES.get(name)
        passage = _passage.get(None)
        if stage is None or passage is None:
            return
        passage.at[stage] = time.perf_counter()
        if stage == "finished" and passage.message_id:
            line.send(passage)

    clock, model = FrozenClock(NOW), InstantModel(calls=calls(0))
    async with db.open_pool(plan.conninfo, min_size=1, max_size=POOL) as pool:
        engine = _Watched(Deps(pool, clock, model, "instant", Gate(policy()), COMPANY))
        await engine.open()
        await embed(engine.deps, ["ready"])
        failpoints.arm(note)
        while (told := await asyncio.to_thread(line.recv)) != END:
            async with _shift(plan, engine):
                while told not in (REST, END):
                    clock.advance(moment(told) - clock.now())
                    model.calls = calls(told)
                    line.send("ready")
                    told = await asyncio.to_thread(line.recv)
            if told == END:
                break
            line.send("ready")


@asynccontextmanager
async def _shift(plan: Plan, engine: Engine) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(_work(plan, engine, stop))
        await asyncio.sleep(_LISTENS_AFTER)
        try:
            yield
        finally:
            stop.set()


def _work(plan: Plan, engine: Engine, stop: asyncio.Event) -> Coroutine[Any, Any, None]:
    terms = Terms(cycle_hour=24)  # nothing is planned: customers write, and that is all
    if not plan.whole:
        return take_turns(
            Hands(engine, terms), Shift(plan.concurrency, stalled_after=_NEVER, chores=()), stop
        )
    channel = LocalChannel()
    return work(
        engine,
        {"sms": channel, "email": channel},
        terms=terms,
        shift=Shift(plan.concurrency, stalled_after=_NEVER),
        stop=stop,
    )
