"""Gather: everything an episode needs to know, read in one transaction before anybody thinks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from psycopg import AsyncConnection, AsyncCursor

from agent.deps import Deps
from agent.engine.trigger import Trigger
from agent.policy.stops import opt_out
from agent.policy.verdict import AGENT, Facts, Inbound, Risk
from agent.signals import Signal, detect
from tools import sql
from tools.clock import business_day
from tools.errors import NotFound
from tools.ledger.model import Account
from tools.ledger.queries import ask_account, told_account
from tools.memory.embeddings import Embedded
from tools.memory.messages import (
    Conversation,
    InboundMessage,
    ask_inbound,
    read_conversation,
)
from tools.memory.search import Hit, search
from tools.risk.score import read_risk

_SQL = sql.load("agent.engine")
_ASKED = 2000  # characters of a message that are searched for; below them stands what it quotes


class Fenced(Exception):
    """An episode of the same trigger has committed: seen before any model call is paid for. The constraint in the commit is what holds."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The facts of a trigger, on their way."""

    account: AsyncCursor[Any]
    message: AsyncCursor[InboundMessage] | None


@dataclass(frozen=True, slots=True)
class Gathered:
    """Facts for the rules, and the conversation for the prompt."""

    facts: Facts
    signals: Sequence[Signal]
    conversation: Conversation
    memory: Sequence[Hit] = ()  # earlier messages that fit what is asked now, best first


async def gather_facts(
    conn: AsyncConnection[Any], deps: Deps, trigger: Trigger
) -> tuple[Facts, Sequence[Signal]]:
    """The facts alone: read when an episode begins, and again when an approval is decided."""
    account, message = await _read(conn, deps, trigger)
    signals = _heard(message)
    return _facts(deps, trigger, account, message, signals), signals


async def moved_facts(conn: AsyncConnection[Any], deps: Deps, trigger: Trigger, seen: Facts) -> Facts | None:
    """The facts of now where they are not those that were `seen`; None, which is nearly always, where nothing moved."""
    account, message = await _read(conn, deps, trigger)
    heard = seen.inbound
    if replace(account, now=seen.account.now) == seen.account and (
        (message is None and heard is None)
        # The same words carry the same signals: they are not looked for again.
        or (
            message
            and heard
            and message.body == heard.body
            and _inbound(account, message, heard.signals) == heard
        )
    ):
        return None
    return _facts(deps, trigger, account, message, _heard(message))


async def _read(
    conn: AsyncConnection[Any], deps: Deps, trigger: Trigger
) -> tuple[Account, InboundMessage | None]:
    return await _told(trigger, await ask_facts(conn, deps, trigger))


async def ask_facts(conn: AsyncConnection[Any], deps: Deps, trigger: Trigger) -> Asked:
    """Ask for the facts of a trigger, for `told_facts` to read: in a pipeline the questions for many travel together."""
    # The message is asked for first and comes with the account.
    message = None if trigger.message_id is None else await ask_inbound(conn, message_id=trigger.message_id)
    now = deps.clock.now()
    today = business_day(now, deps.company.zone)
    return Asked(await ask_account(conn, customer_id=trigger.customer_id, today=today, now=now), message)


async def told_facts(deps: Deps, trigger: Trigger, asked: Asked) -> Facts:
    """The facts that were asked for."""
    account, message = await _told(trigger, asked)
    return _facts(deps, trigger, account, message, _heard(message))


def _heard(message: InboundMessage | None) -> Sequence[Signal]:
    return detect(message.body, message.channel) if message else ()


async def _told(trigger: Trigger, asked: Asked) -> tuple[Account, InboundMessage | None]:
    account = await told_account(asked.account, customer_id=trigger.customer_id)
    if trigger.of_episode is not None or trigger.kind == "redraft":
        # The step that is being decided, redrafted or sent is no repetition of itself.
        account = replace(account, ladder=[step for step in account.ladder if step.step != trigger.step])
    if asked.message is None:
        return account, None
    message = await asked.message.fetchone()
    if message is None:
        raise NotFound("inbound message", str(trigger.message_id))
    return account, message


def _facts(
    deps: Deps,
    trigger: Trigger,
    account: Account,
    message: InboundMessage | None,
    signals: Sequence[Signal],
) -> Facts:
    reading = read_risk(account)
    channel = message.channel if message else None
    kinds = frozenset(
        opt_out(signal.detail, channel) if signal.kind == "opt_out" else signal.kind for signal in signals
    )
    return Facts(
        account=account,
        risk=Risk(reading.tier, reading.probability),
        trigger=trigger.kind,
        now=account.now,
        zone_key=deps.company.zone.key,
        ladder_step=trigger.step,
        inbound=_inbound(account, message, kinds) if message else None,
        proposer=trigger.requested_by or AGENT,
        pays_by_mail=account.pays_by_mail,
    )


async def gather(conn: AsyncConnection[Any], deps: Deps, trigger: Trigger) -> Gathered:
    """Facts and conversation; what memory finds is added by `remember`. Raises Fenced where nothing is left to do."""
    fence = await conn.execute(_SQL["fenced"], {"turn_key": trigger.turn_key})
    facts, signals = await gather_facts(conn, deps, trigger)
    if await fence.fetchone() is not None:
        raise Fenced
    conversation = await read_conversation(
        conn, customer_id=trigger.customer_id, upto=trigger.message_id, newest=deps.bounds.window_messages,
        facts=deps.bounds.standing_facts,
    )  # fmt: skip
    return Gathered(facts, signals, conversation)


def asks(trigger: Trigger, known: Gathered) -> str | None:
    """What memory is asked: the customer's own words, or what the task says in words; None where it says nothing."""
    inbound = known.facts.inbound
    said = inbound.body if inbound else " ".join(filter(None, (trigger.note, trigger.follow_up_reason)))
    return said.strip() or None


async def remember(
    conn: AsyncConnection[Any],
    deps: Deps,
    trigger: Trigger,
    known: Gathered,
    *,
    text: str,
    query: Embedded | None,
) -> Gathered:
    """`known` with the earlier messages that fit `text`, searched over the whole history before the newest message."""
    hits = await search(
        conn, customer_id=trigger.customer_id, text=text[:_ASKED], query=query, limit=deps.bounds.memory_hits,
        language=known.facts.account.customer.language, before=trigger.message_id,
    )  # fmt: skip
    return replace(known, memory=hits)


def _inbound(account: Account, message: InboundMessage, signals: frozenset[str]) -> Inbound:
    contact = next((c for c in account.contacts if c.id == message.contact_id), None)
    silenced = {s.contact_id for s in account.suppressions if s.reason == "wrong_party"}
    return Inbound(
        message_id=message.id,
        channel=message.channel,
        contact_id=message.contact_id,
        identity_matches=contact is not None and not contact.shared and contact.id not in silenced,
        signals=signals,
        body=message.body,
        replies=message.replies,
        at=message.at,
    )
