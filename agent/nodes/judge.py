"""Judge: every proposed call gets a ruling and an answer; none takes effect here."""

import json
from dataclasses import replace
from typing import Any, Literal

from langchain_core.messages import AIMessage, ToolMessage
from langgraph.runtime import Runtime
from langgraph.types import Command
from pydantic import ValidationError

from agent.engine.deliberation import Answered, Deliberation, Proposal
from agent.policy.gate import facts_digest
from agent.policy.guards import refusal
from agent.policy.verdict import AGENT, Allow, Approver, Ask, Facts, Inbound, Refuse, Ruling, Suggest
from agent.signals.language import written_in
from agent.signals.reading import own_words
from agent.signals.record import numbered, priced
from agent.signals.talk import asks_who_writes
from agent.state import EpisodeState
from tools.activity.chain import Source
from tools.activity.log_collection_activity import LogCollectionActivity, PromiseRecord
from tools.dunning.generate_dunning_message import GenerateDunningMessage
from tools.dunning.render import draft_message
from tools.dunning.templates import LANGUAGES, Language
from tools.errors import Refused
from tools.ledger.model import Account, Promise
from tools.memory.pseudonyms import restore_quote
from tools.money import Money
from tools.risk.read_customer_risk import ReadCustomerRisk
from tools.risk.score import read_risk
from tools.spec import Action, storable


async def judge(state: EpisodeState, runtime: Runtime[Deliberation]) -> Command[Literal["think", "__end__"]]:
    """Rule on what the model proposed, or on the one action of an approval that somebody decided."""
    turn = runtime.context
    if turn.answered is not None:
        # The word that was claimed decides. A thread that gives another one back was tampered with: it is asked anew.
        claimed = turn.answered.decision
        _judge_answer(turn, turn.answered, claimed if state.get("answer") == claimed else "supersede")
        return Command(goto="__end__")
    said = state["messages"][-1]
    answers: list[ToolMessage] = []
    if isinstance(said, AIMessage):
        for call in said.tool_calls:
            if turn.calls >= turn.deps.bounds.calls:
                turn.cut_short("the model made too many calls")
                return Command(goto="__end__")
            turn.calls += 1
            text, refused = _judge_call(turn, storable(call["name"]), storable(call["args"]))
            status = "error" if refused else "success"
            answers.append(ToolMessage(text, tool_call_id=call["id"] or "", status=status))
        for broken in said.invalid_tool_calls:
            text = "Refused: the arguments are not valid JSON."
            answers.append(ToolMessage(text, tool_call_id=broken["id"] or "", status="error"))
    return Command(goto="think", update={"messages": [*state["messages"], *answers]})


def _judge_call(turn: Deliberation, name: str, args: dict[str, Any]) -> tuple[str, bool]:
    """The answer to one call, and whether it was refused."""
    facts = turn.base_facts()
    if name == "read_customer_risk":
        try:
            looked = ReadCustomerRisk.model_validate(args)
        except ValidationError as wrong:
            return f"Refused: {_first_problem(wrong)}", True
        return json.dumps(read_risk(facts.account, looked.horizon).as_json()), False
    customer = facts.account.customer
    action = Action(customer.id, name, args, customer.salt)
    known = turn.already(action)
    if known is None:
        turn.proposals.append(proposal := rule(turn, action))
    elif not _says_more(action, known.action, facts):
        return f"Already proposed: {_answer(known.ruling)[0]}", False
    elif (proposal := rule(turn, action)).allowed:
        turn.proposals[turn.proposals.index(known)] = proposal
    return _answer(proposal.ruling)


def _says_more(action: Action, known: Action, facts: Facts) -> bool:
    """Whether a record says more than the one that code made of the same words, and stops no less.

    A dispute may name its amount, or, where code heard one of everything, the invoices that the customer named: the
    account is held either way. An opt-out may be broader than what code heard.
    """
    record, before = action.args.get("record"), known.args.get("record")
    if not isinstance(record, dict) or not isinstance(before, dict):
        return False
    if record.get("kind") == "opt_out":
        return record.get("scope") == "all" != before.get("scope")
    if record.get("kind") != "dispute":
        return False
    return (record.get("amount") is not None and before.get("amount") is None) or (
        not before.get("invoices") and _named(record.get("invoices"), facts)
    )


def _named(invoices: object, facts: Facts) -> bool:
    """Whether the customer's own words name each of these invoices, by its number or by an amount that is its alone."""
    if facts.inbound is None or not isinstance(invoices, list) or not invoices:
        return False
    said = own_words(facts.inbound.body)
    numbers = {invoice.id: invoice.number for invoice in facts.account.invoices}
    sums = {
        invoice.id: {Money(minor, invoice.currency) for minor in (invoice.total_minor, invoice.balance_minor)}
        for invoice in facts.account.invoices
    }
    named = {*numbered(said, numbers), *priced(said, sums)}
    return {str(identity) for identity in invoices} <= named


