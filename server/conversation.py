"""One turn of a conversation, from the stored message to the answer on its way."""

from typing import Any

from agent.engine.deliberation import Proposal
from agent.engine.run import Engine
from agent.engine.trigger import inbound
from server.cycle import handle, handle_waiting, reasons_of
from server.inbound import Stored, store_said
from server.jobs.queue import drop_turn
from server.reading import timeline
from server.sender import dispatch_due
from tools.channels.base import Channels
from tools.memory.messages import MessageChannel


async def hear(
    engine: Engine,
    channels: Channels,
    *,
    customer_id: str,
    body: str,
    channel_name: MessageChannel | None = None,
    provider_id: str | None = None,
) -> dict[str, Any]:
    """Store what a customer said, answer it, and send what may leave now: what was decided and the conversation."""
    stored = await store_said(
        engine.deps.pool, customer_id=customer_id, channel=channel_name, body=body, at=engine.deps.clock.now(),
        provider_id=provider_id,
    )  # fmt: skip
    return await respond(engine, channels, stored)


async def respond(engine: Engine, channels: Channels, stored: Stored) -> dict[str, Any]:
    """Answer a stored message; a duplicate delivery changes nothing and says so."""
    trigger = inbound(stored.customer_id, stored.message_id)
    outcome = await handle(engine, trigger)
    async with engine.deps.pool.connection() as conn:
        await drop_turn(conn, trigger)
    await handle_waiting(engine, customer_id=stored.customer_id)
    dispatched = await dispatch_due(engine, channels)
    return {
        "customer": stored.customer_id,
        "message": stored.message_id,
        "duplicate": not stored.new,
        "episode": outcome.episode_id,
        "state": outcome.state,
        "decisions": [explain(proposal) for proposal in outcome.proposals],
        "approvals": list(outcome.approvals),
        "sent": dispatched.sent,
        "timeline": await timeline(engine.deps.pool, stored.customer_id),
    }


def explain(proposal: Proposal) -> dict[str, Any]:
    """One proposal and its ruling, for people."""
    record = proposal.action.args.get("record")
    what = (
        record["kind"]
        if isinstance(record, dict) and "kind" in record
        else proposal.action.args.get("purpose")
    )
    return {
        "tool": proposal.action.tool,
        "what": what or proposal.action.args.get("kind") or proposal.action.tool,
        "verdict": type(proposal.ruling.verdict).__name__.lower(),
        "why": reasons_of(proposal.ruling),
    }
