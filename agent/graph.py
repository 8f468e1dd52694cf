"""The state machine: an episode that is deliberated in memory, and an approval that waits on its own thread.

START -> recall -> think <-> judge -> END          an episode
START -> ask_human -> judge -> END                 an approval
"""

from typing import Any, Literal

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent.engine.deliberation import Deliberation
from agent.nodes.ask_human import ask_human
from agent.nodes.judge import judge
from agent.nodes.recall import recall
from agent.nodes.think import think
from agent.state import EpisodeState

Graph = CompiledStateGraph[EpisodeState, Deliberation, EpisodeState, EpisodeState]


async def _entry(state: EpisodeState) -> Literal["ask_human", "recall"]:
    return "ask_human" if state.get("approval_id") else "recall"


def build_graph(saver: BaseCheckpointSaver[Any] | None = None) -> Graph:
    """The graph on the given checkpointer; node names are a persisted contract (see GRAPH_VERSION)."""
    graph = _deliberation()
    graph.add_node("ask_human", ask_human)
    graph.add_conditional_edges(START, _entry, ["ask_human", "recall"])
    graph.add_edge("ask_human", "judge")
    return graph.compile(checkpointer=saver, name="dunwell")


def build_episodes() -> Graph:
    """The same graph for episodes alone, in memory: it keeps no books that nobody would read, and has one entry."""
    graph = _deliberation()
    graph.add_edge(START, "recall")
    return graph.compile(name="dunwell")


def _deliberation() -> StateGraph[EpisodeState, Deliberation, EpisodeState, EpisodeState]:
    graph = StateGraph(EpisodeState, context_schema=Deliberation)
    graph.add_node("recall", recall)
    graph.add_node("think", think)
    graph.add_node("judge", judge)
    graph.add_edge("recall", "think")
    # think and judge say where to go next: back to each other, or to the end.
    return graph
