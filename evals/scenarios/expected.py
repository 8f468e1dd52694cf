"""What must come of a scenario: atoms, each a pattern of one event."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from evals.scenarios.events import Amount, Channel, HoldReason, Purpose, Wanting


class Part(BaseModel):
    """A part of a scenario: unknown keys are errors, and nothing changes after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Atom(Part):
    """A pattern of one event. A field that is not given fits anything; a list fits any of its values.

    `turn`: only in that turn (1 is the first). `least`: so many events that fit, at least.
    """

    turn: Annotated[int, Field(ge=1)] | None = None
    least: Annotated[int, Field(ge=1)] = 1


class MessageAtom(Atom):
    """A message left for the customer."""

    what: Literal["message"]
    channel: Channel | None = None
    purpose: Purpose | list[Purpose] | None = None
    before: AwareDatetime | None = None
    after: AwareDatetime | None = None


class PromiseAtom(Atom):
    """A promise to pay is on record (`asked`: waits for a person)."""

    what: Literal["promise"]
    amount: Amount | None = None
    on: date | None = None
    status: Literal["recorded", "asked"] | None = None


class PlanAtom(Atom):
    """A payment plan was asked for, is offered, or runs."""

    what: Literal["plan"]
    instalments: int | None = None
    first_on: date | None = None
    status: Literal["asked", "offered", "running"] | list[Literal["asked", "offered", "running"]] | None = (
        None
    )


class DisputeAtom(Atom):
    """A dispute is on record. `invoices`: exactly these."""

    what: Literal["dispute"]
    invoices: list[str] | None = None
    amount: Amount | None = None


class HoldAtom(Atom):
    """Automated demands have stopped. `invoices`: exactly these; empty: the whole account."""

    what: Literal["hold"]
    reason: HoldReason | list[HoldReason] | None = None
    invoices: list[str] | None = None


class OptOutAtom(Atom):
    """The customer is opted out. A channel is also out where all are."""

    what: Literal["opt_out"]
    channel: Channel | Literal["all"] | None = None


class OptInAtom(Atom):
    """The customer wants messages on this channel again."""

    what: Literal["opt_in"]
    channel: Channel | Literal["all"] | None = None


class WrongPartyAtom(Atom):
    """The contact point is known not to be this customer's."""

    what: Literal["wrong_party"]
    channel: Channel | None = None


class ApprovalAtom(Atom):
    """An action waits for a person, or was decided by one."""

    what: Literal["approval"]
    of: Wanting | list[Wanting] | None = None
    role: Literal["collector", "manager"] | None = None
    status: Literal["pending", "approved", "rejected", "closed"] | None = None


class TaskAtom(Atom):
    """A person was told to look."""

    what: Literal["task"]
    urgent: bool | None = None


class FollowUpAtom(Atom):
    """Something is planned for a later day."""

    what: Literal["follow_up"]
    kind: Literal["message", "check_promise", "call", "review"] | None = None
    on: date | None = None


class FactAtom(Atom):
    """A fact that stays true was recorded."""

    what: Literal["fact"]
    about: Literal["channel", "language", "hours", "payment_habit", "contact_role", "other"] | None = None


class PersonAtom(Atom):
    """A person has it: a task, or anything that waits for approval."""

    what: Literal["person"]


class SaysAtom(Atom):
    """The agent's messages say it. Regular expressions, case ignored; each of `all_of`, and one of `any_of`.

    As `must` it is a reply atom: reported beside the score. As `must_not` it counts.
    """

    what: Literal["says"]
    all_of: list[str] = []
    any_of: list[str] = []


class LanguageAtom(Atom):
    """The agent's messages are in this language. A reply atom, like `says`."""

    what: Literal["language"]
    is_: Annotated[Literal["en", "es"], Field(alias="is")]


Expected = Annotated[
    MessageAtom | PromiseAtom | PlanAtom | DisputeAtom | HoldAtom | OptOutAtom | OptInAtom | WrongPartyAtom
    | ApprovalAtom | TaskAtom | FollowUpAtom | FactAtom | PersonAtom | SaysAtom | LanguageAtom,
    Field(discriminator="what"),
]  # fmt: skip
REPLY_ATOMS = (SaysAtom, LanguageAtom)
