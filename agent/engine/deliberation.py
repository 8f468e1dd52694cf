"""One run of the graph: what it was given, what was proposed, and what the gate said. Lives in memory only."""

from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage

from agent.deps import Deps, Mind
from agent.engine.trigger import Trigger
from agent.meter import MODEL_TOKENS, MODEL_TROUBLE
from agent.policy.verdict import AGENT, Allow, Approver, Ask, Facts, Ruling
from agent.signals.talk import is_courtesy
from tools.activity.chain import Source
from tools.memory.embeddings import Embedded
from tools.spec import Action

SETTLED = "settled"
NO_ANSWER = "the model did not answer"
_CUT_SHORT = "cut short: "


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
    outcome: str = SETTLED
    fell_back: str | None = None  # why another model than the configured one took the turn
    mind: Mind = field(init=False)
    left_out: int = 0
    heard: Embedded | None = (
        None  # the vector of the customer's message, which is also what memory was asked with
    )
    vectors: dict[str, Embedded | None] = field(default_factory=dict)  # of drafts, by their action's digest

    def __post_init__(self) -> None:
        self.mind = self.deps.mind

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

    @property
    def left_waiting(self) -> bool:
        """A customer wrote, wants an answer, and nothing comes of it: nothing happens and nothing waits for a person."""
        facts = self.base_facts()
        if facts.inbound is None or any(proposal.allowed or proposal.asked for proposal in self.proposals):
            return False
        # A nod may accept an offer; without one it wants no answer.
        offered = any(plan.state == "offered" for plan in facts.account.plans)
        return offered or not is_courtesy(facts.inbound.body)

    @property
    def silent(self) -> bool:
        """The model proposed nothing at all."""
        return all(proposal.source != "AI Agent" for proposal in self.proposals)

    def cut_short(self, why: str) -> None:
        """The model is in trouble: the turn ends before it is done."""
        self.outcome = _CUT_SHORT + why
        MODEL_TROUBLE.labels(self.mind.model_id, why).inc()

    def start_over(self, mind: Mind) -> None:
        """Another model takes the whole turn. Nothing of what the first one proposed was committed; nothing of it stays."""
        self.fell_back = self.outcome.removeprefix(_CUT_SHORT)
        self.usage["calls_before"] = self.model_calls
        self.mind, self.outcome, self.proposals, self.model_calls, self.calls = mind, SETTLED, [], 0, 0

    @property
    def tokens(self) -> int:
        """What the models of this run have used."""
        return self.usage.get("input_tokens", 0) + self.usage.get("output_tokens", 0)

    def count(self, said: AIMessage) -> None:
        """Add up what an answer used."""
        used: dict[str, Any] = dict(said.usage_metadata or {})
        for key, direction in (("input_tokens", "in"), ("output_tokens", "out")):
            tokens = int(used.get(key, 0))
            self.usage[key] = self.usage.get(key, 0) + tokens
            MODEL_TOKENS.labels(self.mind.model_id, direction).inc(tokens)


def record_kind(action: Action) -> str | None:
    """The kind of a record, an escalation's with its reason; None for every other action."""
    record = action.args.get("record")
    if not isinstance(record, dict):
        return None
    return f"escalation: {record.get('why')}" if record.get("kind") == "escalation" else record.get("kind")
