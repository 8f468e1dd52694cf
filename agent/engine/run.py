"""The engine: runs an episode in memory, commits it once, and starts over when the facts moved under it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
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
from agent.engine.deliberation import NO_ANSWER, SETTLED, Deliberation, Proposal
from agent.engine.gather import Fenced, gather_facts
from agent.engine.narrow import one_customer, widen
from agent.engine.saver import Buffer, BufferedSaver
from agent.engine.trigger import Trigger
from agent.engine.vectors import embed_drafts
from agent.graph import Graph, build_episodes, build_graph
from agent.meter import EPISODE_SECONDS, count_rulings
from agent.nodes.judge import rule
from agent.nodes.recall import record_signals
from agent.state import GRAPH_VERSION, EpisodeState
from tools import failpoints, sql
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
        with EPISODE_SECONDS.labels(trigger.kind).time():
            return await self._episode(trigger, self._deliberate)

    async def give_up(self, trigger: Trigger) -> Outcome:
        """The episode of a trigger that failed again and again: no model is asked and a person takes it from here.

        What code finds in the customer's words holds all the same. Raises as `run`.
        """
        return await self._episode(trigger, _without_thought)

    async def _episode(
        self, trigger: Trigger, deliberate: Callable[[Deliberation], Awaitable[None]]
    ) -> Outcome:
        for _ in range(self.deps.bounds.attempts):
            turn = Deliberation(self.deps, trigger)
            started_at = self.deps.clock.now()
            try:
                await deliberate(turn)
            except Fenced:
                return Outcome(trigger.episode_id, "fenced")
            failpoints.reach("episode.deliberated")
            waiting = [await self.ask(turn, proposal) for proposal in turn.proposals if proposal.asked]
            await embed_drafts(turn)
            try:
                async with one_customer(self.deps.pool, trigger.customer_id) as conn:
                    await fence(conn, self.deps, turn, trigger.turn_key)
                    await recheck(conn, self.deps, turn)
                    waiting = _follow(waiting, turn.proposals)
                    changed = await write_episode(conn, self.deps, turn, started_at)
                    entries = await write_trigger_done(conn, self.deps, turn)
                    decided = await write_decisions(conn, self.deps, turn, waiting)
                    await close_log(conn, self.deps, turn, [*entries, *changed, *decided])
                    await self.flush(conn, waiting)
                    failpoints.reach("episode.before_commit")
            except FactsMoved:
                _log.info("facts_moved", episode_id=turn.episode_id)
                continue
            except psycopg.errors.UniqueViolation as violation:
                if violation.diag.constraint_name != "fence_pkey":
                    raise
                return Outcome(trigger.episode_id, "fenced")
            failpoints.reach("episode.committed")
            count_rulings((p.action.tool, p.ruling) for p in turn.proposals)
            return Outcome(turn.episode_id, "committed", turn.proposals, [w.approval_id for w in waiting])
        raise Conflict(f"The facts of episode {trigger.episode_id} kept changing; it will be tried again.")

    async def flush(self, conn: AsyncConnection[Any], waiting: Sequence[Waiting]) -> None:
        """The last statements of a commit: the checkpoints of new approvals, written by the login role."""
        if waiting:
            await widen(conn)
        for wait in waiting:
            await self.saver.flush(wait.buffer, conn)
            failpoints.reach("episode.checkpoint_flushed")

    async def _deliberate(self, turn: Deliberation) -> None:
        """Let the model think. Where it is in trouble the fallback takes the turn, from the beginning; where there is none
        the turn keeps what it has, and a person hears of it.
        """
        await self._think(turn)
        if turn.outcome != SETTLED and self.deps.fallback is not None:
            turn.start_over(self.deps.fallback)
            _log.warning("model_fell_back", episode_id=turn.episode_id, why=turn.fell_back)
            await self._think(turn)
        if turn.outcome == f"cut short: {NO_ANSWER}" and turn.trigger.kind != "inbound":
            # Nobody waits for it: its trigger stays and is tried again. Where a customer waits, what code found in
            # their words must hold now.
            raise Unavailable("The model did not answer; the episode will be tried again.")
        if turn.outcome != SETTLED or turn.left_waiting:
            turn.proposals.append(rule(turn, hand_over(turn), actor="system", source="System"))

    async def _think(self, turn: Deliberation) -> None:
        """Run the graph in memory, within its bounds. Raises Unavailable without the customer's account."""
        try:
            async with asyncio.timeout(self.deps.bounds.wall_seconds):
                await self.episodes.ainvoke(
                    {"episode_id": turn.episode_id},
                    {"recursion_limit": self._steps},
                    context=turn,
                    version="v2",
                )
        except TimeoutError:
            turn.cut_short("the turn took too long")
        except GraphRecursionError:
            turn.cut_short("the turn took too many steps")
        if turn.facts is None:
            raise Unavailable("The customer's account could not be read in time.")
        if turn.outcome == SETTLED and turn.left_waiting and turn.silent:
            turn.cut_short("the model proposed nothing")

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


async def _without_thought(turn: Deliberation) -> None:
    """What `give_up` has instead of a deliberation."""
    async with one_customer(turn.deps.pool, turn.trigger.customer_id) as conn:
        turn.facts, signals = await gather_facts(conn, turn.deps, turn.trigger)
    turn.outcome = "given up: it failed again and again"
    record_signals(turn, turn.facts, signals)
    turn.proposals.append(rule(turn, hand_over(turn), actor="system", source="System"))


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
    customer = turn.base_facts().account.customer
    return Action(customer.id, "log_collection_activity", {"record": record}, customer.salt)
