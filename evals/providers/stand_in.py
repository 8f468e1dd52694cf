"""A provider on loopback that records every message it accepts, and lies on demand.

`POST /messages` hands one over, `GET /messages/{key}` asks for one, `GET /accepted` gives the record and `PUT /faults`
says how to misbehave. It is not idempotent, so that a message sent twice shows. On its own:
`python -m evals.providers PORT RECORD`; the record is a file of JSON lines that outlives everybody.
"""

import asyncio
import json
import random
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, get_args

from tools.errors import Invalid

Fault = Literal[
    "slow",  # accepts, and answers late
    "silent_before",  # never answers, and does not accept
    "silent_after",  # accepts, and never answers
    "error_before",  # answers 500, and does not accept
    "error_after",  # accepts, and answers 500
    "busy",  # answers 429, and does not accept
    "rejects",  # answers 400: it never will
    "closes_before",  # closes the connection, and does not accept
    "closes_after",  # accepts, and closes the connection
    "twice",  # accepts two times, for itself
]
_ACCEPTS_NOT = frozenset({"silent_before", "error_before", "busy", "rejects", "closes_before"})
_LIMIT = 1_000_000  # bytes of one request


@dataclass(frozen=True, slots=True)
class Accepted:
    """One message that the provider accepted: our key, its id, the Unix time, the channel, and in which of our calls."""

    key: str
    id: str
    at: float
    channel: str
    call: int = 0


@dataclass(slots=True)
class StandIn:
    """A running provider, on a free port unless told otherwise; an async context manager.

    `faults` gives the probability of each; `script` the faults of single keys, one a call, before the dice are thrown.
    """

    port: int = 0
    record: Path | None = None
    delay: float = 0.2  # seconds, of a slow answer
    faults: Mapping[Fault, float] = field(default_factory=dict)
    script: dict[str, list[Fault | None]] = field(default_factory=dict)
    seed: int = 0
    accepted: list[Accepted] = field(default_factory=list)
    calls: int = 0
    _held: dict[str, Accepted] = field(default_factory=dict)
    _dice: random.Random = field(default_factory=random.Random)
    _server: asyncio.Server | None = None
    _talks: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._dice.seed(self.seed)
        if self.record is not None and self.record.exists():  # it was restarted: what it accepted, it holds
            for line in self.record.read_text("utf-8").splitlines():
                self._remember(Accepted(**json.loads(line)))
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", self.port, limit=_LIMIT)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._talks.add(task)
            task.add_done_callback(self._talks.discard)
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while await self._answer(reader, writer):
                pass
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; False closes the connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        lengths = [line.split(":")[1] for line in head if line.lower().startswith("content-length:")]
        body = json.loads(await reader.readexactly(int(lengths[0])) or b"{}") if lengths else {}
        if (method, path) == ("POST", "/messages"):
            return await self._hand_over(writer, body)
        if (method, path) == ("PUT", "/faults"):
            self.faults = _checked(body)
            await _write(writer, 200, body)
        elif (method, path) == ("GET", "/accepted"):
            await _write(writer, 200, {"accepted": [asdict(one) for one in self.accepted]})
        elif method == "GET" and (held := self._held.get(path.removeprefix("/messages/"))):
            await _write(writer, 200, asdict(held))
        else:
            await _write(writer, 404, {"error": "not found"})
        return True

    async def _hand_over(self, writer: asyncio.StreamWriter, body: Mapping[str, Any]) -> bool:
        self.calls += 1
        key = body["key"]
        fault = self._fault(key)
        if fault not in _ACCEPTS_NOT:
            for _ in range(2 if fault == "twice" else 1):
                self._accept(key, body["channel"])
        match fault:
            case "silent_before" | "silent_after":
                await asyncio.sleep(3600)
            case "closes_before" | "closes_after":
                return False
            case "error_before" | "error_after":
                await _write(writer, 500, {"error": "internal"})
            case "busy":
                await _write(writer, 429, {"error": "slow down"})
            case "rejects":
                await _write(writer, 400, {"code": "21211", "reason": "not a valid number"})
            case _:
                if fault == "slow":
                    await asyncio.sleep(self.delay)
                await _write(writer, 201, asdict(self._held[key]))
        return True

    def _fault(self, key: str) -> Fault | None:
        if scripted := self.script.get(key):
            return scripted.pop(0)
        thrown = self._dice.random()
        for fault, probability in self.faults.items():
            thrown -= probability
            if thrown < 0:
                return fault
        return None

    def _accept(self, key: str, channel: str) -> None:
        one = Accepted(key, f"st-{len(self.accepted) + 1}", time.time(), channel, self.calls)
        if self.record is not None:  # before anybody can hear of it
            with self.record.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(one)) + "\n")
        self._remember(one)

    def _remember(self, one: Accepted) -> None:
        self.accepted.append(one)
        self._held.setdefault(one.key, one)


def _checked(faults: Mapping[Any, Any]) -> Mapping[Fault, float]:
    if unknown := set(faults) - set(get_args(Fault)):
        raise Invalid(f"A provider has no such faults: {', '.join(sorted(unknown))}.")
    return dict(faults)


async def _write(writer: asyncio.StreamWriter, status: int, body: Mapping[str, Any]) -> None:
    content = json.dumps(body).encode()
    retry = "Retry-After: 1\r\n" if status == 429 else ""
    head = f"HTTP/1.1 {status} .\r\nContent-Type: application/json\r\n{retry}Content-Length: {len(content)}\r\n\r\n"
    writer.write(head.encode() + content)
    await writer.drain()
