"""A worker process: the queue and the sender side by side, until it is told to stop."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from agent.engine.run import Engine
from agent.engine.vectors import embed
from agent.warm import warm_up
from server.jobs.connector import lean_connector
from server.jobs.schedule import CHORES, Chore, Hands, Terms
from server.jobs.tasks import build_app
from server.jobs.worker import POLL_SECONDS, STALLED_AFTER_SECONDS, WakefulWorker
from server.notify.notifier import Notifier
from server.sender import run_sender
from tools.channels.base import Channels

_PAUSE_SECONDS = (0.2, 5.0)  # between two tries of a part that failed: at first, and at most
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Shift:
    """How a worker works: turns at once, seconds that running ones get when it is told to stop, after how many silent
    seconds others count as dead, how often it looks without being told, and the chores that it takes part in.
    """

    concurrency: int = 16
    grace_seconds: float = 20.0
    stalled_after: float = STALLED_AFTER_SECONDS
    poll_seconds: float = POLL_SECONDS
    chores: Sequence[Chore] = CHORES


async def work(
    engine: Engine,
    channels: Channels,
    *,
    terms: Terms,
    shift: Shift,
    stop: asyncio.Event,
    notifier: Notifier | None = None,
) -> None:
    """Take turns, do chores and send until `stop` is set; then take nothing new and finish what runs within the grace.

    What is not finished by then goes back to the queue. A part that fails (the database is away) is started again.
    """
    hands = Hands(engine, terms, notifier)
    # Now, and not in a turn: for as long as it takes, nothing would show a sign of life, and others take this for dead.
    await asyncio.to_thread(warm_up)
    await embed(engine.deps, ["ready"])
    async with asyncio.TaskGroup() as parts:
        parts.create_task(_kept_up("queue", lambda: take_turns(hands, shift, stop), stop))
        parts.create_task(_kept_up("sender", lambda: run_sender(engine, channels, stop), stop))


async def take_turns(hands: Hands, shift: Shift, stop: asyncio.Event) -> None:
    """One worker's life on the queue: it ends when `stop` is set, or when its connections fail it."""
    app = build_app(hands, shift.chores, lean_connector(hands.engine.deps.pool))
    async with app.open_async():
        worker = WakefulWorker(
            app,
            concurrency=shift.concurrency,
            grace_seconds=shift.grace_seconds,
            stalled_after=shift.stalled_after,
            poll_seconds=shift.poll_seconds,
        )
        running = asyncio.create_task(worker.run(), name="turns")  # type: ignore[no-untyped-call]  # procrastinate's
        reaping = asyncio.create_task(worker.reap(), name="reaper")
        told = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait((running, reaping, told), return_when=asyncio.FIRST_COMPLETED)
            worker.stop()  # type: ignore[no-untyped-call]  # procrastinate's
            await running
            if reaping.done():
                reaping.result()  # it never ends but by what went wrong
        finally:
            for task in (
                told,
                reaping,
                running,
            ):  # the worker takes a cancellation as a call to stop, and ends in order
                task.cancel()
            await asyncio.gather(told, reaping, running, return_exceptions=True)


async def _kept_up(part: str, life: Callable[[], Awaitable[object]], stop: asyncio.Event) -> None:
    """Start `life` again whenever it ends before it should: the database comes back, and so do we."""
    pause, longest = _PAUSE_SECONDS
    while not stop.is_set():
        started = asyncio.get_running_loop().time()
        try:
            await life()
        except asyncio.CancelledError as cancelled:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Nobody cancelled us: it came from inside, and a task group takes it for an orderly end.
            _log.error("part_failed", part=part, why=type(cancelled).__name__)
        except Exception as lost:  # noqa: BLE001 - the worker's own loop: whatever it was, somebody has to go on
            _log.error("part_failed", part=part, why=type(lost).__name__)
        if asyncio.get_running_loop().time() - started > longest:
            pause = _PAUSE_SECONDS[0]
        if not stop.is_set():
            _log.warning("part_restarts", part=part, in_seconds=pause)
            await _either(stop, pause)
            pause = min(longest, pause * 2)


async def _either(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


@contextmanager
def told_to_stop() -> Iterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
