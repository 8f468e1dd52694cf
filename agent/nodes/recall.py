"""Recall: read what is known, act on what code alone must notice, and write the prompt."""

import json

from langchain_core.messages import HumanMessage, SystemMessage
from langgraph.runtime import Runtime

import prompts
from agent.engine.deliberation import Deliberation
from agent.engine.gather import Gathered, gather
from agent.engine.narrow import one_customer
from agent.nodes.document import document
from agent.nodes.judge import rule
from agent.signals import as_record
from agent.state import EpisodeState
from tools.memory.pseudonyms import pseudonymise
from tools.spec import Action


async def recall(state: EpisodeState, runtime: Runtime[Deliberation]) -> EpisodeState:  # noqa: ARG001 - LangGraph passes the state
    """Gather the facts; record every safety signal in the customer's words before the model has a say."""
    turn = runtime.context
    async with one_customer(turn.deps.pool, turn.trigger.customer_id) as conn:
        known = await gather(conn, turn.deps, turn.trigger)
    turn.facts, turn.left_out = known.facts, known.left_out
    _record_signals(turn, known)
    task = json.dumps(
        document(turn.trigger, known, turn.deps.gate.policy), ensure_ascii=False, separators=(",", ":")
    )
    return {"messages": [SystemMessage(prompts.load("system.md").text), HumanMessage(task)]}


def _record_signals(turn: Deliberation, known: Gathered) -> None:
    """A signal only adds restrictions, so it is recorded whatever the model thinks of it (policy.md 4)."""
    for signal in known.signals:
        account = known.facts.account
        said = known.facts.inbound.body if known.facts.inbound else ""
        args = as_record(signal, text=said, invoices={i.id: i.number for i in account.invoices})
        if args["record"].get("quote"):  # decisions outlive an erasure: they keep no name, number or address
            args["record"]["quote"] = pseudonymise(args["record"]["quote"], account)
        action = Action(turn.trigger.customer_id, "log_collection_activity", args)
        if turn.already(action) is None:
            turn.proposals.append(rule(turn, action, actor="system", source="System"))
