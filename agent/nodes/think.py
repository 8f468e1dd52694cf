"""Think: the model proposes. No database connection is held while it does."""

from typing import Literal

from langchain_core.messages import AIMessage
from langgraph.runtime import Runtime
from langgraph.types import Command

from agent.engine.deliberation import Deliberation
from agent.state import EpisodeState
from tools.surface import TOOLS


async def think(state: EpisodeState, runtime: Runtime[Deliberation]) -> Command[Literal["judge", "__end__"]]:
    """Ask the model once; the turn ends when it proposes nothing more or its calls are used up."""
    turn = runtime.context
    if turn.model_calls >= turn.deps.bounds.model_calls:
        turn.outcome = "cut short: the model used up its calls"
        return Command(goto="__end__")
    turn.model_calls += 1
    model = turn.deps.model.bind_tools([tool.args for tool in TOOLS])
    said = await model.ainvoke(state["messages"])
    if not isinstance(said, AIMessage):
        turn.outcome = "cut short: the model gave no answer"
        return Command(goto="__end__")
    turn.count(said)
    wants_more = bool(said.tool_calls or said.invalid_tool_calls)
    return Command(goto="judge" if wants_more else "__end__", update={"messages": [*state["messages"], said]})
