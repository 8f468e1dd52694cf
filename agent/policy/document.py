"""The policy file: validated, versioned, immutable. Everything a tenant may change about what is allowed."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import Field, StringConstraints, ValidationError, model_validator

from agent.policy.autonomy import NO_LEVELS, AutonomyTerms, least
from agent.policy.jurisdiction import Days, DaysOff, Jurisdiction, Part, Profile
from agent.policy.steps import Step, Stop, unknown_stop
from tools.errors import Misconfigured
from tools.ledger.model import Mode
from tools.money import Money
from tools.spec import digest

ActionName = Literal[
    "early_notice", "reminder", "reply", "acknowledgement", "receipt", "plan_offer", "formal_notice",
    "opt_out_confirmation", "condolence", "crisis",
    "promise", "plan_request", "contact_change", "concession_request", "credit_hold_recommendation",
    "follow_up",
]  # fmt: skip
Decimal2 = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,3})?$")]
_SEAM = "\n# Laid over by "
Minutes = Annotated[int, Field(ge=1, le=525_600)]


class Segment(Part):
    """How far the product may go for one kind of customer, and how it duns them.

    With `start` it begins there, and goes up to its mode by promotion only.
    """

    mode: Mode
    start: Mode | None = None
    ladder: str = "default"
    actions: dict[ActionName, Mode] = Field(default_factory=dict)


class Column(Part):
    """One column of policy.md 3: what is low risk."""

    balance: Decimal2
    plan_total: Decimal2
    plan_months: Annotated[int, Field(ge=0, le=24)]


class CollectorLimit(Part):
    """Up to where a collector decides before it takes a manager."""

    plan_total: Decimal2


class Limits(Part):
    """Both columns of policy.md 3, and the collector's own limit."""

    assisted: Column
    automatic: Column
    collector: CollectorLimit


class PromiseTerms(Part):
    """What a promise may be, and how long it stops dunning."""

    horizon_days: Days
    span_days: Days
    grace_days: Days
    float_days: Days


class Window(Part):
    """Hours of the day in which a message may leave; both windows are half-open and do not cross midnight."""

    start: time
    end: time
    safe_start: time
    safe_end: time
    safe_zone: str
    max_zones: Annotated[int, Field(ge=1, le=20)]
    reply_minutes: Annotated[int, Field(ge=0, le=1440)]
    days_off: DaysOff = DaysOff()

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if not (self.start < self.end and self.safe_start < self.safe_end):
            raise ValueError("a window must start before it ends")
        if self.safe_zone not in available_timezones():
            raise ValueError(f"{self.safe_zone!r} is no time zone")
        return self


class Budget(Part):
    """How many automated touches a customer may get."""

    per_day: Annotated[int, Field(ge=1, le=7)]
    per_week: Annotated[int, Field(ge=1, le=7)]


class ApprovalTerms(Part):
    """When an approval is brought up again and when it lapses, and the amount above which two people must approve."""

    expires_hours: Annotated[int, Field(ge=1, le=720)]
    reminder_hours: Annotated[int, Field(ge=1, le=720)]
    four_eyes_above: Decimal2 | None = None


