"""Run many lives and say, rule by rule, what came of it."""

import os
from collections import Counter
from collections.abc import Collection, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date

from agent.policy.document import load_policy
from agent.policy.gate import Gate
from tests.agent.policy.acts import policy_with
from tests.agent.policy.year.checker import CHECKS, broken
from tests.agent.policy.year.lives import Life, life
from tests.agent.policy.year.play import COMPANY, Message, Player
from tests.agent.policy.year.seen import Seen

_DAYS_OFF = '[window.days_off]\ncountry = "US"\nweekdays = ["sunday"]'
CHANGES = {date(2026, 3, 8), date(2026, 11, 1)}


@dataclass
class Outcome:
    """What came of some lives. `stopped` counts what a rule forbade and did not leave, `violations` what did."""

    lives: int = 0
    judged: int = 0
    left: Counter[str] = field(default_factory=Counter)  # by profile
    on_changes: Counter[date] = field(default_factory=Counter)  # the two days on which clocks change
    zones: Counter[str] = field(default_factory=Counter)
    stopped: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Outcome") -> None:
        """Count another outcome in."""
        self.lives += other.lives
        self.judged += other.judged
        for name in ("left", "on_changes", "zones", "stopped", "violations"):
            getattr(self, name).update(getattr(other, name))


def gates(switched_off: Collection[str] = ()) -> dict[bool, Gate]:
    """The gate of either profile, in `automatic` and with every place's row on; who collects for others keeps days off."""
    text = load_policy().text
    others = text.replace("[window.days_off]\nweekdays = []", _DAYS_OFF, 1)
    assert others != text
    return {
        False: Gate(policy_with(text, "automatic"), switched_off),
        True: Gate(policy_with(others, "automatic", profile="third_party"), switched_off),
    }


def play(numbers: Iterable[int], switched_off: Collection[str] = (), until: str | None = None) -> Outcome:
    """Play these lives, one after another; stop once the check `until` was broken."""
    outcome, judges = Outcome(), gates(switched_off)
    for number in numbers:
        lived = life(number)
        sent: list[Message] = []

        def judged(message: Message, leaves: bool, lived: Life = lived, sent: list[Message] = sent) -> None:
            found = broken(Seen(lived, sent, message))
            outcome.judged += 1
            (outcome.violations if leaves else outcome.stopped).update(found)
            if leaves:
                sent.append(message)
                outcome.left["third_party" if lived.third_party else "first_party"] += 1
                outcome.zones.update(lived.place.zones or ("unknown",))
                outcome.on_changes.update({message.at.astimezone(COMPANY).date()} & CHANGES)

        Player(judges[lived.third_party], lived, judged).play()
        outcome.lives += 1
        if until is not None and outcome.violations[until]:
            break
    return outcome


def play_all(lives: int) -> Outcome:
    """Play so many lives on every core."""
    whole, cores = Outcome(), os.cpu_count() or 1
    with ProcessPoolExecutor(cores) as pool:
        for part in pool.map(play, (range(first, min(first + 100, lives)) for first in range(0, lives, 100))):
            whole.add(part)
    return whole


def page(outcome: Outcome) -> str:
    """The report, rule by rule."""
    profiles = ", ".join(f"{name} {count:,}" for name, count in sorted(outcome.left.items()))
    lines = [
        "# A simulated year of contact",
        "",
        "Written by `make prove` (`tests/agent/policy/test_contact_year.py`). Invented customers live through 2026 with opt-outs,",
        "holds, disputes, promises, plans and stated hours; an eager sender tries at any minute of the year, at the edges of the",
        "day and around both changes of the clocks. The product's gate decides every attempt and judges what waited again.",
        "A checker with rules and arithmetic of its own (zoneinfo, no product code) then looks at every message.",
        "",
        f"- accounts: {outcome.lives:,}; messages judged: {outcome.judged:,}; left: {outcome.left.total():,} ({profiles})",
        f"- left on the two days on which clocks change: {', '.join(f'{day} {count:,}' for day, count in sorted(outcome.on_changes.items()))}",
        f"- **violations: {outcome.violations.total()}**",
        "",
        "*Stopped* is how often a message would have broken the rule had it left at that instant.",
        "",
        "| rule of contact | what it says | source | rule of the product | stopped | violations |",
        "| --- | --- | --- | --- | ---: | ---: |",
    ]
    lines += [
        f"| {name} | {check.says} | {check.source} | {' '.join(f'`{w}`' for w in check.watches)} "
        f"| {outcome.stopped[name]:,} | {outcome.violations[name]} |"
        for name, check in CHECKS.items()
    ]
    lines += ["", "| zone that the customer may be in | messages that left |", "| --- | ---: |"]
    lines += [f"| {zone} | {count:,} |" for zone, count in sorted(outcome.zones.items())]
    return "\n".join([*lines, ""])
