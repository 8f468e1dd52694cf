"""Messages over HTTP in an open loop: each at a time fixed beforehand, so that a slow answer does not slow its askers."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from evals.bench.people import Caller, words

TWICE = 20  # one message in so many is delivered a second time
_HEAD_START = 0.5


@dataclass(slots=True)
class Lines:
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


@dataclass(slots=True)
class Delivered:
    """What became of a load: milliseconds from when each message was due to its acknowledgement, errors by kind, and
    how many were sent, sent twice, and said to be new.
    """

    sent: int = 0
    sent_twice: int = 0
    new: int = 0
    took_ms: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


async def load(lines: Lines, callers: Sequence[Caller], *, rate: int, seconds: int, prefix: str) -> Delivered:
    """Deliver `rate` messages a second for that many seconds; their provider ids begin with `prefix`."""
    clock = asyncio.get_running_loop()
    done, start = Delivered(sent=rate * seconds), clock.time() + _HEAD_START

    async def deliver(number: int, due: float) -> None:
        again = number % TWICE == 1 and number > 1
        message = number - 1 if again else number
        done.sent_twice += again
        given = {
            "address": callers[message % len(callers)].phone, "channel": "sms", "body": words(message),
            "provider_id": f"{prefix}{message}",
        }  # fmt: skip
        await asyncio.sleep(max(0.0, due - clock.time()))
        try:
            status, answer = await lines.post("/v1/messages", given)
        except (OSError, asyncio.IncompleteReadError) as wrong:
            done.failed.append(type(wrong).__name__)
            return
        done.took_ms.append((clock.time() - due) * 1000)
        if status == 202:
            done.new += not answer["duplicate"]
        else:
            done.failed.append(str(status))

    async with asyncio.TaskGroup() as group:
        for second in range(
            seconds
        ):  # a second's tasks at a time: sixty seconds' of them would be a load themselves
            await asyncio.sleep(max(0.0, start + second - _HEAD_START - clock.time()))
            for number in range(second * rate, (second + 1) * rate):
                group.create_task(deliver(number, start + number / rate))
    return done
