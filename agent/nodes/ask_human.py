"""Ask: one approval, one interrupt."""

from langgraph.types import interrupt

from agent.state import Answer, EpisodeState


async def ask_human(state: EpisodeState) -> EpisodeState:
    """Wait for a person. The interrupt is the first statement: on resume the node runs again from its first line."""
    answer: Answer = interrupt(
        {
            "approval_id": state["approval_id"],
            "action_digest": state["digest"],
            "graph_version": state["graph_version"],
        },
        response_schema=Answer,
    )
    return {"answer": answer.decision if answer.action_digest == state["digest"] else "supersede"}
