"""Wait: the tool `schedule_follow_up`."""

from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from tools.spec import ToolArgs

FollowUpKind = Literal["message", "check_promise", "call_task", "review"]


class ScheduleFollowUp(ToolArgs):
    """Stage one follow-up: a message of ours, a look at a promise, a call or a review by a person.

    Give either `on` (a date) or `in_days` (1 to 90). It is judged again when it is due.
    """

    model_config = ConfigDict(title="schedule_follow_up")
    kind: FollowUpKind
    on: date | None = Field(description="The day, or null.")
    in_days: Annotated[int, Field(ge=0, le=90)] | None = Field(description="Days from today, or null.")
    reason: Annotated[str, Field(min_length=1, max_length=300)] = Field(
        description="One sentence for the person who will read it. No names, figures or addresses."
    )

    @model_validator(mode="after")
    def _one_day(self) -> "ScheduleFollowUp":
        if (self.on is None) == (self.in_days is None):
            raise ValueError("give exactly one of on and in_days")
        return self
