"""Parts of the policy file that name our messages: the steps of a dunning ladder, and what may answer a stop."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from agent.policy.jurisdiction import Part
from tools.dunning.generate_dunning_message import Purpose, Tone
from tools.dunning.templates import templates
from tools.ledger.model import HoldReason

_BY_A_PERSON = ("call_task", "review")
_ANSWERS = ("reply", "acknowledgement", "opt_out_confirmation", "condolence", "crisis")
# A stop is a signal, or the reason of a hold or a suppression (agent/policy/stops.py).
_STOPS = frozenset({*get_args(HoldReason), "opt_out", "opt_out_elsewhere", "bounced", "escalation"})


class Step(Part):
    """One step of a dunning ladder; `days` is counted from the due date."""

    step: Annotated[str, Field(min_length=1)]
    days: Annotated[int, Field(ge=-60, le=365)]
    channel: Literal["preferred", "other", "email", "none"]
    purpose: Purpose | Literal["call_task", "review"]
    template: str
    tone: Tone

    @model_validator(mode="after")
    def _can_be_sent(self) -> Self:
        if self.purpose in _BY_A_PERSON:
            if self.template or self.channel != "none":
                raise ValueError(f"a {self.purpose} is a person's: it has no template, and channel none")
            return self
        template = templates().get(self.template)
        if template is None:
            raise ValueError(f"there is no template {self.template!r}")
        if template.purpose != self.purpose:
            raise ValueError(f"template {self.template} is for {template.purpose}, not for {self.purpose}")
        if self.channel == "none":
            raise ValueError("a message needs a channel")
        if self.channel != "email" and "sms" not in template.channels:
            raise ValueError(f"template {self.template} is written for email only")
        return self


class Stop(Part):
    """What may answer a stop. A grave one lets nothing else through."""

    grave: bool
    templates: frozenset[str]

    @model_validator(mode="after")
    def _answers(self) -> Self:
        for name in sorted(self.templates):
            template = templates().get(name)
            if template is None:
                raise ValueError(f"there is no template {name!r}")
            if template.purpose not in _ANSWERS:
                raise ValueError(f"template {name} answers nothing: it is for {template.purpose}")
        return self


def unknown_stop(names: Iterable[str]) -> str | None:
    """One of those names that no signal, hold or suppression has, or None."""
    return min(set(names) - _STOPS, default=None)
