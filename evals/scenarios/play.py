"""Play scenarios on the product itself: its engine, door and sender, a real Postgres, a clock that stands still."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from pydantic import TypeAdapter

from agent.approvals.model import Decision, User
from agent.cycle.sweep import sweep
from agent.deps import Deps, Pool
from agent.engine.run import Engine
from agent.engine.trigger import Trigger, inbound
from agent.policy.document import parse_policy
from agent.policy.gate import Gate
from evals.bench.people import COMPANY
from evals.bench.place import Place
from evals.scenarios import scenario as happens
from evals.scenarios.events import Play, Seen
from evals.scenarios.minds import Mind
from evals.scenarios.scenario import Scenario
from evals.scenarios.stage import Stage, address_of
from server import db
from server.cycle import handle, handle_waiting
from server.deciding import decide_and_follow
from server.inbound import Stored, store_from
from server.sender import dispatch_due
from tools.activity.chain import verify
from tools.channels.local import LocalChannel
from tools.channels.mail.said import split_said
from tools.clock import FrozenClock
from tools.errors import CollectionsError
from tools.memory.arrival import Arrival

MODES = ("observe", "draft", "assisted", "automatic")
TWO_MESSAGES = "\f"  # in a customer's text: what stands behind it is a second message, sent at once
_POLICY = 'extends = "default"\n' + "".join(f'[segments.{mode}]\nmode = "{mode}"\n' for mode in MODES)
_USERS = {"collector": User("carla", "collector", 500_000), "manager": User("mona", "manager", 10**9)}
_EVENT: TypeAdapter[Seen] = TypeAdapter(Seen)


class Agent(Protocol):
    """Whoever answers customers: the product, a baseline, or a foreign agent behind HTTP."""

    name: str

    async def play(self, scenario: Scenario) -> Play:
        """Play one scenario from its beginning. Never raises for what the agent does wrong: that is `Play.failed`."""
        ...


@dataclass(slots=True)
class Product:
    """The product, with a mind of the caller's choice."""

    name: str
    mind: Mind
    engine: Engine
    clock: FrozenClock
    stage: Stage
    _seen: dict[str, Seen] = field(default_factory=dict)
    _began: float = 0.0

    async def play(self, scenario: Scenario) -> Play:
        """Play it turn by turn, and read what came of each out of the database."""
        await self.begin(scenario)
        failed = None
        for number, (turn, at) in enumerate(zip(scenario.turns, scenario.moments(), strict=True), 1):
            failed = await self.step(scenario, number, turn, at)
            if failed:
                break
        return await self.end(failed)

    async def begin(self, scenario: Scenario) -> None:
        """Put the scenario, and nothing else, into the database. Its turns may come later, one `step` each."""
        self._began = time.perf_counter()
        self.stage.clear()
        self.stage.put(scenario)
        self._seen.clear()
        self._go_to(scenario.now)
        await self.engine.open()

    async def step(self, scenario: Scenario, number: int, turn: happens.Turn, at: datetime) -> str | None:
        """Let a turn happen. Why it failed, where it did: what a turn raises fails the scenario, not the run."""
        self._go_to(at)
        self.stage.read_again(at)
        self.mind.begins(turn, self._offer)
        failed = None
        try:
            await self._turn(scenario, number, turn)
        except Exception as wrong:  # noqa: BLE001 - as above
            failed = f"turn {number}: {type(wrong).__name__}: {wrong}"[:300]
        self.look(number)
        return failed

    async def end(self, failed: str | None = None) -> Play:
        """What came of all turns until now."""
        failed = failed or self.mind.wrong
        calls, asked, said = self.stage.rows("cost")[0]
        return Play(
            events=list(self._seen.values()), failed=failed, violations=await self._broken(), prompt_tokens=asked,
            completion_tokens=said, model_calls=calls, seconds=time.perf_counter() - self._began,
        )  # fmt: skip

    def _go_to(self, moment: datetime) -> None:
        self.clock.advance(moment - self.clock.now())

    def _offer(self) -> str | None:
        offers = self.stage.rows("latest_offer")
        return offers[0][0] if offers else None

    async def _turn(self, scenario: Scenario, number: int, turn: happens.Turn) -> None:
        match turn:
            case happens.Says():
                await self._hears(scenario, number, turn)
            case happens.Reaches():
                anchor = min(scenario.invoices, key=lambda invoice: invoice.due).number
                key = f"ladder:{scenario.id}:{anchor}:{turn.step}"
                trigger = Trigger("ladder", scenario.id, key, step=turn.step, channel=turn.channel, anchor_invoice_id=anchor)  # fmt: skip
                await handle(self.engine, trigger)
            case happens.Passes():
                await sweep(self.engine)
            case happens.Pays():
                self.stage.pays(number, turn.invoice, turn.amount, self.clock.now())
                await sweep(self.engine)
            case happens.Decides():
                await self._decides(turn)
            case _:
                raise AssertionError(f"no such turn: {turn}")
        await handle_waiting(self.engine, customer_id=scenario.id)
        await dispatch_due(self.engine, CHANNELS)

    async def _hears(self, scenario: Scenario, number: int, turn: happens.Says) -> None:
        stored = []
        for part, text in enumerate(turn.text.split(TWO_MESSAGES)):
            body = split_said(text)[0] if turn.channel == "email" else text
            arrival = Arrival(
                channel=turn.channel, provider_id=f"in-{number}-{part}", address=address_of(scenario, turn.channel),
                body=body, at=self.clock.now(), original=text if body != text else None,
            )  # fmt: skip
            stored.append(await store_from(self.engine.deps.pool, arrival))
        for one in stored:
            if isinstance(one, Stored) and one.answered:
                await handle(self.engine, inbound(one.customer_id, one.message_id))

    async def _decides(self, turn: happens.Decides) -> None:
        for approval_id, digest in self.stage.rows("waiting_approvals"):
            decision = Decision.model_validate(
                {
                    "decision": turn.decision,
                    "action_digest": digest,
                    "reason": turn.note if turn.decision == "reject" else "",
                }
            )
            try:
                await decide_and_follow(self.engine, CHANNELS, approval_id, decision, _USERS[turn.role])
            except CollectionsError:
                continue  # it is not theirs to decide, or it has moved on: what is on record shows it

    def look(self, turn: int) -> None:
        """Note what is new since the last look: it happened in this turn."""
        for key, event, _ in self.stage.rows("seen"):
            if key not in self._seen:
                self._seen[key] = _EVENT.validate_python({**event, "turn": turn})

    def seen(self, turn: int) -> list[Seen]:
        """What happened in a turn."""
        return [event for event in self._seen.values() if event.turn == turn]

    async def _broken(self) -> list[str]:
        broken = []
        if without := self.stage.without_permit():
            broken.append(f"{without} effects without an allowing decision")
        async with self.engine.deps.pool.connection() as conn, conn.transaction():
            if (await verify(conn)).broken:
                broken.append("the activity log's chain is broken")
        return broken


CHANNELS: dict[Any, Any] = {"sms": LocalChannel(), "email": LocalChannel()}


@asynccontextmanager
async def product(
    place: Place, mind: Mind, *, without: frozenset[str] = frozenset()
) -> AsyncIterator[Product]:
    """The product on a database of its own, which is emptied for each scenario.

    `without`: ids of policy rules that are switched off, to see whether anybody notices.
    """
    clock = FrozenClock(datetime.fromisoformat("2026-01-05T12:00:00-06:00"))
    stage = Stage(place)
    try:
        async with db.open_pool(place.conninfo, min_size=1, max_size=2) as pool:
            yield Product(mind.name, mind, _engine(pool, clock, mind, without), clock, stage)
    finally:
        stage.close()


def _engine(pool: Pool, clock: FrozenClock, mind: Mind, without: frozenset[str]) -> Engine:
    gate = Gate(parse_policy(_POLICY), without)
    return Engine(Deps(pool, clock, mind.model, mind.name, gate, COMPANY))
