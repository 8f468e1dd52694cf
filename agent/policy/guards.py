"""What is refused around the rules, in one list: by the gate itself, and by the step that judges. None can be switched off.

A test holds this list against the refusals that exist, switches each off and looks for the case that turns red.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from agent.policy.verdict import Finding, Refuse


@dataclass(frozen=True, slots=True)
class Guard:
    """One of them: `source` is where it comes from, `promise` what it promises, `file` where it is asked."""

    id: str
    source: str
    promise: str
    file: str


_GATE, _SUBJECTS, _JUDGE = "agent/policy/gate.py", "agent/policy/subjects.py", "agent/nodes/judge.py"
GUARDS: Mapping[str, Guard] = MappingProxyType(
    {
        guard.id: guard
        for guard in (
            Guard("UNKNOWN-TOOL", "policy.md 1", "There are four tools, and a call of any other is refused.", _SUBJECTS),
            Guard("BAD-ARGUMENTS", "policy.md 1", "Arguments that are not the tool's are refused.", _SUBJECTS),
            Guard("WRONG-CUSTOMER", "policy.md 1", "An action is judged on the facts of its own customer only.", _GATE),
            Guard("UNREADABLE", "policy.md 1", "An amount, a limit or a currency that is none is refused.", _GATE),
            Guard("NOBODY-GRANTS", "policy.md 3", "What no row of the policy allows is refused.", _GATE),
            Guard("APPROVER-SELF", "policy.md 8", "Nobody approves what they proposed.", _GATE),
            Guard("APPROVER-ROLE", "policy.md 8", "Nobody approves what needs a higher role than theirs.", _GATE),
            Guard("APPROVER-LIMIT", "policy.md 8", "Nobody approves above their own limit.", _GATE),
            Guard("APPROVER-SECOND", "policy.md 8", "Above the policy's amount two different people approve.", _GATE),
            Guard("QUOTE-1", "policy.md 5", "A quote in a record is words of the message that is answered.", _JUDGE),
        )
    }
)  # fmt: skip


def refusal(identity: str, reason: str) -> Finding:
    """A refusal by the guard of that name. Raises KeyError where the list has none: nobody refuses unlisted."""
    return Finding(GUARDS[identity].id, Refuse(reason), reason)
