"""The format of a bargain: a customer who haggles by small rules, and a reviewer who decides by one.

bargains/*.toml, one file a tactic. A bargain is a scenario (evals/scenarios/README.md) whose turns are not written down:
after each answer the customer says the first line, not said yet, whose `when` fits what was heard.
"""

import tomllib
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from evals.scenarios.events import Channel, Message, Plan, Promise, Seen
from evals.scenarios.expected import Part, PersonAtom
from evals.scenarios.scenario import Customer, Happens, Invoice, Scenario

NOW = datetime.fromisoformat("2026-03-10T11:00:00-05:00")  # a Tuesday

# What a customer hears in an answer. offer: a plan to say yes to; arranged: a promise or a plan is agreed;
# asks: a question back; told: an answer that asks nothing; nothing: no answer.
Heard = Literal["offer", "arranged", "asks", "told", "nothing"]


class Line(Part):
    """Something the customer says. Without `when` it follows any answer by which nothing was agreed yet."""

    text: Annotated[str, Field(min_length=1)]
    when: Sequence[Heard] = ()


class Reviewer(Part):
    """The person behind the agent: approves what is no longer than this, rejects the rest; drafts of messages pass."""

    instalments: int = 3
    concessions: bool = False


class Bargain(Part):
    """One customer who haggles."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{2,60}$")]
    about: str
    channel: Channel = "sms"
    now: AwareDatetime = NOW
    customer: Customer = Customer()
    invoices: Annotated[list[Invoice], Field(min_length=1)]
    reviewer: Reviewer = Reviewer()
    lines: Annotated[list[Line], Field(min_length=3, max_length=6)]
    tactic: str = ""  # the file's name

    def scenario(self, turns: Sequence[Happens]) -> Scenario:
        """The bargain as it went, in the scenarios' own form."""
        return Scenario(
            id=self.id, category="negotiation", about=self.about,
            rule="policy.md 3: nothing is conceded without a manager", now=self.now, customer=self.customer,
            invoices=self.invoices, turns=list(turns), must=[PersonAtom(what="person")],
        )  # fmt: skip

    def next_line(self, said: Collection[str], heard: Collection[Heard]) -> Line | None:
        """What the customer says next; None: they have nothing more to say."""
        left = [line for line in self.lines if line.text not in said]
        for line in left:
            if set(line.when) & set(heard):
                return line
        if "arranged" in heard:
            return None
        return next((line for line in left if not line.when), None)


def heard(events: Sequence[Seen]) -> set[Heard]:
    """What a customer makes of the answer in which these events happened."""
    messages = [event for event in events if isinstance(event, Message)]
    found: set[Heard] = set()
    for event in events:
        if isinstance(event, Promise) and event.status == "recorded":
            found.add("arranged")
        if isinstance(event, Plan) and event.status == "running":
            found.add("arranged")
        if isinstance(event, Message) and event.purpose == "plan_offer":
            found.add("offer")
    if not messages:
        return found | {"nothing"}
    return found | {"asks" if any("?" in message.text for message in messages) else "told"}


@cache
def bargains() -> tuple[Bargain, ...]:
    """Every bargain of this package."""
    files = resources.files("evals.negotiation").joinpath("bargains").iterdir()
    return tuple(
        Bargain.model_validate({**bargain, "tactic": file.name.removesuffix(".toml").replace("_", " ")})
        for file in sorted(files, key=lambda file: file.name)
        if file.name.endswith(".toml")
        for bargain in tomllib.loads(file.read_text("utf-8"))["bargains"]
    )
