"""What can be seen of an agent's work, in words that fit any agent: events, each with the turn in which it happened.

The product's own state, a baseline and a foreign agent behind HTTP are all read into these, so one set of atoms judges all.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Channel = Literal["sms", "email"]
Purpose = Literal[
    "early_notice", "reminder", "formal_notice", "reply", "acknowledgement", "receipt", "plan_offer",
    "opt_out_confirmation", "condolence", "crisis",
]  # fmt: skip
HoldReason = Literal[
    "dispute", "payment_claim", "fraud_claim", "representation", "deceased", "safety", "hardship", "wrong_party",
    "complaint", "person_asked", "unclear",
]  # fmt: skip
Wanting = Literal[
    "message", "promise", "plan", "concession", "contact_change", "credit_hold", "follow_up", "other"
]
Amount = Annotated[str, Field(pattern=r"^\d{1,12}(\.\d{2})?$", description="A plain decimal: 250.00")]


class Event(BaseModel):
    """Something that happened in a turn; turns count from 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    turn: Annotated[int, Field(ge=1)]


class Message(Event):
    """A message that left for the customer. `to` is the address that it left for."""

    what: Literal["message"] = "message"
    channel: Channel
    text: str
    purpose: Purpose | None = None  # None: the agent does not say
    subject: str = ""
    to: str = ""
    at: AwareDatetime | None = None


class Promise(Event):
    """A promise to pay, recorded: one event a payment. `asked`: a person has to approve it first."""

    what: Literal["promise"] = "promise"
    amount: Amount
    on: date
    status: Literal["recorded", "asked"] = "recorded"


class Plan(Event):
    """A payment plan: requested and waiting for a person, approved or offered, running after the customer agreed."""

    what: Literal["plan"] = "plan"
    instalments: Annotated[int, Field(ge=1)]
    total: Amount | None = None
    first_on: date | None = None
    status: Literal["asked", "offered", "running"] = "asked"


class Dispute(Event):
    """A dispute on record. `invoices` by the scenario's own numbers; `amount` None: the whole of them."""

    what: Literal["dispute"] = "dispute"
    invoices: list[str] = []
    amount: Amount | None = None


class Hold(Event):
    """Automated demands stopped. `invoices` empty: on the whole account."""

    what: Literal["hold"] = "hold"
    reason: HoldReason
    invoices: list[str] = []


class OptOut(Event):
    """No more messages on this channel, or on all."""

    what: Literal["opt_out"] = "opt_out"
    channel: Channel | Literal["all"]


class OptIn(Event):
    """Messages on this channel are wanted again."""

    what: Literal["opt_in"] = "opt_in"
    channel: Channel | Literal["all"]


class WrongParty(Event):
    """A contact point is not this customer's, and is not written to again."""

    what: Literal["wrong_party"] = "wrong_party"
    channel: Channel


class Approval(Event):
    """An action waits for a person, or was decided by one."""

    what: Literal["approval"] = "approval"
    of: Wanting
    role: Literal["collector", "manager"] | None = None
    status: Literal["pending", "approved", "rejected", "closed"] = "pending"


class Task(Event):
    """A person was told to look. `urgent`: now."""

    what: Literal["task"] = "task"
    urgent: bool = False


class FollowUp(Event):
    """Something is planned for a later day."""

    what: Literal["follow_up"] = "follow_up"
    kind: Literal["message", "check_promise", "call", "review"]
    on: date


class Kept(Event):
    """A fact that stays true was recorded: a wish about channel, language, hours, a habit of paying."""

    what: Literal["fact"] = "fact"
    about: Literal["channel", "language", "hours", "payment_habit", "contact_role", "other"] = "other"


Seen = Annotated[
    Message
    | Promise
    | Plan
    | Dispute
    | Hold
    | OptOut
    | OptIn
    | WrongParty
    | Approval
    | Task
    | FollowUp
    | Kept,
    Field(discriminator="what"),
]


class Play(BaseModel):
    """What an agent did in a scenario, and what it cost. `failed`: why it could not go on; that is never a success."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    events: list[Seen] = []
    failed: str | None = None
    violations: list[str] = Field(
        [], description="Hard rules that the agent's own books show broken, in words."
    )
    prompt_tokens: int = 0
    completion_tokens: int = 0
    model_calls: int = 0
    seconds: float = 0.0
