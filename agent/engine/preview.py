"""What an approver reads of an action: the message as the customer would get it, or the record in one sentence."""

from agent.engine.deliberation import Proposal
from tools.activity.describe import describe, quoted
from tools.activity.log_collection_activity import ContactChangeRecord, LogCollectionActivity
from tools.arrangements.facts import contact_point_in
from tools.errors import Refused
from tools.followups.schedule_follow_up import ScheduleFollowUp
from tools.ledger.model import Account
from tools.memory.pseudonyms import restore_quote


def preview(proposal: Proposal) -> dict[str, str | None]:
    """Channel ("record" for what is no message), subject and text."""
    action, draft = proposal.action, proposal.facts.draft
    if draft is not None:
        return {"channel": draft.channel, "subject": draft.subject, "body": draft.body}
    args: LogCollectionActivity | ScheduleFollowUp
    if action.tool == "schedule_follow_up":
        args = ScheduleFollowUp.model_validate(action.args)
    else:
        args = LogCollectionActivity.model_validate(action.args)
    says = describe(args, proposal.facts.account)
    record, inbound = getattr(args, "record", None), proposal.facts.inbound
    if isinstance(record, ContactChangeRecord) and inbound is not None:
        says = _new_contact_point(record.quote, inbound.body, proposal.facts.account)
    return {"channel": "record", "subject": None, "body": says}


def _new_contact_point(quote: str, body: str, account: Account) -> str:
    """The value itself, extracted by code from the customer's own words: the model saw only a placeholder."""
    try:
        channel, address = contact_point_in(restore_quote(quote, body, account) or "")
    except Refused as unreadable:
        return f"A change of contact point. {unreadable}"
    return f"Add the contact point {quoted(address)} ({channel}). Verify it out of band before you approve."
