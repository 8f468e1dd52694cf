"""One turn: what has happened in it so far, and what to propose next. Three rounds at most, then it ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agent.models.offline import inbound, outreach, redraft
from agent.models.offline.document import Document
from agent.models.offline.proposal import LOOK, RECORD, SPEAK, WAIT, Proposal, escalate, look


@dataclass(frozen=True, slots=True)
class Turn:
    """The calls that were proposed in this turn, whoever proposed them, whether one was refused, what came of a promise, and of a plan."""

    proposed: Sequence[tuple[str, Mapping[str, Any]]]
    refused: bool
    promise: Literal["recorded", "waits"] | None = None
    plan: Literal["recorded", "waits"] | None = None

    @classmethod
    def of(cls, messages: Sequence[BaseMessage]) -> "Turn":
        """Read the turn from the prompt: it is remembered nowhere else."""
        calls = [
            (call["name"], call["args"])
            for m in messages
            if isinstance(m, AIMessage)
            for call in m.tool_calls
        ]
        # Endpoints that speak OpenAI's format drop the status; the text says it, too.
        refused = any(
            message.status == "error" or message.text.lower().startswith("refused")
            for message in messages
            if isinstance(message, ToolMessage) and message.name != LOOK
        )
        return cls(calls, refused, _became(messages, "promise"), _became(messages, "plan_request"))

    @property
    def looked_only(self) -> bool:
        """Nothing but looks so far."""
        return all(tool == LOOK for tool, _ in self.proposed)

    @property
    def spoke(self) -> bool:
        """A message was proposed."""
        return any(tool == SPEAK for tool, _ in self.proposed)

    @property
    def person_called(self) -> bool:
        """A person was called in already: an escalation, a call task or a review."""
        return any(
            (tool == RECORD and _kind(args.get("record")) == "escalation")
            or (tool == WAIT and args.get("kind") in ("call_task", "review"))
            for tool, args in self.proposed
        )


def propose(document: Document, turn: Turn, tools: Sequence[str]) -> list[Proposal]:
    """The next calls, none of them to a tool that is not among `tools`; empty ends the turn.

    First a look where the task demands something of the customer, then everything at once, but the confirmation of
    a promise, which has to be recorded first; after a refusal one call to a person, unless one was called, and
    never the same call again.
    """
    if not turn.proposed and LOOK in tools and outreach.wants_look(document):
        return [look()]
    if turn.looked_only:
        calls = _main(document)
    elif turn.refused and not turn.person_called and not document.signals:
        calls = inbound.hand_over(document) if document.task.kind == "inbound" else [escalate(document)]
    elif turn.promise and not turn.spoke and not turn.refused:
        calls = inbound.after_promise(document, recorded=turn.promise == "recorded")
    elif turn.plan == "waits" and not turn.spoke and not turn.refused and document.task.kind == "inbound":
        calls = inbound.after_plan(document)
    else:
        calls = []
    return [call for call in calls if call.tool in tools]


def _main(document: Document) -> list[Proposal]:
    match document.task.kind:
        case "inbound":
            return inbound.answer(document)
        case "ladder":
            return outreach.ladder(document)
        case "follow_up":
            return outreach.due_follow_up(document)
        case "ledger":
            return outreach.ledger(document)
        case "redraft":
            return redraft.redraft(document)
        case "request":
            return redraft.request(document)


def _became(messages: Sequence[BaseMessage], kind: str) -> Literal["recorded", "waits"] | None:
    """What came of a record of this kind that was proposed; None where there was none."""
    made = {
        call["id"] for m in messages if isinstance(m, AIMessage) for call in m.tool_calls
        if call["name"] == RECORD and _kind(call["args"].get("record")) == kind
    }  # fmt: skip
    said = [m.text.lower() for m in messages if isinstance(m, ToolMessage) and m.tool_call_id in made]
    if not said:
        return None
    return "recorded" if said[-1].startswith("staged") else "waits"


def _kind(record: object) -> object:
    return record.get("kind") if isinstance(record, Mapping) else None
