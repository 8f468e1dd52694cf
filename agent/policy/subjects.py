"""What an action is about: read from its arguments, with the money and the kind of approval that go with it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from pydantic import ValidationError

from agent.policy.guards import refusal
from agent.policy.reading import owed_minor
from agent.policy.registry import Case
from agent.policy.rules.plans import promised_minor
from agent.policy.verdict import Finding
from tools.activity.log_collection_activity import (
    ConcessionRequestRecord,
    CreditHoldRecommendationRecord,
    DisputeRecord,
    LogCollectionActivity,
    PlanRequestRecord,
    PromiseRecord,
)
from tools.dunning.generate_dunning_message import GenerateDunningMessage
from tools.money import Money
from tools.spec import Action, ToolArgs
from tools.surface import TOOLS

ApprovalKind = Literal[
    "send", "plan", "write_off", "credit_hold", "refund", "legal", "dispute",
    "promise", "contact_change", "concession", "follow_up", "record",
]  # fmt: skip
_RECORD_KINDS: Mapping[str, ApprovalKind] = {
    "promise": "promise", "plan_request": "plan", "dispute": "dispute", "contact_change": "contact_change",
    "concession_request": "concession", "credit_hold_recommendation": "credit_hold",
}  # fmt: skip
_ARGS: Mapping[str, type[ToolArgs]] = MappingProxyType({tool.name: tool.args for tool in TOOLS})


def subject_of(action: Action) -> ToolArgs | Finding:
    """What the action is about, or why it cannot be read."""
    model = _ARGS.get(action.tool)
    if model is None:
        return refusal("UNKNOWN-TOOL", "There is no such tool.")
    try:
        args = model.model_validate(dict(action.args))
    except ValidationError as wrong:
        return refusal("BAD-ARGUMENTS", _problem(wrong))
    return args.record if isinstance(args, LogCollectionActivity) else args


def _problem(wrong: ValidationError) -> str:
    """What is wrong with arguments, without a word of theirs: the decision keeps this sentence for good."""
    first = wrong.errors(include_input=False, include_url=False)[0]
    place, says = [str(part) for part in first["loc"]], first["msg"]
    if first["type"] == "extra_forbidden":
        place.pop()  # the name that the model made up
    elif first["type"] == "union_tag_invalid":
        says = f"Its kind must be one of {first['ctx']['expected_tags']}"
    return f"{'.'.join(place) or 'arguments'}: {says}."


def amount_of(case: Case[Any]) -> int:
    """The money that the action is about, in minor units.

    A concession or a credit hold names no amount, so it is about all that is owed. Raises Invalid where an amount
    is none of the customer's currency.
    """
    account = case.account
    match case.subject:
        case GenerateDunningMessage(invoices=invoices):
            draft = case.facts.draft
            minor = max(owed_minor(account, invoices), draft.amount_minor if draft else 0)
        case PromiseRecord():
            minor = promised_minor(case)
        case PlanRequestRecord(offer=str(offer)):
            minor = next((plan.total_minor for plan in account.plans if plan.id == offer), 0)
        case DisputeRecord(amount=str(amount)):
            minor = Money.of(amount, account.customer.currency).minor
        case PlanRequestRecord(invoices=invoices) | DisputeRecord(invoices=invoices):
            minor = owed_minor(account, account.meant(invoices))
        case ConcessionRequestRecord() | CreditHoldRecommendationRecord():
            minor = owed_minor(account, [invoice.id for invoice in account.invoices])
        case _:
            minor = 0
    return minor


def kind_of(action: Action) -> ApprovalKind:
    """What kind of approval the action needs, as the approval's row names it."""
    match subject_of(action):
        case GenerateDunningMessage(purpose=purpose):
            return "legal" if purpose == "formal_notice" else "send"
        case subject if action.tool == "log_collection_activity":
            return _RECORD_KINDS.get(str(getattr(subject, "kind", "")), "record")
        case _:
            return "follow_up" if action.tool == "schedule_follow_up" else "record"
