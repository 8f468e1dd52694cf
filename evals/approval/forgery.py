"""What somebody does who gets past the front door and has the right answer: none of it is a person's word."""

import asyncio
from typing import Any, cast

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.types import Command
from psycopg import AsyncConnection

from agent.approvals.model import Approval, trigger_of
from agent.approvals.queries import read_approval
from agent.engine.deliberation import Deliberation
from agent.engine.gather import gather_facts
from agent.engine.run import Engine


async def resume_past_the_service(engine: Engine, approval_id: str) -> None:
    """Resume the thread as LangGraph's own interface does it. Whatever it comes to there, nothing of it may be committed."""
    async with engine.deps.pool.connection() as conn:
        approval = await read_approval(conn, approval_id=approval_id)
        turn = Deliberation(engine.deps, trigger_of(approval))
        turn.facts, _ = await gather_facts(conn, engine.deps, turn.trigger)
    answer: Command[Any] = Command(resume={approval.interrupt_id: _granted(approval)})
    await asyncio.gather(
        engine.invoke(answer, turn, thread=approval_id, resuming=True), return_exceptions=True
    )


async def write_an_answer(engine: Engine, approval_id: str) -> None:
    """Write the answer into the thread, as a pending write, where a resume looks for it. Raises AssertionError without one."""
    async with engine.deps.pool.connection() as conn:
        approval = await read_approval(conn, approval_id=approval_id)
        saver = AsyncPostgresSaver(cast(AsyncConnection[Any], conn), serde=engine.saver.serde)
        found = await saver.aget_tuple({"configurable": {"thread_id": approval_id, "checkpoint_ns": ""}})
        if found is None or not found.pending_writes:
            raise AssertionError("there is no thread to forge")
        await saver.aput_writes(
            found.config, [("__resume__", [_granted(approval)])], found.pending_writes[0][0]
        )


def _granted(approval: Approval) -> dict[str, Any]:
    return {"decision": "approve", "action_digest": approval.digest}
