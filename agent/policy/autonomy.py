"""The autonomy ladder: how far one segment has earned to go with one action, by what was counted (policy.md 2).

Pure: counted evidence in, a mode out. Each count moves the mode one way only, whatever the others are: drafts that were
accepted unchanged and messages that bothered nobody speak for more, everything else for less.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from agent.policy.jurisdiction import Part
from tools.ledger.model import Mode

MODES: tuple[Mode, ...] = ("observe", "draft", "assisted", "automatic")  # ascending
NO_LEVELS: Mapping[str, Mode] = MappingProxyType({})
_Count = Annotated[int, Field(ge=0, le=1_000_000)]
_Share = Annotated[float, Field(ge=0, le=1)]


class Promotion(Part):
    """What a step up needs, all of it."""

    accepted: Annotated[int, Field(ge=1, le=1_000_000)]
    unchanged: _Share  # of the decided drafts, at least
    edit_distance: _Share  # of the text, for each accepted draft, at most
    complaints: _Share  # of the messages sent, at most
    false_positives: _Share  # as above


class Breach(Part):
    """What brings a step down, any of it: more than the share, and no fewer than `count`, so that one case is no rule."""

    count: Annotated[int, Field(ge=1, le=1_000_000)]
    rejected: _Share  # of the drafts that were accepted unchanged or rejected
    complaints: _Share  # of the messages sent
    false_positives: _Share  # as above


class AutonomyTerms(Part):
    """The thresholds of the ladder, and the days that are looked back on."""

    window_days: Annotated[int, Field(ge=1, le=365)] = 90
    promote: Promotion = Promotion(
        accepted=30, unchanged=0.9, edit_distance=0.05, complaints=0.01, false_positives=0.01
    )
    demote: Breach = Breach(count=3, rejected=0.3, complaints=0.03, false_positives=0.03)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was counted of one action in one segment since the window began or its mode last changed.

    `distance_permille` adds up how much of each edited draft was rewritten, in thousandths. Complaints are complaints
    and opt-outs within a week of our message; false positives are messages that should not have been sent: to the wrong
    person, or about money that had been paid.
    """

    accepted: int = 0
    edited: int = 0
    rejected: int = 0
    distance_permille: int = 0
    sent: int = 0
    complaints: int = 0
    false_positives: int = 0

    @property
    def decided(self) -> int:
        """Drafts of ours that a person decided."""
        return self.accepted + self.edited + self.rejected


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the evidence comes to: a mode one step up or down at most, and why in one sentence."""

    mode: Mode
    why: str
    breach: bool = False


def least(*modes: Mode) -> Mode:
    """The mode that lets least happen."""
    return min(modes, key=MODES.index)


def weigh(now: Mode, ceiling: Mode, evidence: Evidence, terms: AutonomyTerms) -> Weighed:
    """Where the evidence leads from mode `now`. A breach leads down to `draft`, where a person sees everything already.

    Up it leads no further than `ceiling`, which is what the policy file allows.
    """
    place = MODES.index(now)
    broken = "; ".join(_breaches(evidence, terms.demote))
    if broken:
        lower = MODES[max(place - 1, MODES.index("draft"))] if now != "observe" else now
        return Weighed(lower, broken, breach=True)
    missing = "; ".join(_missing(evidence, terms.promote))
    if missing:
        return Weighed(now, missing)
    if now == ceiling:
        return Weighed(now, f"the evidence is there, and the policy file allows no more than {ceiling}")
    if now == "observe":
        return Weighed(now, "in observe nothing is decided: a person changes the policy file")
    return Weighed(MODES[place + 1], f"{evidence.accepted} of {evidence.decided} drafts accepted unchanged")


def _breaches(e: Evidence, terms: Breach) -> Iterator[str]:
    if _too_many(e.rejected, e.accepted + e.rejected, terms.count, terms.rejected):
        yield f"{e.rejected} drafts rejected and {e.accepted} accepted unchanged"
    if _too_many(e.complaints, e.sent, terms.count, terms.complaints):
        yield f"{e.complaints} complaints or opt-outs after {e.sent} messages"
    if _too_many(e.false_positives, e.sent, terms.count, terms.false_positives):
        yield f"{e.false_positives} of {e.sent} messages should not have been sent"


def _too_many(found: int, of: int, count: int, share: float) -> bool:
    return found >= count and found > share * of


def _missing(e: Evidence, terms: Promotion) -> Iterator[str]:
    if e.accepted < terms.accepted:
        yield f"{e.accepted} of {terms.accepted} drafts accepted unchanged so far"
    if e.accepted < terms.unchanged * e.decided:
        yield f"only {e.accepted} of {e.decided} drafts accepted unchanged"
    if e.distance_permille > terms.edit_distance * 1000 * e.accepted:
        yield "edits changed too much"
    if e.complaints > terms.complaints * e.sent:
        yield f"{e.complaints} complaints or opt-outs after {e.sent} messages"
    if e.false_positives > terms.false_positives * e.sent:
        yield f"{e.false_positives} of {e.sent} messages should not have been sent"
