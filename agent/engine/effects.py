"""Effects: from a permitted action to its rows, on the commit's own connection."""

from datetime import datetime, time, timedelta
from typing import Any

from psycopg import AsyncConnection

from agent.deps import Deps
from agent.engine.deliberation import Proposal
from agent.policy.verdict import AGENT, Allow
from tools.activity.log_collection_activity import LogCollectionActivity
from tools.activity.record import Said, record_activity, talking_points
from tools.errors import Refused
from tools.followups.follow_ups import schedule
from tools.followups.schedule_follow_up import ScheduleFollowUp
from tools.memory.embeddings import Embedded
from tools.outbox.queue import enqueue
from tools.spec import Permit

# A follow-up of ours is looked at in the morning, when the company is at work and the contact window is open.
_MORNING = time(10, 0)


async def apply(
    conn: AsyncConnection[Any],
    deps: Deps,
    permit: Permit,
    proposal: Proposal,
    *,
    approved_by: str | None,
    embedded: Embedded | None = None,
) -> dict[str, Any]:
    """Make one allowed proposal true. Gives ids and digests for the activity log. Raises Refused for an unknown tool.

    `embedded` is a message's vector; without one it is embedded later.
    """
    match proposal.action.tool:
        case "generate_dunning_message":
            return await _message(conn, deps, permit, proposal, embedded)
        case "schedule_follow_up":
            return await _follow_up(conn, deps, permit, proposal)
        case "log_collection_activity":
            return await _record(conn, deps, permit, proposal, approved_by)
        case unknown:
            raise Refused(f"There is no effect for {unknown}.")


async def _message(
    conn: AsyncConnection[Any], deps: Deps, permit: Permit, proposal: Proposal, embedded: Embedded | None
) -> dict[str, Any]:
    facts, verdict = proposal.facts, proposal.ruling.verdict
    if facts.draft is None:
        raise Refused("A message without a draft cannot be queued.")
    now = deps.clock.now()
    later = verdict.not_before if isinstance(verdict, Allow) else None
    queued = await enqueue(
        conn, permit, proposal.action, facts.draft, not_before=later or now,
        reply_to=facts.inbound.message_id if facts.inbound else None, now=now,
        embedded=embedded,
    )  # fmt: skip
    return {
        "outbox": queued.outbox_id, "message": queued.message_id, "body": queued.body_digest,
        "purpose": facts.draft.purpose, "template": facts.draft.template, "channel": facts.draft.channel,
    }  # fmt: skip


async def _follow_up(
    conn: AsyncConnection[Any], deps: Deps, permit: Permit, proposal: Proposal
) -> dict[str, Any]:
    args = ScheduleFollowUp.model_validate(proposal.action.args)
    account = proposal.facts.account
    day = args.on or account.today + timedelta(days=args.in_days or 0)
    due_at = max(datetime.combine(day, _MORNING, deps.company.zone), deps.clock.now())
    for_person = args.kind in ("call_task", "review")
    await schedule(
        conn, permit, kind=args.kind, due_at=due_at, reason=args.reason, assignee=account.customer.owner,
        talking_points=talking_points(account, args.reason) if for_person else None,
        # A customer may ask the same twice before anybody came to it.
        once=for_person and proposal.facts.inbound is not None,
    )  # fmt: skip
    return {"kind": args.kind, "due": due_at.isoformat()}


async def _record(
    conn: AsyncConnection[Any], deps: Deps, permit: Permit, proposal: Proposal, approved_by: str | None
) -> dict[str, Any]:
    args = LogCollectionActivity.model_validate(proposal.action.args)
    inbound = proposal.facts.inbound
    said = Said(
        account=proposal.facts.account,
        message_id=inbound.message_id if inbound else None,
        body=inbound.body if inbound else None,
        channel=inbound.channel if inbound else None,
        contact_id=inbound.contact_id if inbound else None,
        by=proposal.facts.proposer if proposal.facts.proposer != AGENT else proposal.actor,
        approved_by=approved_by or "policy",
        now=deps.clock.now(),
        zone=deps.company.zone,
    )
    done = await record_activity(conn, permit, args, said)
    return {"kind": args.record.kind, **done}
