"""The scenario format: one conversation, the ledger behind it, and what must and must not come of it.

A scenario is one TOML file, one JSON file, or one line of a JSONL file. README.md beside this file explains it with an
example, and schema.json is its JSON Schema.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from evals.scenarios.events import Amount, Channel, Purpose
from evals.scenarios.expected import REPLY_ATOMS, Expected, Part

# ---- the ledger ------------------------------------------------------------------------------------------------------


class Contact(Part):
    """Where the customer can be reached. Addresses are made up by whoever plays the scenario."""

    channel: Channel
    name: str = "Odalys Brambleworth"
    verified: bool = True
    opted_out: bool = False
    hours: Annotated[list[str], Field(min_length=2, max_length=2)] | None = Field(
        None, description='The only hours in which they want to hear from us: ["13:00", "17:00"].'
    )


class Customer(Part):
    """Who owes. By default a business in Chicago with a low risk, a mobile number and an e-mail address."""

    name: str = "Quillfeather Bakery"
    kind: Literal["business", "consumer"] = "business"
    language: Literal["en", "es"] = "en"
    time_zone: str = "America/Chicago"
    region: str = "IL"
    tier: Literal["low", "medium", "high", "unscored"] = "low"
    mode: Literal["observe", "draft", "assisted", "automatic"] = "assisted"
    hold: str | None = Field(None, description="A hold that the source ledger states.")
    contacts: tuple[Contact, ...] = (Contact(channel="sms"), Contact(channel="email"))


class Invoice(Part):
    """An invoice, called by its number in atoms, oracle calls and texts."""

    number: str
    amount: Amount
    due: date
    paid: Amount = "0.00"
    disputed: bool = Field(default=False, description="The source ledger shows it as disputed.")
    about: str = Field("", description="What it is for: a line of the invoice.")


class Prior(Part):
    """A message of the time before `now`: ours (`out`) or the customer's (`in`)."""

    at: AwareDatetime
    way: Literal["in", "out"]
    channel: Channel = "sms"
    text: str
    purpose: Purpose = "reply"


# ---- what happens ----------------------------------------------------------------------------------------------------


class Call(Part):
    """A tool call of the oracle, with the arguments of the product's own tools; invoices by their numbers."""

    tool: Literal[
        "read_customer_risk",
        "generate_dunning_message",
        "schedule_follow_up",
        "log_collection_activity",
    ]
    args: Mapping[str, Any] = {}


class Turn(Part):
    """One thing that happens. `at`: when; without it, ten minutes after the turn before (the first: at `now`)."""

    at: AwareDatetime | None = None
    oracle: list[Call] = Field([], description="What a perfect agent calls in this turn.")


class Says(Turn):
    """The customer writes."""

    do: Literal["says"]
    channel: Channel = "sms"
    text: Annotated[str, Field(min_length=1)]
    other: str | None = Field(
        None,
        description="The same in the other language: Spanish for an English text, English for a Spanish one.",
    )


class Reaches(Turn):
    """The account reaches a step of the dunning ladder, and the agent is asked to take it."""

    do: Literal["reaches"]
    step: Literal["early_notice", "reminder_1", "reminder_2", "call_task", "formal_notice"]
    channel: Channel = "email"


class Passes(Turn):
    """Time passes until `at` (needed): what was planned or put off for then is done."""

    do: Literal["passes"]


class Pays(Turn):
    """The ledger shows a payment on an invoice; without `amount`, of all that is open on it."""

    do: Literal["pays"]
    invoice: str
    amount: Amount | None = None


class Decides(Turn):
    """A person decides everything that waits for one."""

    do: Literal["decides"]
    decision: Literal["approve", "reject"]
    role: Literal["collector", "manager"] = "manager"
    note: str = "Not like this."


Happens = Annotated[Says | Reaches | Passes | Pays | Decides, Field(discriminator="do")]


_BETWEEN = timedelta(minutes=10)


class Scenario(Part):
    """One conversation and what must come of it."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{2,60}$")]
    category: Annotated[str, Field(pattern=r"^[a-z][a-z_]{2,40}$")]
    about: Annotated[str, Field(min_length=10, description="What it is about, in one sentence.")]
    rule: Annotated[str, Field(min_length=3, description="The rule of the policy that it tests.")]
    now: AwareDatetime
    customer: Customer = Customer()
    invoices: Annotated[list[Invoice], Field(min_length=1)]
    history: tuple[Prior, ...] = ()
    turns: Annotated[list[Happens], Field(min_length=1)]
    must: Annotated[list[Expected], Field(min_length=1)]
    must_not: tuple[Expected, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        numbers = [invoice.number for invoice in self.invoices]
        if len(set(numbers)) != len(numbers):
            raise ValueError("two invoices have the same number")
        if not any(not isinstance(atom, REPLY_ATOMS) for atom in self.must):
            raise ValueError("must needs an atom on state: whoever does nothing must fail")
        for turn in self.turns:
            if isinstance(turn, Passes) and turn.at is None:
                raise ValueError("a turn in which time passes says until when: at")
            if isinstance(turn, Pays) and turn.invoice not in numbers:
                raise ValueError(f"there is no invoice {turn.invoice} to pay")
        for atom in (*self.must, *self.must_not):
            if atom.turn is not None and atom.turn > len(self.turns):
                raise ValueError(f"there is no turn {atom.turn}")
        moments = self.moments()
        if moments != sorted(moments):
            raise ValueError("a turn is earlier than the one before it")
        return self

    def moments(self) -> list[datetime]:
        """When each turn happens."""
        at = self.now
        moments: list[datetime] = []
        for turn in self.turns:
            at = turn.at or (at + _BETWEEN if moments else at)
            moments.append(at)
        return moments

    def customer_words(self) -> list[str]:
        """What the customer writes, turn by turn."""
        return [turn.text for turn in self.turns if isinstance(turn, Says)]
