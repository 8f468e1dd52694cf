"""`dunwell bench ack`: how soon an inbound message is acknowledged, that each is answered once, and how soon it is picked up.

Three parts on a database of its own. Load: a served application stores messages over HTTP in an open loop, at times
fixed beforehand, so that a slow answer does not slow its askers; one in twenty is delivered twice. Drain: a worker
answers them all. Pick-up: messages one at a time to an idle worker that never looks without being told.
"""

import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from agent.deps import Deps
from agent.engine.run import Engine
from agent.engine.vectors import embed
from agent.policy.gate import Gate
from evals.bench.meter import percentile
from evals.bench.model import InstantModel
from evals.bench.people import COMPANY, NOW, Caller, calls, policy, settle, words
from evals.bench.place import Place, circumstances
from server import db
from server.inbound import accept
from server.jobs.run import Shift, take_turns
from server.jobs.schedule import Hands, Terms
from server.settings import inherited
from server.users import add_user
from tools import failpoints
from tools.clock import FrozenClock
from tools.errors import Unavailable

_CUSTOMERS = 300
_TWICE = 20  # one message in so many is delivered a second time
_PICK_UPS = 200
_CONCURRENCY = 8
_NEVER = 3600.0
_PATIENCE = 60.0


async def measure(place: Place, *, rate: int = 200, seconds: int = 60) -> dict[str, Any]:
    """Run the three parts: latencies in milliseconds, exact counts of messages, jobs and episodes, and the load average."""
    callers = settle(place, _CUSTOMERS)
    with tempfile.TemporaryDirectory(prefix="dunwell-ack-") as folder:
        async with _served(place, Path(folder)) as (lines, server):
            warm = await _load(lines, server, callers, max(1, rate // 4), 2, "W")
            load = await _load(lines, server, callers, rate, seconds, "SM")
    expected = sum(part["sent"] - part["sent_twice"] for part in (warm, load))
    stored, queued = _count(place, "message WHERE direction = 'in'"), _count(place, "procrastinate_jobs")
    async with _engine(place) as engine:
        drained = await _drain(place, engine)
        pick_up = await _pick_up(engine, callers)
    return {
        "rate": rate, "seconds": seconds, **load, "messages_stored": stored, "jobs_stored": queued,
        "duplicates_exact": stored == queued == expected == warm["stored_new"] + load["stored_new"],
        **drained,
        **pick_up, "circumstances": circumstances(place),
    }  # fmt: skip


async def _load(
    lines: "_Lines", server: psutil.Process, callers: list[Caller], rate: int, seconds: int, prefix: str
) -> dict[str, Any]:
    clock = asyncio.get_running_loop()
    took, failed, new = list[float](), list[str](), list[bool]()

    async def deliver(number: int, due: float) -> None:
        await asyncio.sleep(max(0.0, due - clock.time()))
        message = number - 1 if number % _TWICE == 1 and number > 1 else number
        caller = callers[message % len(callers)]
        given = {
            "address": caller.phone,
            "channel": "sms",
            "body": words(message),
            "provider_id": f"{prefix}{message}",
        }
        try:
            status, answer = await lines.post("/v1/messages", given)
        except (OSError, asyncio.IncompleteReadError) as wrong:
            failed.append(type(wrong).__name__)
            return
        took.append((clock.time() - due) * 1000)
        if status == 202:
            new.append(not answer["duplicate"])
        else:
            failed.append(str(status))

    total = rate * seconds
    spent, start = _cpu(server), clock.time() + 0.5
    async with asyncio.TaskGroup() as group:
        for second in range(
            seconds
        ):  # a second's tasks at a time: sixty seconds' worth of them would be a load itself
            await asyncio.sleep(max(0.0, start + second - 0.5 - clock.time()))
            for number in range(second * rate, (second + 1) * rate):
                group.create_task(deliver(number, start + number / rate))
    return {
        "sent": total, "sent_twice": sum(number % _TWICE == 1 and number > 1 for number in range(total)),
        "errors": len(failed), "error_kinds": sorted(set(failed)), "stored_new": sum(new),
        "ack_p50_ms": round(percentile(took, 50), 2), "ack_p99_ms": round(percentile(took, 99), 2),
        "ack_max_ms": round(max(took), 2), "server_cpu_ms": round((_cpu(server) - spent) * 1000 / total, 2),
    }  # fmt: skip


async def _drain(place: Place, engine: Engine) -> dict[str, Any]:
    """A worker answers everything that was stored."""
    waiting, begun = _count(place, _UNHANDLED), time.perf_counter()
    async with _worker(engine):
        while _count(place, _UNHANDLED) or _count(place, "procrastinate_jobs"):  # noqa: ASYNC110 - a database sets no event
            await asyncio.sleep(0.25)
    took = time.perf_counter() - begun
    return {
        "handled": waiting, "left_unhandled": _count(place, _UNHANDLED), "episodes": _count(place, "episode"),
        "turns_per_second": round(waiting / took, 1),
    }  # fmt: skip


async def _pick_up(engine: Engine, callers: list[Caller]) -> dict[str, Any]:
    """From the end of the storing transaction to the job in the worker's hands; the worker is idle and told nothing else."""
    took, fetched = list[float](), asyncio.Event()
    failpoints.arm(lambda name: fetched.set() if name == "worker.fetched" else None)
    try:
        async with _worker(engine):
            for number in range(_PICK_UPS):
                caller = callers[number % len(callers)]
                await asyncio.sleep(0.05)  # the turn before it is done, and the worker waits
                fetched.clear()
                await accept(
                    engine.deps.pool, channel="sms", address=caller.phone, body=words(number), at=NOW,
                    provider_id=f"PU{number}",
                )  # fmt: skip
                stored = time.perf_counter()
                async with asyncio.timeout(_PATIENCE):
                    await fetched.wait()
                took.append((time.perf_counter() - stored) * 1000)
    finally:
        failpoints.arm(None)
    return {
        "pick_up_p50_ms": round(percentile(took, 50), 2), "pick_up_p99_ms": round(percentile(took, 99), 2),
        "pick_up_max_ms": round(max(took), 2),
    }  # fmt: skip


_UNHANDLED = "message WHERE direction = 'in' AND handled_at IS NULL"


def _count(place: Place, what: str) -> int:
    with place.admin() as conn:
        found = conn.execute(f"SELECT count(*) FROM {what}").fetchone()
    return int(found[0]) if found else 0


def _cpu(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:2]))


