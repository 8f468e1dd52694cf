"""Parts of the policy file that come from a calendar or a map: days off, and the rows of states and cities."""

from datetime import date, time
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.policy.regions import ZONES
from tools.dunning.generate_dunning_message import MessageChannel

Profile = Literal["first_party", "third_party"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Days = Annotated[int, Field(ge=0, le=365)]


class Part(BaseModel):
    """A table of the policy file: immutable, and a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DaysOff(Part):
    """Days on which nothing of our own accord leaves: a tenant's choice, no rule of contact asks for it."""

    country: str | None = None
    weekdays: Annotated[frozenset[Weekday], Field(max_length=5)] = frozenset()
    dates: frozenset[date] = frozenset()

    @model_validator(mode="after")
    def _is_a_country(self) -> Self:
        if self.country is not None:
            from holidays import list_supported_countries  # noqa: PLC0415 - a third of a second, for who wants it

            if self.country not in list_supported_countries():
                raise ValueError(f"no public holidays are known for {self.country!r}")
        return self


class Jurisdiction(Part):
    """A state's or a city's own rules of contact: one dated, sourced row that narrows what the rest allows.

    It binds messages on its `channels` to people who live in its `regions` (and, for a city, its `postal` areas), or
    may: where nobody knows where a customer lives, the row counts.
    """

    on: bool
    since: date
    until: date | None = None
    source: Annotated[str, Field(min_length=1)]
    unverified: frozenset[str] = frozenset()  # keys of this row that the source is not known to bear out
    regions: Annotated[frozenset[str], Field(min_length=1)]
    postal: frozenset[Annotated[str, Field(min_length=3, max_length=3)]] = frozenset()
    profiles: Annotated[frozenset[Profile], Field(min_length=1)] = frozenset({"first_party", "third_party"})
    businesses: bool = False
    channels: Annotated[frozenset[MessageChannel], Field(min_length=1)] = frozenset({"email", "sms"})
    past_due_over: Days | None = None
    start: time | None = None
    end: time | None = None
    zone: str | None = None
    per_week: Annotated[int, Field(ge=1, le=7)] | None = None
    consent: bool = False

    @model_validator(mode="after")
    def _can_be_followed(self) -> Self:
        if unknown := sorted(self.regions - ZONES.keys()):
            raise ValueError(f"{unknown[0]!r} is no state or province")
        if unknown := sorted(self.unverified - type(self).model_fields.keys()):
            raise ValueError(f"{unknown[0]!r} is no key of such a row")
        if (self.start is None) != (self.end is None) or (self.start and self.end and self.start >= self.end):
            raise ValueError("hours need a start before their end")
        if self.zone is not None and self.zone not in available_timezones():
            raise ValueError(f"{self.zone!r} is no time zone")
        return self
