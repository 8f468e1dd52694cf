"""Think: the model proposes. No database connection is held while it does."""

from typing import Literal

import structlog
from langgraph.runtime import Runtime
from langgraph.types import Command

from agent.engine.deliberation import Deliberation
from agent.state import EpisodeState
from tools.errors import Unavailable

_log = structlog.get_logger()


async def think(state: EpisodeState, runtime: Runtime[Deliberation]) -> Command[Literal["judge", "__end__"]]:
    """Ask the model once; the turn ends when it proposes nothing more or its calls are used up."""
    turn = runtime.context
    if turn.model_calls >= turn.deps.bounds.model_calls:
        turn.outcome = "cut short: the model used up its calls"
        return Command(goto="__end__")
    turn.model_calls += 1
    try:
        said = await turn.deps.thinker.ainvoke(state["messages"])
    except Exception as failure:  # a provider's client may raise anything at all
        _log.warning("model_failed", episode_id=turn.episode_id, why=type(failure).__name__)
        raise Unavailable("The model did not answer; the episode will be tried again.") from failure
    turn.count(said)
    wants_more = bool(said.tool_calls or said.invalid_tool_calls)
    return Command(goto="judge" if wants_more else "__end__", update={"messages": [*state["messages"], said]})
