"""The format of the matrix, and the matrix itself: every event on every action that it can happen to.

actions.toml says what has to be asked; events/*.toml what can happen to it, step by step, and how it must end.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from evals.scenarios.expected import Part, PersonAtom
from evals.scenarios.scenario import Call, Customer, Happens, Invoice, Says, Scenario

NOW = datetime.fromisoformat("2026-03-10T11:00:00-05:00")  # a Tuesday
_DUE = date(2026, 3, 10)
ANOTHER = "QB-2"  # an invoice that is not due yet: no action names it

Word = Literal["approve", "edit", "reject", "hand_up"]
Edit = Literal["wanted", "denied words", "invented figure", "another tool", "another customer"]
State = Literal["pending", "approved", "edited", "rejected", "withdrawn", "expired", "superseded"]


class Answer(Part):
    """Somebody's answer to an approval; `sweep` as `who` is the service's own."""

    who: str
    word: Word
    note: str = ""
    edit: Edit | None = None
    digest: Literal["shown", "forged"] = "shown"
    of: Literal["asked", "again", "nothing"] = (
        "asked"  # the first approval, or the one that waits in its place
    )


class Click(Answer):
    """`told`: it took effect, it did not, or the error that they get; `any` of them."""

    do: Literal["click"]
    told: str


class Together(Part):
    """Answers of the same moment."""

    do: Literal["together"]
    clicks: list[Answer]


class Moves(Part):
    """The world changes, at once or when the next click has come as far as a failpoint."""

    do: Literal["moves"]
    what: str
    at: str | None = None


class Passes(Part):
    """Time passes."""

    do: Literal["passes"]
    minutes: int


class Sweeps(Part):
    """What the service does by itself is done."""

    do: Literal["sweep"]


class Breaks(Answer):
    """At the failpoint `at` the process dies, or something in it fails."""

    do: Literal["dies", "fails"]
    at: str


class Forges(Part):
    """Somebody gets past the front door."""

    do: Literal["forges"]
    how: Literal["resume", "write", "row", "args", "answer", "thread", "version"]


Step = Annotated[Click | Together | Moves | Passes | Sweeps | Breaks | Forges, Field(discriminator="do")]


class End(Part):
    """How it has to end. `void`: asked again on the facts of now, or closed with the reason; in neither case done."""

    state: State | list[State] | Literal["void", "any"]
    done: int | Literal["if approved"] = 0
    waits: int | Literal["any"] = 0
    left: int | None = None


class Action(Part):
    """Something that has to be asked, and the customer with whom it comes up."""

    name: str
    rule: str
    role: Literal["collector", "manager"]
    effect: Literal["outbox", "promise", "payment_plan", "ledger_request", "standing_fact", "follow_up"]
    money: bool = False
    mode: Literal["draft", "assisted"] = "assisted"
    tier: Literal["low", "high"] = "low"
    owed: str = "1000.00"
    days_late: int = 8
    opens: Mapping[str, Any]
    call: Call
    edit: Mapping[str, Any]
    again: Call | None = None
    edited_waits: bool = False  # an edit needs another person's word

    @property
    def named(self) -> bool:
        """Whether it names the invoices that it is about."""
        args = self.call.args
        return bool(args.get("invoices") or args.get("record", {}).get("invoices"))


class Event(Part):
    """Something that can happen to it, step by step."""

    name: str
    about: str
    where: Mapping[str, Any] = {}
    stale: bool = False
    steps: list[Step]
    end: End
    but: Mapping[str, End] = {}


@dataclass(frozen=True, slots=True)
class Case:
    """One event on one action."""

    action: Action
    event: Event

    @property
    def id(self) -> str:
        """The two names."""
        return f"{self.action.name}-{self.event.name}"

    @property
    def end(self) -> End:
        """How it has to end."""
        return self.event.but.get(self.action.name, self.event.end)

    def scenario(self) -> Scenario:
        """The customer, the ledger and what opens the episode; the oracle's call is the action."""
        turn: Happens = _TURN.validate_python({**self.action.opens, "oracle": [self.action.call]})
        return Scenario(
            id=self.id[:61],
            category="approval",
            about=self.event.about,
            rule=self.action.rule,
            now=NOW,
            customer=Customer(mode=self.action.mode, tier=self.action.tier),
            invoices=[
                Invoice(
                    number="QB-1", amount=self.action.owed, due=_DUE - timedelta(days=self.action.days_late)
                ),
                Invoice(number=ANOTHER, amount="75.00", due=_DUE + timedelta(days=20)),
            ],
            turns=[turn],
            must=[PersonAtom(what="person")],
        )


_TURN: TypeAdapter[Any] = TypeAdapter(Happens)


@cache
def actions() -> tuple[Action, ...]:
    """Everything of which a kind has to be asked."""
    text = resources.files("evals.approval").joinpath("actions.toml").read_text("utf-8")
    return tuple(Action.model_validate(action) for action in tomllib.loads(text)["actions"])


@cache
def events() -> tuple[Event, ...]:
    """Everything that can happen to it."""
    files = resources.files("evals.approval").joinpath("events").iterdir()
    texts = [
        file.read_text("utf-8") for file in sorted(files, key=lambda f: f.name) if file.name.endswith(".toml")
    ]
    return tuple(Event.model_validate(event) for text in texts for event in tomllib.loads(text)["events"])


def matrix() -> list[Case]:
    """Every event on every action that it can happen to."""
    return [Case(action, event) for event in events() for action in actions() if _fits(action, event)]


def said_first(action: Action) -> bool:
    """Whether a message of the customer opened it."""
    return isinstance(_TURN.validate_python(dict(action.opens)), Says)


def _fits(action: Action, event: Event) -> bool:
    return all(
        getattr(action, name) in (wanted if isinstance(wanted, list) else [wanted])
        for name, wanted in event.where.items()
    )