class Document(Part):
    """The whole file."""

    version: Annotated[str, Field(min_length=1, max_length=40)]
    profile: Profile
    segments: dict[str, Segment]
    limits: Limits
    promise: PromiseTerms
    window: Window
    budget: Budget
    approval: ApprovalTerms
    autonomy: AutonomyTerms = AutonomyTerms()
    freshness: dict[str, Minutes]
    ladders: dict[str, tuple[Step, ...]]
    stops: dict[str, Stop]
    jurisdictions: dict[str, Jurisdiction] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        for table, name in (
            (self.segments, "segments"),
            (self.freshness, "freshness"),
            (self.ladders, "ladders"),
        ):
            if "default" not in table:
                raise ValueError(f"{name} needs an entry named default")
        for name, segment in self.segments.items():
            if segment.ladder not in self.ladders:
                raise ValueError(f"segment {name} names an unknown ladder {segment.ladder!r}")
        for name, steps in self.ladders.items():
            if not steps or any(a.days >= b.days for a, b in pairwise(steps)):
                raise ValueError(f"the steps of ladder {name} must have rising days")
            if len({step.step for step in steps}) != len(steps):
                raise ValueError(f"ladder {name} names a step twice")
        if (unknown := unknown_stop(self.stops)) is not None:
            raise ValueError(f"stops names {unknown!r}, which nothing is called")
        return self


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy in force: the validated file, its text, and the version that decisions cite."""

    document: Document
    version: str
    text: str

    def segment(self, name: str) -> Segment:
        """The segment of that name; one that the file does not list is treated as `default`."""
        return self.document.segments.get(name, self.document.segments["default"])

    def mode(self, segment: str, action: str, levels: Mapping[str, Mode] = NO_LEVELS) -> Mode:
        """The mode for one action in one segment: what the file allows, or the recorded level where that is lower."""
        most = self.most(segment, action)
        level = levels.get(action, self.segment(segment).start)
        return most if level is None else least(most, level)

    def most(self, segment: str, action: str) -> Mode:
        """How far the file lets one action go in one segment, whatever is on record."""
        chosen = self.segment(segment)
        return next((mode for name, mode in chosen.actions.items() if name == action), chosen.mode)

    def column(self, mode: Mode) -> Column:
        """The column of limits that goes with a mode; `observe` and `draft` look at the lower one."""
        return self.document.limits.automatic if mode == "automatic" else self.document.limits.assisted

    def ladder(self, segment: str) -> tuple[Step, ...]:
        """The dunning steps of a segment, in order."""
        return self.document.ladders[self.segment(segment).ladder]

    def freshness_minutes(self, ledger_system: str) -> int:
        """How old the facts of that ledger may be."""
        return self.document.freshness.get(ledger_system, self.document.freshness["default"])


def limit(amount: str, currency: str) -> int:
    """A limit of the policy in minor units of `currency`. Raises NotMoney where the currency has no such amount."""
    return Money.of(amount, currency).minor


def load_policy(path: Path | None = None) -> Policy:
    """The policy at `path`, or the packaged default. Raises Misconfigured, in one sentence, when it cannot be used."""
    if path is None:
        return parse_policy(_packaged(), "the packaged policy")
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise Misconfigured(f"The policy file {path} cannot be read: {wrong}.") from wrong
    return parse_policy(text, str(path))


def parse_policy(text: str, where: str = "policy") -> Policy:
    """A policy from its text. Raises Misconfigured, in one sentence, when it cannot be used.

    A text that says `extends = "default"` holds only what differs from the packaged policy: its tables are laid over
    that one's, key by key, and what is in force is the sum of both. The text of such a sum, as decisions cite it,
    is read alike, with the packaged policy of its own day.
    """
    base, seam, over = text.partition(_SEAM)
    try:
        content = tomllib.loads(over.partition("\n")[2] if seam else text)
        extends = content.pop("extends", None) == "default"
        if extends and not seam:
            base = _packaged()
            text = f"{base}{_SEAM}{where}:\n{text}"
        if extends:
            content = _laid_over(tomllib.loads(base), content)
    except tomllib.TOMLDecodeError as wrong:
        raise Misconfigured(f"The policy file {where} is not valid TOML: {wrong}.") from wrong
    try:
        document = Document.model_validate(content)
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise Misconfigured(f"The policy file {where} is wrong at {place}: {first['msg']}.") from wrong
    return Policy(document, f"{document.version}+{digest(text)[:12]}", text)


def _packaged() -> str:
    return resources.files("agent.policy").joinpath("policy.toml").read_text("utf-8")


def _laid_over(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = (
            _laid_over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
        )
    return merged