@dataclass(slots=True)
class _Lines:
    """Kept-alive HTTP connections, as few as do. A whole client's work for each request would be half of the load."""

    port: int
    key: str
    _free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    async def post(self, path: str, given: dict[str, Any]) -> tuple[int, Any]:
        """Status and JSON of the answer. Raises OSError or IncompleteReadError where there is none."""
        read, write = (
            self._free.pop() if self._free else await asyncio.open_connection("127.0.0.1", self.port)
        )
        body = json.dumps(given).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.key}\r\n"
            f"Prefer: respond-async\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        write.write(head.encode() + body)
        said = (await read.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(said.split("content-length:", 1)[1].split("\r\n", 1)[0])
        answer = json.loads(await read.readexactly(length))
        self._free.append((read, write))
        return int(said.split(" ", 2)[1]), answer

    async def close(self) -> None:
        """Hang up."""
        for _, write in self._free:
            write.close()
            await write.wait_closed()


@asynccontextmanager
async def _served(place: Place, folder: Path) -> AsyncIterator[tuple[_Lines, psutil.Process]]:
    """The application in a process of its own, and lines to it with a collector's key."""
    async with db.connect(place.conninfo) as conn:
        key = await add_user(conn, name="bench", role="collector", limit_minor=0, now=NOW)
    file = folder / "policy.toml"
    file.write_text('extends = "default"\n[segments.default]\nmode = "automatic"\n', "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "DUNWELL_DATABASE_URL": place.conninfo, "DUNWELL_POLICY": str(file), "DUNWELL_PORT": str(port),
        "DUNWELL_CLOCK": NOW.isoformat(),
    }  # fmt: skip
    lines = _Lines(port, key)
    with _process(settings) as server:
        while not _listens(port):
            if not server.is_running() or server.status() == psutil.STATUS_ZOMBIE:
                raise Unavailable("The server that is measured did not start; it says why above.")
            await asyncio.sleep(0.1)
        try:
            yield lines, server
        finally:
            await lines.close()


def _listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _process(settings: dict[str, str]) -> Iterator[psutil.Process]:
    served = subprocess.Popen(
        [sys.executable, "-m", "server.cli", "serve"],
        env={**inherited(), **settings},
        stderr=None,
    )
    try:
        yield psutil.Process(served.pid)
    finally:
        served.terminate()
        served.wait(timeout=_PATIENCE)


@asynccontextmanager
async def _engine(place: Place) -> AsyncIterator[Engine]:
    """An engine whose model thinks in no time."""
    async with db.open_pool(place.conninfo, min_size=1, max_size=_CONCURRENCY) as pool:
        model = InstantModel(calls=calls(0))
        engine = Engine(Deps(pool, FrozenClock(NOW), model, "instant", Gate(policy()), COMPANY))
        await engine.open()
        await embed(engine.deps, ["ready"])
        yield engine


@asynccontextmanager
async def _worker(engine: Engine) -> AsyncIterator[None]:
    stop = asyncio.Event()
    shift = Shift(concurrency=_CONCURRENCY, poll_seconds=_NEVER, chores=())
    async with asyncio.TaskGroup() as group:
        group.create_task(take_turns(Hands(engine, Terms()), shift, stop))
        await asyncio.sleep(0.5)  # until it listens
        try:
            yield
        finally:
            stop.set()
