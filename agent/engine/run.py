"""The engine: runs an episode in memory, commits it once, and starts over when the facts moved under it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
import structlog
from langgraph.errors import GraphRecursionError
from psycopg import AsyncConnection

from agent.deps import Deps
from agent.engine.commit import (
    FactsMoved,
    Waiting,
    approval_id_for,
    close_log,
    fence,
    recheck,
    write_decisions,
    write_episode,
    write_trigger_done,
)
from agent.engine.deliberation import Deliberation, Proposal
from agent.engine.gather import Fenced
from agent.engine.narrow import one_customer, widen
from agent.engine.saver import Buffer, BufferedSaver
from agent.engine.trigger import Trigger
from agent.engine.vectors import embed_drafts
from agent.graph import Graph, build_episodes, build_graph
from agent.nodes.judge import rule
from agent.signals.talk import is_courtesy
from agent.state import GRAPH_VERSION, EpisodeState
from tools import sql
from tools.errors import Conflict, Unavailable
from tools.memory.reembed import assert_same_model
from tools.spec import Action

_SQL = sql.load("agent.engine")
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one episode came to. `state` is "fenced" when the same trigger had committed before: nothing was done."""

    episode_id: str
    state: Literal["committed", "fenced"]
    proposals: Sequence[Proposal] = ()
    approvals: Sequence[str] = ()


class Engine:
    """Runs episodes. Needs an event loop to be built in; holds no connection while it is idle."""

    def __init__(self, deps: Deps) -> None:
        self.deps = deps
        self.saver = BufferedSaver(deps.pool)
        self.graph: Graph = build_graph(self.saver)
        self.episodes: Graph = build_episodes()  # an episode never waits

    async def open(self) -> None:
        """Record the policy in force, which every decision cites. Raises Misconfigured where the memory is another model's."""
        policy = self.deps.gate.policy
        async with self.deps.pool.connection() as conn, conn.transaction():
            await assert_same_model(conn, self.deps.embedder, now=self.deps.clock.now())
            await conn.execute(
                _SQL["policy_version"],
                {"version": policy.version, "body": policy.text, "now": self.deps.clock.now()},
            )

    async def run(self, trigger: Trigger) -> Outcome:
        """One episode from its trigger to its commit. Raises Conflict when the facts never hold still, Unavailable without a model."""
        for _ in range(self.deps.bounds.attempts):
            turn = Deliberation(self.deps, trigger)
            started_at = self.deps.clock.now()
            try:
                await self._deliberate(turn)
            except Fenced:
                return Outcome(trigger.episode_id, "fenced")
            waiting = [await self.ask(turn, proposal) for proposal in turn.proposals if proposal.asked]
            await embed_drafts(turn)
            try:
                async with one_customer(self.deps.pool, trigger.customer_id) as conn:
                    await fence(conn, self.deps, turn, trigger.turn_key)
                    await recheck(conn, self.deps, turn)
                    waiting = _follow(waiting, turn.proposals)
                    await write_episode(conn, self.deps, turn, started_at)
                    entries = await write_trigger_done(conn, self.deps, turn)
                    decided = await write_decisions(conn, self.deps, turn, waiting)
                    await close_log(conn, self.deps, turn, [*entries, *decided])
                    await self.flush(conn, waiting)
            except FactsMoved:
                _log.info("facts_moved", episode_id=turn.episode_id)
                continue
            except psycopg.errors.UniqueViolation as violation:
                if violation.diag.constraint_name != "fence_pkey":
                    raise
                return Outcome(trigger.episode_id, "fenced")
            return Outcome(turn.episode_id, "committed", turn.proposals, [w.approval_id for w in waiting])
        raise Conflict(f"The facts of episode {trigger.episode_id} kept changing; it will be tried again.")

    async def flush(self, conn: AsyncConnection[Any], waiting: Sequence[Waiting]) -> None:
        """The last statements of a commit: the checkpoints of new approvals, written by the login role."""
        if waiting:
            await widen(conn)
        for wait in waiting:
            await self.saver.flush(wait.buffer, conn)

    async def _deliberate(self, turn: Deliberation) -> None:
        """Run the graph in memory. A turn that reaches a bound keeps what it has, and a person hears of it."""
        try:
            async with asyncio.timeout(self.deps.bounds.wall_seconds):
                await self.episodes.ainvoke(
                    {"episode_id": turn.episode_id},
                    {"recursion_limit": self._steps},
                    context=turn,
                    version="v2",
                )
        except TimeoutError:
            turn.outcome = "cut short: the turn took too long"
        except GraphRecursionError:
            turn.outcome = "cut short: the turn took too many steps"
        except Unavailable:
            if turn.trigger.kind != "inbound":
                raise  # nobody waits for it: its trigger stays and is tried again
            # A customer waits, and what code found in their words must hold now: a person takes it from here.
            turn.outcome = "cut short: the model did not answer"
        if turn.facts is None:
            raise Unavailable("The customer's account could not be read in time.")
        heard = turn.facts.inbound
        # A nod may accept an offer; without one it wants no answer.
        offered = any(plan.state == "offered" for plan in turn.facts.account.plans)
        wants_answer = heard is not None and (offered or not is_courtesy(heard.body))
        answered = any(p.allowed or p.asked for p in turn.proposals)
        if turn.outcome != "settled" or (wants_answer and not answered):
            turn.proposals.append(rule(turn, hand_over(turn), actor="system", source="System"))

    @property
    def _steps(self) -> int:
        return 4 + 2 * self.deps.bounds.model_calls

    async def invoke(
        self, given: EpisodeState | Any, turn: Deliberation, *, thread: str, resuming: bool
    ) -> tuple[Sequence[Any], Buffer]:
        """One run of an approval's thread on the buffered saver: the interrupts it came to rest at, and its checkpoints."""
        with self.saver.run(resuming=resuming) as buffer:
            out = await self.graph.ainvoke(
                given,
                # ids only: configurable values stand in checkpoint rows in plain text (langgraph.md 5)
                {
                    "configurable": {"thread_id": thread, "__pregel_strict_resume": True},
                    "recursion_limit": self._steps,
                },
                context=turn,
                durability="exit",
                version="v2",
            )
        return out.interrupts, buffer

    async def ask(self, turn: Deliberation, proposal: Proposal, replaces: str | None = None) -> Waiting:
        """Run an approval's own thread up to its interrupt, in memory; the commit writes row and checkpoint together."""
        approval_id = approval_id_for(turn.episode_id, proposal.action.digest, replaces)
        given: EpisodeState = {
            "episode_id": turn.episode_id,
            "approval_id": approval_id,
            "digest": proposal.action.digest,
            "graph_version": GRAPH_VERSION,
        }
        stops, buffer = await self.invoke(given, turn, thread=approval_id, resuming=False)
        return Waiting(approval_id, proposal, stops[0].id, buffer, replaces)


def _follow(waiting: Sequence[Waiting], proposals: Sequence[Proposal]) -> list[Waiting]:
    """The waiting threads with their proposals as the recheck left them."""
    by_digest = {p.action.digest: p for p in proposals if p.asked}
    return [
        Waiting(w.approval_id, by_digest[w.proposal.action.digest], w.interrupt_id, w.buffer, w.replaces)
        for w in waiting
    ]


def hand_over(turn: Deliberation) -> Action:
    """The customer, or the draft, is put on a person's list: the assistant is at its wits' end."""
    record = {"kind": "escalation", "why": "unsure", "quote": None}
    return Action(turn.trigger.customer_id, "log_collection_activity", {"record": record})
