"""The server of a run: requests over a line, one JSON object each, answered by the functions that the routes call."""

import socket
from dataclasses import dataclass
from typing import Any

from agent.approvals.model import Decision, User
from agent.engine.run import Engine
from evals.chaos.line import Request, converse
from server.conversation import hear
from server.deciding import decide_and_follow
from server.inbound import accept, known
from server.sender import confirm, retry
from tools.channels.base import Channels
from tools.memory.arrival import Arrival


@dataclass(frozen=True, slots=True)
class _Desk:
    engine: Engine
    channels: Channels

    async def accept(self, given: Request) -> dict[str, Any]:
        """A webhook: stored and queued."""
        stored = known(await accept(self.engine.deps.pool, Arrival(channel="sms", address=given["address"], body=given["body"],
            at=self.engine.deps.clock.now(), provider_id=given["sid"])))  # fmt: skip
        return {"message": stored.message_id}

    async def hear(self, given: Request) -> dict[str, Any]:
        """A message that is answered in this process."""
        heard = await hear(
            self.engine, self.channels, customer_id=given["customer"], body=given["body"], channel_name="sms",
            provider_id=given["sid"],
        )  # fmt: skip
        return {"message": heard["message"]}

    async def decide(self, given: Request) -> dict[str, Any]:
        """A reviewer's click."""
        decision = Decision(decision=given["decision"], action_digest=given["digest"], reason=given["reason"])
        user = User(given["user"], given["role"], given["limit_minor"])
        decided = await decide_and_follow(self.engine, self.channels, given["approval"], decision, user)
        return {"state": decided["state"], "took_effect": decided["took_effect"]}

    async def resolve(self, given: Request) -> dict[str, Any]:
        """A collector's word on a message that the sender gave up on."""
        user = User(given["user"], given["role"], given["limit_minor"])
        if given["arrived"]:
            await confirm(self.engine, given["outbox"], user)
        else:
            await retry(self.engine, given["outbox"], user, never_arrived=given["unknown"])
        return {}


async def serve(engine: Engine, channels: Channels, line: socket.socket) -> None:
    """Answer requests until the other end closes."""
    desk = _Desk(engine, channels)
    await converse(
        line, {"accept": desk.accept, "hear": desk.hear, "decide": desk.decide, "resolve": desk.resolve}
    )
