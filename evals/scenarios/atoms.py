"""Whether what was seen is what a scenario wants: pure functions of events."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from agent.signals.language import written_in
from evals.scenarios import expected as wants
from evals.scenarios.events import Event, Message, OptOut, Play, Seen
from evals.scenarios.expected import REPLY_ATOMS, Expected
from evals.scenarios.scenario import Scenario

_PATTERN = {
    "turn",
    "least",
    "what",
    "before",
    "after",
}  # fields of an atom that are not compared by themselves


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a play came to. Missed and fired atoms in the scenario's own words."""

    missed: Sequence[str]  # must, on state
    fired: Sequence[str]  # must not
    unsaid: Sequence[str]  # must, on replies: reported, they do not decide
    failed: str | None

    @property
    def passed(self) -> bool:
        """All state atoms hold, no must-not atom fired, and the agent came to the end."""
        return not (self.missed or self.fired or self.failed)


def judge(scenario: Scenario, play: Play) -> Verdict:
    """Compare what happened with what the scenario wants."""
    missed = [atom for atom in scenario.must if not holds(atom, play.events)]
    return Verdict(
        missed=[_words(atom) for atom in missed if not isinstance(atom, REPLY_ATOMS)],
        fired=[_words(atom) for atom in scenario.must_not if holds(atom, play.events)],
        unsaid=[_words(atom) for atom in missed if isinstance(atom, REPLY_ATOMS)],
        failed=play.failed,
    )


def holds(atom: Expected, events: Iterable[Seen]) -> bool:
    """Whether events fit the atom, as many as it wants."""
    seen = [event for event in events if atom.turn in (None, event.turn)]
    match atom:
        case wants.SaysAtom():
            return _says(atom, _texts(seen))
        case wants.LanguageAtom():
            texts = _texts(seen)
            return bool(texts) and all(written_in(text) == atom.is_ for text in texts)
        case wants.PersonAtom():
            return sum(event.what in ("task", "approval") for event in seen) >= atom.least
        case (
            wants.MessageAtom() | wants.PromiseAtom() | wants.PlanAtom() | wants.DisputeAtom() | wants.HoldAtom()
            | wants.OptOutAtom() | wants.OptInAtom() | wants.WrongPartyAtom() | wants.ApprovalAtom() | wants.TaskAtom()
            | wants.FollowUpAtom() | wants.FactAtom()
        ):  # fmt: skip
            return sum(_fits(atom, event) for event in seen) >= atom.least
        case _:
            assert_never(atom)


def _texts(seen: Iterable[Seen]) -> list[str]:
    return [f"{event.subject}\n{event.text}" for event in seen if isinstance(event, Message)]


def _says(atom: wants.SaysAtom, texts: Sequence[str]) -> bool:
    said = "\n".join(texts)

    def found(pattern: str) -> bool:
        return re.search(pattern, said, re.IGNORECASE) is not None

    return all(map(found, atom.all_of)) and (not atom.any_of or any(map(found, atom.any_of)))


def _fits(atom: wants.Atom, event: Event) -> bool:
    given = {name: value for name in type(atom).model_fields if (value := getattr(atom, name)) is not None}
    if given["what"] != getattr(event, "what", None):
        return False
    if isinstance(atom, wants.MessageAtom) and isinstance(event, Message):
        outside = (atom.before and event.at and event.at >= atom.before) or (
            atom.after and event.at and event.at <= atom.after
        )
        if outside:
            return False
    return all(_same(name, value, event) for name, value in given.items() if name not in _PATTERN)


def _same(name: str, value: Any, event: Event) -> bool:
    actual = getattr(event, name)
    if name == "invoices":
        return sorted(actual) == sorted(value)
    if isinstance(event, OptOut) and actual == "all":
        return True  # every channel is out
    if name == "amount":
        return actual is not None and float(actual) == float(value)
    return actual in value if isinstance(value, list) else actual == value


def _words(atom: Expected) -> str:
    given = atom.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    given.pop("what", None)
    return atom.what + "".join(f" {name}={value}" for name, value in sorted(given.items()))
