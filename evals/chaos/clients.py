"""The clients of a run's server: they ask over a line, ask again when it dies, and note what they were told."""

import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_PATIENCE = 3.0  # seconds until a client asks again
Told = Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class _Asked:
    request: dict[str, Any]
    told: Told
    again: bool  # a provider's webhook comes again until it is acknowledged; a person looks first
    due: float = 0.0
    sent_at: float | None = None


@dataclass(slots=True)
class Clients:
    """Open requests, over one line to one server process at a time."""

    open: dict[int, _Asked] = field(default_factory=dict)
    _line: socket.socket | None = None
    _received: bytes = b""
    _count: int = 0

    def connect(self) -> socket.socket:
        """A new line: the server's end of it. What was asked over the old one is asked again, or given up."""
        self.hang_up()
        self._line, servers = socket.socketpair()
        self._line.settimeout(0)
        return servers

    def hang_up(self) -> None:
        """The server is gone: nobody answers what is open."""
        if self._line is not None:
            self._line.close()
            self._line, self._received = None, b""
        for number, asked in list(self.open.items()):
            asked.sent_at = None
            if not asked.again:
                del self.open[number]

    def ask(self, told: Told, *, again: bool, **request: Any) -> None:
        """Ask soon; `told` hears the answer, if there is one."""
        self._count += 1
        self.open[self._count] = _Asked({"n": self._count, **request}, told, again)

    def turn(self) -> None:
        """Send what is due and hear what came."""
        if self._line is None:
            return
        now = time.monotonic()
        for asked in list(self.open.values()):
            if (asked.sent_at is None and asked.due <= now) or (
                asked.sent_at is not None and asked.again and now - asked.sent_at > _PATIENCE
            ):
                try:
                    self._line.sendall(json.dumps(asked.request).encode() + b"\n")
                except OSError:
                    return  # it is dead; whoever minds the processes will see
                asked.sent_at = now
        self._hear(now)

    def _hear(self, now: float) -> None:
        if self._line is None:
            return
        try:
            while chunk := self._line.recv(65536):
                self._received += chunk
        except BlockingIOError:
            pass
        except OSError:
            return
        *lines, self._received = self._received.split(b"\n")
        for line in lines:
            answer = json.loads(line)
            asked = self.open.get(answer["n"])
            if asked is None:
                continue
            if "down" in answer and asked.again:
                asked.sent_at, asked.due = None, now + 0.3
                continue
            del self.open[answer["n"]]
            asked.told(answer)
