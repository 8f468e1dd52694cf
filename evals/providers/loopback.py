"""A small HTTP/1.1 server on loopback whose answers may fail to come: what the fake providers answer with."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

_LIMIT = 1_000_000  # bytes of one request's head
FOREVER = 3600.0  # seconds: longer than anybody waits for an answer


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked. Header names are in lower case; `target` is the path and query as they came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The query's fields; the last value of each."""
        return _fields(urlsplit(self.target).query)

    @property
    def form(self) -> dict[str, str]:
        """The body as a urlencoded form; the last value of each field."""
        return _fields(self.body.decode("utf-8"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answers: JSON, unless there is no body."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Answer | None]]


@dataclass(slots=True)
class Loopback:
    """Answers with `handler`, which returns None to close the connection without an answer. On a free port unless told."""

    handler: Handler
    port: int = 0
    _server: asyncio.Server | None = None
    _talks: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", self.port, limit=_LIMIT)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Hang up on everybody."""
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
            while (answer := await self.handler(await _read(reader))) is not None:
                writer.write(_written(answer))
                await writer.drain()
        writer.close()


async def _read(reader: asyncio.StreamReader) -> Request:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ")
    pairs = (line.partition(":") for line in lines[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    return Request(method, target, headers, await reader.readexactly(int(headers.get("content-length", 0))))


def _written(answer: Answer) -> bytes:
    content = b"" if answer.body is None else json.dumps(answer.body).encode()
    headers = {**answer.headers, "Content-Type": "application/json", "Content-Length": str(len(content))}
    head = [f"HTTP/1.1 {answer.status} .", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(head).encode("latin-1") + content


def _fields(encoded: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(encoded, keep_blank_values=True).items()}
