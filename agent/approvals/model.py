"""An approval: one exact action that waits for a person, and who may decide it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.engine.trigger import Trigger
from agent.policy.verdict import ROLES, Role
from tools.spec import Action, storable

Word = Literal["approve", "edit", "reject", "withdraw", "expire", "supersede"]
State = Literal["pending", "resuming", "approved", "edited", "rejected", "withdrawn", "expired", "superseded"]


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval as stored; `trigger` is what opened its episode."""

    id: str
    customer_id: str
    episode_id: str
    decision_id: int
    kind: str
    tool: str
    args: dict[str, Any]
    digest: str
    facts_digest: str
    preview: dict[str, Any] | None
    reasons: list[dict[str, str]]
    role: Role
    amount_minor: int
    currency: str
    assignee: str | None
    proposed_by: str
    redrafts: int
    state: State
    interrupt_id: str
    graph_version: str
    asked_at: datetime
    expires_at: datetime
    claimed_at: datetime | None
    answer: dict[str, Any] | None
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    outcome: str | None
    replaces: str | None
    reminded_at: datetime | None
    reminded_role: Role | None
    first_by: str | None  # the first of two people who approve
    edited_preview: dict[str, Any] | None
    trigger: dict[str, Any]
    salt: str = field(repr=False)  # the customer's, of its actions' digests

    @property
    def action(self) -> Action:
        """The exact action that was asked for."""
        return Action(self.customer_id, self.tool, self.args, self.salt)

    def next_role(self) -> Role | None:
        """Who decides when this one is handed up; None above the highest."""
        rank = ROLES.index(self.role)
        return ROLES[rank + 1] if rank + 1 < len(ROLES) else None


class Decision(BaseModel):
    """A person's answer, as CLI and HTTP take it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decision: Literal["approve", "edit", "reject", "hand_up"]
    action_digest: str = Field(
        description="Digest of the action that was shown: what you decide is what you saw."
    )
    reason: str = Field(
        default="", max_length=1000, description="Why; a rejection with a reason is redrafted."
    )
    edited_args: dict[str, Any] | None = Field(
        default=None, description="The action's arguments as you want them."
    )

    @model_validator(mode="after")
    def _edit_has_arguments(self) -> "Decision":
        if (self.decision == "edit") != (self.edited_args is not None):
            raise ValueError("edited_args goes with the decision edit, and only with it")
        given = [self.reason, self.edited_args]
        if storable(given) != given:
            raise ValueError("it holds characters or numbers that cannot be stored")
        return self


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may decide."""

    name: str
    role: Role
    limit_minor: int


SYSTEM = User(
    "system", "admin", 0
)  # closes approvals that nobody can or need decide any more; approves nothing


def answer_of(action: Action, word: Word, user: User) -> dict[str, Any]:
    """An answer as a claim stores it: enough to carry it out when whoever gave it is gone."""
    by = {"name": user.name, "role": user.role, "limit_minor": user.limit_minor}
    return {"decision": word, "args": dict(action.args), "by": by}


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision came to: how the approval ended, whether anything took effect, and what asks again."""

    approval_id: str
    state: State
    took_effect: bool
    outcome: str
    asked_again: Sequence[str] = ()


def trigger_of(approval: Approval) -> Trigger:
    """What opened the approval's episode, as that row keeps it (ids only), for going on with the same episode."""
    kept = {name: value for name, value in approval.trigger.items() if name not in ("kind", "redrafts")}
    return Trigger(
        approval.trigger["kind"], approval.customer_id, f"{approval.id}:{approval.interrupt_id}",
        redrafts=approval.redrafts, of_episode=approval.episode_id, **kept,
    )  # fmt: skip