def _answer(ruling: Ruling) -> tuple[str, bool]:
    match ruling.verdict:
        case Allow(not_before=None):
            return "Staged.", False
        case Allow():
            return "Staged; it leaves at the next permitted time.", False
        case Ask(role=role):
            return f"Waits for a {role}.", False
        case Suggest():
            return "Recorded as a suggestion.", False
        case Refuse(reason=reason):
            return f"Refused: {reason}", True


def _first_problem(wrong: ValidationError) -> str:
    problem = wrong.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in problem['loc']) or 'arguments'}: {problem['msg']}"


def rule(
    turn: Deliberation,
    action: Action,
    *,
    actor: str = AGENT,
    source: Source = "AI Agent",
    approver: Approver | None = None,
) -> Proposal:
    """Rule on one action with the facts of this run, its draft rendered first where it is a message."""
    facts = prepared(turn, action, turn.base_facts())
    if (unreadable := _quote_not_said(action, facts)) is not None:
        return Proposal(action, facts, unreadable, actor, source)
    return Proposal(action, facts, turn.deps.gate.rule(action, facts, approver), actor, source)


def prepared(turn: Deliberation, action: Action, base: Facts) -> Facts:
    """`base` with what this run has staged and, for a message, the draft that the customer would read."""
    facts = replace(base, staged=turn.staged())
    if action.tool != "generate_dunning_message":
        return facts
    try:
        args = GenerateDunningMessage.model_validate(action.args)
    except ValidationError as wrong:
        return replace(facts, draft_problem=_first_problem(wrong))
    inbound = facts.inbound
    account = _with_promises(facts)
    sent_before = any(touch.state in ("sent", "delivered") for touch in facts.account.touches)
    asked = inbound is not None and asks_who_writes(inbound.body)
    try:
        draft = draft_message(
            args,
            account,
            turn.deps.company,
            first_contact=asked or not sent_before,
            reply_contact_id=inbound.contact_id if inbound and inbound.channel == args.channel else None,
            payment_minor=turn.trigger.payment_minor,
            written_in=_reviewed(inbound),
        )
    except Refused as problem:
        return replace(facts, draft_problem=str(problem))
    return replace(facts, draft=draft)


def _reviewed(inbound: Inbound | None) -> Language | None:
    """The language that the customer wrote in just now, where we have reviewed words for it."""
    words = own_words(inbound.body) if inbound else ""
    spoken = written_in(words)
    if spoken is None and {"¿", "¡"} & set(words):  # signs of Spanish alone, where no word tells
        return "es"
    return spoken if spoken in LANGUAGES else None


def _with_promises(facts: Facts) -> Account:
    """The account with the promise that this very turn records, so that a message may thank for it."""
    account, promised = facts.account, list(facts.account.promises)
    for action in facts.staged:
        if action.tool != "log_collection_activity":
            continue
        record = LogCollectionActivity.model_validate(action.args).record
        if isinstance(record, PromiseRecord):
            currency, meant = account.customer.currency, account.meant(record.invoices)
            promised += [
                Promise(0, meant, Money.of(p.amount, currency).minor, currency, p.on, facts.now, "open")
                for p in record.payments
            ]
    return replace(account, promises=promised)


def _quote_not_said(action: Action, facts: Facts) -> Ruling | None:
    """A quote must be words of the message that this episode answers; otherwise the record is invented."""
    if action.tool != "log_collection_activity" or facts.inbound is None:
        return None
    try:
        record = LogCollectionActivity.model_validate(action.args).record
    except ValidationError:
        return None
    quote = getattr(record, "quote", None)
    if quote is None or restore_quote(quote, facts.inbound.body, facts.account) is not None:
        return None
    invented = refusal("QUOTE-1", "The quote is not in the customer's message.")
    return Ruling(invented.verdict, (invented,))


def _judge_answer(turn: Deliberation, answered: Answered, word: str) -> None:
    """Judge a decided action again on the facts of now; what moved since it was asked voids the approval."""
    if answered.decision not in ("approve", "edit", "supersede"):
        return
    facts = turn.facts = replace(turn.base_facts(), proposer=answered.proposer)
    moved = facts_digest(prepared(turn, answered.action, facts), answered.action) != answered.facts_digest
    approver = answered.approver if word == "approve" and not moved else None
    source: Source = "System" if answered.approver is None else "Collector"
    by = AGENT if answered.approver is None else answered.approver.name
    turn.proposals.append(rule(turn, answered.action, actor=by, source=source, approver=approver))
    if moved and word == "approve":
        turn.outcome = "the facts moved after it was asked"
