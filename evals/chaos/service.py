"""The server of a run: requests over a line, one JSON object each, answered by the functions that the routes call."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg_pool import PoolTimeout

from agent.approvals.model import Decision, User
from agent.engine.run import Engine
from server.conversation import hear
from server.deciding import decide_and_follow
from server.inbound import accept
from server.sender import confirm, retry
from tools.channels.base import Channel
from tools.errors import CollectionsError

Request = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Desk:
    engine: Engine
    channel: Channel

    async def accept(self, given: Request) -> dict[str, Any]:
        """A webhook: stored and queued."""
        stored = await accept(
            self.engine.deps.pool, channel="sms", address=given["address"], body=given["body"],
            at=self.engine.deps.clock.now(), provider_id=given["sid"],
        )  # fmt: skip
        return {"message": stored.message_id}

    async def hear(self, given: Request) -> dict[str, Any]:
        """A message that is answered in this process."""
        heard = await hear(
            self.engine, self.channel, customer_id=given["customer"], body=given["body"], channel_name="sms",
            provider_id=given["sid"],
        )  # fmt: skip
        return {"message": heard["message"]}

    async def decide(self, given: Request) -> dict[str, Any]:
        """A reviewer's click."""
        decision = Decision(decision=given["decision"], action_digest=given["digest"], reason=given["reason"])
        user = User(given["user"], given["role"], given["limit_minor"])
        decided = await decide_and_follow(self.engine, self.channel, given["approval"], decision, user)
        return {"state": decided["state"], "took_effect": decided["took_effect"]}

    async def resolve(self, given: Request) -> dict[str, Any]:
        """A collector's word on a message that the sender gave up on."""
        user = User(given["user"], given["role"], given["limit_minor"])
        if given["arrived"]:
            await confirm(self.engine, given["outbox"], user)
        else:
            await retry(self.engine, given["outbox"], user, never_arrived=given["unknown"])
        return {}


async def serve(engine: Engine, channel: Channel, line: socket.socket) -> None:
    """Answer requests until the other end closes; each is a task of its own."""
    desk = _Desk(engine, channel)
    answers: dict[str, Callable[[Request], Awaitable[dict[str, Any]]]] = {
        "accept": desk.accept, "hear": desk.hear, "decide": desk.decide, "resolve": desk.resolve,
    }  # fmt: skip
    reader, writer = await asyncio.open_connection(sock=line)

    async def answer(request: Request) -> None:
        said = {"n": request["n"], **await _outcome(answers[request["do"]], request)}
        writer.write(json.dumps(said).encode() + b"\n")

    async with asyncio.TaskGroup() as tasks:
        async for text in reader:
            tasks.create_task(answer(json.loads(text)))


async def _outcome(do: Callable[[Request], Awaitable[dict[str, Any]]], request: Request) -> dict[str, Any]:
    """The answer, or the error that a client is told: `refused` on purpose, `down`, or a defect."""
    try:
        return await do(request)
    except CollectionsError as wrong:
        return {"refused": type(wrong).__name__}
    except (psycopg.OperationalError, PoolTimeout) as away:
        return {"down": type(away).__name__}
    except Exception as defect:  # noqa: BLE001 - the harness has to hear of every answer that should not be
        return {"defect": f"{type(defect).__name__}: {defect}"}
