"""The registry: every rule has an id, a source and one small function, and can be switched off in a test.

A rule is a pure function of a `Case`. It says nothing (None), or a verdict with one sentence why. Rules that
*grant* are the rows of policy.md 3: an action that no row speaks about is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from agent.policy.document import Column, Policy, limit
from agent.policy.verdict import Allow, Ask, Facts, Finding, Refuse, Role, Suggest, Verdict
from tools.dunning.generate_dunning_message import GenerateDunningMessage
from tools.followups.schedule_follow_up import ScheduleFollowUp
from tools.ledger.model import Account, Mode
from tools.spec import Action, ToolArgs

S = TypeVar("S", bound=ToolArgs)
Says = tuple[Verdict, str] | None


@dataclass(frozen=True, slots=True)
class Case(Generic[S]):
    """One action before the rules. `subject` is what the action is about: a message, a follow-up, one record, a look."""

    action: Action
    subject: S
    facts: Facts
    policy: Policy

    @property
    def account(self) -> Account:
        """The account of the customer whom the action is about."""
        return self.facts.account

    @property
    def name(self) -> str:
        """What the policy file calls this action: a message's purpose, a record's kind, or follow_up."""
        match self.subject:
            case GenerateDunningMessage(purpose=purpose):
                return purpose
            case ScheduleFollowUp():
                return "follow_up"
            case subject:
                return str(getattr(subject, "kind", "look"))

    @property
    def mode(self) -> Mode:
        """How far we may go with this action for this customer."""
        return self.policy.mode(self.account.customer.segment, self.name, self.account.levels)

    @property
    def column(self) -> Column:
        """The limits of that mode."""
        return self.policy.column(self.mode)

    def minor(self, amount: str) -> int:
        """A limit of the policy in minor units of the customer's currency."""
        return limit(amount, self.account.customer.currency)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the policy: `source` is where it comes from, `promise` what it promises."""

    id: str
    source: str
    applies: tuple[type[ToolArgs], ...]
    grants: bool
    promise: str
    module: str
    says: Callable[[Case[Any]], Says]

    def judge(self, case: Case[Any]) -> Finding | None:
        """What this rule says about the case."""
        said = self.says(case)
        return None if said is None else Finding(self.id, *said)


_rules: dict[str, Rule] = {}
REGISTRY: Mapping[str, Rule] = MappingProxyType(_rules)  # filled by importing agent.policy.rules


def rule(
    identity: str, *, source: str, applies: type[S] | tuple[type[S], ...], grants: bool = False
) -> Callable[[Callable[[Case[S]], Says]], Callable[[Case[S]], Says]]:
    """Register a rule. `applies` names the subjects it looks at, exactly; two rules with one id are a defect."""

    def register(says: Callable[[Case[S]], Says]) -> Callable[[Case[S]], Says]:
        if identity in _rules:
            raise RuntimeError(f"two rules are called {identity}")
        subjects = applies if isinstance(applies, tuple) else (applies,)
        promise = (says.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " ")
        _rules[identity] = Rule(identity, source, subjects, grants, promise, says.__module__, says)
        return says

    return register


def allow(reason: str, not_before: datetime | None = None) -> tuple[Verdict, str]:
    """It may happen, now or at `not_before`."""
    return Allow(not_before), reason


def ask(role: Role, reason: str) -> tuple[Verdict, str]:
    """Somebody with that role must approve."""
    return Ask(role), reason


def refuse(reason: str) -> tuple[Verdict, str]:
    """It does not happen."""
    return Refuse(reason), reason


def suggest(reason: str) -> tuple[Verdict, str]:
    """It is written down and does not happen."""
    return Suggest(), reason
