"""Autonomy: what the mode lets happen without a person (policy.md 2)."""

from agent.policy import stops
from agent.policy.reading import CONFIRMATIONS, Message
from agent.policy.registry import Case, Says, ask, rule, suggest
from tools.activity.log_collection_activity import (
    ConcessionRequestRecord,
    ContactChangeRecord,
    CreditHoldRecommendationRecord,
    PlanRequestRecord,
    PromiseRecord,
)
from tools.dunning.generate_dunning_message import GenerateDunningMessage
from tools.followups.schedule_follow_up import ScheduleFollowUp
from tools.spec import ToolArgs

# Records that bind us (policy.md 3, the row of stated facts).
BINDING: tuple[type[ToolArgs], ...] = (
    PromiseRecord, PlanRequestRecord, ConcessionRequestRecord, ContactChangeRecord, CreditHoldRecommendationRecord,
)  # fmt: skip

_OBSERVED: tuple[type[ToolArgs], ...] = (GenerateDunningMessage, ScheduleFollowUp, *BINDING)


@rule("MODE-OBSERVE", source="policy.md 2", applies=_OBSERVED)
def observe(case: Case[ToolArgs]) -> Says:
    """In `observe` nothing leaves and nothing binds us: the proposal is recorded. Tasks and stated facts are not held up."""
    if case.mode != "observe":
        return None
    if isinstance(case.subject, ScheduleFollowUp) and case.subject.kind in ("call_task", "review"):
        return None
    return suggest("This segment only observes: the proposal is recorded.")


@rule("MODE-DRAFT-MESSAGE", source="policy.md 2", applies=GenerateDunningMessage)
def draft_message(case: Message) -> Says:
    """In `draft` every message waits for a person, but the confirmations and the answer to a stop."""
    if case.mode != "draft":
        return None
    template = case.subject.template
    if template is not None and case.subject.purpose in CONFIRMATIONS:
        return None
    if case.subject.purpose == "acknowledgement" and stops.answers(
        case.policy, stops.in_force(case.facts), template
    ):
        return None
    return ask("collector", "This segment is in draft mode: every message waits for a person.")


@rule("MODE-DRAFT-RECORD", source="policy.md 2", applies=BINDING)
def draft_record(case: Case[ToolArgs]) -> Says:
    """In `draft` every record that binds us waits for a person."""
    return (
        ask("collector", "This segment is in draft mode: what binds us waits for a person.")
        if case.mode == "draft"
        else None
    )
