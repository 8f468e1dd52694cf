"""One run of the graph: what it was given, what was proposed, and what the gate said. Lives in memory only."""

from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage

from agent.deps import Deps
from agent.engine.trigger import Trigger
from agent.policy.verdict import AGENT, Allow, Approver, Ask, Facts, Ruling
from tools.activity.chain import Source
from tools.memory.embeddings import Embedded
from tools.spec import Action


@dataclass(frozen=True, slots=True)
class Proposal:
    """One action that was proposed and ruled on: `facts` are those of the ruling, with the draft where it is a message."""

    action: Action
    facts: Facts
    ruling: Ruling
    actor: str = AGENT
    source: Source = "AI Agent"

    @property
    def allowed(self) -> bool:
        """Takes effect when the episode commits."""
        return isinstance(self.ruling.verdict, Allow)

    @property
    def asked(self) -> bool:
        """Waits for a person."""
        return isinstance(self.ruling.verdict, Ask)


@dataclass(frozen=True, slots=True)
class Answered:
    """The approval that a run resumes: its one action and who decided."""

    approval_id: str
    action: Action
    decision: str
    approver: Approver | None
    proposer: str
    facts_digest: str


@dataclass(slots=True)
class Deliberation:
    """A run's scratch pad, given to every node as the runtime's context."""

    deps: Deps
    trigger: Trigger
    answered: Answered | None = None
    facts: Facts | None = None
    proposals: list[Proposal] = field(default_factory=list)
    model_calls: int = 0
    calls: int = 0  # tool calls, all answers of the model together
    usage: dict[str, int] = field(default_factory=dict)
    outcome: str = "settled"
    left_out: int = 0
    heard: Embedded | None = (
        None  # the vector of the customer's message, which is also what memory was asked with
    )
    vectors: dict[str, Embedded | None] = field(default_factory=dict)  # of drafts, by their action's digest

    @property
    def episode_id(self) -> str:
        """The episode that this run belongs to."""
        return self.trigger.episode_id

    def base_facts(self) -> Facts:
        """The facts that recall gathered. A run without them is a defect of the engine."""
        if self.facts is None:
            raise RuntimeError("facts are gathered before anything is judged")
        return self.facts

    def staged(self) -> tuple[Action, ...]:
        """What this run was already allowed."""
        return tuple(proposal.action for proposal in self.proposals if proposal.allowed)

    def already(self, action: Action) -> Proposal | None:
        """The earlier proposal of the same action in this run, if there is one.

        What code recorded as a signal is the same action as the model's record of its kind, whatever the quote:
        one dispute must not place two holds that a person has to lift one by one.
        """
        kind = record_kind(action)
        return next(
            (
                earlier
                for earlier in self.proposals
                if earlier.action.digest == action.digest
                or (earlier.source == "System" and kind is not None and record_kind(earlier.action) == kind)
            ),
            None,
        )

    def count(self, said: AIMessage) -> None:
        """Add up what the model's endpoint says it used."""
        used: dict[str, Any] = dict(said.usage_metadata or {})
        for key in ("input_tokens", "output_tokens"):
            self.usage[key] = self.usage.get(key, 0) + int(used.get(key, 0))


def record_kind(action: Action) -> str | None:
    """The kind of a record, an escalation's with its reason; None for every other action."""
    record = action.args.get("record")
    if not isinstance(record, dict):
        return None
    return f"escalation: {record.get('why')}" if record.get("kind") == "escalation" else record.get("kind")
