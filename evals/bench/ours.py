"""A turn of Dunwell as it runs in production, from the message that is stored to the row in the outbox."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from agent.deps import Deps
from agent.engine.run import Engine
from agent.engine.trigger import inbound
from agent.policy.gate import Gate
from evals.bench.model import InstantModel
from evals.bench.people import COMPANY, NOW, Caller, calls, moment, policy, words
from server import db
from server.cycle import handle
from server.inbound import known, store_from
from server.jobs.queue import drop_turn
from tools.clock import FrozenClock
from tools.memory.arrival import Arrival

CONFIGURATION = {
    "agent": "agent.engine.run.Engine, the packaged policy in mode automatic",
    "graph": "no checkpointer for an episode; one transaction commits it",
    "memory": "exact search of the customer's messages; both messages stored with their vectors",
    "tools": "log_collection_activity (a promise), generate_dunning_message (its acknowledgement by SMS)",
    "includes": "account, signals, gate and rejudge, rendering, audit chain, outbox",
}


@dataclass(frozen=True, slots=True)
class Ours:
    """A running engine."""

    engine: Engine
    clock: FrozenClock
    model: InstantModel

    async def turn(self, caller: Caller, turn: int) -> None:
        """One message of a customer, stored and answered. Raises RuntimeError unless both proposals were committed."""
        self.model.calls = calls(turn)
        self.clock.advance(moment(turn) - self.clock.now())
        stored = known(await store_from(self.engine.deps.pool, Arrival(channel="sms", address=caller.phone, body=words(turn), at=moment(turn),
            provider_id=f"{caller.customer_id}-{turn}")))  # fmt: skip
        trigger = inbound(stored.customer_id, stored.message_id)
        outcome = await handle(self.engine, trigger)
        async with self.engine.deps.pool.connection() as conn:
            await drop_turn(conn, trigger)
        if [proposal.allowed for proposal in outcome.proposals] != [True, True]:
            rulings = [proposal.ruling for proposal in outcome.proposals]
            raise RuntimeError(f"{outcome.episode_id} is not the turn that is measured: {rulings}")


@asynccontextmanager
async def ours(conninfo: str, model: InstantModel, *, pool_size: int) -> AsyncIterator[Ours]:
    """An engine on that database, as the composition root builds it."""
    clock = FrozenClock(NOW)
    async with db.open_pool(conninfo, min_size=1, max_size=pool_size) as pool:
        engine = Engine(Deps(pool, clock, model, "instant", Gate(policy()), COMPANY))
        await engine.open()
        yield Ours(engine, clock, model)
