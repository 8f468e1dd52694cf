"""Explain a verdict: what each rule said, where it comes from, and exactly which facts it looked at."""

from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from datetime import date, datetime
from typing import Any, cast

from agent.policy.document import Policy
from agent.policy.registry import REGISTRY, Case
from agent.policy.subjects import subject_of
from agent.policy.verdict import Facts, Finding
from tools.spec import Action

_MOST = 5  # values shown of one fact: an account may have hundreds of invoices


@dataclass(frozen=True, slots=True)
class Explained:
    """One rule's part in a verdict. `looked_at` names each fact that it read and up to five of its values."""

    rule: str
    says: str
    reason: str
    source: str
    promise: str
    looked_at: Mapping[str, list[Any]]


def explain(action: Action, facts: Facts, policy: Policy) -> list[Explained]:
    """What every rule that speaks says about the action, strict or not. Empty where the action cannot be read."""
    subject = subject_of(action)
    if isinstance(subject, Finding):
        return []
    found = []
    for rule in REGISTRY.values():
        if type(subject) not in rule.applies:
            continue
        seen: dict[str, list[Any]] = {}
        watched = cast(Facts, _Watched(facts, "", seen))
        finding = rule.judge(Case(action, subject, watched, policy))
        if finding is not None:
            says = type(finding.verdict).__name__.lower()
            found.append(Explained(rule.id, says, finding.reason, rule.source, rule.promise, seen))
    return found


class _Watched:
    """A value of ours that notes which of its fields are read; a method runs on the watched value itself."""

    __slots__ = ("_path", "_seen", "_value")

    def __init__(self, value: Any, path: str, seen: dict[str, list[Any]]) -> None:
        self._value, self._path, self._seen = value, path, seen

    def __getattr__(self, name: str) -> Any:
        own = getattr(type(self._value), name, None)
        if callable(own):
            return own.__get__(self)
        path = f"{self._path}.{name}" if self._path else name
        return _watch(getattr(self._value, name), path, self._seen)


def _watch(value: Any, path: str, seen: dict[str, list[Any]]) -> Any:
    if is_dataclass(value):
        return _Watched(value, path, seen)
    if isinstance(value, list | tuple) and any(is_dataclass(item) for item in value):
        return [_watch(item, f"{path}[]", seen) for item in value]
    values = seen.setdefault(path, [])
    told = [_told(item) for item in value] if isinstance(value, list | tuple | frozenset) else [_told(value)]
    values += [item for item in told if item not in values][: _MOST - len(values)]
    return value


def _told(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
