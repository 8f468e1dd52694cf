"""Think: the model proposes. No database connection is held while it does."""

from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from agent.engine.deliberation import Deliberation
from agent.state import EpisodeState


async def think(state: EpisodeState, runtime: Runtime[Deliberation]) -> Command[Literal["judge", "__end__"]]:
    """Ask the model once; the turn ends when it proposes nothing more or its calls are used up."""
    turn = runtime.context
    if turn.model_calls >= turn.deps.bounds.model_calls:
        turn.outcome = "cut short: the model used up its calls"
        return Command(goto="__end__")
    turn.model_calls += 1
    said = await turn.deps.thinker.ainvoke(state["messages"])
    turn.count(said)
    wants_more = bool(said.tool_calls or said.invalid_tool_calls)
    return Command(goto="judge" if wants_more else "__end__", update={"messages": [*state["messages"], said]})
