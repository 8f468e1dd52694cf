"""Think: the model proposes. No database connection is held while it does."""

from typing import Literal

import structlog
from langgraph.runtime import Runtime
from langgraph.types import Command

from agent.engine.budget import is_used_up, spend
from agent.engine.deliberation import NO_ANSWER, Deliberation
from agent.meter import MODEL_SECONDS
from agent.models.trouble import wrong_with
from agent.models.usage import usage
from agent.state import EpisodeState
from tools import failpoints

_log = structlog.get_logger()


async def think(state: EpisodeState, runtime: Runtime[Deliberation]) -> Command[Literal["judge", "__end__"]]:
    """Ask the model once; the turn ends when it proposes nothing more, cannot be used, or has used up what it may."""
    turn = runtime.context
    metered = turn.mind is turn.deps.mind  # the fallback costs nothing
    if turn.model_calls >= turn.deps.bounds.model_calls:
        return _cut_short(turn, "the model used up its calls")
    if metered and turn.tokens >= turn.deps.bounds.tokens:
        return _cut_short(turn, "the model used up its tokens")
    if metered and await is_used_up(turn.deps):
        return _cut_short(turn, "the day's tokens are used up")
    turn.model_calls += 1
    failpoints.reach("model.before_call")
    try:
        with MODEL_SECONDS.labels(turn.mind.model_id).time():
            said = await turn.mind.thinker.ainvoke(state["messages"])
    except Exception as failure:  # noqa: BLE001 - a provider's client may raise anything at all
        _log.warning("model_failed", episode_id=turn.episode_id, why=type(failure).__name__)
        return _cut_short(turn, NO_ANSWER)
    failpoints.reach("model.answered")
    said.usage_metadata = said.usage_metadata or usage(state["messages"], said)  # not every endpoint counts
    turn.count(said)
    if metered:
        await spend(turn.deps, tokens=said.usage_metadata["total_tokens"])
    wrong = wrong_with(said, first=turn.model_calls == 1)
    if wrong is not None:
        return _cut_short(turn, wrong)
    wants_more = bool(said.tool_calls or said.invalid_tool_calls)
    return Command(goto="judge" if wants_more else "__end__", update={"messages": [*state["messages"], said]})


def _cut_short(turn: Deliberation, why: str) -> Command[Literal["judge", "__end__"]]:
    turn.cut_short(why)
    return Command(goto="__end__")
