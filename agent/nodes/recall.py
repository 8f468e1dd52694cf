"""Recall: read what is known, act on what code alone must notice, and write the prompt."""

from collections.abc import Sequence

from langchain_core.messages import AnyMessage, HumanMessage, SystemMessage
from langgraph.runtime import Runtime

import prompts
from agent.engine.deliberation import Deliberation
from agent.engine.gather import Gathered, asks, gather, remember
from agent.engine.narrow import one_customer
from agent.engine.vectors import embed
from agent.nodes.document import document
from agent.nodes.judge import rule
from agent.nodes.room import as_text
from agent.policy.verdict import Facts
from agent.signals import Signal, as_record
from agent.state import EpisodeState
from tools.memory.pseudonyms import pseudonymise
from tools.spec import Action

_AT_HAND = (
    4  # messages: the newest and the exchange before it are in every prompt, so there is nothing to search
)
_ENVELOPE = 10  # tokens that the two messages cost besides their text


async def recall(state: EpisodeState, runtime: Runtime[Deliberation]) -> EpisodeState:  # noqa: ARG001 - LangGraph passes the state
    """Gather the facts; record every safety signal in the customer's words before the model has a say."""
    turn = runtime.context
    known = await read(turn)
    turn.facts = known.facts
    record_signals(turn, known.facts, known.signals)
    return {"messages": write(turn, known)}


async def read(turn: Deliberation) -> Gathered:
    """Everything that the prompt is made of. No connection is held while the question to memory is embedded."""
    deps, trigger = turn.deps, turn.trigger
    async with one_customer(deps.pool, trigger.customer_id) as conn:
        known = await gather(conn, deps, trigger)
    text = asks(trigger, known)
    if text is None:
        return known
    [query] = await embed(deps, [text])
    turn.heard = query if known.facts.inbound else None
    if known.conversation.messages <= _AT_HAND:
        return known
    async with one_customer(deps.pool, trigger.customer_id) as conn:
        return await remember(conn, deps, trigger, known, text=text, query=query)


def write(turn: Deliberation, known: Gathered) -> list[AnyMessage]:
    """The prompt, within its bound whatever the length of the history."""
    system = prompts.load("system.md").text
    characters = 4 * (turn.deps.bounds.prompt_tokens - _ENVELOPE) - len(system)
    content = document(turn.trigger, known, turn.deps.gate.policy, characters=characters)
    turn.left_out = content["left_out"]["messages"]
    return [SystemMessage(system), HumanMessage(as_text(content))]


def record_signals(turn: Deliberation, facts: Facts, signals: Sequence[Signal]) -> None:
    """A signal only adds restrictions, so it is recorded whatever the model thinks of it (policy.md 4)."""
    account = facts.account
    said = facts.inbound.body if facts.inbound else ""
    for signal in signals:
        args = as_record(signal, text=said, invoices={i.id: i.number for i in account.invoices})
        if args["record"].get("quote"):  # decisions outlive an erasure: they keep no name, number or address
            args["record"]["quote"] = pseudonymise(args["record"]["quote"], account)
        action = Action(turn.trigger.customer_id, "log_collection_activity", args, account.customer.salt)
        if turn.already(action) is None:
            turn.proposals.append(rule(turn, action, actor="system", source="System"))
