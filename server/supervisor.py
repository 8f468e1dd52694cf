"""A parent of several `dunwell` processes: starts them again when they die, and stops them together."""

import asyncio
import sys
from collections.abc import Mapping, Sequence

import structlog

from server.jobs.run import told_to_stop

_PAUSE_SECONDS = (0.5, 15.0)  # between a child's end and its next start: at first, and at most
_SETTLED_SECONDS = 30.0  # a child that lived so long did not fail at its start
_MARGIN_SECONDS = 10.0  # what a child may take beyond its grace, before it is killed
_log = structlog.get_logger()


async def supervise(children: Mapping[str, Sequence[str]], grace_seconds: float) -> None:
    """Keep these commands (`dunwell` words, by a name for the log) running until SIGTERM or SIGINT.

    Then each is told to stop and has its grace; a job that did not end by then goes back to the queue. They stop in the
    same order when this process is killed.
    """
    with told_to_stop() as stop:
        async with asyncio.TaskGroup() as group:
            for name, words in children.items():
                group.create_task(_keep(name, words, grace_seconds, stop))


async def _keep(name: str, words: Sequence[str], grace_seconds: float, stop: asyncio.Event) -> None:
    pause, longest = _PAUSE_SECONDS
    clock = asyncio.get_running_loop()
    while not stop.is_set():
        started = clock.time()
        # In a session of its own: a Ctrl-C at our terminal reaches it once, from us, and not twice. The pipe, which nobody
        # writes to, tells it that we are gone.
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "server.cli.child",
            *words,
            start_new_session=True,
            stdin=asyncio.subprocess.PIPE,
        )
        told, ended = asyncio.create_task(stop.wait()), asyncio.create_task(child.wait())
        try:
            await asyncio.wait((told, ended), return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                await _end(name, child, grace_seconds)
        finally:
            told.cancel()
            if child.returncode is None:
                child.kill()
            await ended
        if stop.is_set():
            return
        _log.error("process_died", process=name, exit_code=child.returncode)
        if clock.time() - started > _SETTLED_SECONDS:
            pause = _PAUSE_SECONDS[0]
        try:
            async with asyncio.timeout(pause):
                await stop.wait()
        except TimeoutError:
            pause = min(longest, pause * 2)


async def _end(name: str, child: asyncio.subprocess.Process, grace_seconds: float) -> None:
    child.terminate()
    try:
        async with asyncio.timeout(grace_seconds + _MARGIN_SECONDS):
            await child.wait()
    except TimeoutError:
        _log.error("process_killed", process=name)
        child.kill()
