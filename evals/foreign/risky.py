"""What a person has to approve on the default stack: a fixed list, as its middleware takes it."""

from typing import Any

from langchain.agents.middleware import InterruptOnConfig, ToolCallRequest
from pydantic import ValidationError

from evals.foreign.books import Books
from tools.activity import log_collection_activity as kinds
from tools.dunning.generate_dunning_message import GenerateDunningMessage
from tools.spec import ToolArgs
from tools.surface import TOOLS

_MESSAGES = ("formal_notice", "plan_offer")
_RECORDS = {
    "plan_request": "plan", "concession_request": "concession", "contact_change": "contact_change",
    "credit_hold_recommendation": "credit_hold",
}  # fmt: skip


def risk_of(name: str, args: Any) -> str | None:
    """What of an approval (events.py) the call needs; None where it needs none."""
    match _read(name, args):
        case GenerateDunningMessage(purpose=purpose) if purpose in _MESSAGES:
            return "message"
        case kinds.LogCollectionActivity(record=kinds.PlanRequestRecord(offer=str())):
            return None  # what a person approved before
        case kinds.LogCollectionActivity(record=record):
            return _RECORDS.get(record.kind)
        case _:
            return None


def note_waiting(books: Books, request: dict[str, Any]) -> None:
    """The call of that request waits for a person."""
    books.saw("approval", of=risk_of(request["name"], request["args"]))
    args = _read(request["name"], request["args"])
    if isinstance(args, kinds.LogCollectionActivity) and isinstance(args.record, kinds.PlanRequestRecord):
        books.saw("plan", instalments=args.record.instalments, first_on=args.record.first_on, status="asked")


def _read(name: str, args: Any) -> ToolArgs | None:
    spec = next((spec for spec in TOOLS if spec.name == name), None)
    try:
        return spec.args.model_validate(args) if spec else None
    except ValidationError:
        return None  # the tool will say so


def _asks_person(request: ToolCallRequest) -> bool:
    return risk_of(request.tool_call["name"], request.tool_call["args"]) is not None


APPROVALS: dict[str, bool | InterruptOnConfig] = {
    name: InterruptOnConfig(allowed_decisions=["approve", "reject"], when=_asks_person)
    for name in ("generate_dunning_message", "log_collection_activity")
}
