"""The line between a run and one of its processes: requests and answers, one JSON object each."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import psycopg
from psycopg_pool import PoolTimeout

from tools.errors import CollectionsError

Request = Mapping[str, Any]
Answer = Callable[[Request], Awaitable[dict[str, Any]]]


async def converse(line: socket.socket, answers: Mapping[str, Answer]) -> None:
    """Answer requests until the other end closes; each is a task of its own. `do` names the answer that is asked for."""
    reader, writer = await asyncio.open_connection(sock=line)

    async def answer(request: Request) -> None:
        said = {"n": request["n"], **await _outcome(answers[request["do"]], request)}
        writer.write(json.dumps(said).encode() + b"\n")

    async with asyncio.TaskGroup() as tasks:
        async for text in reader:
            tasks.create_task(answer(json.loads(text)))


async def _outcome(do: Answer, request: Request) -> dict[str, Any]:
    """The answer, or the error that a client is told: `refused` on purpose, `down`, or a defect."""
    try:
        return await do(request)
    except CollectionsError as wrong:
        return {"refused": type(wrong).__name__}
    except (psycopg.OperationalError, PoolTimeout) as away:
        return {"down": type(away).__name__}
    except Exception as defect:  # noqa: BLE001 - the harness has to hear of every answer that should not be
        return {"defect": f"{type(defect).__name__}: {defect}"}
