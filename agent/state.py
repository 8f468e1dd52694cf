"""The graph's state: ids and plain JSON. Messages are untracked: rebuilt from our tables, never checkpointed."""

from typing import Annotated, Literal, TypedDict

from langchain_core.messages import AnyMessage
from langgraph.channels import UntrackedValue
from pydantic import BaseModel, ConfigDict

# A thread that waits at an interrupt was built by one version of the graph. Bump this when a node is renamed or an
# interrupt moves; an approval of another version is asked again and never resumed into the wrong place
# (langgraph.md 1.3 rows 12 and 13).
GRAPH_VERSION = "1"


class EpisodeState(TypedDict, total=False):
    """Both entries' state. An approval's checkpoint holds these four ids and nothing else."""

    episode_id: str
    approval_id: str  # set: this thread is an approval
    digest: str  # of the approval's action
    graph_version: str
    answer: Annotated[str, UntrackedValue]  # the decision word; the answer itself is in the approval's row
    messages: Annotated[list[AnyMessage], UntrackedValue]


class Answer(BaseModel):
    """What an interrupt takes. A bad answer is refused before it is saved, so the next good one works."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decision: Literal["approve", "edit", "reject", "withdraw", "expire", "supersede"]
    action_digest: str
