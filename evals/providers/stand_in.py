"""A provider on loopback that records every message it accepts, and lies on demand.

`POST /messages` hands one over, `GET /messages/{key}` asks for one, `GET /accepted` gives the record and `PUT /faults`
says how to misbehave. It is not idempotent, so that a message sent twice shows. On its own:
`python -m evals.providers PORT RECORD`; the record is a file of JSON lines that outlives everybody.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from evals.providers.faults import ACCEPTS_NOT, Dice, Fault, checked
from evals.providers.loopback import FOREVER, Answer, Loopback, Request


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

    `faults` and `script` are as the dice have them.
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
    _dice: Dice = field(init=False)
    _server: Loopback = field(init=False)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        if self.record is not None and self.record.exists():  # it was restarted: what it accepted, it holds
            for line in self.record.read_text("utf-8").splitlines():
                self._remember(Accepted(**json.loads(line)))
        self._dice = Dice(self.faults, self.script, self.seed)
        self._server = Loopback(self._answer, self.port)
        await self._server.start()
        self.port = self._server.port
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop()

    async def _answer(self, request: Request) -> Answer | None:
        match request.method, request.path:
            case "POST", "/messages":
                return await self._hand_over(json.loads(request.body))
            case "PUT", "/faults":
                self._dice.faults = checked(json.loads(request.body))
                return Answer(200, dict(self._dice.faults))
            case "GET", "/accepted":
                return Answer(200, {"accepted": [asdict(one) for one in self.accepted]})
            case "GET", path if held := self._held.get(path.removeprefix("/messages/")):
                return Answer(200, asdict(held))
            case _:
                return Answer(404, {"error": "not found"})

    async def _hand_over(self, body: Mapping[str, Any]) -> Answer | None:
        self.calls += 1
        key = body["key"]
        fault = self._dice.throw(key)
        if fault not in ACCEPTS_NOT:
            for _ in range(2 if fault == "twice" else 1):
                self._accept(key, body["channel"])
        match fault:
            case "silent_before" | "silent_after":
                await asyncio.sleep(FOREVER)
            case "closes_before" | "closes_after":
                return None
            case "error_before" | "error_after":
                return Answer(500, {"error": "internal"})
            case "busy":
                return Answer(429, {"error": "slow down"}, {"Retry-After": "1"})
            case "rejects":
                return Answer(400, {"code": "21211", "reason": "not a valid number"})
            case "slow":
                await asyncio.sleep(self.delay)
        return Answer(201, asdict(self._held[key]))

    def _accept(self, key: str, channel: str) -> None:
        one = Accepted(key, f"st-{len(self.accepted) + 1}", time.time(), channel, self.calls)
        if self.record is not None:  # before anybody can hear of it
            with self.record.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(one)) + "\n")
        self._remember(one)

    def _remember(self, one: Accepted) -> None:
        self.accepted.append(one)
        self._held.setdefault(one.key, one)
