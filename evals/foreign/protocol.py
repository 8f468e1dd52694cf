"""What is said over HTTP between the runner and a foreign agent. README.md explains it, schema.json is its JSON Schema."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter
from pydantic.json_schema import models_json_schema

from evals.scenarios import scenario as ours
from evals.scenarios.events import Amount, Channel, Seen

CURRENCY: Literal["USD"] = "USD"
_ANY_TURN = 1  # an answer does not know its turn: the runner counts


class Part(BaseModel):
    """A part of what is said: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Contact(ours.Contact):
    """Where the customer can be reached. `hours`: the only ones in which they want to hear from us."""

    address: str


class Customer(Part):
    """Who owes. `tier` is their risk, `mode` how much the agent may do by itself, `hold` one that the ledger states."""

    name: str
    kind: Literal["business", "consumer"]
    language: Literal["en", "es"]
    time_zone: str
    region: str
    tier: Literal["low", "medium", "high", "unscored"]
    mode: Literal["observe", "draft", "assisted", "automatic"]
    hold: str | None = None


class Episode(Part):
    """`POST /episodes`: the world as it is at `now`. `history` is older than that, oldest first."""

    now: AwareDatetime
    company: str
    company_time_zone: str = Field(description="Due dates and business days are read in it.")
    currency: Literal["USD"] = CURRENCY
    customer: Customer
    contacts: list[Contact]
    invoices: list[ours.Invoice]
    history: list[ours.Prior] = []


class Opened(Part):
    """The answer: how the episode is called from now on."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{1,100}$")]


class Says(Part):
    """The customer writes. An e-mail's text may quote the thread below it."""

    do: Literal["says"] = "says"
    at: AwareDatetime
    channel: Channel
    text: str


class Reaches(Part):
    """The account reaches a step of the dunning ladder: the agent is asked to take it."""

    do: Literal["reaches"] = "reaches"
    at: AwareDatetime
    step: Literal["early_notice", "reminder_1", "reminder_2", "call_task", "formal_notice"]
    channel: Channel


class Passes(Part):
    """Time has passed: it is `at` now, and what was planned or put off until then is done."""

    do: Literal["passes"] = "passes"
    at: AwareDatetime


class Pays(Part):
    """The ledger shows a payment; without `amount`, of all that is open on the invoice."""

    do: Literal["pays"] = "pays"
    at: AwareDatetime
    invoice: str
    amount: Amount | None = None


class Decides(Part):
    """A person decides everything that waits for one."""

    do: Literal["decides"] = "decides"
    at: AwareDatetime
    decision: Literal["approve", "reject"]
    role: Literal["collector", "manager"]
    note: str = ""


Turn = Annotated[Says | Reaches | Passes | Pays | Decides, Field(discriminator="do")]
TURN: TypeAdapter[Turn] = TypeAdapter(Turn)


def _numbered(event: Any) -> Any:
    return {**event, "turn": _ANY_TURN} if isinstance(event, dict) else event


class Answer(Part):
    """The answer to a turn: what happened in it, in order, and what it cost where that is known.

    `failed`: why the agent could not finish the turn, in a sentence. What happened before stays true and is judged.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    events: list[Annotated[Seen, BeforeValidator(_numbered)]] = []
    failed: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    prompt_tokens: Annotated[int, Field(ge=0)] = 0
    completion_tokens: Annotated[int, Field(ge=0)] = 0
    model_calls: Annotated[int, Field(ge=0)] = 0

    def in_turn(self, number: int) -> list[Seen]:
        """The events with their turn."""
        return [event.model_copy(update={"turn": number}) for event in self.events]

    def as_json(self) -> dict[str, Any]:
        """As it goes over the wire: events without the turn."""
        return self.model_dump(mode="json", exclude={"events": {"__all__": {"turn"}}})


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of everything above. Events are those of scenarios, without the turn."""
    parts: list[tuple[type[BaseModel], Literal["validation"]]] = [
        (part, "validation") for part in (Episode, Opened, Says, Reaches, Passes, Pays, Decides, Answer)
    ]
    _, found = models_json_schema(parts, title="The HTTP protocol of foreign agents")
    for part in found["$defs"].values():
        fields = part.get("properties", {})
        fields.pop("turn", None)
        told = [name for name in ("what", "do") if name in fields]  # which of several it is
        part["required"] = [
            *told,
            *(name for name in part.get("required", ()) if name not in ("turn", *told)),
        ]
    turns = [{"$ref": f"#/$defs/{part.__name__}"} for part in (Says, Reaches, Passes, Pays, Decides)]
    found["$defs"]["Turn"] = {
        "oneOf": turns,
        "description": "`POST /episodes/{id}/turns`: one thing that happens.",
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
